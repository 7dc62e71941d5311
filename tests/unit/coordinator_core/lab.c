// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/coordinator_core/lab.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/message.h"

#define STORE_ID "00000000000000000000000000000001"
#define TESTER_HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SERVER_HASH "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void deliver(struct lab *lab);

static void keep_records(struct lab *lab)
{
    for (size_t i = 0; i < lab->effects.record_count; i++) {
        Pb__Record *record = MESSAGE_COPY(lab->effects.records[i], lab->arena);
        APPEND(lab->records, lab->record_count, lab->record_capacity) = record;
        if (record->body_case == PB__RECORD__BODY_CELL_ENDED) {
            lab->cells[lab->cell_count++ % 64] = record->cell_ended;
        } else if (record->body_case == PB__RECORD__BODY_TRIAL_ENDED) {
            lab->trials[lab->trial_count++] = record->trial_ended;
        } else if (record->body_case == PB__RECORD__BODY_RUN_ENDED) {
            lab->run_ended = record->run_ended;
        }
    }
}

void lab_step(struct lab *lab, struct core_event *event)
{
    event->now_ns = lab->now_ns;
    event->wall_ns = (int64_t)lab->now_ns;
    event->random = 7;
    core_step(lab->core, event, &lab->effects);
    deliver(lab);
}

// ---- the agent's side

void lab_event(struct lab *lab, size_t index, const Pb__Event *event)
{
    struct lab_agent *agent = &lab->agents[index];
    agent->outbox[++agent->sequence] = MESSAGE_COPY(event, lab->arena);
}

static void send_from(struct lab *lab, const struct lab_agent *agent, Pb__Envelope *envelope)
{
    envelope->version = PROTOCOL_VERSION;
    envelope->session = agent->session;
    struct core_event event = {.kind = CORE_MESSAGE,
                               .route = agent->route,
                               .peer_name = agent->name,
                               .role = PB__ROLE__ROLE_AGENT,
                               .public_key = "",
                               .envelope = envelope};
    lab_step(lab, &event);
}

void lab_agent_flush(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    if (!agent->connected || agent->acknowledged == agent->sequence) {
        return;
    }
    Pb__Events events = PB__EVENTS__INIT;
    events.epoch = agent->epoch;
    events.first = agent->acknowledged + 1;
    events.n_events = (size_t)(agent->sequence - agent->acknowledged);
    events.events = &agent->outbox[events.first];
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &events;
    send_from(lab, agent, &envelope);
}

void lab_agent_beat(struct lab *lab, size_t index)
{
    Pb__Heartbeat beat = PB__HEARTBEAT__INIT;
    beat.agent_sent_ns = lab->now_ns;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HEARTBEAT;
    envelope.heartbeat = &beat;
    send_from(lab, &lab->agents[index], &envelope);
}

void lab_agent_gone(struct lab *lab, size_t index)
{
    lab->agents[index].connected = false;
    struct core_event event = {.kind = CORE_GONE, .route = lab->agents[index].route};
    lab_step(lab, &event);
}

static Pb__PluginPresence *presence(struct lab *lab, const char *name, const char *hash)
{
    Pb__PluginPresence *plugin = ARENA_NEW(lab->arena, Pb__PluginPresence);
    pb__plugin_presence__init(plugin);
    plugin->name = arena_string(lab->arena, name);
    plugin->description_hash = arena_string(lab->arena, hash);
    plugin->usable = true;
    if (strcmp(name, "server") == 0 && !lab->server_lacks_two) {
        plugin->capabilities = ARENA_ARRAY(lab->arena, char *, 1);
        plugin->capabilities[plugin->n_capabilities++] = arena_string(lab->arena, "two");
    }
    return plugin;
}

static Pb__DescribedPlugin *described(struct lab *lab, const char *name, const char *hash, Pb__PluginKind kind)
{
    Pb__DescribedPlugin *plugin = ARENA_NEW(lab->arena, Pb__DescribedPlugin);
    pb__described_plugin__init(plugin);
    plugin->hash = arena_string(lab->arena, hash);
    plugin->description = ARENA_NEW(lab->arena, Pb__PluginDescription);
    pb__plugin_description__init(plugin->description);
    plugin->description->name = arena_string(lab->arena, name);
    plugin->description->kind = kind;
    if (kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER) {
        Pb__CaseDescription *two = ARENA_NEW(lab->arena, Pb__CaseDescription);
        pb__case_description__init(two);
        two->name = arena_string(lab->arena, "two");
        two->needs = ARENA_ARRAY(lab->arena, char *, 1);
        two->needs[two->n_needs++] = arena_string(lab->arena, "two");
        plugin->description->cases = ARENA_ARRAY(lab->arena, Pb__CaseDescription *, 1);
        plugin->description->cases[plugin->description->n_cases++] = two;
    }
    return plugin;
}

static void send_descriptions(struct lab *lab, const struct lab_agent *agent)
{
    Pb__DescribedPlugin *items[] = {described(lab, "tester", TESTER_HASH, PB__PLUGIN_KIND__PLUGIN_KIND_TESTER),
                                    described(lab, "server", SERVER_HASH, PB__PLUGIN_KIND__PLUGIN_KIND_IUT)};
    Pb__Descriptions descriptions = PB__DESCRIPTIONS__INIT;
    descriptions.descriptions = items;
    descriptions.n_descriptions = 2;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_DESCRIPTIONS;
    envelope.descriptions = &descriptions;
    send_from(lab, agent, &envelope);
}

void lab_agent_hello(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    static uint64_t routes = 1000;
    agent->route = ++routes;
    agent->session = 0;
    agent->connected = true;
    Pb__PluginPresence *plugins[] = {presence(lab, "tester", TESTER_HASH), presence(lab, "server", SERVER_HASH)};
    Pb__LiveInstance *instances[256];
    Pb__HostFacts facts = PB__HOST_FACTS__INIT;
    Pb__Hello hello = PB__HELLO__INIT;
    hello.name = agent->name;
    hello.host_id = agent->host_id;
    hello.boot_id = (char *)(uintptr_t) "00000000-0000-0000-0000-000000000000";
    hello.outbox_epoch = agent->epoch;
    hello.outbox_first = agent->acknowledged + 1;
    hello.outbox_last = agent->sequence;
    hello.outbox_acknowledged = agent->acknowledged;
    hello.store_id = (char *)(uintptr_t)STORE_ID;
    hello.slots = 8;
    hello.facts = &facts;
    hello.plugins = plugins;
    hello.n_plugins = 2;
    for (size_t i = 0; i < agent->instance_count; i++) {
        instances[i] = &agent->instances[i];
    }
    hello.instances = instances;
    hello.n_instances = agent->instance_count;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HELLO;
    envelope.hello = &hello;
    send_from(lab, agent, &envelope);
    if (agent->session) {
        send_descriptions(lab, agent);
        lab_agent_flush(lab, index);
    }
}

// ---- an obedient guard

#define EVENT_OF(command)                                                                                                                  \
    Pb__Event event = PB__EVENT__INIT;                                                                                                     \
    event.instance = (command)->instance;                                                                                                  \
    event.generation = (command)->generation

static void say_done(struct lab *lab, size_t agent, const Pb__Command *command, bool ok, const char *phase)
{
    EVENT_OF(command);
    Pb__Endpoint endpoint = PB__ENDPOINT__INIT, *endpoints[] = {&endpoint};
    endpoint.name = (char *)(uintptr_t) "http";
    endpoint.address = (char *)(uintptr_t) "127.0.0.1";
    endpoint.port = 20000;
    Pb__CommandDone done = PB__COMMAND_DONE__INIT;
    done.number = command->number;
    done.phase = (char *)(uintptr_t)phase;
    done.status = ok ? PB__COMMAND_STATUS__COMMAND_STATUS_OK : PB__COMMAND_STATUS__COMMAND_STATUS_FAILED;
    if (command->body_case == PB__COMMAND__BODY_INITIALIZE) {
        done.endpoints = endpoints;
        done.n_endpoints = 1;
    }
    event.body_case = PB__EVENT__BODY_COMMAND_DONE;
    event.command_done = &done;
    lab_event(lab, agent, &event);
}

static void say_case(struct lab *lab, size_t agent, const Pb__Command *command)
{
    EVENT_OF(command);
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    outcome.verdict = (Pb__Verdict)lab->case_verdict;
    outcome.reason = lab->case_verdict == VERDICT_FAIL ? REASON_VIOLATION : REASON_UNSPECIFIED;
    Pb__Metric metric = PB__METRIC__INIT, *metrics[] = {&metric};
    metric.name = (char *)(uintptr_t) "rate";
    metric.value = 100;
    Pb__CaseResult result = PB__CASE_RESULT__INIT;
    result.number = command->number;
    result.name = command->run_case->name;
    result.outcome = &outcome;
    result.metrics = metrics;
    result.n_metrics = 1;
    event.body_case = PB__EVENT__BODY_CASE_RESULT;
    event.case_result = &result;
    lab_event(lab, agent, &event);
}

static void say_process(struct lab *lab, size_t agent, const Pb__Command *command, bool ends, int signal_number,
                        Pb__ExitExpectation expectation)
{
    EVENT_OF(command);
    if (!ends) {
        Pb__ProcessStarted started = PB__PROCESS_STARTED__INIT;
        started.process = 1;
        started.name = (char *)(uintptr_t) "httpd";
        event.body_case = PB__EVENT__BODY_PROCESS_STARTED;
        event.process_started = &started;
        lab_event(lab, agent, &event);
        return;
    }
    for (int i = 0; i < 2 && !lab->streams_are_cut; i++) {
        Pb__StreamEnd end = PB__STREAM_END__INIT;
        event.body_case = PB__EVENT__BODY_STREAM_END;
        event.stream_end = &end;
        lab_event(lab, agent, &event);
    }
    Pb__ProcessExited exited = PB__PROCESS_EXITED__INIT;
    exited.process = 1;
    exited.name = (char *)(uintptr_t) "httpd";
    exited.signal = signal_number;
    exited.status = signal_number ? -1 : lab->exit_dirty;
    exited.clean = !signal_number && !lab->exit_dirty;
    exited.expectation = expectation;
    event.body_case = PB__EVENT__BODY_PROCESS_EXITED;
    event.process_exited = &exited;
    lab_event(lab, agent, &event);
}

static void say_ended(struct lab *lab, size_t agent, const Pb__Command *command)
{
    EVENT_OF(command);
    Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
    ended.cause = PB__END_CAUSE__END_CAUSE_CLEANED;
    event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
    event.instance_ended = &ended;
    lab_event(lab, agent, &event);
}

static Pb__LiveInstance *live(struct lab_agent *agent, const Pb__Command *command)
{
    for (size_t i = 0; i < agent->instance_count; i++) {
        if (agent->instances[i].instance == command->instance) {
            return &agent->instances[i];
        }
    }
    Pb__LiveInstance *instance = &agent->instances[agent->instance_count++];
    pb__live_instance__init(instance);
    instance->instance = command->instance;
    instance->generation = command->generation;
    return instance;
}

static void obey(struct lab *lab, size_t index, const Pb__Command *command)
{
    struct lab_agent *agent = &lab->agents[index];
    Pb__LiveInstance *instance = live(agent, command);
    if (command->number <= instance->last_command) {
        return; // a repeat is not done again
    }
    if (command->body_case == PB__COMMAND__BODY_RUN_CASE && lab->hold_cases) {
        lab->hold_cases--;
        return; // as if it had not arrived
    }
    instance->last_command = command->number;
    bool is_server = command->instance % 2 == 1; // services are placed in the order of the file: server, tester
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        say_done(lab, index, command, true, "initialize");
        break;
    case PB__COMMAND__BODY_START:
        if (is_server) {
            say_process(lab, index, command, false, 0, 0);
        }
        say_done(lab, index, command, !(is_server && lab->server_fails_start), "start");
        if (is_server && lab->server_crashes) {
            say_process(lab, index, command, true, 11, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED);
        }
        break;
    case PB__COMMAND__BODY_RUN_CASE:
        say_case(lab, index, command);
        break;
    case PB__COMMAND__BODY_STOP:
        if (is_server && !lab->server_crashes && !lab->server_fails_start) {
            say_process(lab, index, command, true, 0, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED);
        }
        say_done(lab, index, command, true, "stop");
        break;
    case PB__COMMAND__BODY_CLEANUP:
        say_done(lab, index, command, true, "cleanup");
        say_ended(lab, index, command);
        instance->ended = true;
        break;
    default:
        fail_msg("command of kind %d", (int)command->body_case);
    }
}

static void receive(struct lab *lab, size_t index, const Pb__Envelope *envelope)
{
    struct lab_agent *agent = &lab->agents[index];
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_WELCOME:
        agent->session = envelope->welcome->session;
        agent->acknowledged = envelope->welcome->last_seen;
        break;
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        agent->acknowledged = envelope->events_acknowledged->last;
        break;
    case PB__ENVELOPE__BODY_COMMANDS:
        for (size_t i = 0; i < envelope->commands->n_commands && !agent->mute; i++) {
            obey(lab, index, envelope->commands->commands[i]);
        }
        break;
    case PB__ENVELOPE__BODY_REFUSED:
        lab->refused = MESSAGE_COPY(envelope->refused, lab->arena);
        break;
    default:
        break;
    }
}

// Effects are delivered when the records are kept: commit before you speak.
static void deliver(struct lab *lab)
{
    static int depth;
    keep_records(lab);
    size_t count = lab->effects.send_count;
    struct core_send *sends = ARENA_ARRAY(lab->arena, struct core_send, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct core_send *send = &lab->effects.sends[i];
        sends[i] = (struct core_send){.route = send->route, .envelope = MESSAGE_COPY(send->envelope, lab->arena)};
    }
    size_t closed_count = lab->effects.closed_count;
    uint64_t *closed = ARENA_ARRAY(lab->arena, uint64_t, closed_count + 1);
    for (size_t i = 0; i < closed_count; i++) {
        closed[i] = lab->effects.closed[i];
    }
    effects_clear(&lab->effects);
    for (size_t i = 0; i < count; i++) {
        const Pb__Envelope *envelope = sends[i].envelope;
        if (envelope->body_case == PB__ENVELOPE__BODY_REPLY) {
            lab->reply = MESSAGE_COPY(envelope->reply, lab->arena);
            if (lab->reply->body_case == PB__REPLY__BODY_REFUSED) {
                lab->refused = lab->reply->refused;
            }
        }
        for (size_t a = 0; a < lab->agent_count; a++) {
            if (lab->agents[a].connected && lab->agents[a].route == sends[i].route) {
                receive(lab, a, envelope);
            }
        }
    }
    for (size_t i = 0; i < closed_count; i++) {
        for (size_t a = 0; a < lab->agent_count; a++) {
            lab->agents[a].connected &= lab->agents[a].route != closed[i];
        }
    }
    if (depth) {
        return; // the outermost call pumps
    }
    depth++;
    for (bool again = true; again;) {
        again = false;
        for (size_t a = 0; a < lab->agent_count; a++) {
            if (lab->agents[a].connected && lab->agents[a].session && lab->agents[a].acknowledged < lab->agents[a].sequence) {
                lab_agent_flush(lab, a);
                again = true;
            }
        }
    }
    depth--;
}

// ---- the test's side

void lab_begin(struct lab *lab)
{
    *lab = (struct lab){.now_ns = 1000000000, .case_verdict = VERDICT_PASS};
    lab->arena = arena_new(0);
    effects_begin(&lab->effects);
    lab->core = core_new(&(struct core_options){.version = "test"});
    lab_step(lab, &(struct core_event){.kind = CORE_STORE_OPENED, .store_id = STORE_ID});
    lab->agent_count = 2;
    for (size_t i = 0; i < 2; i++) {
        snprintf(lab->agents[i].name, sizeof lab->agents[i].name, "lab-%c", (char)('a' + i));
        snprintf(lab->agents[i].host_id, sizeof lab->agents[i].host_id, "%032zu", i + 1);
        snprintf(lab->agents[i].epoch, sizeof lab->agents[i].epoch, "%032zu", i + 100);
        lab_agent_hello(lab, i);
    }
}

static char *print_core(const struct core *core)
{
    struct text text = {0};
    core_print(core, &text);
    return text.data;
}

static struct core *replayed(const struct lab *lab)
{
    struct core *core = core_new(&(struct core_options){.version = "test"});
    for (size_t i = 0; i < lab->record_count; i++) {
        core_replay(core, lab->records[i]);
    }
    return core;
}

void lab_end(struct lab *lab)
{
    struct core *copy = replayed(lab);
    char *live_text = print_core(lab->core), *replay_text = print_core(copy);
    assert_string_equal(live_text, replay_text);
    free(live_text);
    free(replay_text);
    core_free(&copy);
    core_free(&lab->core);
    effects_end(&lab->effects);
    free(lab->records);
    arena_free(&lab->arena);
}

void lab_restart(struct lab *lab)
{
    core_free(&lab->core);
    lab->core = replayed(lab);
    effects_clear(&lab->effects);
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab->agents[i].connected = false;
    }
    lab_step(lab, &(struct core_event){.kind = CORE_STORE_OPENED, .store_id = STORE_ID});
}

void lab_pass_ms(struct lab *lab, uint64_t ms, bool beating)
{
    for (uint64_t passed = 0; passed < ms; passed += 100) {
        lab->now_ns += 100 * 1000000;
        for (size_t i = 0; i < lab->agent_count && beating; i++) {
            if (lab->agents[i].connected && passed % 1000 == 0) {
                lab_agent_beat(lab, i);
            }
        }
        lab_step(lab, &(struct core_event){.kind = CORE_TICK});
    }
}

static Pb__ServiceTemplate *service(struct lab *lab, const char *name, bool is_tester)
{
    Pb__ServiceTemplate *service = ARENA_NEW(lab->arena, Pb__ServiceTemplate);
    pb__service_template__init(service);
    service->name = arena_string(lab->arena, name);
    service->host = ARENA_NEW(lab->arena, Pb__HostRule);
    pb__host_rule__init(service->host);
    if (is_tester) {
        service->tester = arena_string(lab->arena, "tester");
        service->needs = ARENA_ARRAY(lab->arena, char *, 1);
        service->needs[service->n_needs++] = arena_string(lab->arena, "server");
        service->drives = ARENA_ARRAY(lab->arena, Pb__Drive *, 1);
        service->drives[0] = ARENA_NEW(lab->arena, Pb__Drive);
        pb__drive__init(service->drives[service->n_drives++]);
        service->drives[0]->name = arena_string(lab->arena, "server");
        service->drives[0]->services = service->needs;
        service->drives[0]->n_services = 1;
        service->cases = ARENA_ARRAY(lab->arena, char *, 2);
        service->cases[service->n_cases++] = arena_string(lab->arena, "one");
        service->cases[service->n_cases++] = arena_string(lab->arena, "two");
    } else {
        service->implementation = arena_string(lab->arena, "server");
        service->role = arena_string(lab->arena, "server");
    }
    return service;
}

Pb__Experiment *lab_experiment(struct lab *lab, uint32_t cells)
{
    Pb__Experiment *experiment = ARENA_NEW(lab->arena, Pb__Experiment);
    pb__experiment__init(experiment);
    experiment->language = 1;
    experiment->name = arena_string(lab->arena, "lab");
    Pb__Test *test = ARENA_NEW(lab->arena, Pb__Test);
    pb__test__init(test);
    test->name = arena_string(lab->arena, "load");
    test->combinations = 1;
    test->repeat_times = cells;
    test->timeouts = ARENA_NEW(lab->arena, Pb__Timeouts);
    pb__timeouts__init(test->timeouts);
    test->timeouts->queue_ms = 60000;
    test->timeouts->ready_ms = 10000;
    test->timeouts->case_ms = 10000;
    test->timeouts->trial_ms = 120000;
    test->timeouts->stop_ms = 5000;
    test->timeouts->lease_ms = LEASE_MS;
    test->retry = ARENA_NEW(lab->arena, Pb__RetryRule);
    pb__retry_rule__init(test->retry);
    test->services = ARENA_ARRAY(lab->arena, Pb__ServiceTemplate *, 2);
    test->services[test->n_services++] = service(lab, "server", false);
    test->services[test->n_services++] = service(lab, "load", true);
    experiment->tests = ARENA_ARRAY(lab->arena, Pb__Test *, 1);
    experiment->tests[experiment->n_tests++] = test;
    return experiment;
}

void lab_submit(struct lab *lab, const Pb__Experiment *experiment, const char *key, const char *hash, int role)
{
    Pb__Submit submit = PB__SUBMIT__INIT;
    submit.key = (char *)(uintptr_t)key;
    struct core_event event = {.kind = CORE_SUBMIT,
                               .route = OPERATOR_ROUTE,
                               .peer_name = "ann",
                               .role = role,
                               .request = 1,
                               .submit = &submit,
                               .experiment = experiment,
                               .content_hash = hash};
    lab->reply = NULL;
    lab->refused = NULL;
    lab_step(lab, &event);
}

void lab_request(struct lab *lab, Pb__Request *request, int role)
{
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_REQUEST;
    envelope.request = request;
    request->number = 2;
    struct core_event event = {
        .kind = CORE_MESSAGE, .route = OPERATOR_ROUTE, .peer_name = "ann", .role = role, .public_key = "", .envelope = &envelope};
    lab->reply = NULL;
    lab->refused = NULL;
    lab_step(lab, &event);
}
