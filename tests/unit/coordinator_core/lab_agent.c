// The agents' side of the lab: sessions, outboxes, and guards that obey.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "tests/unit/coordinator_core/lab.h"

#define TESTER_HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SERVER_HASH "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NETWORK_HASH "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define CLIENT_HASH "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define BUILDER_HASH "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define TEXT(literal) ((char *)(uintptr_t)(literal))

void lab_event(struct lab *lab, size_t index, const Pb__Event *event)
{
    struct lab_agent *agent = &lab->agents[index];
    Pb__Event *copy = MESSAGE_COPY(event, lab->arena);
    copy->sequence = agent->sequence + 1;
    APPEND(agent->outbox, agent->sequence, agent->outbox_capacity) = copy;
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

bool lab_agent_flush(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    if (!agent->connected || !agent->session || agent->acknowledged >= agent->sequence) {
        return false;
    }
    Pb__Events events = PB__EVENTS__INIT;
    events.epoch = agent->epoch;
    events.first = agent->acknowledged + 1;
    size_t count = agent->sequence - (size_t)agent->acknowledged;
    events.n_events = count < EVENTS_PER_FRAME_MAX ? count : EVENTS_PER_FRAME_MAX;
    events.events = &agent->outbox[agent->acknowledged];
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &events;
    send_from(lab, agent, &envelope);
    return true;
}

void lab_agent_beat(struct lab *lab, size_t index)
{
    lab->agents[index].beaten_ns = lab->now_ns;
    Pb__Heartbeat beat = PB__HEARTBEAT__INIT;
    beat.agent_sent_ns = lab->now_ns + lab->agents[index].ahead_ns;
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

// ---- Hello

static Pb__PluginPresence *presence(struct lab *lab, const struct lab_agent *agent, const char *name, const char *hash)
{
    Pb__PluginPresence *plugin = ARENA_NEW(lab->arena, Pb__PluginPresence);
    pb__plugin_presence__init(plugin);
    plugin->name = arena_string(lab->arena, name);
    plugin->description_hash = arena_string(lab->arena, hash);
    plugin->usable = true;
    if (strcmp(name, "server") != 0) {
        return plugin;
    }
    plugin->file_hash = arena_string(lab->arena, agent->server_file ? agent->server_file : "");
    plugin->implementation_version = arena_string(lab->arena, agent->server_version ? agent->server_version : "");
    plugin->unprobed = lab->server_unprobed || agent->is_unprobed;
    if (!lab->server_lacks_two && !plugin->unprobed) {
        plugin->capabilities = ARENA_ARRAY(lab->arena, char *, 1);
        plugin->capabilities[plugin->n_capabilities++] = arena_string(lab->arena, "http/2");
    }
    return plugin;
}

static const char *network_plugin(const struct lab *lab)
{
    return lab->network_plugin ? lab->network_plugin : "emulated";
}

static Pb__CaseDescription *described_case(struct lab *lab, Pb__PluginDescription *tester, const char *name)
{
    Pb__CaseDescription *description = ARENA_NEW(lab->arena, Pb__CaseDescription);
    pb__case_description__init(description);
    description->name = arena_string(lab->arena, name);
    tester->cases[tester->n_cases++] = description;
    return description;
}

static Pb__CaseDrive *case_drive(struct lab *lab, Pb__CaseDescription *description)
{
    Pb__CaseDrive *drive = ARENA_NEW(lab->arena, Pb__CaseDrive);
    pb__case_drive__init(drive);
    drive->drive = arena_string(lab->arena, "server");
    description->drives = ARENA_ARRAY(lab->arena, Pb__CaseDrive *, 1);
    description->drives[description->n_drives++] = drive;
    return drive;
}

static void case_condition(struct lab *lab, Pb__CaseDescription *description, const char *value)
{
    Pb__Setting *delay = ARENA_NEW(lab->arena, Pb__Setting);
    pb__setting__init(delay);
    delay->name = arena_string(lab->arena, "delay");
    delay->values = ARENA_ARRAY(lab->arena, char *, 1);
    delay->values[delay->n_values++] = arena_string(lab->arena, value);
    description->conditions = ARENA_ARRAY(lab->arena, Pb__Setting *, 1);
    description->conditions[description->n_conditions++] = delay;
}

// "two" needs a capability; the others want something of the server or of the network.
static void describe_cases(struct lab *lab, Pb__PluginDescription *tester)
{
    tester->cases = ARENA_ARRAY(lab->arena, Pb__CaseDescription *, 8);
    Pb__CaseDescription *two = described_case(lab, tester, "two");
    two->needs = ARENA_ARRAY(lab->arena, char *, 1);
    two->needs[two->n_needs++] = arena_string(lab->arena, "http/2");
    case_drive(lab, described_case(lab, tester, "retry"))->profile = arena_string(lab->arena, "retry");
    case_drive(lab, described_case(lab, tester, "bad"))->profile = arena_string(lab->arena, "bad");
    case_drive(lab, described_case(lab, tester, "fresh"))->fresh = true;
    case_drive(lab, described_case(lab, tester, "execute"))->execute = true;
    case_condition(lab, described_case(lab, tester, "slow"), "20ms");
    case_condition(lab, described_case(lab, tester, "slower"), "200ms");
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
    plugin->description->executes = lab->server_executes && kind == PB__PLUGIN_KIND__PLUGIN_KIND_IUT;
    plugin->description->builds = lab->server_builds && kind == PB__PLUGIN_KIND__PLUGIN_KIND_IUT;
    if (kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER) {
        describe_cases(lab, plugin->description);
    }
    return plugin;
}

static const char *server_hash(const struct lab *lab)
{
    return lab->server_builds ? BUILDER_HASH : lab->server_executes ? CLIENT_HASH : SERVER_HASH;
}

static void send_descriptions(struct lab *lab, const struct lab_agent *agent)
{
    Pb__DescribedPlugin *items[] = {described(lab, "tester", TESTER_HASH, PB__PLUGIN_KIND__PLUGIN_KIND_TESTER),
                                    described(lab, "server", server_hash(lab), PB__PLUGIN_KIND__PLUGIN_KIND_IUT),
                                    described(lab, network_plugin(lab), NETWORK_HASH, PB__PLUGIN_KIND__PLUGIN_KIND_NETWORK)};
    Pb__Descriptions descriptions = PB__DESCRIPTIONS__INIT;
    descriptions.descriptions = items;
    descriptions.n_descriptions = 3;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_DESCRIPTIONS;
    envelope.descriptions = &descriptions;
    send_from(lab, agent, &envelope);
}

// What an agent has not forgotten: guards that live, and ended ones whose events wait.
static size_t list_instances(struct lab *lab, const struct lab_agent *agent, Pb__LiveInstance ***list)
{
    size_t count = 0;
    *list = ARENA_ARRAY(lab->arena, Pb__LiveInstance *, agent->guard_count + 1);
    for (size_t i = 0; i < agent->guard_count; i++) {
        const struct lab_guard *guard = &agent->guards[i];
        if (guard->is_orphan || (guard->ended && guard->outbox_last <= agent->acknowledged)) {
            continue;
        }
        Pb__LiveInstance *live = ARENA_NEW(lab->arena, Pb__LiveInstance);
        pb__live_instance__init(live);
        live->instance = guard->instance;
        live->generation = guard->generation;
        live->last_command = guard->last_command;
        live->ended = guard->ended;
        (*list)[count++] = live;
    }
    return count;
}

static void send_hello(struct lab *lab, const struct lab_agent *agent)
{
    Pb__PluginPresence *plugins[] = {presence(lab, agent, "tester", TESTER_HASH), presence(lab, agent, "server", server_hash(lab)),
                                     presence(lab, agent, network_plugin(lab), NETWORK_HASH)};
    Pb__HostFacts facts = PB__HOST_FACTS__INIT;
    facts.cpus = LAB_CPUS;
    facts.memory_bytes = LAB_MEMORY_BYTES;
    Pb__Label label = PB__LABEL__INIT, *labels[] = {&label};
    label.name = TEXT("site");
    label.value = TEXT(agent->site);
    Pb__Hello hello = PB__HELLO__INIT;
    hello.name = TEXT(agent->name);
    hello.host_id = TEXT(agent->host_id);
    hello.boot_id = TEXT(agent->boot_id);
    hello.outbox_epoch = TEXT(agent->epoch);
    hello.outbox_first = agent->acknowledged + 1;
    hello.outbox_last = agent->sequence;
    hello.outbox_acknowledged = agent->acknowledged;
    hello.store_id = TEXT(agent->store_id);
    hello.boottime_ns = lab->now_ns + agent->ahead_ns;
    hello.slots = agent->slots;
    hello.facts = &facts;
    hello.plugins = plugins;
    hello.n_plugins = lab->has_network ? 3 : 2;
    hello.labels = labels;
    hello.n_labels = agent->site ? 1 : 0;
    Pb__EnvironmentPresence refused = PB__ENVIRONMENT_PRESENCE__INIT, *environments[] = {&refused};
    refused.type = TEXT(lab->network_lack ? lab->network_lack : "network.emulated");
    refused.unusable_reason = TEXT(lab->network_refused);
    hello.environments = environments;
    hello.n_environments = lab->network_refused ? 1 : 0;
    hello.n_instances = list_instances(lab, agent, &hello.instances);
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HELLO;
    envelope.hello = &hello;
    send_from(lab, agent, &envelope);
}

void lab_agent_hello(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    static uint64_t routes = 1000;
    agent->route = ++routes;
    agent->session = 0;
    agent->connected = true;
    agent->inbox_count = agent->inbox_done = 0;
    send_hello(lab, agent);
    if (agent->session) {
        send_descriptions(lab, agent);
        lab_agent_flush(lab, index);
    }
}

// ---- an obedient guard

static Pb__Event event_of(const struct lab_guard *guard)
{
    Pb__Event event = PB__EVENT__INIT;
    event.instance = guard->instance;
    event.generation = guard->generation;
    return event;
}

static void say(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Event *event)
{
    if (!guard->is_orphan) {
        Pb__Event stamped = *event;
        stamped.boottime_ns = lab->now_ns + lab->agents[index].ahead_ns;
        lab_event(lab, index, &stamped);
        guard->outbox_last = lab->agents[index].sequence;
    }
}

// A network names its endpoints after the services that it has a place for.
static void say_places(struct lab *lab, const Pb__Initialize *initialize, Pb__CommandDone *done)
{
    done->endpoints = ARENA_ARRAY(lab->arena, Pb__Endpoint *, initialize->n_network_services);
    for (done->n_endpoints = 0; done->n_endpoints < initialize->n_network_services; done->n_endpoints++) {
        Pb__Endpoint *endpoint = done->endpoints[done->n_endpoints] = ARENA_NEW(lab->arena, Pb__Endpoint);
        pb__endpoint__init(endpoint);
        endpoint->name = arena_string(lab->arena, initialize->network_services[done->n_endpoints]);
        endpoint->address = arena_printf(lab->arena, "10.0.0.%zu", done->n_endpoints + 1);
        endpoint->port = 1;
    }
}

static void say_done(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Command *command, bool ok, const char *phase)
{
    Pb__Event event = event_of(guard);
    Pb__Endpoint endpoint = PB__ENDPOINT__INIT, *endpoints[] = {&endpoint};
    endpoint.name = TEXT("http");
    endpoint.address = TEXT("127.0.0.1");
    endpoint.port = 20000;
    Pb__CommandDone done = PB__COMMAND_DONE__INIT;
    done.number = command->number;
    done.phase = TEXT(phase);
    done.status = ok ? PB__COMMAND_STATUS__COMMAND_STATUS_OK : PB__COMMAND_STATUS__COMMAND_STATUS_FAILED;
    if (command->body_case == PB__COMMAND__BODY_INITIALIZE) {
        done.endpoints = endpoints;
        done.n_endpoints = 1;
        if (command->initialize->n_network_services) {
            say_places(lab, command->initialize, &done);
        }
    }
    Pb__Outcome executed = PB__OUTCOME__INIT;
    if (command->body_case == PB__COMMAND__BODY_EXECUTE) {
        executed.verdict = (Pb__Verdict)lab->execute_verdict;
        executed.reason = lab->execute_verdict == VERDICT_FAIL ? (Pb__Reason)REASON_ASSERTION : (Pb__Reason)REASON_UNSPECIFIED;
        done.outcome = &executed;
        done.duration_ns = NS_PER_MS;
    }
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    if (command->body_case == PB__COMMAND__BODY_STOP && !guard->is_tester && lab->stop_verdict != VERDICT_NONE) {
        outcome.verdict = (Pb__Verdict)lab->stop_verdict;
        outcome.reason = (Pb__Reason)lab->stop_reason;
        outcome.text = TEXT("server: crashed, as it says: child 7 exit signal 11");
        done.outcome = &outcome;
    }
    event.body_case = PB__EVENT__BODY_COMMAND_DONE;
    event.command_done = &done;
    say(lab, index, guard, &event);
    guard->tainted |= !ok;
}

static void say_case(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Command *command)
{
    Pb__Event event = event_of(guard);
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    outcome.verdict = (Pb__Verdict)lab->case_verdict;
    outcome.reason = (Pb__Reason)lab->case_reason;
    if (lab->case_verdict == VERDICT_FAIL) {
        outcome.reason = REASON_VIOLATION;
    }
    Pb__Metric metric = PB__METRIC__INIT, *metrics[] = {&metric};
    metric.name = TEXT("rate");
    metric.value = 100;
    Pb__CaseResult result = PB__CASE_RESULT__INIT;
    result.number = command->number;
    result.name = command->run_case->name;
    result.outcome = &outcome;
    result.metrics = metrics;
    result.n_metrics = 1;
    event.body_case = PB__EVENT__BODY_CASE_RESULT;
    event.case_result = &result;
    say(lab, index, guard, &event);
    guard->tainted |= lab->case_verdict > VERDICT_PASS;
    guard->cases_done++;
}

static void say_started(struct lab *lab, size_t index, struct lab_guard *guard)
{
    Pb__Event event = event_of(guard);
    Pb__ProcessStarted started = PB__PROCESS_STARTED__INIT;
    started.process = 1;
    started.name = TEXT("httpd");
    event.body_case = PB__EVENT__BODY_PROCESS_STARTED;
    event.process_started = &started;
    say(lab, index, guard, &event);
    guard->process_lives = true;
}

static void say_exited(struct lab *lab, size_t index, struct lab_guard *guard, int signal_number, Pb__ExitExpectation expectation)
{
    Pb__Event event = event_of(guard);
    static const char *const streams[] = {"httpd.stdout", "httpd.stderr"};
    for (size_t i = 0; i < 2 && !lab->streams_are_cut; i++) {
        Pb__StreamEnd end = PB__STREAM_END__INIT;
        end.stream = TEXT(streams[i]);
        event.body_case = PB__EVENT__BODY_STREAM_END;
        event.stream_end = &end;
        say(lab, index, guard, &event);
    }
    Pb__ProcessExited exited = PB__PROCESS_EXITED__INIT;
    exited.process = 1;
    exited.name = TEXT("httpd");
    exited.signal = signal_number;
    exited.status = signal_number ? -1 : lab->exit_dirty;
    exited.clean = !signal_number && !lab->exit_dirty;
    exited.expectation = expectation;
    event.body_case = PB__EVENT__BODY_PROCESS_EXITED;
    event.process_exited = &exited;
    say(lab, index, guard, &event);
    guard->process_lives = false;
    guard->tainted |= lab->streams_are_cut || expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
}

static void say_ended(struct lab *lab, size_t index, struct lab_guard *guard, Pb__EndCause cause)
{
    Pb__Event event = event_of(guard);
    Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
    ended.cause = cause;
    event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
    event.instance_ended = &ended;
    say(lab, index, guard, &event);
    guard->ended = true;
    guard->tainted |= cause != PB__END_CAUSE__END_CAUSE_CLEANED;
}

static void do_start(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Command *command)
{
    if (guard->is_tester) {
        say_done(lab, index, guard, command, true, "start");
        return;
    }
    say_started(lab, index, guard);
    say_done(lab, index, guard, command, !lab->server_fails_start, "start");
    if (lab->server_crashes) {
        say_exited(lab, index, guard, 11, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED);
    }
}

// ---- what is done beside

static void say_fault_ended(struct lab *lab, size_t index, struct lab_guard *guard, const struct lab_fault *fault)
{
    Pb__Event event = event_of(guard);
    Pb__FaultEnded ended = PB__FAULT_ENDED__INIT;
    ended.number = fault->number;
    ended.id = TEXT(fault->id);
    event.body_case = PB__EVENT__BODY_FAULT_ENDED;
    event.fault_ended = &ended;
    say(lab, index, guard, &event);
}

static void do_fault(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Command *command)
{
    const Pb__Fault *asked = command->fault;
    Pb__Event event = event_of(guard);
    Pb__CommandDone done = PB__COMMAND_DONE__INIT;
    done.number = command->number;
    done.phase = TEXT("fault");
    done.status = lab->fault_problem ? PB__COMMAND_STATUS__COMMAND_STATUS_FAILED : PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    done.text = TEXT(lab->fault_problem ? lab->fault_problem : "");
    event.body_case = PB__EVENT__BODY_COMMAND_DONE;
    event.command_done = &done;
    say(lab, index, guard, &event);
    if (lab->fault_problem) {
        guard->tainted = true;
        return;
    }
    lab->faults_done++;
    Pb__FaultBegan began = PB__FAULT_BEGAN__INIT;
    began.number = command->number;
    began.id = asked->id;
    began.kind = asked->kind;
    event.body_case = PB__EVENT__BODY_FAULT_BEGAN;
    event.fault_began = &began;
    say(lab, index, guard, &event);
    struct lab_fault fault = {.number = command->number, .until_ns = asked->for_ms ? lab->now_ns + asked->for_ms * NS_PER_MS : 0};
    snprintf(fault.id, sizeof fault.id, "%s", asked->id);
    if (strcmp(asked->kind, "kill") == 0) {
        if (guard->process_lives) {
            say_exited(lab, index, guard, 9, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT);
        }
        say_fault_ended(lab, index, guard, &fault);
        return;
    }
    assert_in_range(guard->fault_count, 0, 3);
    guard->faults[guard->fault_count++] = fault;
}

static void end_faults(struct lab *lab, size_t index, struct lab_guard *guard, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < guard->fault_count; i++) {
        const struct lab_fault fault = guard->faults[i];
        if (all || (fault.until_ns && fault.until_ns <= lab->now_ns)) {
            say_fault_ended(lab, index, guard, &fault);
        } else {
            guard->faults[kept++] = fault;
        }
    }
    guard->fault_count = kept;
}

void lab_agent_faults(struct lab *lab, size_t index)
{
    for (size_t i = 0; i < lab->agents[index].guard_count; i++) {
        struct lab_guard *guard = &lab->agents[index].guards[i];
        if (!guard->ended && !guard->is_orphan && guard->fault_count) {
            end_faults(lab, index, guard, false);
        }
    }
    if (!lab->is_async) {
        while (lab_agent_flush(lab, index)) {
        }
    }
}

static void do_run(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Command *command)
{
    Pb__Event event = event_of(guard);
    Pb__CommandDone done = PB__COMMAND_DONE__INIT;
    done.number = command->number;
    done.phase = TEXT("run");
    done.status = lab->run_fails ? PB__COMMAND_STATUS__COMMAND_STATUS_FAILED : PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    done.text = TEXT(lab->run_fails ? "exit status 3" : "");
    done.duration_ns = 1000;
    event.body_case = PB__EVENT__BODY_COMMAND_DONE;
    event.command_done = &done;
    say(lab, index, guard, &event);
    lab->runs_done++;
    guard->tainted |= lab->run_fails;
}

static void obey(struct lab *lab, size_t index, struct lab_guard *guard, const Pb__Command *command)
{
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        lab->initialize_ms = command->initialize->initialize_ms;
        say_done(lab, index, guard, command, true, "initialize");
        break;
    case PB__COMMAND__BODY_START:
        do_start(lab, index, guard, command);
        break;
    case PB__COMMAND__BODY_EXECUTE:
        say_done(lab, index, guard, command, true, "execute");
        break;
    case PB__COMMAND__BODY_RUN_CASE:
        say_case(lab, index, guard, command);
        break;
    case PB__COMMAND__BODY_FAULT:
        do_fault(lab, index, guard, command);
        break;
    case PB__COMMAND__BODY_RUN:
        do_run(lab, index, guard, command);
        break;
    case PB__COMMAND__BODY_STOP:
        end_faults(lab, index, guard, true);
        if (guard->process_lives) {
            say_exited(lab, index, guard, 0, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED);
        }
        say_done(lab, index, guard, command, true, "stop");
        break;
    case PB__COMMAND__BODY_CLEANUP:
        say_done(lab, index, guard, command, true, "cleanup");
        say_ended(lab, index, guard, PB__END_CAUSE__END_CAUSE_CLEANED);
        break;
    default:
        fail_msg("command of kind %d", (int)command->body_case);
    }
}

struct lab_guard *lab_guard(struct lab *lab, uint64_t instance, size_t *index)
{
    for (size_t a = 0; a < lab->agent_count; a++) {
        for (size_t i = lab->agents[a].guard_count; i > 0; i--) {
            if (lab->agents[a].guards[i - 1].instance == instance) {
                *index = a;
                return &lab->agents[a].guards[i - 1];
            }
        }
    }
    return NULL;
}

static struct lab_guard *known_guard(struct lab_agent *agent, const Pb__Command *command)
{
    for (size_t i = 0; i < agent->guard_count; i++) {
        if (agent->guards[i].instance == command->instance && agent->guards[i].generation == command->generation &&
            !agent->guards[i].is_orphan) {
            return &agent->guards[i];
        }
    }
    return NULL;
}

static struct lab_guard *guard_new(struct lab *lab, size_t index, const Pb__Command *command)
{
    struct lab_agent *agent = &lab->agents[index];
    for (size_t i = 0; i < agent->guard_count; i++) {
        if (agent->guards[i].instance == command->instance && !agent->guards[i].ended) {
            fail_msg("two live guards of instance %u", (unsigned)command->instance);
        }
    }
    struct lab_guard *guard = &APPEND(agent->guards, agent->guard_count, agent->guard_capacity);
    *guard = (struct lab_guard){.instance = command->instance,
                                .generation = command->generation,
                                .lease_ns = command->initialize->lease_stamp_ns + command->initialize->lease_ms * NS_PER_MS,
                                .is_tester = command->initialize->is_tester};
    return guard;
}

// As agent/core/intake.c takes them: in their order, each once; only Stop, a case that was prepared, and who says so, may leave out
// numbers.
static void take(struct lab *lab, size_t index, const Pb__Command *command)
{
    struct lab_guard *guard = known_guard(&lab->agents[index], command);
    if (!guard && command->number == 1) {
        guard = guard_new(lab, index, command);
    }
    if (!guard || command->number <= guard->last_command || guard->ended) {
        return; // unknown, a repeat, or too late
    }
    if (command->body_case == PB__COMMAND__BODY_RUN_CASE && lab->hold_cases) {
        lab->hold_cases--;
        return;
    }
    bool may_skip = command->after_gap || command->body_case == PB__COMMAND__BODY_STOP ||
                    (command->body_case == PB__COMMAND__BODY_RUN_CASE && command->run_case->n_peers);
    if (command->number != guard->last_command + 1 && !may_skip) {
        fail_msg("instance %u: command %u after %u", (unsigned)command->instance, command->number, guard->last_command);
    }
    if (lab->now_ns + lab->agents[index].ahead_ns >= guard->lease_ns) { // it waited for too long: as agent/core/placing.c refuses it
        say_done(lab, index, guard, command, false, "initialize");
        say_ended(lab, index, guard, PB__END_CAUSE__END_CAUSE_LEASE);
        return;
    }
    if (lab->whim) {
        lab->whim(lab, guard, command);
    }
    guard->last_command = command->number;
    if (!guard->is_wedged) {
        obey(lab, index, guard, command);
    }
}

void lab_agent_work(struct lab *lab, size_t index, size_t commands)
{
    struct lab_agent *agent = &lab->agents[index];
    for (; agent->connected && commands && agent->inbox_done < agent->inbox_count; commands--) {
        take(lab, index, agent->inbox[agent->inbox_done++]);
    }
}

static void take_commands(struct lab *lab, size_t index, const Pb__Commands *commands)
{
    struct lab_agent *agent = &lab->agents[index];
    for (size_t i = 0; i < commands->n_commands && !agent->mute; i++) {
        if (lab->is_async) {
            APPEND(agent->inbox, agent->inbox_count, agent->inbox_capacity) = commands->commands[i];
        } else {
            take(lab, index, commands->commands[i]);
        }
    }
}

static void take_grants(struct lab_agent *agent, const Pb__HeartbeatReply *reply)
{
    for (size_t i = 0; i < reply->n_grants; i++) {
        for (size_t g = 0; g < agent->guard_count; g++) {
            struct lab_guard *guard = &agent->guards[g];
            uint64_t until_ns = reply->agent_sent_ns + reply->grants[i]->length_ms * NS_PER_MS;
            if (guard->instance == reply->grants[i]->instance && guard->generation == reply->grants[i]->generation && !guard->is_orphan &&
                until_ns > guard->lease_ns) {
                guard->lease_ns = until_ns;
            }
        }
    }
}

void lab_agent_receive(struct lab *lab, size_t index, const Pb__Envelope *envelope)
{
    struct lab_agent *agent = &lab->agents[index];
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_WELCOME:
        agent->session = envelope->welcome->session;
        agent->acknowledged = envelope->welcome->last_seen;
        agent->store_id = *agent->store_id ? agent->store_id : LAB_STORE_ID;
        break;
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        agent->acknowledged = envelope->events_acknowledged->last;
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        take_grants(agent, envelope->heartbeat_reply);
        break;
    case PB__ENVELOPE__BODY_COMMANDS:
        take_commands(lab, index, envelope->commands);
        break;
    case PB__ENVELOPE__BODY_DISCARD:
        for (size_t i = 0; i < agent->guard_count; i++) {
            if (agent->guards[i].instance == envelope->discard->instance && agent->guards[i].generation == envelope->discard->generation &&
                !agent->guards[i].ended && !agent->guards[i].is_orphan) {
                say_ended(lab, index, &agent->guards[i], PB__END_CAUSE__END_CAUSE_CLEANED);
            }
        }
        break;
    case PB__ENVELOPE__BODY_PLACE_PLUGIN:
        agent->placing = MESSAGE_COPY(envelope->place_plugin, lab->arena);
        agent->placings++;
        break;
    case PB__ENVELOPE__BODY_REFUSED:
        lab->refused = MESSAGE_COPY(envelope->refused, lab->arena);
        break;
    default:
        break;
    }
}

// ---- what happens to hosts

void lab_agent_expire(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    for (size_t i = 0; i < agent->guard_count; i++) {
        if (!agent->guards[i].ended && agent->guards[i].lease_ns <= lab->now_ns + agent->ahead_ns) {
            say_ended(lab, index, &agent->guards[i], PB__END_CAUSE__END_CAUSE_LEASE);
        }
    }
}

void lab_agent_reboot(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    snprintf(agent->boot_id, sizeof agent->boot_id, "%032llx", (unsigned long long)lab->now_ns);
    for (size_t i = 0; i < agent->guard_count; i++) {
        if (!agent->guards[i].ended) {
            say_ended(lab, index, &agent->guards[i], PB__END_CAUSE__END_CAUSE_REBOOT);
        }
    }
}

void lab_agent_wipe(struct lab *lab, size_t index)
{
    struct lab_agent *agent = &lab->agents[index];
    snprintf(agent->epoch, sizeof agent->epoch, "%016llx%016zx", (unsigned long long)lab->now_ns, index);
    agent->sequence = 0;
    agent->acknowledged = 0;
    for (size_t i = 0; i < agent->guard_count; i++) {
        agent->guards[i].is_orphan = true;
    }
}

void lab_agents_begin(struct lab *lab, size_t count)
{
    lab->agent_count = count;
    for (size_t i = 0; i < count; i++) {
        struct lab_agent *agent = &lab->agents[i];
        agent->slots = 8;
        agent->store_id = ""; // until it is welcomed
        snprintf(agent->name, sizeof agent->name, "lab-%c", (char)('a' + i));
        snprintf(agent->host_id, sizeof agent->host_id, "%032zu", i + 1);
        snprintf(agent->boot_id, sizeof agent->boot_id, "%032zu", i + 50);
        snprintf(agent->epoch, sizeof agent->epoch, "%032zu", i + 100);
        lab_agent_hello(lab, i);
    }
}

void lab_agents_end(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        free(lab->agents[i].outbox);
        free(lab->agents[i].guards);
        free(lab->agents[i].inbox);
    }
}
