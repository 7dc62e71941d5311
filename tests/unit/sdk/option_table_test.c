// Option tables: soundness, descriptions, and checked values in the typed struct.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/sdk/option_table.h"

struct all {
    const char *text;
    int64_t number;
    double factor;
    bool flag;
    const char *level;
    uint64_t wait;
    uint64_t room;
    double share;
    struct panther_list words;
    const char *file;
    uint16_t port;
    const char *needed;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct all, text, "", "a text"),
    PANTHER_OPTION_INTEGER(struct all, number, "7", -5, 64, "things", "a number"),
    PANTHER_OPTION_FLOAT(struct all, factor, "1.5", 0, 10, "", "a factor"),
    PANTHER_OPTION_BOOLEAN(struct all, flag, "true", "a flag"),
    PANTHER_OPTION_CHOICE(struct all, level, "info", "a choice", "debug", "info", "error"),
    PANTHER_OPTION_DURATION(struct all, wait, "1.5s", 0, 60000, "a duration"),
    PANTHER_OPTION_SIZE(struct all, room, "64KiB", 0, 1 << 30, "a size"),
    PANTHER_OPTION_RATIO(struct all, share, "5%", "a ratio"),
    PANTHER_OPTION_LIST(struct all, words, "a,b", "a list"),
    PANTHER_OPTION_FILE(struct all, file, "", "a file"),
    PANTHER_OPTION_PORT(struct all, port, "0", "a port"),
    PANTHER_OPTION_STRING(struct all, needed, PANTHER_REQUIRED, "must be given"),
    PANTHER_OPTIONS_END,
};

static const struct panther_plugin plugin = {.name = "test", .options = options, .settings_bytes = sizeof(struct all)};

static Pb__Setting *setting(struct arena *arena, const char *name, const char *first, const char *second)
{
    Pb__Setting *made = ARENA_NEW(arena, Pb__Setting);
    pb__setting__init(made);
    made->name = arena_string(arena, name);
    made->values = ARENA_ARRAY(arena, char *, 2);
    made->values[made->n_values++] = arena_string(arena, first);
    if (second != NULL) {
        made->values[made->n_values++] = arena_string(arena, second);
    }
    return made;
}

static int fill(struct arena *arena, Pb__Setting **given, size_t count, struct all *all, struct panther_error *error)
{
    void *settings = NULL;
    Pb__Setting **checked = NULL;
    size_t checked_count = 0;
    const int result =
        option_table_settings(&plugin, (const Pb__Setting *const *)given, count, arena, &settings, &checked, &checked_count, error);
    if (result == 0) {
        memcpy(all, settings, sizeof(*all));
    }
    return result;
}

static void defaults_fill_every_member(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct all all = {0};
    Pb__Setting *given[] = {setting(arena, "needed", "x", NULL)};
    assert_int_equal(fill(arena, given, 1, &all, NULL), 0);
    assert_string_equal(all.text, "");
    assert_int_equal(all.number, 7);
    assert_true(all.factor > 1.49 && all.factor < 1.51);
    assert_true(all.flag);
    assert_string_equal(all.level, "info");
    assert_int_equal(all.wait, 1500);
    assert_int_equal(all.room, 65536);
    assert_true(all.share > 0.0499 && all.share < 0.0501);
    assert_int_equal(all.words.count, 2);
    assert_string_equal(all.words.items[1], "b");
    assert_null(all.file);
    assert_int_equal(all.port, 0);
    assert_string_equal(all.needed, "x");
    arena_free(&arena);
}

static void given_values_win(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct all all = {0};
    Pb__Setting *given[] = {setting(arena, "needed", "x", NULL),    setting(arena, "number", "-5", NULL),
                            setting(arena, "flag", "off", NULL),    setting(arena, "level", "debug", NULL),
                            setting(arena, "wait", "2s", NULL),     setting(arena, "words", "one", "two, with comma"),
                            setting(arena, "file", "/tmp/f", NULL), setting(arena, "port", "65535", NULL)};
    assert_int_equal(fill(arena, given, sizeof(given) / sizeof(given[0]), &all, NULL), 0);
    assert_int_equal(all.number, -5);
    assert_false(all.flag);
    assert_string_equal(all.level, "debug");
    assert_int_equal(all.wait, 2000);
    assert_int_equal(all.words.count, 2);
    assert_string_equal(all.words.items[1], "two, with comma");
    assert_string_equal(all.file, "/tmp/f");
    assert_int_equal(all.port, 65535);
    arena_free(&arena);
}

static void all_mistakes_are_named_at_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    struct all all = {.number = 99};
    Pb__Setting *given[] = {setting(arena, "nubmer", "1", NULL), setting(arena, "port", "65536", NULL),
                            setting(arena, "level", "loud", NULL)};
    assert_int_equal(fill(arena, given, 3, &all, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "nubmer"));
    assert_non_null(strstr(error.message, "did you mean \"number\"?"));
    assert_non_null(strstr(error.message, "65536"));
    assert_non_null(strstr(error.message, "loud"));
    assert_non_null(strstr(error.message, "needed"));
    assert_int_equal(all.number, 99); // outputs are untouched
    arena_free(&arena);
}

static void a_description_says_what_the_table_says(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    Pb__OptionDescription **descriptions = NULL;
    assert_int_equal(option_table_describe(options, arena, &descriptions), 12);
    assert_string_equal(descriptions[1]->name, "number");
    assert_int_equal(descriptions[1]->type, PB__OPTION_TYPE__OPTION_TYPE_INTEGER);
    assert_true(descriptions[1]->has_range);
    assert_true(descriptions[1]->minimum < -4.9 && descriptions[1]->maximum > 63.9);
    assert_string_equal(descriptions[1]->unit, "things");
    assert_int_equal(descriptions[4]->n_choices, 3);
    assert_string_equal(descriptions[4]->choices[2], "error");
    assert_int_equal(descriptions[10]->type, PB__OPTION_TYPE__OPTION_TYPE_INTEGER);
    assert_true(descriptions[11]->required);
    assert_string_equal(descriptions[11]->default_value, "");
    assert_null(option_table_problem(&plugin, arena));
    arena_free(&arena);
}

struct one {
    int64_t a;
};

static void expect_problem(const struct panther_option *table, const char *part)
{
    struct arena *arena = arena_new(0);
    const struct panther_plugin broken = {.name = "broken", .options = table, .settings_bytes = sizeof(struct one)};
    const char *problem = option_table_problem(&broken, arena);
    assert_non_null(problem);
    if (strstr(problem, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", problem, part);
    }
    arena_free(&arena);
}

static void broken_tables_are_refused_with_the_reason(void **state)
{
    (void)state;
    const struct panther_option twice[] = {PANTHER_OPTION_INTEGER(struct one, a, "1", 0, 9, "", "one"),
                                           PANTHER_OPTION_INTEGER(struct one, a, "2", 0, 9, "", "again"), PANTHER_OPTIONS_END};
    const struct panther_option bad_default[] = {PANTHER_OPTION_INTEGER(struct one, a, "ten", 0, 9, "", "one"), PANTHER_OPTIONS_END};
    const struct panther_option no_help[] = {PANTHER_OPTION_INTEGER(struct one, a, "1", 0, 9, "", ""), PANTHER_OPTIONS_END};
    struct panther_option outside[] = {PANTHER_OPTION_INTEGER(struct one, a, "1", 0, 9, "", "one"), PANTHER_OPTIONS_END};
    outside[0].offset = sizeof(struct one);
    expect_problem(twice, "declared twice");
    expect_problem(bad_default, "\"ten\"");
    expect_problem(no_help, "no line of help");
    expect_problem(outside, "outside of the settings struct");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_every_member),
        cmocka_unit_test(given_values_win),
        cmocka_unit_test(all_mistakes_are_named_at_once),
        cmocka_unit_test(a_description_says_what_the_table_says),
        cmocka_unit_test(broken_tables_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
