// Records as they are read back, and the resolved experiment in them.
#include "expect.h"

#define RECORD(body, valid, changes) EXPECT(record, record_invalid, "format: 1 " body " {", valid, "}", changes)
#define TEST_TEXT                                                                                                                          \
    "name: \"load\" repeat_times: 2 combinations: 6 axes { name: \"a\" values { id: \"1\" } values { id: \"2\" } }"                        \
    " axes { name: \"b\" values { id: \"x\" } values { id: \"y\" } values { id: \"z\" } } services { name: \"server\" }"
#define PLAN "test: \"load\" repetition: 1 services { name: \"server\" plugin: \"nginx\" }"

static void runs(void **state)
{
    (void)state;
    static const struct change accepted[] = {
        {"run: 0", "run_accepted.run is not set"},
        {"cells: 0", "run_accepted.cells is not set"},
        {"experiment: ~", "run_accepted.experiment is missing"},
        {"experiment { }", "experiment.language is not set"},
        {"experiment { language: 1 }", "experiment.tests are missing"},
    };
    RECORD("run_accepted", "run: 1 cells: 12 experiment { language: 1 tests { " TEST_TEXT " } }", accepted);
    static const struct change test[] = {
        {"name: \"\"", "test.name is not a name"},
        {"combinations: 5", "test.combinations is not the product of its axes"},
        {"axes { name: \"c\" }", "axis.values are missing"},
        {"axes { name: \"c\" values { } }", "axis.value.id is empty"},
        {"repeat_times: 0", "test.repeat_times is not set"},
        {"services { }", "service.name is not a name"},
        {"services { name: \"b\" drives { name: \"x\" } }", "drive.services are not names"},
        {"services { name: \"b\" host { name: \"A\" } }", "host.name is not a name"},
        {"services { name: \"b\" options { name: \"any thing\" values: \"x\" line: 3 } }", NULL},
        {"assertions { service: \"server\" }", "there is no body, or one of a newer version"},
        {"assertions { service: \"server\" exit { clean: true } }", NULL},
        {"assertions { output { } }", "assertion.output.pattern is empty"},
        {"assertions { metric { name: \"x\" has_at_least: true at_least: nan } }", "assertion.metric has a bound that is not a number"},
        {"assertions { artifact { } }", "assertion.artifact.path is empty"},
        {"assertions { capture { } window { since { entry: \"a b\" } } }", "window.entry is not a name"},
        {"assertions { finding { } window { until { entry: \"cut\" end: true } } }", NULL},
        {"kept: 1 kept: 5 combinations: 2", NULL},
        {"kept: 1 kept: 6 combinations: 2", "test.kept is not rising, or beyond the axes"},
        {"kept: 3 kept: 3 combinations: 2", "test.kept is not rising, or beyond the axes"},
        {"kept: 1 kept: 2", "test.combinations is not the number of those that are kept"},
        {"network { type: \"\" }", "network.type is not a name"},
        {"network { type: \"lab\" links { from: \"A\" } }", "link_rule.from or to is not a service's name"},
        {"network { type: \"emulated\" links { conditions { name: \"delay\" values: \"20ms\" } } }", NULL},
        {"environments { type: \"a b\" }", "environment.type is not a name"},
        {"environments { type: \"strace\" services: \"A\" }", "environment.services are not names"},
        {"timeline { id: \"\" change: SERVICE_CHANGE_STOP }", "timeline.id is not a name"},
        {"timeline { id: \"a\" change: SERVICE_CHANGE_UNSPECIFIED }", "timeline.change is not set"},
        {"timeline { id: \"a\" service: \"A\" run_case: \"x\" }", "timeline.service is not a name"},
        {"timeline { id: \"a\" run_case: \"\" }", "timeline.run_case is empty or unprintable"},
        {"timeline { id: \"a\" run { } }", "run.argv is empty or too long"},
        {"timeline { id: \"a\" fault { id: \"a\" } }", "fault.kind is not a name"},
        {"timeline { id: \"a\" run_case: \"x\" trigger { entry: \"A\" } }", "timeline.trigger.entry is not a name"},
        {"timeline { id: \"a\" run_case: \"x\" trigger { ready: \"A\" } }", "timeline.trigger.ready are not names"},
        {"repeat_until { pass_rate: 1 confidence: 0.5 }", "test.repeat_until.pass_rate is not a share"},
        {"repeat_until { pass_rate: 0.9 }", "test.repeat_until.confidence is not a share"},
        {"expected { verdict: 3 }", NULL},
        {"expected { case_name: \"x\" verdict: 1 }", "test.expected.verdict is none to expect"},
        {"expected { verdict: 5 }", "test.expected.verdict is none to expect"},
        {"no_worse { by: 0.05 confidence: 0.95 }", NULL},
        {"no_worse { by: -1 confidence: 0.95 }", "test.no_worse.by is not a share"},
        {"no_worse { by: 0.05 confidence: 1 }", "test.no_worse.confidence is not a share"},
    };
    EXPECT(record, record_invalid, "format: 1 run_accepted { run: 1 cells: 12 experiment { language: 1 tests {", TEST_TEXT, "} } }", test);
    static const struct change cancelled[] = {{"run: 0", "run_cancelled.run is not set"}};
    RECORD("run_cancelled", "run: 1", cancelled);
    static const struct change ended[] = {
        {"run: 0", "run_ended.run is not set"},
        {"gates { outcome { verdict: VERDICT_PASS } results { outcome {} } }", NULL},
        {"gates { }", "run_ended.gates.outcome is missing"},
        {"gates { outcome {} results { gate: \"expect\" } }", "run_ended.gates.result.outcome is missing"},
    };
    RECORD("run_ended", "run: 1", ended);
}

static void trials(void **state)
{
    (void)state;
    static const struct change started[] = {
        {"trial: 0", "trial_started has an id that is not set"},
        {"plan: ~", "trial_started.plan is missing"},
        {"plan { test: \"load\" }", "plan.repetition is not set"},
        {"plan { test: \"load\" repetition: 1 }", "plan.services are none or too many"},
        {"services { service: \"server\" agent: \"lab-a\" }", "placed_service.instance is not set"},
        {"services { service: \"server\" agent: \"lab-a\" instance: 1 file_hash: \"12\" }", "placed_service.file_hash is not a hash"},
        {"services { service: \"server\" instance: 1 }", "placed_service.agent is not a name"},
    };
    RECORD("trial_started", "trial: 1 run: 1 attempt: 1 plan { " PLAN " } services { service: \"server\" agent: \"lab-a\" instance: 3 }",
           started);
    static const struct change issued[] = {
        {"trial: 0", "command_issued.trial is not set"},
        {"command: ~", "command_issued.command is missing"},
        {"command { instance: 1 }", "there is no body, or one of a newer version"},
        {"command { generation: 1 number: 2 start {} }", "command_issued.command has an id that is not set"}};
    RECORD("command_issued", "trial: 1 command { instance: 1 generation: 1 number: 2 start {} }", issued);
    static const struct change released[] = {
        {"instance: 0", "cases_released has an id that is not set"},
        {"first_number: 0", "cases_released.first_number is not set"},
        {"first_number: 4294967295", "cases_released has numbers out of range"},
        {"execute: true", "cases_released has both cases and execute, or neither"},
        {"cases: \"\"", "cases_released.cases are too many or unprintable"},
    };
    RECORD("cases_released", "trial: 1 instance: 1 generation: 1 first_number: 3 cases: \"a\" cases: \"b\"", released);
    static const struct change ended[] = {{"trial: 0", "trial_ended.trial is not set"}, {"outcome: ~", "trial_ended.outcome is missing"}};
    RECORD("trial_ended", "trial: 1 outcome { verdict: 1 }", ended);
    static const struct change stopping[] = {{"trial: 0", "trial_stopping.trial is not set"}};
    RECORD("trial_stopping", "trial: 1", stopping);
    static const struct change mark[] = {{"trial: 0", "timeline_mark.trial is not set"},
                                         {"agent: \"\"", "timeline_mark.agent is not a name"}};
    RECORD("timeline_mark", "trial: 1 entry: \"cut\" agent: \"lab-a\" boottime_ns: 5", mark);
    static const struct change cell[] = {{"run: 0", "cell_ended.run is not set"}, {"outcome: ~", "cell_ended.outcome is missing"}};
    RECORD("cell_ended", "run: 1 outcome { verdict: 3 reason: 8 }", cell);
}

static void events_and_content(void **state)
{
    (void)state;
    static const struct change event[] = {
        {"agent: \"\"", "instance_event.agent is not a name"},
        {"sequence: 0", "instance_event has no place in an outbox"},
        {"event: ~", "instance_event.event is missing"},
        {"event { instance: 1 generation: 1 sequence: 1 instance_ended { } }", "instance_ended.cause is not set"},
    };
    RECORD("instance_event", "agent: \"lab-a\" epoch: " ID " sequence: 7 trial: 1 event { instance: 1 generation: 1 sequence: 1 note { } }",
           event);
    static const struct change renewed[] = {{"trial: 0", "instance_renewed has an id that is not set"},
                                            {"instance: 0", "instance_renewed has an id that is not set"},
                                            {"generation: 1", "instance_renewed has an id that is not set"}};
    RECORD("instance_renewed", "trial: 1 instance: 1 generation: 2 profile: \"retry\"", renewed);
    static const struct change lost[] = {{"instance: 0", "instance_lost.instance is not set"}};
    RECORD("instance_lost", "instance: 1", lost);
    static const struct change held[] = {{"trial: 0", "trial_held.trial is not set"},
                                         {"hold_ms: 0", "trial_held.hold_ms is zero or too long"},
                                         {"hold_ms: 43200001", "trial_held.hold_ms is zero or too long"},
                                         {"verdict: ~", "trial_held.verdict is missing"}};
    RECORD("trial_held", "trial: 1 hold_ms: 1 verdict { trial: 1 outcome { } }", held);
    static const struct change stored[] = {{"hash: \"\"", "content_stored.hash is not a hash"},
                                           {"instance: 0", "content_stored has an id that is not set"}};
    RECORD("content_stored", "instance: 1 generation: 1 name: \"nginx.stderr\" is_stream: true hash: " HASH, stored);
    static const struct change annotated[] = {{"run: 0", "run_annotated.run is not set"},
                                              {"tags: \"No Tag\"", "run_annotated.tags are not names"},
                                              {"not_tags: \"../x\"", "run_annotated.not_tags are not names"}};
    RECORD("run_annotated", "run: 1 note: \"a wall\" by: \"ada\"", annotated);
    static const struct change removed[] = {{"run: 0", "evidence_removed.run is not set"},
                                            {"contents { generation: 1 }", "evidence_removed has an id that is not set"},
                                            {"contents { instance: 1 generation: 1 hash: \"12\" }", "evidence_removed.hash is not a hash"}};
    RECORD("evidence_removed", "run: 1 contents { instance: 1 generation: 1 name: \"a\" hash: " HASH " }", removed);
}

static void peers(void **state)
{
    (void)state;
    static const struct change key[] = {{"name: \"\"", "key_added.name is not a name"},
                                        {"role: 0", "key_added.role is not set"},
                                        {"public_key: \"\"", "key_added.public_key is not a key in Z85"}};
    RECORD("key_added", "name: \"lab-a\" role: ROLE_AGENT public_key: " KEY, key);
    static const struct change revoked[] = {{"name: \"\"", "key_revoked.name is not a name"}};
    RECORD("key_revoked", "name: \"lab-a\"", revoked);
    static const struct change seen[] = {{"name: \"\"", "agent_seen.name is not a name"}, {"epoch: \"\"", "agent_seen.epoch is empty"}};
    RECORD("agent_seen", "name: \"lab-a\" epoch: " ID, seen);
    static const struct change drained[] = {{"name: \"\"", "agent_drained.name is not a name"}};
    RECORD("agent_drained", "name: \"lab-a\" by: \"ann\"", drained);
    static const struct change opened[] = {{"store_id: \"\"", "store_opened.store_id is empty"}};
    RECORD("store_opened", "store_id: " ID, opened);
    static const struct change described[] = {{"hash: \"\"", "described.hash is not a hash"},
                                              {"description: ~", "described.description is missing"}};
    RECORD("description", "hash: " HASH " description { name: \"x\" kind: 1 abi_major: 1 }", described);
    static const struct change format[] = {{"format: 0", "record.format is not set"}};
    EXPECT(record, record_invalid, "", "format: 1 run_ended { run: 1 }", "", format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs),
        cmocka_unit_test(trials),
        cmocka_unit_test(events_and_content),
        cmocka_unit_test(peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
