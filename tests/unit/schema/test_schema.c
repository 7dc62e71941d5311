// Settings against descriptions: what becomes of each type, and what is said about each mistake.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/schema/schema.h"

static char *choices[] = {(char[]){"h2"}, (char[]){"h3"}};
static Pb__OptionDescription options[16];
static const Pb__OptionDescription *table[16];
static size_t option_count;
static struct arena *arena;

static Pb__OptionDescription *add(const char *name, Pb__OptionType type, const char *default_value)
{
    Pb__OptionDescription *option = &options[option_count];
    pb__option_description__init(option);
    option->name = arena_string(arena, name);
    option->type = type;
    option->default_value = arena_string(arena, default_value);
    table[option_count++] = option;
    return option;
}

static int make_options(void **state)
{
    (void)state;
    arena = arena_new(0);
    option_count = 0;
    add("title", PB__OPTION_TYPE__OPTION_TYPE_STRING, "");
    Pb__OptionDescription *port = add("port", PB__OPTION_TYPE__OPTION_TYPE_INTEGER, "8080");
    port->has_range = true;
    port->minimum = 1;
    port->maximum = 65535;
    add("factor", PB__OPTION_TYPE__OPTION_TYPE_FLOAT, "0.1");
    add("verbose", PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN, "no");
    Pb__OptionDescription *version = add("version", PB__OPTION_TYPE__OPTION_TYPE_CHOICE, "h2");
    version->choices = choices;
    version->n_choices = 2;
    Pb__OptionDescription *wait = add("wait", PB__OPTION_TYPE__OPTION_TYPE_DURATION, "1.5s");
    wait->has_range = true;
    wait->maximum = 60000;
    add("memory", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "64MiB");
    add("loss", PB__OPTION_TYPE__OPTION_TYPE_RATIO, "0.1%");
    add("hosts", PB__OPTION_TYPE__OPTION_TYPE_LIST, "a,b c,");
    add("page", PB__OPTION_TYPE__OPTION_TYPE_FILE, "");
    return 0;
}

static int drop_options(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static Pb__PlacedSetting *setting(const char *name, size_t count, const char *const *values)
{
    Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = arena_string(arena, name);
    setting->line = 14;
    setting->column = 9;
    setting->n_values = count;
    setting->values = ARENA_ARRAY(arena, char *, count);
    for (size_t i = 0; i < count; i++)
        setting->values[i] = arena_string(arena, values[i]);
    return setting;
}

// One setting; the value of `name` afterwards, joined by |; or the diagnostics, joined by newlines.
static const char *check_as_text(size_t count, const Pb__PlacedSetting *const *settings, const char *name)
{
    struct diagnostics diagnostics;
    struct text text = {0};
    diagnostics_begin(&diagnostics, arena, "lab.yaml");
    Pb__Setting **checked;
    size_t checked_count = schema_check(table, option_count, settings, count, "nghttpd", arena, &checked, &diagnostics);
    for (size_t i = 0; i < diagnostics.count; i++)
        text_printf(&text, "%s%s:%u:%u: %s", i ? "\n" : "", diagnostics.items[i]->file, diagnostics.items[i]->line,
                    diagnostics.items[i]->column, diagnostics.items[i]->message);
    for (size_t i = 0; diagnostics.count == 0 && i < checked_count; i++) {
        for (size_t value = 0; strcmp(checked[i]->name, name) == 0 && value < checked[i]->n_values; value++)
            text_printf(&text, "%s%s", value ? "|" : "", checked[i]->values[value]);
    }
    const char *copy = arena_string(arena, text_string(&text));
    text_free(&text);
    return copy;
}

static const char *check_one(const char *name, const char *value)
{
    const Pb__PlacedSetting *one = setting(name, 1, &value);
    return check_as_text(1, &one, name);
}

static void values_get_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *name, *written, *read;
    } cases[] = {
        {"title", " as it is ", " as it is "},
        {"title", "", ""},
        {"port", "0x1F90", "8080"},
        {"port", "+00443", "443"},
        {"factor", "1e2", "100"},
        {"factor", "0.1", "0.1"},
        {"factor", "0.30000000000000004", "0.30000000000000004"},
        {"verbose", "Yes", "true"},
        {"verbose", "off", "false"},
        {"version", "h3", "h3"},
        {"wait", "1m", "60000"},
        {"wait", "0", "0"},
        {"memory", "1GiB", "1073741824"},
        {"memory", "4096", "4096"},
        {"loss", "99.9%", "0.999"},
        {"hosts", "one", "one"},
        {"page", "/some/path", "/some/path"},
        {"port", "$(server.port)", "$(server.port)"},
        {"wait", "x$$(", "x$$("},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(check_one(cases[i].name, cases[i].written), cases[i].read);
}

static void mistakes_say_what_where_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *name, *written, *message;
    } cases[] = {
        {"prot", "1", "lab.yaml:14:9: unknown option \"prot\" for nghttpd; did you mean \"port\"?"},
        {"banana", "1", "lab.yaml:14:9: unknown option \"banana\" for nghttpd"},
        {"port", "eighty", "lab.yaml:14:9: option \"port\" of nghttpd: \"eighty\" is not an integer"},
        {"port", "0", "lab.yaml:14:9: option \"port\" of nghttpd: \"0\" is not between 1 and 65535"},
        {"port", "65536", "lab.yaml:14:9: option \"port\" of nghttpd: \"65536\" is not between 1 and 65535"},
        {"factor", "nan", "lab.yaml:14:9: option \"factor\" of nghttpd: \"nan\" is not a number"},
        {"verbose", "1", "lab.yaml:14:9: option \"verbose\" of nghttpd: \"1\" is not true or false"},
        {"version", "h4", "lab.yaml:14:9: option \"version\" of nghttpd: \"h4\" is not one of h2, h3; did you mean \"h2\"?"},
        {"wait", "5", "lab.yaml:14:9: option \"wait\" of nghttpd: \"5\" is not a duration such as 150ms, 2.5s or 30m"},
        {"wait", "2m", "lab.yaml:14:9: option \"wait\" of nghttpd: \"2m\" is not between 0ms and 60000ms"},
        {"memory", "1 GB", "lab.yaml:14:9: option \"memory\" of nghttpd: \"1 GB\" is not a size such as 4096, 10kB or 64MiB"},
        {"loss", "2", "lab.yaml:14:9: option \"loss\" of nghttpd: \"2\" is not a ratio such as 0.5 or 99.9%"},
        {"page", "", "lab.yaml:14:9: option \"page\" of nghttpd: \"\" names no file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(check_one(cases[i].name, cases[i].written), cases[i].message);
}

static void defaults_are_normalised_and_lists_split(void **state)
{
    (void)state;
    static const struct {
        const char *name, *read;
    } cases[] = {{"port", "8080"},       {"factor", "0.1"}, {"verbose", "false"}, {"version", "h2"}, {"wait", "1500"},
                 {"memory", "67108864"}, {"loss", "0.001"}, {"hosts", "a|b c|"},  {"title", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(check_as_text(0, NULL, cases[i].name), cases[i].read);
    struct diagnostics diagnostics;
    Pb__Setting **checked;
    diagnostics_begin(&diagnostics, arena, "x");
    // title and page have no default: they are left out
    assert_int_equal(schema_check(table, option_count, NULL, 0, "nghttpd", arena, &checked, &diagnostics), option_count - 2);
}

static void a_default_out_of_range_is_told(void **state)
{
    (void)state;
    options[1].default_value = arena_string(arena, "70000");
    assert_string_equal(check_as_text(0, NULL, "port"), "lab.yaml:0:0: option \"port\" of nghttpd: \"70000\" is not between 1 and 65535");
}

static void all_mistakes_come_at_once(void **state)
{
    (void)state;
    options[0].required = true;
    static const char *const two[] = {"1", "2"};
    const Pb__PlacedSetting *settings[] = {setting("port", 2, two), setting("wait", 1, two), setting("wait", 1, two),
                                           setting("hosts", 0, NULL)};
    assert_string_equal(check_as_text(4, settings, "port"),
                        "lab.yaml:14:9: option \"wait\" of nghttpd is set twice\n"
                        "lab.yaml:14:9: option \"title\" of nghttpd is required\n"
                        "lab.yaml:14:9: option \"port\" of nghttpd takes one integer, not a list of 2\n"
                        "lab.yaml:14:9: option \"wait\" of nghttpd: \"1\" is not a duration such as 150ms, 2.5s or 30m");
}

static void an_empty_list_is_a_value(void **state)
{
    (void)state;
    const Pb__PlacedSetting *none = setting("hosts", 0, NULL);
    assert_string_equal(check_as_text(1, &none, "hosts"), "");
}

static void an_option_of_a_type_that_is_not_known_is_refused(void **state)
{
    (void)state;
    const char *reason = NULL;
    options[0].type = (Pb__OptionType)99;
    assert_null(schema_normalise(&options[0], "x", arena, &reason));
    assert_string_equal(reason, "has no type");
    assert_string_equal(option_type_name(99), "untyped");
    assert_string_equal(option_type_name(PB__OPTION_TYPE__OPTION_TYPE_DURATION), "duration");
}

static void a_document_becomes_settings_with_places(void **state)
{
    (void)state;
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "lab.yaml");
    struct value *map = value_map(arena, 1, 1), *list = value_list(arena, 3, 10), *inner = value_map(arena, 4, 9),
                 *mixed = value_list(arena, 5, 9);
    value_list_add(arena, list, value_scalar(arena, "a", 3, 11));
    value_list_add(arena, list, value_scalar(arena, "b", 3, 14));
    value_list_add(arena, mixed, value_map(arena, 5, 10));
    value_map_put(arena, map, "port", value_scalar(arena, "80", 2, 7));
    value_map_put(arena, map, "hosts", list);
    value_map_put(arena, map, "deep", inner);
    value_map_put(arena, map, "mixed", mixed);
    value_map_put(arena, map, "empty", value_scalar(arena, "", 6, 7));
    Pb__PlacedSetting **settings;
    assert_int_equal(schema_settings(map, arena, &settings, &diagnostics), 2);
    assert_string_equal(settings[0]->name, "port");
    assert_int_equal(settings[0]->line, 2);
    assert_int_equal(settings[0]->column, 7);
    assert_int_equal(settings[1]->n_values, 2);
    assert_string_equal(settings[1]->values[1], "b");
    assert_int_equal(diagnostics.errors, 3);
    assert_string_equal(diagnostics.items[0]->message, "option \"deep\" needs a text or a list, not a map");
    assert_string_equal(diagnostics.items[1]->message, "an entry of the list \"mixed\" is a map, not text");
    assert_string_equal(diagnostics.items[2]->message, "option \"empty\" needs a text or a list, not nothing");
    assert_int_equal(schema_settings(NULL, arena, &settings, &diagnostics), 0);
    assert_int_equal(schema_settings(list, arena, &settings, &diagnostics), 0);
    assert_string_equal(diagnostics.items[3]->message, "options are a map of names and values, not a list");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_options, drop_options)
    const struct CMUnitTest tests[] = {
        TEST(values_get_one_spelling),
        TEST(mistakes_say_what_where_and_what_to_do),
        TEST(defaults_are_normalised_and_lists_split),
        TEST(a_default_out_of_range_is_told),
        TEST(all_mistakes_come_at_once),
        TEST(an_empty_list_is_a_value),
        TEST(an_option_of_a_type_that_is_not_known_is_refused),
        TEST(a_document_becomes_settings_with_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
