// qlogs of three forms, and of what only looks like one.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "common/qlog/qlog.h"

struct told {
    size_t count, most;
    double times_ms[8];
    char names[8][64], texts[8][128], packets[8][32], frames[8][128], versions[8][16];
    int phases[8];
    bool is_absolute;
};

static bool take(void *context, const struct qlog_event *event)
{
    struct told *told = context;
    if (told->count < 8) {
        told->times_ms[told->count] = event->time_ms;
        snprintf(told->names[told->count], 64, "%s", event->name);
        snprintf(told->texts[told->count], 128, "%s", event->text);
        snprintf(told->packets[told->count], 32, "%s", event->packet_type);
        snprintf(told->versions[told->count], 16, "%s", event->version);
        told->phases[told->count] = event->key_phase;
        for (size_t i = 0, used = 0; i < event->frame_count && used < 100; i++) {
            used += (size_t)snprintf(told->frames[told->count] + used, 128 - used, "%s ", event->frames[i]);
        }
    }
    told->is_absolute = event->is_absolute;
    told->count++;
    return !told->most || told->count < told->most;
}

static const char *read_text(const char *text, struct told *told, struct qlog_facts *facts)
{
    return qlog_read(text, strlen(text), take, told, facts);
}

// RFC 7464: a separator before each record; the last one was cut off.
static void a_sequence(void **state)
{
    (void)state;
    struct told told = {0};
    struct qlog_facts facts;
    const char *problem = read_text(
        "\x1e{\"qlog_format\":\"JSON-SEQ\",\"trace\":{\"vantage_point\":{\"type\":\"server\"},\"common_fields\":{\"time_format\":"
        "\"relative\",\"reference_time\":1700000000000.5}}}\n"
        "\x1e{\"time\":0.25,\"name\":\"transport:packet_sent\",\"data\":{\"header\":{\"packet_type\":\"initial\",\"packet_number\":3},"
        "\"raw\":{\"length\":1200},\"frames\":[{\"frame_type\":\"crypto\"},{\"frame_type\":\"padding\"}]}}\n"
        "\x1e{\"time\":7,\"name\":\"recovery:metrics_updated\",\"data\":{\"min_rtt\":4}}\n"
        "\x1e{\"time\":8,\"name\":\"transp",
        &told, &facts);
    assert_null(problem);
    assert_int_equal(told.count, 2);
    assert_int_equal(facts.events, 2);
    assert_int_equal(facts.malformed, 1);
    assert_string_equal(facts.side, "server");
    assert_string_equal(told.packets[0], "initial");
    assert_string_equal(told.frames[0], "crypto padding ");
    assert_string_equal(told.packets[1], "");
    assert_string_equal(facts.group, "");
    assert_float_equal(facts.reference_ms, 1700000000000.5, 0.001);
    assert_float_equal(told.times_ms[0], 0.25, 0.0001);
    assert_string_equal(told.texts[0], "initial 3 length 1200: crypto, padding");
    assert_string_equal(told.texts[1], "{\"min_rtt\":4}");
    assert_float_equal(facts.last_ms, 7, 0.001);
}

static void lines_of_records(void **state)
{
    (void)state;
    struct told told = {.most = 2};
    struct qlog_facts facts;
    assert_null(read_text("{\"qlog_format\":\"NDJSON\",\"trace\":{\"common_fields\":{\"time_format\":\"delta\"}}}\n"
                          "{\"time\":2,\"name\":\"a:b\",\"data\":{}}\n"
                          "{\"time\":3,\"name\":\"c\"}\n"
                          "{\"time\":9,\"name\":\"not wanted any more\"}\n",
                          &told, &facts));
    assert_int_equal(told.count, 2);
    assert_float_equal(told.times_ms[1], 5, 0.0001); // each counts from the one before
    assert_float_equal(facts.reference_ms, 0, 0.0001);
}

static void a_document_with_columns(void **state)
{
    (void)state;
    struct told told = {0};
    struct qlog_facts facts;
    assert_null(read_text("{\"traces\":[{\"configuration\":{\"time_units\":\"us\"},\"event_fields\":[\"relative_time\",\"category\","
                          "\"event\",\"data\"],\"events\":[[\"1500\",\"transport\",\"packet_lost\",{\"packet_type\":\"1RTT\"}],[7]]}]}",
                          &told, &facts));
    assert_int_equal(told.count, 1);
    assert_float_equal(told.times_ms[0], 1.5, 0.0001);
    assert_string_equal(told.names[0], "transport:packet_lost");
    assert_int_equal(facts.malformed, 1);
}

static void what_is_none(void **state)
{
    (void)state;
    struct told told = {0};
    struct qlog_facts facts;
    assert_string_equal(read_text("", &told, &facts), "it is empty");
    assert_string_equal(read_text("<html>\n", &told, &facts), "it is no JSON");
    assert_string_equal(read_text("{\"a\":1}", &told, &facts), "it has no traces");
    // times that are none, or no time of this world
    assert_null(
        read_text("\x1e{\"trace\":{}}\x1e{\"name\":\"x\"}\x1e{\"time\":1e300,\"name\":\"x\"}\x1e{\"time\":1}\x1e[1]", &told, &facts));
    assert_int_equal(told.count, 0);
    assert_int_equal(facts.malformed, 4);
}

// As quic-go writes them; others as numbers, or not at all.
static void versions_and_key_phases(void **state)
{
    (void)state;
    struct told told = {0};
    struct qlog_facts facts;
    assert_null(
        read_text("{\"trace\":{}}\n"
                  "{\"time\":1,\"name\":\"a\",\"data\":{\"header\":{\"packet_type\":\"1RTT\",\"key_phase_bit\":\"1\"}}}\n"
                  "{\"time\":1,\"name\":\"a\",\"data\":{\"header\":{\"packet_type\":\"initial\",\"version\":\"1\",\"key_phase_bit\":0}}}\n"
                  "{\"time\":1,\"name\":\"a\",\"data\":{\"chosen_version\":\"6b3343cf\",\"header\":{\"key_phase_bit\":\"10\"}}}\n"
                  "{\"time\":1,\"name\":\"a\",\"data\":{\"header\":{\"version\":7,\"key_phase_bit\":4294967296}}}\n",
                  &told, &facts));
    static const int phases[] = {1, 0, -1, -1};
    static const char *const versions[] = {"", "1", "6b3343cf", ""};
    assert_int_equal(told.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(told.phases[i], phases[i]);
        assert_string_equal(told.versions[i], versions[i]);
    }
}

// Which connection it is of; what is too long for an ID is none.
static void a_group(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *group;
    } known[] = {{"\"group_id\":\"1050fb\"", "1050fb"},
                 {"\"group_id\":\"x\",\"ODCID\":\"6b27\"", "6b27"},
                 {"\"group_id\":7", ""},
                 {"\"group_id\":\"0123456789012345678901234567890123456789012345678\"", ""}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[256];
        struct told told = {0};
        struct qlog_facts facts;
        snprintf(text, sizeof text, "{\"trace\":{\"common_fields\":{%s}}}\n", known[i].fields);
        assert_null(read_text(text, &told, &facts));
        assert_string_equal(facts.group, known[i].group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence), cmocka_unit_test(lines_of_records),        cmocka_unit_test(a_document_with_columns),
        cmocka_unit_test(a_group),    cmocka_unit_test(versions_and_key_phases), cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
