// The session between agent and coordinator, body by body: a valid one, and one change at a time.
#include "expect.h"

#define ENVELOPE(body, valid, changes) EXPECT(envelope, envelope_invalid, "version: 1 session: 9 " body " {", valid, "}", changes)

static void hello(void **state)
{
    (void)state;
    static const char valid[] =
        "name: \"lab-a\" host_id: " ID " boot_id: \"01234567-89ab-cdef-0123-456789abcdef\" outbox_epoch: " ID
        " outbox_first: 5 outbox_last: 9 outbox_acknowledged: 4 labels { name: \"site\" value: \"a\" }"
        " addresses { network: \"default\" address: \"10.0.0.1\" } facts { cpus: 4 }"
        " plugins { name: \"nginx\" description_hash: " HASH " usable: true } instances { instance: 3 generation: 1 }";
    static const struct change changes[] = {
        {"name: \"\"", "hello.name is not a name"},
        {"name: \"Lab\"", "hello.name is not a name"},
        {"name: \"a\"*64", "hello.name is not a name"},
        {"name: \"a\"*63", NULL},
        {"host_id: \"host\"", "hello.host_id is not 128 bits in hex"},
        {"boot_id: " ID, NULL},
        {"boot_id: \"x\"", "hello.boot_id is not a boot id"},
        {"outbox_epoch: \"\"", "hello.outbox_epoch is not 128 bits in hex"},
        {"outbox_first: 0", "hello.outbox_first is behind its last"},
        {"outbox_first: 10", NULL},
        {"outbox_first: 11", "hello.outbox_first is behind its last"},
        {"outbox_acknowledged: 10", "hello.outbox_acknowledged is behind its last"},
        {"store_id: " ID, NULL},
        {"store_id: \"store\"", "hello.store_id is not 128 bits in hex"},
        {"agent_version: \"v\"*256", "hello.agent_version is too long"},
        {"labels { }", "label.name is empty or unprintable"},
        {"environments { usable: true }", "environment.type is empty or unprintable"},
        {"environments { type: \"strace\" }", "environment.unusable_reason is not set"},
        {"environments { type: \"strace\" unusable_reason: \"x\"*256 }", "environment.unusable_reason is too long"},
        {"labels { name: \"x\" value: \"v\"*257 }", "label.value is too long"},
        {"addresses { network: \"default\" address: \"lab.example\" }", "address.address is not numeric"},
        {"addresses { network: \"default\" address: \"fe80::1%eth0\" }", NULL},
        {"addresses { address: \"::1\" }", "address.network is not a name"},
        {"facts { kernel: \"k\"*256 }", "facts.kernel is too long"},
        {"plugins { name: \"\" }", "plugin.name is empty or unprintable"},
        {"plugins { name: \"broken.so\" unusable_reason: \"libfoo.so.1: cannot open\" }", NULL},
        {"plugins { name: \"x\" usable: true }", "plugin.usable without a description"},
        {"plugins { name: \"x\" file_hash: \"12\" }", "plugin.file_hash is not a hash"},
        {"plugins { name: \"x\" capabilities: \"\\n\" }", "plugin.capabilities are too many or unprintable"},
        {"instances { generation: 1 }", "live_instance.instance is not set"},
        {"instances { instance: 1 }", "live_instance.generation is not set"},
        {"plugins: ~", "a list has a hole"},
    };
    ENVELOPE("hello", valid, changes);
}

static void welcome(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"session: 0", "welcome.session is not set"},
        {"store_id: \"\"", "welcome.store_id is not 128 bits in hex"},
        {"heartbeat_ms: 0", "welcome.heartbeat_ms is not set"},
        {"bulk_port: 65536", "welcome.bulk_port is not a port"},
        {"wanted_descriptions: \"x\"", "welcome.wanted_descriptions are not hashes"},
    };
    ENVELOPE("welcome", "session: 4 store_id: " ID " heartbeat_ms: 1000 bulk_port: 7002 wanted_descriptions: " HASH, changes);
}

static void refusals_and_goodbyes(void **state)
{
    (void)state;
    static const struct change refused[] = {
        {"code: 0", "refused.code is not set"},
        {"code: 77", "a value of an enum is not known"},
        {"text: \"t\"*4096", NULL},
        {"text: \"t\"*4097", "refused.text is too long"},
    };
    ENVELOPE("refused", "code: REFUSAL_CODE_BUSY text: \"later\" retry_after_ms: 5", refused);
    static const struct change goodbye[] = {{"why: \"t\"*4097", "goodbye.why is too long"}};
    ENVELOPE("goodbye", "why: \"SIGTERM\"", goodbye);
    static const struct change discard[] = {{"instance: 0", "discard.instance is not set"},
                                            {"generation: 0", "discard.generation is not set"},
                                            {"why: \"t\"*4097", "discard.why is too long"}};
    ENVELOPE("discard", "instance: 1 generation: 1 why: \"nobody\"", discard);
}

static void heartbeats(void **state)
{
    (void)state;
    static const struct change heartbeat[] = {
        {"agent_sent_ns: 0", "heartbeat.agent_sent_ns is not set"},
        {"previous_agent_received_ns: 49", "heartbeat: the previous answer came before its question"},
        {"previous_agent_received_ns: 101", "heartbeat: the previous answer came after this question"},
        {"previous_coordinator_sent_ns: 6", "heartbeat: the coordinator answered before it heard"},
    };
    ENVELOPE("heartbeat",
             "agent_sent_ns: 100 previous_agent_sent_ns: 50 previous_coordinator_received_ns: 7 previous_coordinator_sent_ns: 8 "
             "previous_agent_received_ns: 60",
             heartbeat);
    static const struct change reply[] = {
        {"agent_sent_ns: 0", "heartbeat_reply.agent_sent_ns is not set"},
        {"coordinator_sent_ns: 4", "heartbeat_reply was sent before its question came"},
        {"grants { generation: 1 length_ms: 1 }", "grant.instance is not set"},
        {"grants { instance: 1 length_ms: 1 }", "grant.generation is not set"},
        {"grants { instance: 1 generation: 1 }", "grant.length_ms is not set"},
    };
    ENVELOPE("heartbeat_reply",
             "agent_sent_ns: 1 coordinator_received_ns: 5 coordinator_sent_ns: 6 grants { instance: 1 generation: 1 length_ms: 30000 }",
             reply);
}

static void commands_and_events(void **state)
{
    (void)state;
    static const struct change commands[] = {
        {"commands { instance: 1 generation: 1 number: 3 cleanup {} }", NULL},
        {"commands { instance: 1 generation: 1 number: 3 }", "there is no body, or one of a newer version"},
    };
    ENVELOPE("commands", "commands { instance: 1 generation: 1 number: 2 start {} }", commands);
    static const struct change events[] = {
        {"epoch: \"\"", "events.epoch is not 128 bits in hex"},
        {"first: 0", "events.first is not set"},
        {"first: 18446744073709551615", "events.first is out of range"},
        {"events { instance: 1 generation: 1 note { } }", "event.sequence is not set"},
    };
    ENVELOPE("events", "epoch: " ID " first: 1 events { instance: 1 generation: 1 sequence: 1 note { text: \"x\" } }", events);
    static const struct change acknowledged[] = {{"epoch: \"1\"", "events_acknowledged.epoch is not 128 bits in hex"}};
    ENVELOPE("events_acknowledged", "epoch: " ID " last: 7", acknowledged);
}

static void a_frame_holds_at_most_256_events_and_at_least_one(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct text text = {0};
    text_append(&text, "version: 1 session: 1 events { epoch: " ID " first: 1 ");
    for (unsigned i = 0; i < 257; i++)
        text_append(&text, "events { instance: 1 generation: 1 sequence: 1 note {} } ");
    text_append(&text, "}");
    Pb__Envelope *envelope = message_parse(&pb__envelope__descriptor, text_string(&text), arena);
    assert_string_equal(envelope_invalid(envelope), "events are none or too many");
    envelope->events->n_events = 256;
    assert_null(envelope_invalid(envelope));
    envelope->events->n_events = 0;
    assert_string_equal(envelope_invalid(envelope), "events are none or too many");
    text_free(&text);
    arena_free(&arena);
}

static void enrolment(void **state)
{
    (void)state;
    static const struct change enroll[] = {
        {"public_key: \"short\"", "enroll.public_key is not a key in Z85"},
        {"public_key: \"~\"*40", "enroll.public_key is not a key in Z85"},
        {"host_id: \"\"", "enroll.host_id is not 128 bits in hex"},
    };
    ENVELOPE("enroll", "public_key: " KEY " host_id: " ID, enroll);
    static const struct change enrolled[] = {{"name: \"\"", "enrolled.name is not a name"},
                                             {"server_key: \"\"", "enrolled.server_key is not a key in Z85"}};
    ENVELOPE("enrolled", "name: \"lab-d\" server_key: " KEY, enrolled);
}

static void descriptions(void **state)
{
    (void)state;
    static const struct change described[] = {
        {"descriptions { description { name: \"x\" kind: 1 abi_major: 1 } }", "described.hash is not a hash"},
        {"descriptions { hash: " HASH " }", "described.description is missing"},
        {"descriptions { hash: " HASH " description { } }", "description.name is not a name"},
    };
    ENVELOPE("descriptions", "descriptions { hash: " HASH " description { name: \"x\" kind: 1 abi_major: 1 } }", described);
    static const struct change wanted[] = {{"hashes: \"1\"", "descriptions_wanted.hashes are too many or no hashes"}};
    ENVELOPE("descriptions_wanted", "hashes: " HASH, wanted);
    static const struct change changed[] = {{"plugins { }", "plugin.name is empty or unprintable"},
                                            {"gone: \"../x\"", "plugins_changed.gone is not a name"}};
    ENVELOPE("plugins_changed", "plugins { name: \"nginx\" }", changed);
    static const struct change place[] = {{"push: 0", "place_plugin.push is not set"},
                                          {"name: \"../x\"", "place_plugin.name is not a name"},
                                          {"hash: \"12\"", "place_plugin.hash is not a hash"},
                                          {"hash: \"\"", NULL}};
    ENVELOPE("place_plugin", "push: 1 name: \"nginx\" hash: " HASH, place);
    static const struct change placed[] = {{"push: 0", "plugin_placed.push is not set"},
                                           {"state: 0", "plugin_placed.state is not set"},
                                           {"text: \"t\"*4097", "plugin_placed.text is too long"}};
    ENVELOPE("plugin_placed", "push: 1 state: 1", placed);
}

static void plans(void **state)
{
    (void)state;
    static const struct change asked[] = {{"number: 0", "plan_plugin.number is not set"},
                                          {"plugin: \"\"", "plan_plugin.plugin is not a name"},
                                          {"plugin: \"../x\"", "plan_plugin.plugin is not a name"},
                                          {"options: \"o\"*65536", "plan_plugin.options are too many or too long"}};
    ENVELOPE("plan_plugin", "number: 1 plugin: \"nginx\" options: \"workers=2\"", asked);
    static const struct change answer[] = {{"number: 0", "plugin_planned.number is not set"},
                                           {"text: \"t\"*65537", "plugin_planned.text is too long"},
                                           {"problem: \"t\"*4097", "plugin_planned.problem is too long"},
                                           {"text: \"\" problem: \"it did not load\"", NULL}};
    ENVELOPE("plugin_planned", "number: 1 text: \"nginx -c WORK\"", answer);
}

static void captures(void **state)
{
    (void)state;
    static const struct change asked[] = {{"number: 0", "read_capture.number is not set"},
                                          {"instance: 0", "read_capture.instance is not set"},
                                          {"generation: 0", "read_capture.generation is not set"},
                                          {"file: \"../x.pcapng\"", "read_capture.file is not a file name"},
                                          {"file: \"\"", NULL}};
    ENVELOPE("read_capture", "number: 1 instance: 1 generation: 1 file: \"a.pcapng\" offset: 5", asked);
    static const struct change answer[] = {{"number: 0", "capture_read.number is not set"},
                                           {"file: \"a/b\"", "capture_read.file is not a file name"},
                                           {"file: \"\"", "capture_read.data of no file"},
                                           {"file: \"\" data: \"\"", "capture_read.data of no file"},
                                           {"file: \"\" data: \"\" offset: 0", NULL},
                                           {"data: \"n\"*131073", "capture_read.data is too long"},
                                           {"offset: 18446744073709551615", "capture_read.offset is out of range"}};
    ENVELOPE("capture_read", "number: 1 generation: 1 file: \"a.pcapng\" offset: 5 data: \"x\"", answer);
}

static void shells(void **state)
{
    (void)state;
    static const struct change call[] = {{"number: 0", "shell_call.number is not set"},
                                         {"instance: 0", "shell_call.instance is not set"},
                                         {"generation: 0", "shell_call.generation is not set"},
                                         {"by: \"\"", "shell_call.by is not a name"},
                                         {"turn { shell: 0 }", "shell.shell is not set"}};
    ENVELOPE("shell_call", "number: 1 instance: 1 generation: 1 by: \"ann\" turn { shell: 7 }", call);
    static const struct change answer[] = {{"number: 0", "shell_answer.number is not set"},
                                           {"shell: 0", "shell_answer.shell is not set"},
                                           {"shell: 8", "shell_answer.turned is of another shell"},
                                           {"why: \"w\"*4097", "shell_answer.why is too long"}};
    ENVELOPE("shell_answer", "number: 1 shell: 7 turned { shell: 7 }", answer);
}

static void only_some_speak_without_a_session(void **state)
{
    (void)state;
    static const struct change none[] = {{"session: 1", NULL}};
    EXPECT(envelope, envelope_invalid, "version: 1", "goodbye { }", "", none);
    EXPECT(envelope, envelope_invalid, "version: 1", "request { number: 1 get_status {} }", "", none);
    static const struct change needed[] = {{"session: 0", "envelope.session is not set"}, {"version: 0", "envelope.version is not set"}};
    EXPECT(envelope, envelope_invalid, "version: 1 session: 1", "plugins_changed { }", "", needed);
    EXPECT(envelope, envelope_invalid, "version: 1 session: 1", "descriptions_wanted { }", "", needed);
    EXPECT(envelope, envelope_invalid, "version: 1 session: 1", "heartbeat { agent_sent_ns: 1 }", "", needed);
    EXPECT(envelope, envelope_invalid, "version: 1 session: 1", "events_acknowledged { epoch: " ID " }", "", needed);
    EXPECT(envelope, envelope_invalid, "version: 1 session: 1", "discard { instance: 1 generation: 1 }", "", needed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello),
        cmocka_unit_test(welcome),
        cmocka_unit_test(refusals_and_goodbyes),
        cmocka_unit_test(heartbeats),
        cmocka_unit_test(commands_and_events),
        cmocka_unit_test(a_frame_holds_at_most_256_events_and_at_least_one),
        cmocka_unit_test(enrolment),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(captures),
        cmocka_unit_test(plans),
        cmocka_unit_test(shells),
        cmocka_unit_test(only_some_speak_without_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
