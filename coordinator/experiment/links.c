// Reads rules for links. `between` is two rules, one for each direction; what has no service at an end holds for all.
#include "coordinator/experiment/links.h"

#include <string.h>

#include "common/schema/conditions.h"

const struct document_key links_keys[] = {DOCUMENT_KEY("from", TEXT, .help = "the service that sends; absent: every one"),
                                          DOCUMENT_KEY("to", TEXT, .help = "the service that receives; absent: every one"),
                                          DOCUMENT_KEY("between", TEXTS, .help = "two services, both directions"), DOCUMENT_END};

static bool is_condition(const char *name)
{
    size_t count;
    const Pb__OptionDescription *const *options = conditions_options(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i]->name, name) == 0)
            return true;
    return false;
}

// One table of both, so that a hint may be either.
static const struct document_key *with_conditions(const struct document *document, const struct document_key *keys)
{
    size_t own = 0, count;
    const Pb__OptionDescription *const *options = conditions_options(&count);
    while (keys[own].name)
        own++;
    struct document_key *all = ARENA_ARRAY(document->arena, struct document_key, own + count + 1);
    memcpy(all, keys, own * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        all[own + i].name = options[i]->name;
    return all;
}

size_t links_read_conditions(struct scope *scope, const struct value *map, const struct document_key *keys, const char *noun,
                             Pb__PlacedSetting ***conditions)
{
    const struct document *document = &scope->document;
    struct value *own = value_map(document->arena, map->line, map->column);
    document_check_keys(document, map, with_conditions(document, keys), noun);
    for (size_t i = 0; i < map->count; i++) {
        if (!is_condition(map->keys[i]) || value_is_null(map->items[i]))
            continue;
        value_map_put(document->arena, own, map->keys[i], map->items[i]);
        own->key_places[own->count - 1] = map->key_places[i];
    }
    size_t count = schema_settings(own, document->arena, conditions, document->diagnostics);
    conditions_check((const Pb__PlacedSetting *const *)*conditions, count, noun, document->diagnostics);
    for (size_t i = 0; i < count; i++) {
        const struct value place = scope_place((*conditions)[i]->line, (*conditions)[i]->column);
        for (size_t j = 0; j < (*conditions)[i]->n_values; j++)
            scope_check_value(scope, (*conditions)[i]->values[j], &place, SCOPE_AXES | SCOPE_CELL);
    }
    return count;
}

Pb__LinkRule *links_add(struct scope *scope, struct links *links, const char *from, const char *to, const struct value *place)
{
    struct arena *arena = scope->document.arena;
    if (links->count == links->capacity) {
        size_t capacity = links->capacity ? links->capacity * 2 : 4;
        Pb__LinkRule **grown = ARENA_ARRAY(arena, Pb__LinkRule *, capacity);
        if (links->count > 0)
            memcpy(grown, links->items, links->count * sizeof *grown);
        links->items = grown;
        links->capacity = capacity;
    }
    Pb__LinkRule *rule = ARENA_NEW(arena, Pb__LinkRule);
    pb__link_rule__init(rule);
    rule->from = arena_string(arena, from);
    rule->to = arena_string(arena, to);
    rule->line = place->line;
    rule->column = place->column;
    links->items[links->count++] = rule;
    return rule;
}

// "": absent; NULL: a mistake.
static const char *read_end(struct scope *scope, const struct value *map, const char *key)
{
    const struct value *value = document_get(map, key);
    const char *text = document_text(&scope->document, value, key);
    if (!value)
        return "";
    return text && scope_check_service(scope, value, text, key) ? text : NULL;
}

static void add_pair(struct scope *scope, struct links *links, const struct value *map, const char *const ends[2],
                     Pb__PlacedSetting **conditions, size_t count)
{
    Pb__LinkRule *rule = links_add(scope, links, ends[0], ends[1], map);
    rule->conditions = conditions;
    rule->n_conditions = count;
}

static void read_between(struct scope *scope, const struct value *map, struct links *links, Pb__PlacedSetting **conditions, size_t count)
{
    const struct document *document = &scope->document;
    const struct value **texts, *between = document_get(map, "between");
    size_t given = document_texts(document, between, "between", &texts);
    if (document_get(map, "from") || document_get(map, "to"))
        document_error(document, map, "a link has from and to (one direction), or between (both)");
    if (given != 2) {
        document_error(document, between, "between names two services: `between: [a, b]`");
        return;
    }
    bool known = scope_check_service(scope, texts[0], texts[0]->text, "between");
    known = scope_check_service(scope, texts[1], texts[1]->text, "between") && known;
    if (!known)
        return;
    add_pair(scope, links, map, (const char *const[]){texts[0]->text, texts[1]->text}, conditions, count);
    add_pair(scope, links, map, (const char *const[]){texts[1]->text, texts[0]->text}, conditions, count);
}

static void read_link(struct scope *scope, const struct value *map, struct links *links)
{
    const struct document *document = &scope->document;
    Pb__PlacedSetting **conditions;
    size_t before = document->diagnostics->errors, count = links_read_conditions(scope, map, links_keys, "a link", &conditions);
    if (count == 0 && document->diagnostics->errors == before)
        document_error(document, map, "the link has no conditions");
    if (document_get(map, "between")) {
        read_between(scope, map, links, conditions, count);
        return;
    }
    const char *ends[] = {read_end(scope, map, "from"), read_end(scope, map, "to")};
    if (!ends[0] || !ends[1])
        return;
    if (!ends[0][0] && !ends[1][0])
        document_error(document, map, "a link needs from, to or between; conditions of all links stand beside `links`");
    else if (strcmp(ends[0], ends[1]) == 0)
        document_error(document, map, "a link leads from a service to another, not from \"%s\" to itself", ends[0]);
    else
        add_pair(scope, links, map, ends, conditions, count);
}

void links_read(struct scope *scope, const struct value *list, struct links *links)
{
    const struct document *document = &scope->document;
    if (!document_is_list(document, list, "links"))
        return;
    if (list->count > LINKS_MAX) {
        document_error(document, list, "more than %d links", LINKS_MAX);
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        if (document_is_map(document, list->items[i], "a link"))
            read_link(scope, list->items[i], links);
}

void links_check(const struct document *document, Pb__LinkRule *const *rules, size_t count, const char *noun)
{
    for (size_t i = 0; i < count; i++)
        conditions_check((const Pb__PlacedSetting *const *)rules[i]->conditions, rules[i]->n_conditions, noun, document->diagnostics);
}
