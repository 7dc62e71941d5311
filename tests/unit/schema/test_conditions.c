// Conditions of a network: what each text becomes, what is said about each mistake, and which rule wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "common/base/memory.h"
#include "common/schema/conditions.h"

static int put(struct conditions *conditions, const char *name, const char *value, struct panther_error *error)
{
    char text[256];
    snprintf(text, sizeof text, "%s", value);
    char *values[] = {text};
    return conditions_put(conditions, name, values, 1, error);
}

static void every_condition_is_read(void **state)
{
    (void)state;
    struct conditions c = {0};
    static const struct {
        const char *name, *value;
    } settings[] = {{"delay", "1.5s"},  {"jitter", "5ms"},        {"loss", "0.1%"},   {"burst", "3"},      {"duplicate", "0.25"},
                    {"corrupt", "1"},   {"reorder", "0"},         {"rate", "10Mbit"}, {"queue", "25"},     {"drop_nth", "7"},
                    {"down", "on"},     {"ecn", "mark 5%"},       {"shared", "yes"},  {"nat_after", "2s"}, {"down_after", "1s"},
                    {"down_for", "3s"}, {"nat_rebind", "address"}};
    size_t count;
    conditions_options(&count);
    assert_int_equal(count, sizeof settings / sizeof *settings);
    for (size_t i = 0; i < count; i++) {
        struct panther_error error = {0};
        if (put(&c, settings[i].name, settings[i].value, &error) != 0)
            fail_msg("%s", error.message);
    }
    assert_int_equal(c.given, (1U << CONDITION_COUNT) - 1);
    assert_int_equal(c.delay_ms, 1500);
    assert_int_equal(c.jitter_ms, 5);
    assert_true(c.loss > 0.00099 && c.loss < 0.00101);
    assert_int_equal(c.burst, 3);
    assert_true(c.duplicate == 0.25 && c.corrupt == 1 && c.reorder == 0);
    assert_int_equal(c.rate_bits, 10000000);
    assert_int_equal(c.queue_packets, 25);
    assert_int_equal(c.drop_count, 1);
    assert_int_equal(c.drop_nth[0], 7);
    assert_true(c.down);
    assert_true(c.shared);
    assert_int_equal(c.nat, CONDITION_NAT_ADDRESS);
    assert_int_equal(c.nat_after_ms, 2000);
    assert_int_equal(c.down_after_ms, 1000);
    assert_int_equal(c.down_for_ms, 3000);
    assert_int_equal(c.ecn, CONDITION_ECN_MARK);
    assert_true(c.ecn_mark == 0.05);
}

static void each_mistake_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message;
    } mistakes[] = {
        {"dely", "1ms", "unknown condition \"dely\"; did you mean \"delay\"?"},
        {"colour", "red", "unknown condition \"colour\""},
        {"delay", "20", "delay: \"20\" is not a duration such as 150ms, 2.5s or 30m"},
        {"delay", "2h", "delay: \"2h\" is not between 0ms and 60000ms"},
        {"loss", "101%", "loss: \"101%\" is not a ratio such as 0.5 or 99.9%"},
        {"burst", "0", "burst: \"0\" is not between 1 and 1000"},
        {"rate", "10", "rate: \"10\" is not a rate between 1kbit and 1000Gbit, such as 10Mbit"},
        {"rate", "10MB", "rate: \"10MB\" is not a rate between 1kbit and 1000Gbit, such as 10Mbit"},
        {"rate", "1bit", "rate: \"1bit\" is not a rate between 1kbit and 1000Gbit, such as 10Mbit"},
        {"drop_nth", "0", "drop_nth: \"0\" does not hold numbers of packets between 1 and 1000000"},
        {"ecn", "mark", "ecn: \"mark\" is not keep, clear, or a share such as \"mark 5%\""},
        {"ecn", "mark 200%", "ecn: \"mark 200%\" is not keep, clear, or a share such as \"mark 5%\""},
        {"nat_rebind", "prot", "nat_rebind: \"prot\" is not one of none, port, address; did you mean \"port\"?"},
        {"down", "perhaps", "down: \"perhaps\" is not true or false"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct conditions conditions = {.delay_ms = 77}, before = conditions;
        struct panther_error error = {0};
        assert_int_equal(put(&conditions, mistakes[i].name, mistakes[i].value, &error), PANTHER_EINVALID);
        assert_string_equal(error.message, mistakes[i].message);
        assert_memory_equal(&conditions, &before, sizeof before);
    }
}

static void dropped_packets_rise_and_stand_once(void **state)
{
    (void)state;
    struct conditions conditions = {0};
    char five[] = "5", two[] = "2", nine[] = "9";
    char *values[] = {five, two, nine};
    assert_int_equal(conditions_put(&conditions, "drop_nth", values, 3, NULL), 0);
    assert_int_equal(conditions.drop_count, 3);
    assert_int_equal(conditions.drop_nth[0], 2);
    assert_int_equal(conditions.drop_nth[2], 9);
    char *twice[] = {five, nine, two, five};
    struct panther_error error = {0};
    assert_int_equal(conditions_put(&conditions, "drop_nth", twice, 4, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "holds a number twice"));
    char *many[CONDITION_DROPS_MAX + 1];
    for (size_t i = 0; i <= CONDITION_DROPS_MAX; i++)
        many[i] = five;
    assert_int_equal(conditions_put(&conditions, "drop_nth", many, CONDITION_DROPS_MAX + 1, NULL), PANTHER_EINVALID);
    assert_int_equal(conditions_put(&conditions, "delay", values, 2, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "takes one value"));
}

static Pb__LinkRule *rule(struct arena *arena, const char *from, const char *to, const char *name, const char *value)
{
    Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = arena_string(arena, name);
    setting->values = ARENA_ARRAY(arena, char *, 1);
    setting->values[0] = arena_string(arena, value);
    setting->n_values = 1;
    setting->line = 4;
    setting->column = 2;
    Pb__LinkRule *link = ARENA_NEW(arena, Pb__LinkRule);
    pb__link_rule__init(link);
    link->from = arena_string(arena, from);
    link->to = arena_string(arena, to);
    link->conditions = ARENA_ARRAY(arena, Pb__PlacedSetting *, 1);
    link->conditions[0] = setting;
    link->n_conditions = 1;
    return link;
}

static void later_rules_win_key_by_key(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    const Pb__LinkRule *const rules[] = {rule(arena, "", "", "delay", "20ms"), rule(arena, "", "", "loss", "1%"),
                                         rule(arena, "a", "b", "delay", "5ms"), rule(arena, "a", "", "loss", "0")};
    struct conditions there = {0}, back = {0};
    assert_int_equal(conditions_between(rules, 4, "a", "b", &there, NULL), 0);
    assert_int_equal(conditions_between(rules, 4, "b", "a", &back, NULL), 0);
    assert_int_equal(there.delay_ms, 5);
    assert_true(there.loss == 0 && conditions_has(&there, CONDITION_LOSS));
    assert_int_equal(back.delay_ms, 20);
    assert_true(back.loss == 0.01);
    const Pb__LinkRule *const wrong[] = {rules[0], rule(arena, "", "", "loss", "much")};
    struct conditions untouched = {0};
    struct panther_error error = {0};
    assert_int_equal(conditions_between(wrong, 2, "a", "b", &untouched, &error), PANTHER_EINVALID);
    assert_int_equal(untouched.given, 0);
    assert_int_equal(error.line, 4);
    arena_free(&arena);
}

static void a_document_is_checked(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "e.yaml");
    const Pb__PlacedSetting *const good[] = {rule(arena, "", "", "rate", "$(axes.rate)")->conditions[0],
                                             rule(arena, "", "", "delay", "20ms")->conditions[0]};
    assert_true(conditions_check(good, 2, "a link", &diagnostics));
    const Pb__PlacedSetting *const bad[] = {rule(arena, "", "", "rate", "fast")->conditions[0],
                                            rule(arena, "", "", "los", "1%")->conditions[0]};
    assert_false(conditions_check(bad, 2, "a link", &diagnostics));
    assert_int_equal(diagnostics.errors, 2);
    assert_string_equal(diagnostics.items[0]->message,
                        "condition \"rate\" of a link: \"fast\" is not a rate between 1kbit and 1000Gbit, such as 10Mbit");
    assert_string_equal(diagnostics.items[1]->message, "unknown condition \"los\" of a link; did you mean \"loss\"?");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_condition_is_read),
        cmocka_unit_test(each_mistake_is_named),
        cmocka_unit_test(dropped_packets_rise_and_stand_once),
        cmocka_unit_test(later_rules_win_key_by_key),
        cmocka_unit_test(a_document_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
