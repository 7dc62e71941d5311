// network.json and the lines of link.control: what is read, what is refused, and which layer wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "agent/environment/link/rules.h"

static struct network_plan plan_of(const char *text)
{
    struct network_plan plan;
    struct panther_error error = {0};
    if (network_plan_read(text, strlen(text), &plan, &error) != 0)
        fail_msg("%s", error.message);
    return plan;
}

static int request(struct network_plan *plan, const char *line, enum request_kind *kind, struct panther_error *error)
{
    enum request_kind ignored;
    return rules_request(plan->rules, line, strlen(line), kind ? kind : &ignored, error);
}

static void must(struct network_plan *plan, const char *line)
{
    struct panther_error error = {0};
    if (request(plan, line, NULL, &error) != 0)
        fail_msg("%s: %s", line, error.message);
}

static struct conditions between(const struct network_plan *plan, const char *from, const char *to)
{
    struct conditions conditions;
    rules_conditions(plan->rules, from, to, &conditions);
    return conditions;
}

static void a_plan_is_read(void **state)
{
    (void)state;
    struct network_plan plan =
        plan_of("{\"services\":[\"client\",\"server\"],\"seed\":\"18446744073709551615\",\"family\":\"ipv6\",\"snaplen\":128,"
                "\"capture_limit_bytes\":4096,\"links\":[{\"conditions\":{\"delay\":\"20ms\",\"loss\":\"1%\"}},"
                "{\"from\":\"client\",\"to\":\"server\",\"conditions\":{\"loss\":\"5%\",\"drop_nth\":[\"3\",\"7\"]}}]}");
    assert_int_equal(plan.service_count, 2);
    assert_string_equal(plan.services[1], "server");
    assert_true(plan.seed == UINT64_MAX && plan.ipv6 && !plan.ipv4 && plan.capture);
    assert_int_equal(plan.snaplen, 128);
    assert_int_equal(plan.capture_limit_bytes, 4096);
    struct conditions there = between(&plan, "client", "server"), back = between(&plan, "server", "client");
    assert_true(there.delay_ms == 20 && there.loss > 0.0499 && there.loss < 0.0501 && there.drop_count == 2 && there.drop_nth[1] == 7);
    assert_true(back.delay_ms == 20 && back.loss > 0.0099 && back.loss < 0.0101 && back.drop_count == 0);
    network_plan_free(&plan);
    plan = plan_of("{\"services\":[\"a\"],\"capture\":false}");
    assert_true(plan.ipv4 && plan.ipv6 && !plan.capture && plan.seed == 0);
    network_plan_free(&plan);
}

static void a_plan_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "not a JSON object"},
        {"[1]", "not a JSON object"},
        {"{\"services\":[\"a\"],\"services\":[\"b\"]}", "duplicate"},
        {"{}", "services: between 1 and"},
        {"{\"services\":[]}", "services: between 1 and"},
        {"{\"services\":[\"a\",\"a\"]}", "a stands there twice"},
        {"{\"services\":[\"a\",3]}", "one is no name"},
        {"{\"services\":[\"../a\"]}", "one is no name"},
        {"{\"services\":[\"a\"],\"family\":\"ipv5\"}", "family: ipv4, ipv6 or both"},
        {"{\"services\":[\"a\"],\"seed\":\"-1\"}", "seed: not a number"},
        {"{\"services\":[\"a\"],\"snaplen\":-1}", "out of range"},
        {"{\"services\":[\"a\"],\"links\":{}}", "links is not a list"},
        {"{\"services\":[\"a\"],\"links\":[{}]}", "a link without conditions"},
        {"{\"services\":[\"a\"],\"links\":[{\"to\":\"b\",\"conditions\":{}}]}", "to: \"b\" is no service"},
        {"{\"services\":[\"a\"],\"links\":[{\"conditions\":{\"delay\":20}}]}", "delay: a value is no text"},
        {"{\"services\":[\"a\"],\"links\":[{\"conditions\":{\"delay\":\"soon\"}}]}", "delay"},
        {"{\"services\":[\"a\"],\"links\":[{\"conditions\":{\"colour\":\"red\"}}]}", "colour"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct network_plan plan;
        struct panther_error error = {0};
        assert_true(network_plan_read(bad[i][0], strlen(bad[i][0]), &plan, &error) < 0);
        if (!strstr(error.message, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], error.message);
    }
}

static const char two[] = "{\"services\":[\"a\",\"b\",\"c\"],\"links\":[{\"conditions\":{\"delay\":\"1ms\"}}]}";

static void layers_stand_above_each_other_and_are_taken_away_by_name(void **state)
{
    (void)state;
    struct network_plan plan = plan_of(two);
    enum request_kind kind;
    struct panther_error error = {0};
    assert_int_equal(request(&plan,
                             "{\"fault\":\"cut\",\"links\":[{\"from\":\"a\",\"to\":\"b\",\"conditions\":{\"down\":\"true\",\"delay\":"
                             "\"2ms\"}}]}",
                             &kind, &error),
                     0);
    assert_int_equal(kind, REQUEST_LAYER);
    assert_true(rules_touched(plan.rules, "a", "b") && !rules_touched(plan.rules, "b", "a") && !rules_touched(plan.rules, "a", "c"));
    assert_true(between(&plan, "a", "b").down && between(&plan, "a", "b").delay_ms == 2);
    assert_true(!between(&plan, "b", "a").down && between(&plan, "b", "a").delay_ms == 1);
    must(&plan, "{\"fault\":\"slow\",\"links\":[{\"conditions\":{\"delay\":\"9ms\"}}]}");
    assert_true(rules_touched(plan.rules, "c", "a"));
    assert_true(between(&plan, "a", "b").down && between(&plan, "a", "b").delay_ms == 9); // the later wins, key by key
    assert_int_equal(request(&plan, "{\"fault\":\"cut\",\"end\":true}", &kind, &error), 0);
    assert_int_equal(kind, REQUEST_END);
    assert_true(rules_touched(plan.rules, "a", "b") && !rules_touched(plan.rules, "c", "a"));
    assert_true(!between(&plan, "a", "b").down && between(&plan, "a", "b").delay_ms == 9);
    must(&plan, "{\"fault\":\"slow\",\"end\":true}");
    assert_int_equal(between(&plan, "a", "b").delay_ms, 1);
    network_plan_free(&plan);
}

// What held of it before is touched as well, and it stands above what came since.
static void a_layer_laid_again_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct network_plan plan = plan_of(two);
    must(&plan, "{\"fault\":\"x\",\"links\":[{\"from\":\"a\",\"conditions\":{\"delay\":\"2ms\"}}]}");
    must(&plan, "{\"fault\":\"y\",\"links\":[{\"conditions\":{\"delay\":\"3ms\"}}]}");
    assert_int_equal(between(&plan, "a", "b").delay_ms, 3);
    must(&plan, "{\"fault\":\"x\",\"links\":[{\"from\":\"b\",\"conditions\":{\"delay\":\"4ms\"}}]}");
    assert_true(rules_touched(plan.rules, "a", "c") && rules_touched(plan.rules, "b", "c") && !rules_touched(plan.rules, "c", "a"));
    assert_int_equal(between(&plan, "a", "b").delay_ms, 3);
    assert_int_equal(between(&plan, "b", "a").delay_ms, 4);
    network_plan_free(&plan);
}

static void what_is_refused_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "not a JSON object"},
        {"{}", "neither a fault with a name nor"},
        {"{\"fault\":\"\"}", "neither a fault with a name nor"},
        {"{\"fault\":\"x\"}", "a fault has links, or it ends"},
        {"{\"fault\":\"nobody\",\"end\":true}", "no fault \"nobody\" holds"},
        {"{\"fault\":\"\",\"end\":true}", "neither a fault with a name nor"},
        {"{\"fault\":\"held\",\"links\":[{\"from\":\"a\",\"conditions\":{\"down\":\"true\"}},{\"conditions\":{\"loss\":\"200%\"}}]}",
         "loss"},
        {"{\"fault\":\"held\",\"links\":[{\"from\":\"z\",\"conditions\":{\"down\":\"true\"}}]}", "from: \"z\" is no service"},
        {"{\"flush\":false}", "neither a fault with a name nor"},
    };
    struct network_plan plan = plan_of(two);
    must(&plan, "{\"fault\":\"held\",\"links\":[{\"conditions\":{\"delay\":\"7ms\"}}]}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct panther_error error = {0};
        assert_true(request(&plan, bad[i][0], NULL, &error) < 0);
        if (!strstr(error.message, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], error.message);
        assert_true(between(&plan, "a", "b").delay_ms == 7 && !between(&plan, "a", "b").down);
    }
    network_plan_free(&plan);
}

static void layers_are_bounded(void **state)
{
    (void)state;
    char line[256];
    struct network_plan plan = plan_of(two);
    struct panther_error error = {0};
    for (int i = 1; i < RULES_LAYERS_MAX; i++) {
        snprintf(line, sizeof line, "{\"fault\":\"f%d\",\"links\":[{\"conditions\":{\"delay\":\"%dms\"}}]}", i, 10 + i);
        must(&plan, line);
    }
    assert_int_equal(request(&plan, "{\"fault\":\"more\",\"links\":[]}", NULL, &error), PANTHER_ELIMIT);
    must(&plan, line); // one that holds may be laid again
    must(&plan, "{\"fault\":\"f1\",\"end\":true}");
    must(&plan, "{\"fault\":\"more\",\"links\":[]}");
    assert_int_equal(between(&plan, "a", "b").delay_ms, 10 + RULES_LAYERS_MAX - 1);
    network_plan_free(&plan);
}

static void a_flush_changes_no_rule(void **state)
{
    (void)state;
    struct network_plan plan = plan_of(two);
    enum request_kind kind;
    struct panther_error error = {0};
    assert_int_equal(request(&plan, "{\"flush\":true}", &kind, &error), 0);
    assert_int_equal(kind, REQUEST_FLUSH);
    assert_int_equal(between(&plan, "a", "b").delay_ms, 1);
    network_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_read),
        cmocka_unit_test(a_plan_that_makes_no_sense_is_refused),
        cmocka_unit_test(layers_stand_above_each_other_and_are_taken_away_by_name),
        cmocka_unit_test(a_layer_laid_again_takes_the_place_of_the_first),
        cmocka_unit_test(what_is_refused_changes_nothing),
        cmocka_unit_test(layers_are_bounded),
        cmocka_unit_test(a_flush_changes_no_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
