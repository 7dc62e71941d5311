// panther-plugin new iut PROTOCOL NAME | new tester NAME: the folder of a plugin that works at once: sources, README, tests, build.
#include <argp.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/system/process.h"
#include "services/sdk/author/author.h"
#include "services/sdk/author/template.h"

#define NAME_MAX_BYTES 48

struct arguments {
    const char *words[3];
    size_t word_count;
    const char *folder, *protocol, *version;
    bool yaml;
};

// What a name of a plugin, a program and a C struct may be made of.
static bool is_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return islower((unsigned char)text[0]) && text[length] == '\0' && length <= NAME_MAX_BYTES;
}

static bool is_protocol(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
    return islower((unsigned char)text[0]) && text[length] == '\0' && length <= NAME_MAX_BYTES;
}

// ---- what is asked for

static bool read_words(const struct arguments *arguments, struct template_values *values, struct argp_state *state)
{
    const char *const *words = arguments->words;
    values->is_tester = arguments->word_count > 0 && strcmp(words[0], "tester") == 0;
    if (arguments->word_count == 0 || (!values->is_tester && strcmp(words[0], "iut") != 0))
        argp_error(state, "say what it shall be: iut PROTOCOL NAME, or tester NAME");
    if (arguments->word_count != (values->is_tester ? 2 : 3))
        argp_error(state, values->is_tester ? "tester NAME: one name" : "iut PROTOCOL NAME: a protocol and a name");
    if (!values->is_tester && arguments->protocol)
        argp_error(state, "--protocol is for testers; an IUT has its own: iut PROTOCOL NAME");
    values->name = words[arguments->word_count - 1];
    values->protocol = !values->is_tester ? words[1] : arguments->protocol ? arguments->protocol : "http";
    values->version = arguments->version;
    values->yaml = arguments->yaml;
    if (!is_name(values->name))
        argp_error(state, "\"%s\" is no name: lower case letters, digits and _, a letter first, at most %d", values->name, NAME_MAX_BYTES);
    if (!is_protocol(values->protocol))
        argp_error(state, "\"%s\" is no name of a protocol", values->protocol);
    return true;
}

// ---- command line

enum { KEY_YAML = 300, KEY_DIR, KEY_PROTOCOL };

static const struct argp_option options[] = {
    {"dir", KEY_DIR, "DIR", 0, "the new folder (default: its place in the tree when here is one, else ./NAME)", 0},
    {"protocol", KEY_PROTOCOL, "NAME[/VERSION]", 0, "what a tester speaks (default http/1.1)", 0},
    {"yaml", KEY_YAML, NULL, 0, "a service.yaml instead of C: no compiler", 0},
    {0},
};

static void set_protocol(struct arguments *arguments, char *text)
{
    char *slash = strchr(text, '/');
    arguments->protocol = text;
    if (slash) {
        *slash = '\0';
        arguments->version = slash + 1;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_YAML:
        arguments->yaml = true;
        return 0;
    case KEY_DIR:
        arguments->folder = argument;
        return 0;
    case KEY_PROTOCOL:
        set_protocol(arguments, argument);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->word_count == 3)
            argp_error(state, "%s is too many", argument);
        arguments->words[arguments->word_count++] = argument;
        return 0;
    case ARGP_KEY_END: {
        struct template_values values;
        read_words(arguments, &values, state);
        return 0;
    }
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_next(const struct template_values *values)
{
    CLEANUP_FREE char *programs = program_folder();
    printf("%s is there. Next:\n", values->folder);
    if (values->in_tree)
        printf("  cmake -B build && cmake --build build && ctest --test-dir build -R %s_test\n  build/bin/panther-plugin check %s\n",
               values->name, values->name);
    else if (values->yaml)
        printf("  cd %s && tests/%s_test\n  panther-plugin check .\n", values->folder, values->name);
    else
        printf("  cd %s && cmake -B build -DCMAKE_PREFIX_PATH=%s && cmake --build build && ctest --test-dir build\n"
               "  panther-plugin check build/plugins/%s%s\n",
               values->folder, arena_printf(values->arena, "%.*s", (int)(strrchr(programs, '/') - programs), programs), values->name,
               values->is_tester ? ".so" : "");
}

int author_new(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "iut PROTOCOL NAME\ntester NAME",
        "Makes the folder of a new plugin: it builds, and passes its tests, `panther-plugin check` and "
        "`panther-plugin docs`, as it is. An IUT runs a small server of its own; a tester connects and judges. "
        "Replace that by what you have.\vNothing that is there is written over. Exit status: 0 made, 1 not, "
        "2 wrong usage.",
        NULL,
        NULL,
        NULL};
    struct arguments arguments = {0};
    struct template_values values = {0};
    struct panther_error error = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    read_words(&arguments, &values, NULL);
    values.arena = arena_new(0);
    values.folder = arguments.folder;
    int problem = template_make(&values, &error);
    if (problem < 0)
        fprintf(stderr, "panther-plugin: %s\n", error.message);
    else
        print_next(&values);
    arena_free(&values.arena);
    return problem < 0 ? AUTHOR_BAD : AUTHOR_GOOD;
}
