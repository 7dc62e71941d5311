// Commands to an instance and events from it.
#include "expect.h"

#define COMMAND(body, valid, changes)                                                                                                      \
    EXPECT(command, command_invalid, "instance: 1 generation: 1 number: 2 " body " {", valid, "}", changes)
#define EVENT(body, valid, changes) EXPECT(event, event_invalid, "instance: 1 generation: 1 sequence: 1 " body " {", valid, "}", changes)
#define INITIALIZE                                                                                                                         \
    "plugin: \"nginx\" trial_name: \"r1/load/1#1\" service: \"server\" lease_ms: 30000 initialize_ms: 1 start_ms: 1 stop_ms: 1"

static void initialize(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"plugin: \"\"", "initialize.plugin is not a name"},
        {"description_hash: \"x\"", "initialize.description_hash is not a hash"},
        {"trial_name: \"\"", "initialize.trial_name is empty or too long"},
        {"trial_name: \"t\"*512", "initialize.trial_name is empty or too long"},
        {"service: \"a/b\"", "initialize.service is not a name"},
        {"role: \"A B\"", "initialize.role is not a name"},
        {"protocol_name: \"HTTP/2\"", "initialize.protocol_name is not a name"},
        {"protocol_version: \"1\"*256", "initialize.protocol_version is too long"},
        {"settings { name: \"port\" values: \"80\" }", NULL},
        {"settings { values: \"80\" }", "setting.name is not a name"},
        {"settings { name: \"text\" values: \"v\"*65537 }", "setting.values are too many or too long"},
        {"peers { service: \"web\" plugin: \"nginx\" host: \"lab-a\" endpoints { name: \"http\" address: \"10.0.0.1\" port: 80 transport: "
         "TRANSPORT_TCP } }",
         NULL},
        {"peers { service: \"\" }", "peer.service is not a name"},
        {"peers { service: \"web\" endpoints { name: \"http\" address: \"10.0.0.1\" port: 0 transport: 1 } }",
         "endpoint.port is not a port"},
        {"peers { service: \"web\" endpoints { name: \"http\" address: \"10.0.0.1\" port: 65536 transport: 1 } }",
         "endpoint.port is not a port"},
        {"peers { service: \"web\" endpoints { name: \"http\" address: \"a.example\" port: 1 transport: 1 } }",
         "endpoint.address is not numeric"},
        {"peers { service: \"web\" endpoints { name: \"http\" address: \"::1\" port: 1 } }", "endpoint.transport is not set"},
        {"peers { service: \"web\" endpoints { name: \"\" } }", "endpoint.name is not a name"},
        {"drives { name: \"server\" }", "drive.services are not names"},
        {"drives { name: \"server\" services: \"web\" }", NULL},
        {"drives { services: \"web\" }", "drive.name is not a name"},
        {"files { name: \"f\" hash: \"\" }", "file.hash is not a hash"},
        {"output_rules { id: 1 }", "output_rule.pattern is empty or too long"},
        {"output_rules { id: 1 pattern: \"p\"*1025 }", "output_rule.pattern is empty or too long"},
        {"network { type: \"lab\" links { from: \"a\" conditions { name: \"rate\" values: \"1Mbit\" } } } network_services: \"a\"", NULL},
        {"network { }", "network.type is not a name"},
        {"network { type: \"lab\" links { to: \"a b\" } }", "link_rule.from or to is not a service's name"},
        {"network_services: \"\"", "initialize.network_services are not names"},
        {"network_place { instance: 4 address: \"10.0.0.1\" }", NULL},
        {"network_place { address: \"10.0.0.1\" }", "network_place.instance is not set"},
        {"network_place { instance: 4 address: \"here\" }", "network_place.address is not numeric"},
        {"lease_ms: 0", "initialize.lease_ms is not set"},
        {"start_ms: 0", "initialize has no deadline for its calls"},
        {"settings { name: \"a\" values: \"v\"*65536 } settings { name: \"b\" values: \"v\"*32768 }",
         "initialize is too large for a guard's packet"},
    };
    EXPECT(command, command_invalid, "instance: 1 generation: 1 number: 1 initialize {", INITIALIZE, "}", changes);
}

static void commands(void **state)
{
    (void)state;
    static const struct change outer[] = {
        {"instance: 0", "command.instance is not set"},
        {"generation: 0", "command.generation is not set"},
        {"number: 0", "command.number is not set"},
        {"number: 1", "command 1, and no other, is initialize"},
        {"initialize { }", "command 1, and no other, is initialize"},
        {"cleanup {}", NULL},
    };
    EXPECT(command, command_invalid, "", "instance: 1 generation: 1 number: 2 start {}", "", outer);
    static const struct change run_case[] = {{"name: \"\"", "run_case.name is empty or unprintable"},
                                             {"name: \"a\\nb\"", "run_case.name is empty or unprintable"},
                                             {"name: \" a\"", "run_case.name is empty or unprintable"},
                                             {"name: \"n\"*128", "run_case.name is empty or unprintable"},
                                             {"timeout_ms: 0", "run_case.timeout_ms is not set"}};
    COMMAND("run_case", "name: \"Handshake with Retry\" timeout_ms: 1", run_case);
    static const struct change execute[] = {{"timeout_ms: 0", "execute.timeout_ms is not set"}};
    COMMAND("execute", "timeout_ms: 1", execute);
    static const struct change stop[] = {{"why: \"w\"*4097", "stop.why is too long"}};
    COMMAND("stop", "cancel: true why: \"cancelled\"", stop);
}

static void faults(void **state)
{
    (void)state;
    static const struct change fault[] = {
        {"id: \"\"", "fault.id is empty or unprintable"},
        {"kind: \"a b\"", "fault.kind is not a name"},
        {"for_ms: 0", NULL},
        {"options { name: \"signal\" values: \"TERM\" }", NULL},
        {"options { name: \"\" }", "setting.name is not a name"},
        {"links { from: \"a\" to: \"b\" conditions { name: \"delay\" values: \"20ms\" } }", NULL},
        {"links { }", NULL},
        {"links { from: \"a/b\" }", "link_rule.from or to is not a service's name"},
        {"links { conditions { } }", "setting.name is not a name"},
        {"links { conditions { name: \"delay\" values: \"v\"*256 } }", "setting.values are too many or too long"},
        {"options { name: \"a\" values: \"v\"*65536 } options { name: \"b\" values: \"v\"*32768 }",
         "fault is too large for a guard's packet"},
    };
    COMMAND("fault", "id: \"case 3\" kind: \"disk_full\" for_ms: 10", fault);
    static const struct change run[] = {
        {"argv: \"x\"*4096", "run.argv is empty or too long"},
        {"timeout_ms: 0", "run.timeout_ms is not set"},
    };
    COMMAND("run", "argv: \"ls\" timeout_ms: 1", run);
    static const struct change empty[] = {
        {"run { }", "run.argv is empty or too long"},
        {"run { argv: \"\" }", "run.argv names no program"},
    };
    EXPECT(command, command_invalid, "", "instance: 1 generation: 1 number: 2 start {}", "", empty);
    static const struct change began[] = {
        {"number: 0", "fault_began.number is not set"},
        {"id: \"\"", "fault_began.id is empty or unprintable"},
        {"kind: \"\"", "fault_began.kind is not a name"},
        {"text: \"t\"*4097", "fault_began.text is too long"},
    };
    EVENT("fault_began", "number: 2 id: \"cut\" kind: \"pause\"", began);
    static const struct change ended[] = {
        {"number: 0", "fault_ended.number is not set"},
        {"id: \"\"", "fault_ended.id is empty or unprintable"},
        {"text: \"t\"*4097", "fault_ended.text is too long"},
    };
    EVENT("fault_ended", "number: 2 id: \"cut\" failed: true", ended);
}

static void events(void **state)
{
    (void)state;
    static const struct change outer[] = {
        {"instance: 0", "event.instance is not set"},           {"generation: 0", "event.generation is not set"},
        {"sequence: 0", "event.sequence is not set"},           {"service: \"A\"", "event.service is not a name"},
        {"note { text: \"t\"*4097 }", "note.text is too long"},
    };
    EXPECT(event, event_invalid, "", "instance: 1 generation: 1 sequence: 1 service: \"server\" note { text: \"x\" }", "", outer);
    static const struct change done[] = {
        {"number: 0", "command_done.number is not set"},
        {"status: 0", "command_done.status is not set"},
        {"text: \"t\"*4097", "command_done.text is too long"},
        {"phase: \"p\"*128", "command_done.phase is too long"},
        {"endpoints { }", "endpoint.name is not a name"},
        {"metrics { }", "metric.name is empty or unprintable"},
        {"metrics { name: \"x\" value: nan }", "metric.value is not a number"},
        {"metrics { name: \"x\" value: inf }", "metric.value is not a number"},
        {"outcome { text: \"t\"*4097 }", "outcome.text is too long"},
        {"outcome { verdict: 9 }", "a value of an enum is not known"},
        {"implementation_version: \"v\"*256", "command_done.implementation_version is too long"},
        {"host { kernel: \"Linux 6.1\" cpus: 2 offloads: \"\" }", NULL},
        {"host { offloads: \"o\"*256 }", "host: a text is too long"},
        {"host { memory_bytes: 18446744073709551615 }", "host: a number is out of range"},
    };
    EVENT("command_done", "number: 1 status: COMMAND_STATUS_OK phase: \"initialize\" outcome { verdict: VERDICT_PASS }", done);
    static const struct change result[] = {
        {"number: 0", "case_result.number is not set"},
        {"name: \"\"", "case_result.name is empty or unprintable"},
        {"outcome: ~", "case_result.outcome is not set"},
        {"metrics { name: \"rps\" value: 1.5 unit: \"1/s\" better: BETTER_HIGHER case_name: \"throughput\" }", NULL},
    };
    EVENT("case_result", "number: 3 name: \"throughput\" outcome { verdict: VERDICT_FAIL reason: REASON_CRASH }", result);
    static const struct change started[] = {{"number: 0", "case_started.number is not set"},
                                            {"name: \"\"", "case_started.name is empty or unprintable"}};
    EVENT("case_started", "number: 3 name: \"throughput\"", started);
}

static void processes(void **state)
{
    (void)state;
    static const struct change started[] = {{"process: 0", "process_started.process is not set"},
                                            {"name: \"a/b\"", "process_started.name is not a file name"}};
    EVENT("process_started", "process: 1 pid: 77 name: \"nginx\" argv: \"/usr/sbin/nginx\"", started);
    static const struct change exited[] = {
        {"process: 0", "process_exited.process is not set"},
        {"name: \"\"", "process_exited.name is not a file name"},
        {"status: 256", "process_exited.status is not an exit status"},
        {"status: -2", "process_exited.status is not an exit status"},
        {"signal: 9", "process_exited has both status and signal, or neither"},
        {"status: -1", "process_exited has both status and signal, or neither"},
        {"status: -1 signal: 9", NULL},
        {"status: -1 signal: 65", "process_exited.signal is not a signal"},
        {"expectation: 0", "process_exited.expectation is not set"},
        {"tail: \"t\"*4097", "process_exited.tail is too long"},
    };
    EVENT("process_exited", "process: 1 name: \"nginx\" status: 0 expectation: EXIT_EXPECTATION_STOPPED", exited);
    static const struct change died[] = {{"signal: -1", "host_died.signal is not a signal"},
                                         {"phase: \"p\"*128", "host_died.phase is too long"}};
    EVENT("host_died", "status: -1 signal: 11 phase: \"start\"", died);
    static const struct change ended[] = {{"cause: 0", "instance_ended.cause is not set"},
                                          {"text: \"t\"*4097", "instance_ended.text is too long"}};
    EVENT("instance_ended", "cause: END_CAUSE_LEASE", ended);
}

static void streams_and_artifacts(void **state)
{
    (void)state;
    static const struct change match[] = {{"stream: \"a/b\"", "output_match.stream is not a file name"},
                                          {"line: \"l\"*4097", "output_match.line is too long"},
                                          {"line: \"\xff\xfe\x01\"", NULL}}; // what a program printed blocks nothing
    EVENT("output_match", "rule: 1 stream: \"nginx.stderr\" line: \"x\" count: 1", match);
    static const struct change end[] = {{"stream: \"\"", "stream_end.stream is not a file name"},
                                        {"hash: \"0\"", "stream_end.hash is not a hash"},
                                        {"dropped_bytes: 6", "stream_end has dropped more than its length"},
                                        {"read_times: 5 read_times: 1000000 read_times: 0", NULL},
                                        {"read_times: 5 read_times: 1", "stream_end.read_times are too many, or not three each"}};
    EVENT("stream_end", "stream: \"nginx.stderr\" length_bytes: 5 hash: " HASH, end);
    static const struct change artifact[] = {{"path: \"../x\"", "artifact.path leaves the work folder"},
                                             {"path: \"/x\"", "artifact.path leaves the work folder"},
                                             {"path: \"a/b/../../..\"", "artifact.path leaves the work folder"},
                                             {"path: \"p\"*4096", "artifact.path leaves the work folder"},
                                             {"hash: \"\"", "artifact.hash is not a hash"},
                                             {"kind: \"k\"*256", "artifact.kind is too long"},
                                             {"created_wall_ns: 1 changed_wall_ns: 2", NULL},
                                             {"changed_wall_ns: -1", "artifact was made before 1970"}};
    EVENT("artifact_ready", "path: \"qlog/x.qlog\" kind: \"qlog\" size_bytes: 1 hash: " HASH, artifact);
    static const struct change gap[] = {{"stream: \".\"", "gap.stream is not a file name"},
                                        {"reason: \"r\"*4097", "gap.reason is too long"}};
    EVENT("gap", "stream: \"x\" offset: 1 bytes: 2 reason: \"limit\"", gap);
    static const struct change metric[] = {{"unit: \"u\"*256", "metric.unit is too long"},
                                           {"case_name: \"\\n\"", "metric.case_name is unprintable"}};
    EVENT("metric", "name: \"rps\" value: 3", metric);
}

static void an_event_is_at_most_64_kib(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct text text = {0};
    text_append(&text, "instance: 1 generation: 1 sequence: 1 process_started { process: 1 pid: 1 name: \"x\" ");
    for (unsigned i = 0; i < 17; i++)
        text_append(&text, "argv: \"a\"*3900 ");
    text_append(&text, "}");
    Pb__Event *event = message_parse(&pb__event__descriptor, text_string(&text), arena);
    assert_string_equal(event_invalid(event), "event is too large");
    event->process_started->n_argv = 16;
    assert_null(event_invalid(event));
    text_free(&text);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialize),
        cmocka_unit_test(commands),
        cmocka_unit_test(faults),
        cmocka_unit_test(events),
        cmocka_unit_test(processes),
        cmocka_unit_test(streams_and_artifacts),
        cmocka_unit_test(an_event_is_at_most_64_kib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
