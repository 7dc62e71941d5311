// panther-coord import FILE: an experiment of PANTHER (Python) in this language, as far as it can be said in it. What could not be carried
// over is told with its place, so that nobody believes it was.
#include <argp.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/base/units.h"
#include "common/schema/environments.h"
#include "common/system/file.h"
#include "common/system/yaml.h"
#include "coordinator/cli/command.h"
#include "coordinator/report/readable.h"

struct import {
    const char *path;
    struct text out;
    size_t left_out;
};

static void tell(struct import *import, const struct value *at, const char *what, const char *why)
{
    char line[512];
    readable_line(what, line, sizeof line);
    fprintf(stderr, "%s:%u:%u: not carried over: %s%s%s\n", import->path, at->line, at->column, line, *why ? ": " : "", why);
    import->left_out++;
}

// ---- reading

static const char *text_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);
    return value && value->kind == VALUE_SCALAR && !value_is_null(value) ? value->text : NULL;
}

// Every key that is not in the list (words with blanks around them) is told.
static void tell_others(struct import *import, const struct value *map, const char *known, const char *why)
{
    for (size_t i = 0; map && map->kind == VALUE_MAP && i < map->count; i++) {
        char word[NAME_MAX_BYTES + 2];
        snprintf(word, sizeof word, " %s ", map->keys[i]);
        if (!strstr(known, word)) {
            tell(import, map->key_places[i], map->keys[i], why);
        }
    }
}

// ---- writing

static void write_name(struct text *out, const char *text)
{
    char name[NAME_MAX_BYTES] = "";
    size_t length = 0;
    for (; *text && length < sizeof name - 1; text++) {
        char c = (char)tolower((unsigned char)*text);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (plain || (length > 0 && name[length - 1] != '-')) {
            name[length++] = plain ? c : '-';
        }
    }
    while (length > 0 && name[length - 1] == '-') {
        length--;
    }
    name[length] = '\0';
    const char *valid = name[0] == '_' ? name + 1 : name;
    text_append(out, *valid ? valid : "imported");
}

static void write_quoted(struct text *out, const char *text)
{
    text_append(out, "\"");
    for (; *text; text++) {
        if ((unsigned char)*text >= ' ') {
            text_append(out, *text == '"' || *text == '\\' ? "\\" : "");
            text_append_bytes(out, text, 1);
        }
    }
    text_append(out, "\"");
}

// ---- services

static bool is_tester(const struct value *service)
{
    const char *type = text_of(value_get(service, "implementation"), "type");
    return type && strncmp(type, "tester", 6) == 0;
}

// panther_ivy is called ivy here; other names are the same, or `check` says which are near.
static const char *plugin_of(const struct value *service)
{
    const char *name = text_of(value_get(service, "implementation"), "name");
    return name && strcmp(name, "panther_ivy") == 0 ? "ivy" : name;
}

static const char *target_of(const struct value *service)
{
    return text_of(value_get(service, "protocol"), "target");
}

static void write_list(struct text *out, const char *key, const char *name, bool *is_first)
{
    text_append(out, *is_first ? key : ", ");
    write_name(out, name);
    *is_first = false;
}

// PANTHER's target is a need here; of a tester, what it drives.
static void write_relations(struct import *import, const struct value *service)
{
    const char *target = target_of(service), *role = text_of(value_get(service, "protocol"), "role");
    bool is_first = true;
    if (target && is_tester(service)) {
        text_append(&import->out, "        drives: {server: ");
        write_name(&import->out, target);
        text_append(&import->out, "}\n");
        return;
    }
    if (target) {
        write_list(&import->out, "        needs: [", target, &is_first);
    }
    const struct value *depends = value_get(service, "depends_on");
    for (size_t i = 0; depends && depends->kind == VALUE_LIST && i < depends->count; i++) {
        if (depends->items[i]->kind == VALUE_SCALAR) {
            write_list(&import->out, "        needs: [", depends->items[i]->text, &is_first);
        }
    }
    text_append(&import->out, is_first ? "" : "]\n");
    if (role && !is_tester(service)) {
        text_append(&import->out, "        role: ");
        write_quoted(&import->out, role);
        text_append(&import->out, "\n");
    }
}

static void import_service(struct import *import, const char *name, const struct value *place, const struct value *service)
{
    const struct value *implementation = value_get(service, "implementation");
    const char *plugin = plugin_of(service), *test = text_of(implementation, "test");
    if (!plugin) {
        tell(import, place, name, "it names no implementation");
        return;
    }
    text_append(&import->out, "      ");
    write_name(&import->out, name);
    text_append(&import->out, is_tester(service) ? ":\n        tester: " : ":\n        implementation: ");
    write_name(&import->out, plugin);
    text_append(&import->out, "\n");
    write_relations(import, service);
    if (test && is_tester(service)) {
        text_append(&import->out, strcmp(plugin, "ivy") == 0 ? "        options: {program: " : "        cases: [");
        write_quoted(&import->out, test);
        text_append(&import->out, strcmp(plugin, "ivy") == 0 ? "}\n" : "]\n");
    }
    tell_others(import, implementation, is_tester(service) ? " name type test " : " name type ", "give it as an option of the plugin");
    tell_others(import, value_get(service, "protocol"), " name version role target ", "");
    tell_others(import, service, " name implementation protocol depends_on timeout ",
                "ports, folders and certificates are the plugin's here; see its options");
}

static void import_services(struct import *import, const struct value *test)
{
    const struct value *services = value_get(test, "services");
    if (!services || services->kind != VALUE_MAP || services->count == 0) {
        tell(import, test, "a test", "it has no services");
        return;
    }
    text_append(&import->out, "    services:\n");
    for (size_t i = 0; i < services->count; i++) {
        import_service(import, services->keys[i], services->key_places[i], services->items[i]);
    }
}

// ---- a test

// The version of the first service that has one; RFCs are versions there and names of documents here.
static void import_protocol(struct import *import, const struct value *test)
{
    static const char *const versions[][2] = {{"rfc9000", "1"}, {"rfc9369", "2"}, {"rfc9113", "2"}, {"rfc7540", "2"}, {"rfc9112", "1.1"}};
    const struct value *services = value_get(test, "services");
    const struct value *protocol = NULL;
    for (size_t i = 0; !protocol && services && services->kind == VALUE_MAP && i < services->count; i++) {
        protocol = value_get(services->items[i], "protocol");
    }
    const char *name = text_of(protocol, "name"), *version = text_of(protocol, "version"), *known = NULL;
    if (!name) {
        tell(import, test, "a test", "no service names its protocol");
        return;
    }
    for (size_t i = 0; version && i < sizeof versions / sizeof *versions; i++) {
        known = strcmp(versions[i][0], version) == 0 ? versions[i][1] : known;
    }
    text_append(&import->out, "    protocol: {name: ");
    write_name(&import->out, name);
    if (known) {
        text_printf(&import->out, ", version: \"%s\"", known);
    } else if (version) {
        tell(import, value_get(protocol, "version"), version, "the version; the first that the first service speaks is taken");
    }
    text_append(&import->out, "}\n");
}

static void write_seconds(struct import *import, const struct value *value, const char *key, bool *is_first)
{
    uint64_t seconds;
    if (!value || value->kind != VALUE_SCALAR) {
        return;
    }
    if (!unsigned_parse(value->text, &seconds) || seconds == 0) {
        tell(import, value, key, "it is no number of seconds");
        return;
    }
    text_printf(&import->out, "%s%s: %llus", *is_first ? "    timeouts: {" : ", ", key, (unsigned long long)seconds);
    *is_first = false;
}

// A case has the longest time that a service was given.
static void import_timeouts(struct import *import, const struct value *test)
{
    const struct value *services = value_get(test, "services"), *longest = NULL;
    uint64_t most = 0, seconds;
    for (size_t i = 0; services && services->kind == VALUE_MAP && i < services->count; i++) {
        const struct value *timeout = value_get(services->items[i], "timeout");
        if (timeout && timeout->kind == VALUE_SCALAR && unsigned_parse(timeout->text, &seconds) && seconds > most) {
            most = seconds;
            longest = timeout;
        }
    }
    bool is_first = true;
    write_seconds(import, longest, "case", &is_first);
    write_seconds(import, value_get(test, "timeout"), "trial", &is_first);
    text_append(&import->out, is_first ? "" : "}\n");
}

// "10 ms" is 10ms here.
static void write_condition(struct import *import, const struct value *network, const char *from, const char *to)
{
    const char *text = text_of(network, from);
    struct text joined = {0};
    for (const char *c = text; c && *c; c++) {
        text_append_bytes(&joined, c, *c != ' ');
    }
    if (text) {
        text_printf(&import->out, ", %s: ", to);
        write_quoted(&import->out, text_string(&joined));
    }
    text_free(&joined);
}

// Containers of one composition, and the shadow simulator, have a network of their own: here that is an emulated one.
static void import_network(struct import *import, const struct value *test)
{
    const struct value *network = value_get(test, "network_environment"), *shaped = value_get(network, "network");
    const char *type = text_of(network, "type");
    if (!network) {
        return;
    }
    bool is_lab = type && strncmp(type, "localhost", 9) == 0;
    text_printf(&import->out, "    network_environment: {type: %s", is_lab ? "lab" : "emulated");
    write_condition(import, shaped, "latency", "delay");
    write_condition(import, shaped, "jitter", "jitter");
    write_condition(import, shaped, "packet_loss", "loss");
    text_append(&import->out, "}\n");
    tell_others(import, shaped, " latency jitter packet_loss ", "");
    tell_others(import, network, " type network ", "containers and simulators are not used here");
}

static void import_environments(struct import *import, const struct value *test)
{
    const struct value *list = value_get(test, "execution_environment");
    bool is_first = true;
    for (size_t i = 0; list && list->kind == VALUE_LIST && i < list->count; i++) {
        const char *type = text_of(list->items[i], "type");
        if (!type || !environment_named(type)) {
            tell(import, list->items[i], type ? type : "an execution environment", "there is none of this name");
            continue;
        }
        text_printf(&import->out, "%s{type: %s}", is_first ? "    execution_environment: [" : ", ", type);
        is_first = false;
        tell_others(import, list->items[i], " type ", "see `panther-coord schema` for the options");
    }
    text_append(&import->out, is_first ? "" : "]\n");
}

static void import_assertions(struct import *import, const struct value *test)
{
    const struct value *list = value_get(test, "assertions"), *services = value_get(test, "services");
    for (size_t i = 0; list && list->kind == VALUE_LIST && i < list->count; i++) {
        const char *type = text_of(list->items[i], "type");
        tell(import, list->items[i], type ? type : "an assertion", "there is no such assertion; readiness is the plugin's");
    }
    text_append(&import->out, "    assertions:\n");
    for (size_t i = 0; services && services->kind == VALUE_MAP && i < services->count; i++) {
        if (!plugin_of(services->items[i])) {
            continue;
        }
        text_append(&import->out, "      - {service: ");
        write_name(&import->out, services->keys[i]);
        text_append(&import->out, ", exit: clean}\n");
    }
}

static void import_test(struct import *import, const struct value *test)
{
    const char *name = text_of(test, "name"), *iterations = text_of(test, "iterations");
    uint64_t times;
    text_append(&import->out, "  - name: ");
    write_name(&import->out, name ? name : "test");
    text_append(&import->out, "\n");
    import_protocol(import, test);
    if (iterations && unsigned_parse(iterations, &times) && times > 1) {
        text_printf(&import->out, "    repeat: {times: %llu}\n", (unsigned long long)times);
    }
    import_timeouts(import, test);
    import_services(import, test);
    import_network(import, test);
    import_environments(import, test);
    import_assertions(import, test);
    const struct value *steps = value_get(test, "steps"), *description = value_get(test, "description");
    if (steps) {
        tell(import, steps, "steps", "a trial ends when its testers are done; commands stand on a timeline");
    }
    if (description) {
        tell(import, description, "description", "a test has none here, an experiment has");
    }
    tell_others(import, test, " name iterations timeout services network_environment execution_environment assertions steps description ",
                "a test has no such key here");
}

static void import_document(struct import *import, const struct value *document)
{
    const struct value *tests = value_get(document, "tests"), *metadata = value_get(document, "metadata");
    const char *name = text_of(metadata, "name"), *description = text_of(metadata, "description"), *slash = strrchr(import->path, '/');
    char stem[NAME_MAX_BYTES];
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(slash ? slash + 1 : import->path, "."), slash ? slash + 1 : import->path);
    text_append(&import->out, "panther: 1\nexperiment: ");
    write_name(&import->out, name ? name : stem);
    text_append(&import->out, "\n");
    if (description) {
        text_append(&import->out, "description: ");
        write_quoted(&import->out, description);
        text_append(&import->out, "\n");
    }
    text_append(&import->out, "tests:\n");
    for (size_t i = 0; tests && tests->kind == VALUE_LIST && i < tests->count; i++) {
        import_test(import, tests->items[i]);
    }
    tell_others(import, metadata, " name description ", "");
    tell_others(import, document, " tests metadata ", "settings of that program, not of an experiment");
}

// ---- the command

static error_t parse(int key, char *argument, struct argp_state *state)
{
    const char **path = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*path) {
            argp_error(state, "one file at a time; %s is too many", argument);
        }
        *path = argument;
        return 0;
    case ARGP_KEY_END:
        if (!*path) {
            argp_error(state, "FILE is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int print_all(const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        char line[1024];
        const Pb__Diagnostic *item = diagnostics->items[i];
        readable_line(item->message, line, sizeof line);
        fprintf(stderr, "%s:%u:%u: %s\n", item->file, item->line, item->column, line);
    }
    return EXIT_USAGE;
}

static int import_text(const char *path, const char *data, size_t bytes, struct arena *arena)
{
    struct import import = {.path = path};
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, path);
    struct value *document = yaml_read(data, bytes, arena, &diagnostics);
    if (!document) {
        return print_all(&diagnostics);
    }
    const struct value *tests = value_get(document, "tests");
    if (!tests || tests->kind != VALUE_LIST || tests->count == 0) {
        fprintf(stderr, "%s:%u:%u: this is no experiment of PANTHER: it has no list of tests\n", path, document->line, document->column);
        return EXIT_USAGE;
    }
    import_document(&import, document);
    fputs(text_string(&import.out), stdout);
    text_free(&import.out);
    fprintf(stderr, "panther-coord: %zu things were not carried over; look at them, then `panther-coord check`\n", import.left_out);
    return EXIT_PASS;
}

int cli_import(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        parse,
        "FILE",
        "Prints an experiment of PANTHER (Python) in the language of this program, and tells what could not be "
        "carried over.\vExit status: 0 printed, 2 the file is none.",
        NULL,
        NULL,
        NULL};
    const char *path = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &path);
    struct panther_error error = {0};
    char *data = NULL;
    size_t bytes;
    if (file_read(path, EXPERIMENT_TEXT_MAX_BYTES, &data, &bytes, &error)) {
        fprintf(stderr, "panther-coord: %s\n", error.message);
        return EXIT_USAGE;
    }
    struct arena *arena = arena_new(0);
    int status = import_text(path, data, bytes, arena);
    arena_free(&arena);
    free(data);
    return status;
}
