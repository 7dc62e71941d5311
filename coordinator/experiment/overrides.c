// `--set tests.load.repeat.times=5`: walks a path into the document and changes what stands there. What it puts in has no place in
// the file (line 0), and is checked like everything else.
#include <string.h>

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

#define PATH_PARTS_MAX 32 // the document is no deeper

struct walk {
    const struct document *document;
    const Pb__Override *override;
    const char *rest; // of the path
};

static bool fail(const struct walk *walk, const char *reason, const char *hint)
{
    document_error(walk->document, NULL, "--set %.200s: %s%s", walk->override->path, reason, hint);
    return false;
}

// Names may hold dots ("http1.1"), so of the names that fit the path's rest the longest is meant.
static bool fits(const char *rest, const char *name, size_t *longest)
{
    size_t length = strlen(name);
    if (length < *longest || strncmp(rest, name, length) != 0 || (rest[length] != '\0' && rest[length] != '.'))
        return false;
    *longest = length;
    return true;
}

static void step_over(struct walk *walk, size_t length)
{
    walk->rest += length;
    if (*walk->rest == '.')
        walk->rest++;
}

static const char *name_of(const struct value *entry)
{
    const struct value *name = value_get(entry, "name");
    return name && name->kind == VALUE_SCALAR ? name->text : NULL;
}

static struct value *step_into_list(struct walk *walk, const struct value *list)
{
    const char **names = ARENA_ARRAY(walk->document->arena, const char *, list->count);
    struct value *found = NULL;
    size_t length = 0, count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *name = name_of(list->items[i]);
        if (name)
            names[count++] = name;
        if (name && fits(walk->rest, name, &length))
            found = list->items[i];
    }
    if (found) {
        step_over(walk, length);
        return found;
    }
    const char *wanted = arena_string_bytes(walk->document->arena, walk->rest, strcspn(walk->rest, "."));
    fail(walk, arena_printf(walk->document->arena, "there is no entry called \"%.80s\"", wanted),
         document_hint(walk->document, wanted, names, count));
    return NULL;
}

static const char *step_key(struct walk *walk, const struct value *map)
{
    size_t length = 0;
    const char *key = NULL;
    for (size_t i = 0; i < map->count; i++)
        if (fits(walk->rest, map->keys[i], &length))
            key = map->keys[i];
    if (!key) {
        length = strcspn(walk->rest, ".");
        key = arena_string_bytes(walk->document->arena, walk->rest, length);
    }
    step_over(walk, length);
    return key;
}

// A list is written with commas: `--set tests.load.axes.delay=0ms,20ms`.
static struct value *new_list(const struct walk *walk)
{
    struct arena *arena = walk->document->arena;
    struct value *list = value_list(arena, 0, 0);
    for (const char *cursor = walk->override->value;; cursor++) {
        size_t length = strcspn(cursor, ",");
        value_list_add(arena, list, value_scalar(arena, arena_string_bytes(arena, cursor, length), 0, 0));
        cursor += length;
        if (*cursor == '\0')
            return list;
    }
}

static bool put(const struct walk *walk, struct value *map, const char *key)
{
    const struct value *old = value_get(map, key);
    struct arena *arena = walk->document->arena;
    bool is_taken_away = *walk->override->value == '\0';
    if (old && old->kind == VALUE_MAP && !is_taken_away)
        return fail(walk, "this is a map; name one of its keys", "");
    bool is_list = old && old->kind == VALUE_LIST && !is_taken_away;
    value_map_put(arena, map, key, is_list ? new_list(walk) : value_scalar(arena, walk->override->value, 0, 0));
    return true;
}

// The value behind a key on the way; what is not there yet becomes a map, and an unknown key is found by the later checks.
static struct value *step_into_map(struct walk *walk, struct value *map, const char *key)
{
    struct value *next = value_get(map, key);
    if (!value_is_null(next))
        return next;
    next = value_map(walk->document->arena, 0, 0);
    value_map_put(walk->document->arena, map, key, next);
    return next;
}

static bool walk_from(struct walk walk, struct value *at, size_t parts);

// `tests.*.repeat.times`: in every entry.
static bool walk_all(struct walk walk, const struct value *list, size_t parts)
{
    bool all = true;
    step_over(&walk, 1);
    for (size_t i = 0; i < list->count; i++)
        all = walk_from(walk, list->items[i], parts + 1) && all;
    return all;
}

static bool walk_from(struct walk walk, struct value *at, size_t parts)
{
    for (; parts < PATH_PARTS_MAX; parts++) {
        if (at->kind == VALUE_SCALAR)
            return fail(&walk, arena_printf(walk.document->arena, "there is a text before \"%.80s\", not a map", walk.rest), "");
        if (at->kind == VALUE_LIST && strncmp(walk.rest, "*.", 2) == 0)
            return walk_all(walk, at, parts);
        if (at->kind == VALUE_LIST) {
            at = step_into_list(&walk, at);
            if (!at)
                return false;
            if (*walk.rest == '\0')
                return fail(&walk, "this is an entry of a list; name one of its keys", "");
            continue;
        }
        const char *key = step_key(&walk, at);
        if (*walk.rest == '\0')
            return put(&walk, at, key);
        at = step_into_map(&walk, at, key);
    }
    return fail(&walk, "the path is too long", "");
}

static bool override_one(const struct document *document, struct value *root, const Pb__Override *override)
{
    struct walk walk = {document, override, override->path};
    size_t length = strlen(override->path);
    if (length == 0 || strstr(override->path, "..") || override->path[0] == '.' || override->path[length - 1] == '.')
        return fail(&walk, "the path is empty or has an empty part", "");
    return walk_from(walk, root, 0);
}

void experiment_override(struct value *root, const Pb__Override *const *overrides, size_t count, struct arena *arena,
                         struct diagnostics *diagnostics)
{
    const struct document document = {arena, diagnostics};
    for (size_t i = 0; i < count; i++)
        override_one(&document, root, overrides[i]);
}
