#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/core.h"
#include "common/base/memory.h"

#define NS_PER_MS UINT64_C(1000000)
#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define CONNECT_MS 25000 // as panther-agent waits

struct agent {
    struct swarm *swarm;
    struct seat *seat;
    uint32_t number; // of the seat
    struct bus_link *link;
    struct loop_source *session_timer, *work_timer;
    struct work work;
    char epoch[ID128_TEXT_BYTES], host_id[ID128_TEXT_BYTES], store_id[64];
    uint64_t incarnation, session, random;
    uint64_t heard_ns, stamp_ns; // its last heartbeat that was answered, or Hello
    uint64_t hello_last;         // the outbox at Hello
    uint64_t sent;               // events that went out in this session
    uint32_t backoff_ms, heartbeat_ms;
    Pb__Heartbeat previous;
};

// ---- one after the other

static uint64_t draw(struct agent *agent)
{
    agent->random ^= agent->random << 13;
    agent->random ^= agent->random >> 7;
    agent->random ^= agent->random << 17;
    return agent->random;
}

static void come_again(struct agent *agent, uint32_t ms)
{
    bus_link_free(&agent->link);
    agent->session = 0;
    atomic_store(&agent->seat->reconciled_ns, 0);
    loop_timer_set(agent->session_timer, clock_boottime_ns() + ms * NS_PER_MS);
}

static void back_off(struct agent *agent)
{
    uint32_t half_ms = agent->backoff_ms / 2;
    come_again(agent, half_ms + (uint32_t)(draw(agent) % (half_ms + 1)));
    agent->backoff_ms = agent->backoff_ms * 2 < AGENT_BACKOFF_MOST_MS ? agent->backoff_ms * 2 : AGENT_BACKOFF_MOST_MS;
}

static void send(struct agent *agent, Pb__Envelope *envelope)
{
    size_t bytes;
    envelope->version = PROTOCOL_VERSION;
    envelope->session = agent->session;
    uint8_t *data = wire_pack(envelope, agent->swarm->scratch, &bytes);
    bus_link_send(agent->link, data, bytes, NULL, 0); // a link that takes nothing is about to be lost
}

// ---- what it says

static void say_hello(struct agent *agent)
{
    struct swarm *swarm = agent->swarm;
    struct work *work = &agent->work;
    Pb__LiveInstance live[WORK_INSTANCES_MAX], *instances[WORK_INSTANCES_MAX];
    for (size_t i = 0; i < work->instance_count; i++) {
        pb__live_instance__init(&live[i]);
        live[i].instance = work->instances[i].id;
        live[i].generation = work->instances[i].generation;
        live[i].last_command = work->instances[i].last_command;
        live[i].ended = work->instances[i].ended;
        instances[i] = &live[i];
    }
    Pb__HostFacts facts = PB__HOST_FACTS__INIT;
    facts.kernel = TEXT("6.1.0-18-amd64");
    facts.architecture = TEXT("x86_64");
    facts.distribution = TEXT("Debian GNU/Linux 12 (bookworm)");
    facts.cpus = 16;
    facts.memory_bytes = UINT64_C(64) << 30;
    Pb__Label label = PB__LABEL__INIT, *labels[] = {&label};
    label.name = TEXT("rack");
    label.value = arena_printf(swarm->scratch, "%u", agent->number / 40);
    Pb__TestAddress address = PB__TEST_ADDRESS__INIT, *addresses[] = {&address};
    address.network = TEXT("default");
    address.address = arena_printf(swarm->scratch, "10.%u.%u.%u", agent->number >> 16, agent->number >> 8 & 255, agent->number & 255);
    Pb__Hello hello = PB__HELLO__INIT;
    hello.name = agent->seat->name;
    hello.host_id = agent->host_id;
    hello.boot_id = swarm->boot_id;
    hello.outbox_epoch = agent->epoch;
    hello.outbox_first = work->acknowledged + 1;
    hello.outbox_last = agent->hello_last = work_last(work);
    hello.outbox_acknowledged = work->acknowledged;
    hello.store_id = agent->store_id;
    hello.incarnation = agent->incarnation;
    hello.agent_version = TEXT("0.1.0");
    hello.boottime_ns = agent->stamp_ns = clock_boottime_ns();
    hello.slots = swarm->board->slots;
    hello.labels = labels;
    hello.n_labels = 1;
    hello.addresses = addresses;
    hello.n_addresses = 1;
    hello.facts = &facts;
    hello.plugins = swarm->presences;
    hello.n_plugins = swarm->plugin_count;
    hello.instances = instances;
    hello.n_instances = work->instance_count;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HELLO;
    envelope.hello = &hello;
    send(agent, &envelope);
}

static void beat(struct agent *agent)
{
    Pb__Heartbeat heartbeat = agent->previous;
    heartbeat.agent_sent_ns = clock_boottime_ns();
    heartbeat.instances = (uint32_t)agent->work.instance_count;
    heartbeat.outbox_last = work_last(&agent->work);
    heartbeat.disk_free_bytes = UINT64_C(100) << 30;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HEARTBEAT;
    envelope.heartbeat = &heartbeat;
    send(agent, &envelope);
    loop_timer_set(agent->session_timer, heartbeat.agent_sent_ns + agent->heartbeat_ms * NS_PER_MS);
}

static void say_events(struct agent *agent)
{
    struct work *work = &agent->work;
    if (agent->sent < work->acknowledged)
        agent->sent = work->acknowledged;
    while (agent->session && agent->link && agent->sent < work_last(work)) {
        size_t first = (size_t)(agent->sent - work->acknowledged), count = work->event_count - first, bytes;
        if (count > EVENTS_PER_FRAME_MAX)
            count = EVENTS_PER_FRAME_MAX;
        uint8_t *data = wire_pack_events(PROTOCOL_VERSION, agent->session, agent->epoch, agent->sent + 1, &work->events[first], count,
                                         agent->swarm->scratch, &bytes);
        if (bus_link_send(agent->link, data, bytes, NULL, 0) < 0)
            return; // the next session sends them
        agent->sent += count;
    }
}

static void note_reconciled(struct agent *agent)
{
    if (agent->session && agent->work.acknowledged >= agent->hello_last && !atomic_load(&agent->seat->reconciled_ns))
        atomic_store(&agent->seat->reconciled_ns, clock_boottime_ns());
}

static void after_work(struct agent *agent)
{
    say_events(agent);
    loop_timer_set(agent->work_timer, agent->work.due_ns);
}

// ---- what it hears

static void describe(struct agent *agent, char *const *hashes, size_t count)
{
    struct swarm *swarm = agent->swarm;
    Pb__Descriptions descriptions = PB__DESCRIPTIONS__INIT;
    descriptions.descriptions = ARENA_ARRAY(swarm->scratch, Pb__DescribedPlugin *, swarm->plugin_count + 1);
    for (size_t i = 0; i < swarm->plugin_count; i++)
        for (size_t w = 0; w < count; w++)
            if (strcmp(hashes[w], swarm->described[i]->hash) == 0)
                descriptions.descriptions[descriptions.n_descriptions++] = swarm->described[i];
    if (!descriptions.n_descriptions)
        return;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_DESCRIPTIONS;
    envelope.descriptions = &descriptions;
    send(agent, &envelope);
}

static void take_welcome(struct agent *agent, const Pb__Welcome *welcome)
{
    if (welcome->last_seen < agent->work.acknowledged || welcome->last_seen > work_last(&agent->work))
        board_fault(agent->swarm->board, "%s is welcomed at event %llu, its outbox is %llu to %llu", agent->seat->name,
                    (unsigned long long)welcome->last_seen, (unsigned long long)agent->work.acknowledged,
                    (unsigned long long)work_last(&agent->work));
    agent->session = welcome->session;
    agent->incarnation = welcome->incarnation;
    snprintf(agent->store_id, sizeof agent->store_id, "%s", welcome->store_id);
    agent->heartbeat_ms = welcome->heartbeat_ms;
    agent->backoff_ms = AGENT_BACKOFF_FIRST_MS;
    atomic_fetch_add(&agent->seat->sessions, 1);
    work_acknowledged(&agent->work, welcome->last_seen);
    agent->sent = agent->work.acknowledged;
    describe(agent, welcome->wanted_descriptions, welcome->n_wanted_descriptions);
    beat(agent);
}

static void take_reply(struct agent *agent, const Pb__HeartbeatReply *reply)
{
    agent->stamp_ns = reply->agent_sent_ns;
    agent->previous.previous_agent_sent_ns = reply->agent_sent_ns;
    agent->previous.previous_coordinator_received_ns = reply->coordinator_received_ns;
    agent->previous.previous_coordinator_sent_ns = reply->coordinator_sent_ns;
    agent->previous.previous_agent_received_ns = clock_boottime_ns();
    for (size_t i = 0; i < reply->n_grants; i++)
        work_grant(&agent->work, reply->grants[i], reply->agent_sent_ns);
}

static void take_refused(struct agent *agent, const Pb__Refused *refused)
{
    atomic_fetch_add(&agent->swarm->board->refusals, 1);
    if (refused->code == PB__REFUSAL_CODE__REFUSAL_CODE_SESSION)
        back_off(agent);
    else
        come_again(agent, refused->retry_after_ms ? refused->retry_after_ms : AGENT_REFUSED_MS);
}

static void take(struct agent *agent, const Pb__Envelope *envelope)
{
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_WELCOME:
        take_welcome(agent, envelope->welcome);
        break;
    case PB__ENVELOPE__BODY_REFUSED:
        take_refused(agent, envelope->refused);
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        take_reply(agent, envelope->heartbeat_reply);
        break;
    case PB__ENVELOPE__BODY_COMMANDS:
        for (size_t i = 0; i < envelope->commands->n_commands; i++)
            work_command(&agent->work, envelope->commands->commands[i], agent->stamp_ns);
        break;
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        work_acknowledged(&agent->work, envelope->events_acknowledged->last);
        break;
    case PB__ENVELOPE__BODY_DISCARD:
        work_discard(&agent->work, envelope->discard);
        break;
    case PB__ENVELOPE__BODY_DESCRIPTIONS_WANTED:
        describe(agent, envelope->descriptions_wanted->hashes, envelope->descriptions_wanted->n_hashes);
        break;
    default: // a body of a newer version
        break;
    }
}

static bool is_of_session(const struct agent *agent, const Pb__Envelope *envelope)
{
    bool begins = envelope->body_case == PB__ENVELOPE__BODY_WELCOME || envelope->body_case == PB__ENVELOPE__BODY_REFUSED;
    return begins || (agent->session && envelope->session == agent->session);
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct agent *agent = context;
    struct swarm *swarm = agent->swarm;
    (void)payload, (void)payload_bytes;
    arena_reset(swarm->unpacked);
    arena_reset(swarm->scratch);
    struct panther_error error = {0};
    const Pb__Envelope *envelope = wire_envelope(data, bytes, swarm->unpacked, &error);
    if (!envelope || !is_of_session(agent, envelope)) {
        board_fault(swarm->board, "%s in session %llx: %s %d of session %llx", agent->seat->name, (unsigned long long)agent->session,
                    envelope ? "a message of kind" : error.message, envelope ? (int)envelope->body_case : 0,
                    envelope ? (unsigned long long)envelope->session : 0);
        return;
    }
    agent->heard_ns = clock_boottime_ns();
    take(agent, envelope);
    note_reconciled(agent);
    after_work(agent);
}

// ---- the link

static void on_up(void *context)
{
    struct agent *agent = context;
    arena_reset(agent->swarm->scratch);
    agent->heard_ns = clock_boottime_ns();
    loop_timer_set(agent->session_timer, agent->heard_ns + AGENT_GREETING_MS * NS_PER_MS);
    say_hello(agent);
}

static void on_lost(void *context, const char *why)
{
    struct agent *agent = context;
    (void)why;
    atomic_fetch_add(&agent->swarm->board->losses, 1);
    back_off(agent);
}

void agent_connect(struct agent *agent)
{
    static const struct bus_link_callbacks callbacks = {on_up, on_message, on_lost};
    const struct board *board = agent->swarm->board;
    const struct bus_link_options options = {.endpoint = board->endpoint,
                                             .server_key = board->server_key,
                                             .secret_key = agent->seat->secret_key,
                                             .connect_timeout_ms = CONNECT_MS};
    struct panther_error error = {0};
    if (bus_link_new(&agent->link, agent->swarm->loop, &options, &callbacks, agent, &error) < 0) {
        board_fault(agent->swarm->board, "%s", error.message);
        back_off(agent);
    }
}

static void on_session_timer(void *context)
{
    struct agent *agent = context;
    arena_reset(agent->swarm->scratch);
    if (!agent->link)
        agent_connect(agent);
    else if (agent->session && clock_boottime_ns() - agent->heard_ns < LOST_MS * NS_PER_MS)
        beat(agent);
    else
        back_off(agent); // Hello was not answered, or the coordinator has been silent for too long
}

static void on_work_timer(void *context)
{
    struct agent *agent = context;
    arena_reset(agent->swarm->scratch);
    work_tick(&agent->work);
    after_work(agent);
}

// ---- life

struct agent *agent_new(struct swarm *swarm, uint32_t seat)
{
    struct agent *agent = NEW(struct agent);
    agent->swarm = swarm;
    agent->seat = &swarm->board->seats[seat];
    agent->number = seat;
    agent->random = (seat + 1) * UINT64_C(0x9e3779b97f4a7c15);
    agent->backoff_ms = AGENT_BACKOFF_FIRST_MS;
    agent->heartbeat_ms = HEARTBEAT_MS;
    pb__heartbeat__init(&agent->previous);
    uint8_t id[16];
    random_bytes(id, sizeof id);
    id128_text(id, agent->epoch);
    random_bytes(id, sizeof id);
    id128_text(id, agent->host_id);
    agent->session_timer = loop_timer(swarm->loop, on_session_timer, agent);
    agent->work_timer = loop_timer(swarm->loop, on_work_timer, agent);
    work_begin(&agent->work, swarm->board);
    return agent;
}

void agent_free(struct agent **address)
{
    struct agent *agent = *address;
    *address = NULL;
    bus_link_free(&agent->link);
    loop_remove(&agent->session_timer);
    loop_remove(&agent->work_timer);
    work_end(&agent->work);
    free(agent);
}

// ---- plugins: the null tester, and as many others as a host of a lab has

static const char *const plugin_names[] = {"null", "nginx", "nghttpd", "ngtcp2", "h2load", "quic_probe", "haproxy", "tlsfuzzer"};
#define PLUGINS (sizeof plugin_names / sizeof *plugin_names)
#define CASES 1000 // of the null tester: n000, n001, ...

static Pb__PluginDescription *description_new(struct arena *arena, const char *name, size_t cases)
{
    Pb__PluginDescription *description = ARENA_NEW(arena, Pb__PluginDescription);
    pb__plugin_description__init(description);
    description->name = TEXT(name);
    description->kind = PB__PLUGIN_KIND__PLUGIN_KIND_TESTER;
    description->version = TEXT("1.0");
    description->summary = TEXT("a plugin of a simulated host");
    description->abi_major = 1;
    description->cases = ARENA_ARRAY(arena, Pb__CaseDescription *, cases + 1);
    for (size_t i = 0; i < cases; i++) {
        Pb__CaseDescription *one = ARENA_NEW(arena, Pb__CaseDescription);
        pb__case_description__init(one);
        one->name = arena_printf(arena, "n%03zu", i);
        one->summary = TEXT("does nothing");
        description->cases[description->n_cases++] = one;
    }
    return description;
}

static void plugin_add(struct swarm *swarm, struct arena *arena, const char *name)
{
    char hash[HASH_TEXT_BYTES];
    Pb__DescribedPlugin *described = ARENA_NEW(arena, Pb__DescribedPlugin);
    pb__described_plugin__init(described);
    described->description = description_new(arena, name, swarm->plugin_count == 0 ? CASES : 8);
    hash_message(described->description, hash);
    described->hash = arena_string(arena, hash);
    Pb__PluginPresence *presence = ARENA_NEW(arena, Pb__PluginPresence);
    pb__plugin_presence__init(presence);
    presence->name = TEXT(name);
    presence->description_hash = presence->file_hash = described->hash;
    presence->path = arena_printf(arena, "/usr/lib/panther/plugins/%s.so", name);
    presence->implementation_version = TEXT("1.22.1");
    presence->usable = true;
    swarm->described[swarm->plugin_count] = described;
    swarm->presences[swarm->plugin_count++] = presence;
}

void swarm_begin(struct swarm *swarm, struct board *board)
{
    *swarm = (struct swarm){.board = board, .loop = loop_new(), .unpacked = arena_new(UNPACK_MAX_BYTES), .scratch = arena_new(0)};
    static struct arena *kept; // the plugins, for ever
    kept = arena_new(0);
    swarm->presences = ARENA_ARRAY(kept, Pb__PluginPresence *, PLUGINS);
    swarm->described = ARENA_ARRAY(kept, Pb__DescribedPlugin *, PLUGINS);
    for (size_t i = 0; i < PLUGINS; i++)
        plugin_add(swarm, kept, plugin_names[i]);
    uint8_t id[16];
    random_bytes(id, sizeof id);
    id128_text(id, swarm->boot_id);
}

void swarm_end(struct swarm *swarm)
{
    arena_free(&swarm->unpacked);
    arena_free(&swarm->scratch);
    loop_free(&swarm->loop);
}
