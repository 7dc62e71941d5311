// Requests and replies of clients, and bulk.
#include "expect.h"

#define REQUEST(body, valid, changes) EXPECT(envelope, envelope_invalid, "version: 1 request { number: 1 " body " {", valid, "} }", changes)
#define REPLY(body, valid, changes) EXPECT(envelope, envelope_invalid, "version: 1 reply { number: 1 " body " {", valid, "} }", changes)
#define BULK(body, valid, changes) EXPECT(bulk_envelope, bulk_envelope_invalid, "version: 1 number: 1 " body " {", valid, "}", changes)

static void submissions(void **state)
{
    (void)state;
    static const struct change submit[] = {
        {"text: \"\"", "submit.text is empty"},
        {"text: \"t\"*1048576", NULL},
        {"text: \"t\"*1048577", "submit.text is larger than an experiment may be"},
        {"file_name: \"f\"*4096", "submit.file_name is too long"},
        {"files { name: \"x\" }", "file.hash is not a hash"},
        {"files { hash: " HASH " }", "file.name is not a name"},
        {"overrides { value: \"1\" }", "override.path is empty or too long"},
        {"overrides { path: \"a\" value: \"v\"*65537 }", "override.value is too long"},
        {"key: \"k\"*256", "submit.key is too long"},
        {"labels { value: \"x\" }", "label.name is empty or unprintable"},
        {"holds { verdict: VERDICT_PASS hold_ms: 1 }", "submit.holds: only inconc, fail and error are held"},
        {"holds { verdict: VERDICT_FAIL hold_ms: 43200001 }", "submit.holds: a time is zero or too long"},
        {"holds { verdict: VERDICT_FAIL }", "submit.holds: a time is zero or too long"},
        {"holds { verdict: VERDICT_FAIL hold_ms: 43200000 }", NULL},
    };
    REQUEST("submit",
            "file_name: \"lab.yaml\" text: \"panther: 1\" files { name: \"site\" hash: " HASH
            " path: \"www\" } overrides { path: \"a.b\" value: \"1\" }",
            submit);
}

static void small_requests(void **state)
{
    (void)state;
    static const struct change cancel[] = {{"run: \"\"", "cancel.run is empty or too long"}, {"why: \"w\"*4097", "cancel.why is too long"}};
    REQUEST("cancel", "run: \"r1\"", cancel);
    static const struct change query[] = {{"table: 0", "query.table is not set"},
                                          {"table: 99", "a value of an enum is not known"},
                                          {"scope: \"s\"*512", "query.scope is too long"}};
    REQUEST("query", "table: TABLE_CELLS scope: \"r1/load\"", query);
    static const struct change add[] = {
        {"name: \"Ann\"", "add_key.name is not a name"},
        {"role: 0", "add_key.role is not set"},
        {"public_key: \"x\"", "add_key.public_key is not a key in Z85"},
        {"enroll_for: \"lab-d\"", "add_key.enroll_for belongs to an enrolment key, and only there"},
        {"role: ROLE_ENROLL", "add_key.enroll_for belongs to an enrolment key, and only there"},
        {"role: ROLE_ENROLL enroll_for: \"lab-d\"", NULL},
        {"role: ROLE_ENROLL enroll_for: \"Lab\"", "add_key.enroll_for is not a name"},
    };
    REQUEST("add_key", "name: \"ann\" role: ROLE_OPERATOR public_key: " KEY, add);
    static const struct change several[] = {
        {"keys { name: \"lab-b\" role: ROLE_AGENT public_key: " KEY " }", NULL},
        {"keys { name: \"Lab\" role: ROLE_AGENT public_key: " KEY " }", "add_key.name is not a name"},
    };
    REQUEST("add_keys", "keys { name: \"lab-a\" role: ROLE_AGENT public_key: " KEY " }", several);
    static const struct change revoke[] = {{"name: \"\"", "revoke_key.name is not a name"}};
    REQUEST("revoke_key", "name: \"ann\"", revoke);
    static const struct change backup[] = {{"path: \"\"", "backup.path is empty or too long"}};
    REQUEST("backup", "path: \"/tmp/x\"", backup);
    static const struct change drain[] = {{"agent: \"\"", "drain.agent is not a name"}, {"why: \"w\"*4097", "drain.why is too long"}};
    REQUEST("drain", "agent: \"lab-a\"", drain);
    static const struct change release[] = {{"name: \"\"", "release.name is empty or too long"}};
    REQUEST("release", "name: \"r1/load/1#1\"", release);
    static const struct change annotate[] = {{"run: \"\"", "annotate.run is empty or too long"},
                                             {"note: \"n\"*4097", "annotate.note is too long"},
                                             {"tags: \"No Tag\"", "annotate.tags are too many, or not names"},
                                             {"not_tags: \"../x\"", "annotate.not_tags are too many, or not names"},
                                             {"pin: 9", "a value of an enum is not known"},
                                             {"note: \"\"", NULL}};
    REQUEST("annotate", "run: \"r1/load/1#1\" note: \"a wall\"", annotate);
    static const struct change plan[] = {{"agent: \"\"", "plan_commands.agent is not a name"},
                                         {"plugin: \"a b\"", "plan_commands.plugin is not a name"},
                                         {"options: \"o\"*65536", "plan_commands.options are too many or too long"}};
    REQUEST("plan_commands", "agent: \"lab-a\" plugin: \"nginx\" options: \"workers=2\"", plan);
    static const struct change capture[] = {{"trial: \"\"", "capture.trial is empty or too long"},
                                            {"trial: \"r1234567\"*128", "capture.trial is empty or too long"},
                                            {"service: \" x\"", "capture.service is not a name"},
                                            {"file: \"a/b\"", "capture.file is not a file name"},
                                            {"file: \"\" service: \"\"", NULL}};
    REQUEST("capture", "trial: \"r1/load/1#1\" service: \"network\" file: \"a.pcapng\" offset: 7", capture);
    static const struct change shell[] = {
        {"trial: \"\"", "shell.trial is empty or too long"},
        {"service: \"\"", "shell.service is not a name"},
        {"turn { shell: 0 }", "shell.shell is not set"},
        {"turn { shell: 7 rows: 65536 }", "shell.rows or columns are too many"},
        {"turn { shell: 7 input: \"i\"*32768 }", NULL},
        {"turn { shell: 7 input: \"i\"*32769 }", "shell.input is too long"},
        {"turn { shell: 7 input_offset: 18446744073709551615 }", "shell.input_offset is out of range"},
        {"turn { shell: 7 begin { argv: \"\" } }", "shell.argv names no program"},
        {"turn { shell: 7 begin { argv: \"a\"*16384 } }", "shell.argv is too long"},
        {"turn { shell: 7 begin { terminal: \"a b\\n\" } }", "shell.terminal is not a name"},
        {"turn { shell: 7 begin { argv: \"ls\" terminal: \"xterm\" } }", NULL},
    };
    REQUEST("shell", "trial: \"r1/load/1#1\" service: \"server\" turn { shell: 7 }", shell);
    static const struct change push[] = {{"token: \"x\"", "push_plugin.token is not 128 bits in hex"},
                                         {"name: \"../x\"", "push_plugin.name is not a name"},
                                         {"hash: \"12\"", "push_plugin.hash is not a hash"},
                                         {"hash: \"\"", NULL},
                                         {"agents: \"../x\"", "push_plugin.agents: not a name"}};
    REQUEST("push_plugin", "token: \"00000000000000000000000000000001\" name: \"nginx\" hash: " HASH, push);
    static const struct change list[] = {{"name: \"n\"*128", "list_plugins.name is too long"}};
    REQUEST("list_plugins", "", list);
    static const struct change get[] = {{"run: \"@last\"", NULL}, {"run: \"r1234567\"*128", "get_status.run is too long"}};
    REQUEST("get_status", "", get);
    static const struct change number[] = {{"number: 0", "request.number is not set"}, {"get_status {}", NULL}, {"list_keys {}", NULL}};
    EXPECT(envelope, envelope_invalid, "version: 1 request {", "number: 1 list_agents {}", "}", number);
}

static void replies(void **state)
{
    (void)state;
    static const struct change submitted[] = {
        {"run: 0", "submitted.run is not set"},
        {"missing: \"x\"", "submitted.missing are not hashes"},
        {"plan { services { } }", "planned_service.service is not a name"},
    };
    REPLY("submitted", "accepted: true run: 1 run_name: \"r1\" missing: " HASH " plan { services { service: \"a\" } }", submitted);
    static const struct change rows[] = {
        {"rows { values: \"1\" }", "rows: a row has not as many values as there are columns"},
        {"columns: \"c\"", "rows: a row has not as many values as there are columns"},
    };
    REPLY("rows", "columns: \"a\" columns: \"b\" rows { values: \"1\" values: \"2\" }", rows);
    static const struct change agents[] = {
        {"agents { }", "agent.name is not a name"},
        {"agents { name: \"a\" addresses { } }", "address.network is not a name"},
        {"agents { name: \"a\" facts { kernel: \"k\"*256 } }", "facts.kernel is too long"},
    };
    REPLY("agents", "agents { name: \"lab-a\" state: \"connected\" labels { name: \"x\" } }", agents);
    static const struct change plugins[] = {
        {"plugins { description { } }", "description.name is not a name"},
        {"plugins { hash: \"1\" }", "plugin.hash is not a hash"},
        {"plugins { agents { agent: \"a\" } }", "plugin.presence is missing"},
        {"plugins { agents { } }", "plugin.agent is not a name"},
    };
    REPLY("plugins", "plugins { hash: " HASH " agents { agent: \"a\" presence { name: \"x\" } } }", plugins);
    static const struct change captured[] = {{"sources { service: \"a\" }", "captured.host is not a name"},
                                             {"sources { host: \"lab-a\" }", "captured.service is not a name"},
                                             {"piece { number: 0 }", "capture_read.number is not set"}};
    REPLY("captured", "sources { service: \"network\" host: \"lab-a\" } piece { number: 1 }", captured);
    static const struct change said[] = {{"turned { shell: 0 }", "shell.shell is not set"},
                                         {"turned { shell: 7 output: \"o\"*32769 }", "shell.output is too long"},
                                         {"turned { shell: 7 output_offset: 18446744073709551615 }", "shell.output_offset is out of range"},
                                         {"turned { shell: 7 refused: \"r\"*4097 }", "shell.refused is too long"}};
    REPLY("shell_said", "turned { shell: 7 }", said);
    static const struct change keys[] = {{"keys { name: \"a\" }", "key.public_key is not a key in Z85"},
                                         {"keys { }", "key.name is not a name"}};
    REPLY("keys", "keys { name: \"a\" role: 1 public_key: " KEY " }", keys);
    static const struct change added[] = {{"server_key: \"\"", "key_added.server_key is not a key in Z85"}};
    REPLY("key_added", "name: \"a\" server_key: " KEY, added);
    static const struct change refused[] = {{"code: 0", "refused.code is not set"}};
    REPLY("refused", "code: REFUSAL_CODE_ROLE text: \"no\"", refused);
    static const struct change get[] = {{"run: \"@last\"", NULL}, {"run: \"r1234567\"*128", "get_status.run is too long"}};
    REQUEST("get_status", "", get);
    static const struct change number[] = {{"number: 0", "reply.number is not set"}};
    EXPECT(envelope, envelope_invalid, "version: 1 reply {", "number: 1 status { version: \"0.1\" }", "}", number);
}

static void bulk(void **state)
{
    (void)state;
    static const struct change put[] = {
        {"kind: 0", "put_chunk.kind is not set"},
        {"instance: 0", "put_chunk.instance is not set"},
        {"generation: 0", "put_chunk.generation is not set"},
        {"name: \"../x\"", "put_chunk.name of a stream is not a file name"},
        {"name: \"..\"", "put_chunk.name of a stream is not a file name"},
        {"name: \"\"", "put_chunk.name of a stream is not a file name"},
        {"kind: BULK_KIND_ARTIFACT name: \"qlog/a.qlog\"", NULL},
        {"kind: BULK_KIND_ARTIFACT name: \"qlog/../../a\"", "put_chunk.name of an artifact leaves its folder"},
        {"kind: BULK_KIND_ARTIFACT name: \"/etc/passwd\"", "put_chunk.name of an artifact leaves its folder"},
        {"kind: BULK_KIND_ARTIFACT name: \"..\"", "put_chunk.name of an artifact leaves its folder"},
        {"kind: BULK_KIND_ARTIFACT name: \"a..b/..c\"", NULL},
        {"hash: \"12\"", "put_chunk.hash is not a hash"},
        {"last: true", "put_chunk.last without a hash"},
        {"last: true hash: " HASH " offset: 9 total_bytes: 8", "put_chunk.last with an offset behind the end"},
        {"last: true hash: " HASH " offset: 8 total_bytes: 8", NULL},
        {"read_times: 5 read_times: 100 read_times: 9 read_times: 100", NULL},
        {"read_times: 5 read_times: 100 read_times: 9", "put_chunk.read_times are too many, not two each, or go back"},
        {"read_times: 5 read_times: 100 read_times: 5 read_times: 101", "put_chunk.read_times are too many, not two each, or go back"},
        {"read_times: 5 read_times: 100 read_times: 9 read_times: 99", "put_chunk.read_times are too many, not two each, or go back"},
        {"kind: BULK_KIND_BLOB", "put_chunk.hash of a blob is not a hash"},
        {"kind: BULK_KIND_BLOB instance: 0 generation: 0 name: \"\" hash: " HASH, NULL},
    };
    BULK("put_chunk", "kind: BULK_KIND_STREAM instance: 1 generation: 1 name: \"nginx.stderr\" offset: 4", put);
    static const struct change get[] = {
        {"stream: \"\"", "get_chunk asks for both a stream and a hash, or for neither"},
        {"hash: " HASH, "get_chunk asks for both a stream and a hash, or for neither"},
        {"stream: \"\" hash: " HASH, NULL},
        {"stream: \"\" hash: \"x\"", "get_chunk.hash is not a hash"},
    };
    BULK("get_chunk", "stream: \"r1/load/2/server/nginx.stderr\" limit_bytes: 4096", get);
    static const struct change chunk[] = {
        {"read_times: 5 read_times: 100", NULL},
        {"read_times: 5 read_times: 100 read_times: 4 read_times: 100", "chunk.read_times are too many, not two each, or go back"},
    };
    BULK("chunk", "offset: 4 total_bytes: 9", chunk);
    static const struct change refused[] = {{"code: 0", "bulk_refused.code is not known"},
                                            {"code: 99", "bulk_refused.code is not known"},
                                            {"code: 4294967295", "bulk_refused.code is not known"}};
    BULK("refused", "code: 11 text: \"no such stream\"", refused);
    static const struct change hashes[] = {{"hashes: \"\"", "blobs: too many, or not hashes"}};
    BULK("have_blobs", "hashes: " HASH, hashes);
    BULK("missing_blobs", "hashes: " HASH, hashes);
    static const struct change outer[] = {{"number: 0", "bulk.number is not set"}, {"version: 0", "bulk.version is not set"}};
    EXPECT(bulk_envelope, bulk_envelope_invalid, "version: 1 number: 1", "put_answer { have: 1 }", "", outer);
    EXPECT(bulk_envelope, bulk_envelope_invalid, "version: 1 number: 1", "chunk { end: true }", "", outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submissions),
        cmocka_unit_test(small_requests),
        cmocka_unit_test(replies),
        cmocka_unit_test(bulk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
