// Reads rules about hosts, and finds those that contradict each other.
#include "coordinator/experiment/hosts.h"

#include <string.h>

#include "common/base/units.h"
#include "coordinator/experiment/plugins.h"

#define CPUS_MAX 65536 // more than one host has

const struct document_key hosts_resource_keys[] = {DOCUMENT_KEY("exclusive", BOOLEAN, .help = "nothing else runs on the host"),
                                                   DOCUMENT_KEY("cpus", NUMBER, .help = "processors that no other service reserves"),
                                                   DOCUMENT_KEY("memory", SIZE, .help = "likewise"), DOCUMENT_LATER("disk"), DOCUMENT_END};
const struct document_key hosts_keys[] = {DOCUMENT_KEY("name", TEXT, .help = "of the host"),
                                          DOCUMENT_KEY("labels", SETTINGS, .help = "that the host has, all of them"),
                                          DOCUMENT_KEY("apart_from", TEXTS, .help = "services on other hosts"),
                                          DOCUMENT_KEY("with", TEXTS, .help = "services on the same host"),
                                          DOCUMENT_KEY("not", TEXTS, .help = "hosts"),
                                          DOCUMENT_KEY("resources", MAP, .keys = hosts_resource_keys),
                                          DOCUMENT_END};
const struct document_key hosts_axis_keys[] = {DOCUMENT_KEY("name", TEXT, .help = "of the host"),
                                               DOCUMENT_KEY("labels", SETTINGS, .help = "that the host has, all of them"),
                                               DOCUMENT_KEY("not", TEXTS, .help = "hosts"), DOCUMENT_END};

size_t hosts_read_labels(const struct document *document, const struct value *labels, Pb__Label ***result)
{
    *result = NULL;
    if (!document_is_map(document, labels, "labels"))
        return 0;
    if (labels->count > LABELS_MAX) {
        document_error(document, labels, "more than %d labels", LABELS_MAX);
        return 0;
    }
    size_t count = 0;
    *result = ARENA_ARRAY(document->arena, Pb__Label *, labels->count);
    for (size_t i = 0; i < labels->count; i++) {
        const char *text = document_text(document, labels->items[i], "a label");
        if (!name_is_valid(labels->keys[i]))
            document_error(document, labels->key_places[i], "the label \"%.80s\" is not a name of a-z 0-9 . _ -", labels->keys[i]);
        else if (text && strlen(text) > LABEL_VALUE_MAX_BYTES)
            document_error(document, labels->items[i], "a label's value is longer than %d bytes", LABEL_VALUE_MAX_BYTES);
        else if (text) {
            Pb__Label *label = ARENA_NEW(document->arena, Pb__Label);
            pb__label__init(label);
            label->name = arena_string(document->arena, labels->keys[i]);
            label->value = arena_string(document->arena, text);
            (*result)[count++] = label;
        }
    }
    return count;
}

// A host's name, or a reference to an axis of names.
static char *read_name(struct scope *scope, const struct value *value)
{
    const char *text = document_text(&scope->document, value, "host");
    if (!text)
        return NULL;
    scope_check(scope, text, value, SCOPE_AXES);
    if (!strstr(text, "$(") && !name_is_valid(text)) {
        document_error(&scope->document, value, "\"%.80s\" is not the name of a host: a-z 0-9 . _ -", text);
        return NULL;
    }
    return arena_string(scope->document.arena, text);
}

static size_t read_services(const struct scope *scope, const struct value *value, const char *key, const char *service, char ***names)
{
    const struct value **texts;
    size_t given = document_texts(&scope->document, value, key, &texts), count = 0;
    *names = ARENA_ARRAY(scope->document.arena, char *, given);
    for (size_t i = 0; i < given; i++) {
        if (strcmp(texts[i]->text, service) == 0 && scope_replicas(scope, service) == 1)
            document_error(&scope->document, texts[i], "%s: a service cannot name itself", key);
        else if (scope_check_service(scope, texts[i], texts[i]->text, key))
            (*names)[count++] = arena_string(scope->document.arena, texts[i]->text);
    }
    return count;
}

static void read_resources(const struct document *document, const struct value *resources, Pb__HostRule *rule)
{
    if (!document_is_map(document, resources, "resources"))
        return;
    document_check_keys(document, resources, hosts_resource_keys, "resources");
    bool exclusive = false;
    if (document_boolean(document, document_get(resources, "exclusive"), "exclusive", &exclusive))
        rule->exclusive = exclusive;
    uint64_t cpus = 0;
    if (document_number(document, document_get(resources, "cpus"), "cpus", 1, CPUS_MAX, &cpus))
        rule->cpus = (uint32_t)cpus;
    const struct value *memory = document_get(resources, "memory");
    const char *text = document_constant(document, memory, "memory");
    if (text && (!size_parse_bytes(text, &rule->memory_bytes) || rule->memory_bytes == 0))
        document_error(document, memory, "\"%.80s\" is not a size such as 512MiB", text);
}

static void read_not(struct scope *scope, const struct value *value, Pb__HostRule *rule)
{
    const struct value **texts;
    size_t given = document_texts(&scope->document, value, "not", &texts);
    rule->not_names = ARENA_ARRAY(scope->document.arena, char *, given);
    for (size_t i = 0; i < given; i++) {
        char *name = read_name(scope, texts[i]);
        if (name)
            rule->not_names[rule->n_not_names++] = name;
        if (name && strcmp(name, rule->name) == 0)
            document_error(&scope->document, texts[i], "the host \"%s\" is wanted by `name` and refused by `not`", name);
    }
}

static void read_rule(struct scope *scope, const struct value *host, const char *service, Pb__HostRule *rule)
{
    document_check_keys(&scope->document, host, hosts_keys, "host");
    const struct value *name = document_get(host, "name");
    char *name_text = name ? read_name(scope, name) : NULL;
    if (name_text)
        rule->name = name_text;
    rule->n_labels = hosts_read_labels(&scope->document, document_get(host, "labels"), &rule->labels);
    for (size_t i = 0; i < rule->n_labels; i++)
        scope_check(scope, rule->labels[i]->value, value_get(document_get(host, "labels"), rule->labels[i]->name), SCOPE_AXES);
    rule->n_apart_from = read_services(scope, document_get(host, "apart_from"), "apart_from", service, &rule->apart_from);
    rule->n_with = read_services(scope, document_get(host, "with"), "with", service, &rule->with);
    read_not(scope, document_get(host, "not"), rule);
    read_resources(&scope->document, document_get(host, "resources"), rule);
}

Pb__HostRule *hosts_read(struct scope *scope, const struct value *host, const char *service)
{
    Pb__HostRule *rule = ARENA_NEW(scope->document.arena, Pb__HostRule);
    pb__host_rule__init(rule);
    if (host && host->kind == VALUE_SCALAR) {
        char *name = read_name(scope, host);
        if (name)
            rule->name = name;
    } else if (document_is_map(&scope->document, host, "host")) {
        read_rule(scope, host, service, rule);
    }
    return rule;
}

// ---- an axis's value

static char *read_constant_name(const struct document *document, const struct value *value)
{
    const char *text = document_constant(document, value, "host");
    if (!text)
        return NULL;
    if (!name_is_valid(text)) {
        document_error(document, value, "\"%.80s\" is not the name of a host: a-z 0-9 . _ -", text);
        return NULL;
    }
    return arena_string(document->arena, text);
}

static void read_axis_rule(const struct document *document, const struct value *host, Pb__HostRule *rule)
{
    const struct value **texts;
    document_check_keys(document, host, hosts_axis_keys, "host");
    char *name = read_constant_name(document, document_get(host, "name"));
    if (name)
        rule->name = name;
    rule->n_labels = hosts_read_labels(document, document_get(host, "labels"), &rule->labels);
    size_t given = document_texts(document, document_get(host, "not"), "not", &texts);
    rule->not_names = ARENA_ARRAY(document->arena, char *, given);
    for (size_t i = 0; i < given; i++) {
        char *refused = read_constant_name(document, texts[i]);
        if (refused)
            rule->not_names[rule->n_not_names++] = refused;
    }
}

Pb__HostRule *hosts_read_axis(const struct document *document, const struct value *host)
{
    if (!host)
        return NULL;
    Pb__HostRule *rule = ARENA_NEW(document->arena, Pb__HostRule);
    pb__host_rule__init(rule);
    if (host->kind == VALUE_SCALAR) {
        char *name = read_constant_name(document, host);
        if (name)
            rule->name = name;
    } else if (document_is_map(document, host, "host")) {
        read_axis_rule(document, host, rule);
    }
    return rule;
}

// ---- two services

static bool are_apart(const Pb__ServiceTemplate *left, const Pb__ServiceTemplate *right)
{
    return plugins_is_listed(left->host->apart_from, left->host->n_apart_from, right->name) ||
           plugins_is_listed(right->host->apart_from, right->host->n_apart_from, left->name);
}

static void check_pair(const struct scope *scope, const Pb__ServiceTemplate *left, const Pb__ServiceTemplate *right)
{
    const char *left_host = left->host->name, *right_host = right->host->name;
    bool same_name = left_host[0] && strcmp(left_host, right_host) == 0 && !reference_is_in(left_host);
    bool together = plugins_is_listed(left->host->with, left->host->n_with, right->name) ||
                    plugins_is_listed(right->host->with, right->host->n_with, left->name);
    struct value place = scope_place(right->line, right->column);
    if (are_apart(left, right) && same_name)
        document_error(&scope->document, &place, "\"%s\" and \"%s\" are apart, but both are to run on the host \"%s\"", left->name,
                       right->name, left_host);
    if (are_apart(left, right) && together)
        document_error(&scope->document, &place, "\"%s\" and \"%s\" are to be on one host (with) and on two (apart_from)", left->name,
                       right->name);
    if (together && left_host[0] && right_host[0] && !same_name && !reference_is_in(left_host) && !reference_is_in(right_host))
        document_error(&scope->document, &place, "\"%s\" and \"%s\" are to be on one host, but are given \"%s\" and \"%s\"", left->name,
                       right->name, left_host, right_host);
}

void hosts_check_together(const struct scope *scope)
{
    for (size_t i = 0; i < scope->test->n_services; i++)
        for (size_t j = i + 1; j < scope->test->n_services; j++)
            check_pair(scope, scope->test->services[i], scope->test->services[j]);
}
