// Reads faults. What an option of a fault means stands in agent/guard; here is what may be asked for at all.
#include "coordinator/experiment/faults.h"

#include <string.h>

#include "common/base/units.h"
#include "coordinator/experiment/links.h"

const char *const faults_kinds[] = {"kill", "pause", "disk_full", "clock", "memory", "link", "partition", NULL};
const char *const faults_signals[] = {"KILL", "TERM", "INT", "HUP", "QUIT", "ABRT", "SEGV", "USR1", "USR2", NULL};
const char *const faults_clocks[] = {"monotonic", "wall", NULL};

// What belongs to which kind; `for` and `service` are the entry's own.
static const struct {
    const char *key, *kind, *other_kind;
} options[] = {{"signal", "kill", NULL},       {"limit", "disk_full", "memory"}, {"bytes", "memory", NULL},
               {"offset", "clock", NULL},      {"clock", "clock", NULL},         {"groups", "partition", NULL},
               {"one_way", "partition", NULL}, {"links", "link", NULL},          {"from", "link", NULL},
               {"to", "link", NULL},           {"between", "link", NULL}};
#define OPTIONS (sizeof options / sizeof *options)

static size_t length(const char *const *texts)
{
    size_t count = 0;
    while (texts[count])
        count++;
    return count;
}

static bool is_listed(const char *const *texts, const char *text)
{
    while (*texts && strcmp(*texts, text) != 0)
        texts++;
    return *texts != NULL;
}

bool faults_are_of_network(const char *kind)
{
    return strcmp(kind, "link") == 0 || strcmp(kind, "partition") == 0;
}

static void check_belongings(const struct document *document, const struct value *map, const char *kind)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct value *value = value_get(map, options[i].key);
        bool belongs = strcmp(options[i].kind, kind) == 0 || (options[i].other_kind && strcmp(options[i].other_kind, kind) == 0);
        if (value && !belongs)
            document_error(document, value, "`%s` does not belong to the fault %s", options[i].key, kind);
    }
}

// ---- options

static void add_option(const struct document *document, Pb__Fault *fault, const char *name, const char *value)
{
    Pb__Setting *setting = ARENA_NEW(document->arena, Pb__Setting);
    pb__setting__init(setting);
    setting->name = arena_string(document->arena, name);
    setting->values = ARENA_ARRAY(document->arena, char *, 1);
    setting->values[setting->n_values++] = arena_string(document->arena, value);
    fault->options[fault->n_options++] = setting;
}

static void read_word(const struct document *document, const struct value *map, const char *key, const char *const *words, Pb__Fault *fault)
{
    const struct value *value = document_get(map, key);
    const char *text = document_constant(document, value, key);
    if (text && !is_listed(words, text))
        document_error(document, value, "%s: there is no \"%.80s\"%s", key, text, document_hint(document, text, words, length(words)));
    else if (text)
        add_option(document, fault, key, text);
}

static void read_size(const struct document *document, const struct value *map, const char *key, Pb__Fault *fault)
{
    const struct value *value = document_get(map, key);
    const char *text = document_constant(document, value, key);
    uint64_t bytes;
    if (text && !size_parse_bytes(text, &bytes))
        document_error(document, value, "%s: \"%.80s\" is not a size such as 4096, 10kB or 64MiB", key, text);
    else if (text)
        add_option(document, fault, key, text);
}

static void read_memory(const struct document *document, const struct value *map, Pb__Fault *fault)
{
    read_size(document, map, "bytes", fault);
    read_size(document, map, "limit", fault);
    if ((document_get(map, "bytes") != NULL) + (document_get(map, "limit") != NULL) != 1)
        document_error(document, map, "the fault memory needs bytes (taken from the host) or limit (of the service)");
}

static void read_clock(const struct document *document, const struct value *map, Pb__Fault *fault)
{
    const struct value *offset = document_get(map, "offset"), *clock = document_get(map, "clock");
    const char *text = document_constant(document, offset, "offset");
    uint64_t ms;
    if (!offset)
        document_error(document, map, "the fault clock needs an offset, such as +90s or -30s");
    if (text && !duration_parse_ms(text + (text[0] == '+' || text[0] == '-'), &ms))
        document_error(document, offset, "offset: \"%.80s\" is not a duration such as +90s or -30s", text);
    else if (text)
        add_option(document, fault, "offset", text);
    read_word(document, map, "clock", faults_clocks, fault);
    if (clock && clock->kind == VALUE_SCALAR && strcmp(clock->text, "wall") == 0)
        document_error(document, clock, "Linux has no namespace for the wall clock; monotonic (with boottime) can be set");
}

// ---- links

static bool is_end(const char *name)
{
    return strcmp(name, "from") == 0 || strcmp(name, "to") == 0 || strcmp(name, "between") == 0;
}

// The ends and the conditions of an entry, as the one entry of a list of links.
static struct value *as_list(const struct document *document, const struct value *map, const struct document_key *keys)
{
    struct value *link = value_map(document->arena, map->line, map->column);
    struct value *list = value_list(document->arena, map->line, map->column);
    for (size_t i = 0; i < map->count; i++) {
        size_t at = 0;
        while (keys[at].name && strcmp(keys[at].name, map->keys[i]) != 0)
            at++;
        if (keys[at].name && !is_end(map->keys[i]))
            continue;
        value_map_put(document->arena, link, map->keys[i], map->items[i]);
        link->key_places[link->count - 1] = map->key_places[i];
    }
    value_list_add(document->arena, list, link);
    return list;
}

static void read_link(struct scope *scope, const struct value *map, const struct document_key *keys, struct links *links)
{
    const struct document *document = &scope->document;
    Pb__PlacedSetting **conditions;
    size_t count = links_read_conditions(scope, map, keys, "a fault", &conditions);
    bool has_ends = document_get(map, "from") || document_get(map, "to") || document_get(map, "between");
    if (count == 0 && !document_get(map, "links"))
        document_error(document, map, "the fault link needs conditions, such as {between: [a, b], loss: 100%%}, or links");
    if (count > 0 && has_ends)
        links_read(scope, as_list(document, map, keys), links);
    if (count > 0 && !has_ends) {
        Pb__LinkRule *rule = links_add(scope, links, "", "", map);
        rule->conditions = conditions;
        rule->n_conditions = count;
    }
    links_read(scope, document_get(map, "links"), links);
}

static void cut(struct scope *scope, struct links *links, const char *from, const char *to, const struct value *place)
{
    struct arena *arena = scope->document.arena;
    Pb__LinkRule *rule = links_add(scope, links, from, to, place);
    Pb__PlacedSetting *down = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(down);
    down->name = arena_string(arena, "down");
    down->values = ARENA_ARRAY(arena, char *, 1);
    down->values[down->n_values++] = arena_string(arena, "true");
    down->line = place->line;
    down->column = place->column;
    rule->conditions = ARENA_ARRAY(arena, Pb__PlacedSetting *, 1);
    rule->conditions[rule->n_conditions++] = down;
}

struct group {
    const struct value **names;
    size_t count;
};

static bool is_in(const struct group *group, const char *name)
{
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(group->names[i]->text, name) == 0)
            return true;
    return false;
}

// What `from` sends does not arrive in `to`.
static void cut_groups(struct scope *scope, struct links *links, const struct group *from, const struct group *to)
{
    for (size_t i = 0; i < from->count; i++)
        for (size_t j = 0; j < to->count; j++)
            if (scope_has_service(scope, from->names[i]->text) && scope_has_service(scope, to->names[j]->text))
                cut(scope, links, from->names[i]->text, to->names[j]->text, from->names[i]);
}

static size_t read_groups(struct scope *scope, const struct value *list, struct group groups[FAULT_GROUPS_MAX])
{
    const struct document *document = &scope->document;
    if (!document_is_list(document, list, "groups"))
        return 0;
    if (list->count < 2 || list->count > FAULT_GROUPS_MAX) {
        document_error(document, list, "a partition has from 2 to %d groups of services: `groups: [[a], [b, c]]`", FAULT_GROUPS_MAX);
        return 0;
    }
    for (size_t i = 0; i < list->count; i++) {
        groups[i].count = document_texts(document, list->items[i], "groups", &groups[i].names);
        for (size_t j = 0; j < groups[i].count; j++) {
            const struct value *name = groups[i].names[j];
            scope_check_service(scope, name, name->text, "groups");
            for (size_t k = 0; k < i; k++)
                if (is_in(&groups[k], name->text))
                    document_error(document, name, "\"%.80s\" is in two groups", name->text);
        }
    }
    return list->count;
}

static void read_partition(struct scope *scope, const struct value *map, struct links *links)
{
    struct group groups[FAULT_GROUPS_MAX] = {0};
    const struct value *list = document_get(map, "groups"), *one_way = document_get(map, "one_way");
    bool is_one_way = false;
    if (!list)
        document_error(&scope->document, map, "the fault partition needs groups: `groups: [[a], [b, c]]`");
    size_t count = read_groups(scope, list, groups);
    document_boolean(&scope->document, one_way, "one_way", &is_one_way);
    if (is_one_way && count > 2)
        document_error(&scope->document, one_way, "one_way: what the first of two groups sends is lost; these are %zu", count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = is_one_way ? i + 1 : 0; j < count; j++)
            if (i != j)
                cut_groups(scope, links, &groups[i], &groups[j]);
}

// ---- a fault

Pb__Fault *faults_read(struct scope *scope, const struct value *map, const struct document_key *keys)
{
    const struct document *document = &scope->document;
    const struct value *value = document_get(map, "fault"), *lasts = document_get(map, "for");
    const char *kind = document_constant(document, value, "fault");
    struct links links = {0};
    if (!kind)
        return NULL;
    if (!is_listed(faults_kinds, kind)) {
        document_error(document, value, "there is no fault \"%.80s\"%s", kind,
                       document_hint(document, kind, faults_kinds, length(faults_kinds)));
        return NULL;
    }
    Pb__Fault *fault = ARENA_NEW(document->arena, Pb__Fault);
    pb__fault__init(fault);
    fault->kind = arena_string(document->arena, kind);
    fault->options = ARENA_ARRAY(document->arena, Pb__Setting *, OPTIONS);
    document_duration(document, lasts, "for", 1, TIMEOUT_MAX_MS, &fault->for_ms);
    check_belongings(document, map, kind);
    if (strcmp(kind, "link") != 0) // whose conditions are keys too
        document_check_keys(document, map, keys, "an entry of the timeline");
    if (strcmp(kind, "kill") == 0) {
        read_word(document, map, "signal", faults_signals, fault);
        if (lasts)
            document_error(document, lasts, "a kill lasts no time; `start` or `restart` brings the service back");
    } else if (strcmp(kind, "disk_full") == 0) {
        read_size(document, map, "limit", fault);
    } else if (strcmp(kind, "memory") == 0) {
        read_memory(document, map, fault);
    } else if (strcmp(kind, "clock") == 0) {
        read_clock(document, map, fault);
    } else if (strcmp(kind, "link") == 0) {
        read_link(scope, map, keys, &links);
    } else if (strcmp(kind, "partition") == 0) {
        read_partition(scope, map, &links);
    }
    fault->links = links.items;
    fault->n_links = links.count;
    return fault;
}
