// Agent and guard, guard and plugin host.
#include "expect.h"

#define INITIALIZE                                                                                                                         \
    "initialize { plugin: \"nginx\" trial_name: \"r1/load/1#1\" service: \"server\" lease_ms: 30000 initialize_ms: 1 start_ms: 1 "         \
    "stop_ms: 1 }"
#define SPEC                                                                                                                               \
    "version: 1 instance: 1 generation: 1 agent: \"lab-a\" plugin_path: \"/p/nginx.so\" host_program: \"/b/panther-service\""              \
    " address: \"10.0.0.1\" port_first: 20000 port_count: 16 lease_expires_ns: 5 boot_id: "                                                \
    "\"01234567-89ab-cdef-0123-456789abcdef\" " INITIALIZE

static void spec(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"version: 0", "spec.version is not set"},
        {"instance: 0", "spec.instance is not set"},
        {"generation: 0", "spec.generation is not set"},
        {"agent: \"\"", "spec.agent is not a name"},
        {"initialize: ~", "spec.initialize is missing"},
        {"initialize { }", "initialize.plugin is not a name"},
        {"plugin_path: \"\"", "spec.plugin_path is empty or too long"},
        {"host_program: \"h\"*4096", "spec.host_program is empty or too long"},
        {"address: \"lab-a\"", "spec.address is not numeric"},
        {"address: \"\"", NULL},
        {"port_first: 65520", NULL},
        {"port_first: 65521", "spec.ports are out of range"},
        {"port_first: 0", "spec.port_first is not set"},
        {"port_count: 4294967295", "spec.ports are out of range"},
        {"lease_expires_ns: 0", "spec.lease_expires_ns is not set"},
        {"boot_id: \"today\"", "spec.boot_id is not a boot id"},
        {"work_path: \"w\"*4096", "spec.work_path or state_path is too long"},
        {"cgroup: \"c\"*4096", "spec.cgroup is too long"},
    };
    EXPECT(guard_spec, guard_spec_invalid, "", SPEC, "", changes);
}

static void agent_and_guard(void **state)
{
    (void)state;
    static const struct change request[] = {
        {"lease { expires_ns: 1 }", NULL},
        {"lease { }", "lease.expires_ns is not set"},
        {"discard { why: \"w\"*4097 }", "discard.why is too long"},
        {"acknowledged { }", NULL},
        {"attach { version: 1 agent: \"lab-a\" }", NULL},
        {"attach { }", "attach.version is not set"},
        {"attach { version: 1 agent: \"A\" }", "attach.agent is not a name"},
        {"command { instance: 1 generation: 1 number: 1 start {} }", "command 1, and no other, is initialize"},
        {"cases { cases { instance: 1 generation: 1 number: 2 run_case { name: \"x\" timeout_ms: 1 } } }", NULL},
        {"cases { cases { instance: 1 generation: 1 number: 2 start {} } }", "cases.cases has a command that is no case"},
        {"cases { }", "cases.cases are none or too many"},
    };
    EXPECT(guard_request, guard_request_invalid, "", "command { instance: 1 generation: 1 number: 2 start {} }", "", request);
    static const struct change notice[] = {
        {"spool { bytes: 1 sequence: 1 }", NULL},
        {"streams { streams { stream: \"nginx.stdout\" bytes: 5 } }", NULL},
        {"streams { streams { stream: \"../x\" } }", "streams.stream is not a file name"},
        {"state { instance: 1 generation: 1 }", "state.version is not set"},
        {"state { version: 1 generation: 1 }", "state.instance is not set"},
        {"state { version: 1 instance: 1 }", "state.generation is not set"},
    };
    EXPECT(guard_notice, guard_notice_invalid, "", "state { version: 1 instance: 1 generation: 1 }", "", notice);
}

static void to_a_host(void **state)
{
    (void)state;
    static const struct change request[] = {
        {"number: 0", "host_request.number is not set"},
        {"run_case { name: \"x\" timeout_ms: 1 }", NULL},
        {"run_case { name: \"x\" }", "run_case.timeout_ms is not set"},
        {"execute { }", "execute.timeout_ms is not set"},
        {"stop { why: \"w\"*4097 }", "stop.why is too long"},
        {"cleanup {}", NULL},
        {"number: 0 status {}", NULL},
        {"number: 0 spawned { token: 1 problem: \"p\"*4097 }", "spawned.problem is too long"},
        {"number: 0 port { token: 1 port: 65536 }", "port.port is not a port"},
        {"number: 0 line_seen { line: \"l\"*4097 }", "line_seen.line is too long"},
        {"number: 0 process_output { process: 1 stream: \"x.stdout\" data: \"abc\" }", NULL},
        {"number: 0 process_output { process: 1 }", "process_output.stream is not a file name"},
        {"number: 0 process_exited { process: 1 }", NULL},
        {"number: 0 cases { cases { number: 1 run_case { name: \"x\" timeout_ms: 1 } } cases { number: 2 run_case { name: \"y\" "
         "timeout_ms: 1 } } }",
         NULL},
        {"number: 0 cases { }", "cases.cases are none or too many"},
        {"number: 0 cases { cases { run_case { name: \"x\" timeout_ms: 1 } } }", "cases.number is not set"},
        {"number: 0 cases { cases { number: 1 } }", "cases.run_case is missing"},
        {"number: 0 cases { cases { number: 1 run_case { name: \"x\" } } }", "run_case.timeout_ms is not set"},
        {"initialize { }", "initialize.spec is missing"},
        {"initialize { spec { " SPEC " } }", NULL},
        {"initialize { spec { " SPEC " version: 0 } }", "spec.version is not set"},
    };
    EXPECT(host_request, host_request_invalid, "", "number: 2 start {}", "", request);
}

static void from_a_host(void **state)
{
    (void)state;
    static const struct change notice[] = {
        {"done { number: 1 status: COMMAND_STATUS_OK }", NULL},
        {"done { }", "command_done.number is not set"},
        {"case_started { number: 1 name: \"x\" }", NULL},
        {"case_result { number: 1 name: \"x\" }", "case_result.outcome is not set"},
        {"results { results { number: 1 name: \"x\" } }", "case_result.outcome is not set"},
        {"results { }", "results.results are none or too many"},
        {"metric { name: \"x\" value: nan }", "metric.value is not a number"},
        {"log { level: 8 }", "log.level is not known"},
        {"signal { signal: 15 }", "signal.process is not set"},
        {"signal { process: 1 signal: 65 }", "signal.signal is not a signal"},
        {"port { name: \"http\" transport: TRANSPORT_TCP }", NULL},
        {"port { name: \"http\" }", "port.transport is not set"},
        {"port { transport: TRANSPORT_TCP }", "port.name is not a name"},
        {"port { name: \"http\" transport: TRANSPORT_TCP wanted: 65536 }", "port.wanted is not a port"},
        {"watch_line { watch: 1 process: 1 }", "watch_line.pattern is empty or too long"},
        {"watch_line { watch: 1 process: 1 pattern: \"p\"*1025 }", "watch_line.pattern is empty or too long"},
        {"artifact { path: \"*.qlog\" pattern: true }", NULL},
        {"artifact { path: \"/etc/passwd\" }", "artifact.path leaves the work folder"},
        {"status { text: \"t\"*4097 }", "status.text is too long"},
        {"note { text: \"t\"*4097 }", "note.text is too long"},
    };
    EXPECT(host_notice, host_notice_invalid, "", "log { level: 6 text: \"hello\" }", "", notice);
    static const struct change spawn[] = {
        {"name: \"a/b\"", "spawn.name is not a short file name"},
        {"name: \"n\"*64", "spawn.name is not a short file name"},
        {"environment { name: \"A=B\" }", "spawn.environment has a name that is empty or holds '='"},
        {"environment { value: \"x\" }", "spawn.environment has a name that is empty or holds '='"},
        {"environment { name: \"A\" value: \"x=y\" }", NULL},
        {"working_directory: \"w\"*4096", "spawn.working_directory is too long"},
        {"stop_signal: 65", "spawn.stop_signal is not a signal"},
        {"clean_statuses: 143 clean_statuses: 0", NULL},
    };
    EXPECT(host_notice, host_notice_invalid, "spawn {", "token: 1 name: \"nginx\" argv: \"/usr/sbin/nginx\" argv: \"\"", "}", spawn);
    static const struct change no_program[] = {{"name: \"y\" argv: \"\"", "spawn.argv names no program"}};
    struct arena *arena = arena_new(0);
    assert_string_equal(host_notice_invalid(message_parse(&pb__host_notice__descriptor, "spawn { name: \"x\" }", arena)),
                        "spawn.argv names no program");
    arena_free(&arena);
    expect_one(&pb__host_notice__descriptor, (const char *(*)(const void *))host_notice_invalid, "spawn {", "", "}", no_program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec),
        cmocka_unit_test(agent_and_guard),
        cmocka_unit_test(to_a_host),
        cmocka_unit_test(from_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
