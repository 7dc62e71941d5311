// Reads which combinations run. Later rules are stronger: `cover` thins out what `exclude` leaves, `include` brings back.
#include "coordinator/experiment/kept.h"

#include <string.h>

#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/pairwise.h"

// One entry: for each axis the values that it is about; NULL: all of them.
struct selector {
    unsigned char *values[AXES_PER_TEST_MAX];
};

struct selectors {
    struct selector *items;
    size_t count;
};

struct kept {
    const struct document *document;
    Pb__Test *test;
    struct selectors exclude, include;
};

// ---- an entry: {server: nghttpd, delay: [0ms, 20ms]}

static void read_values(const struct kept *kept, const struct value *value, const Pb__Axis *axis, unsigned char *chosen)
{
    const struct document *document = kept->document;
    const struct value **texts;
    size_t count = document_texts(document, value, axis->name, &texts);
    for (size_t i = 0; i < count; i++) {
        size_t at = axes_find_value(axis, texts[i]->text);
        if (at < axis->n_values) {
            chosen[at] = 1;
            continue;
        }
        const char **names = ARENA_ARRAY(document->arena, const char *, axis->n_values);
        for (size_t j = 0; j < axis->n_values; j++)
            names[j] = axis->values[j]->id;
        document_error(document, texts[i], "the axis \"%s\" has no value \"%.80s\"%s", axis->name, texts[i]->text,
                       document_hint(document, texts[i]->text, names, axis->n_values));
    }
}

static void read_selector(const struct kept *kept, const struct value *map, const char *noun, struct selector *selector)
{
    const struct document *document = kept->document;
    if (map->count == 0)
        document_error(document, map, "this entry of %s names no axis", noun);
    for (size_t i = 0; i < map->count; i++) {
        size_t index;
        const Pb__Axis *axis = axes_find(kept->test, map->keys[i], &index);
        if (!axis) {
            const char *names[AXES_PER_TEST_MAX];
            for (size_t j = 0; j < kept->test->n_axes; j++)
                names[j] = kept->test->axes[j]->name;
            document_error(document, map->key_places[i], "%s: there is no axis \"%.80s\"%s", noun, map->keys[i],
                           document_hint(document, map->keys[i], names, kept->test->n_axes));
            continue;
        }
        selector->values[index] = ARENA_ARRAY(document->arena, unsigned char, axis->n_values);
        read_values(kept, document_get(map, map->keys[i]), axis, selector->values[index]);
    }
}

static void read_selectors(const struct kept *kept, const struct value *list, const char *noun, struct selectors *selectors)
{
    const struct document *document = kept->document;
    if (!document_is_list(document, list, noun))
        return;
    if (list->count > SELECTORS_MAX) {
        document_error(document, list, "%s has more than %d entries", noun, SELECTORS_MAX);
        return;
    }
    selectors->items = ARENA_ARRAY(document->arena, struct selector, list->count);
    for (size_t i = 0; i < list->count; i++)
        if (document_is_map(document, list->items[i], arena_printf(document->arena, "an entry of %s", noun)))
            read_selector(kept, list->items[i], noun, &selectors->items[selectors->count++]);
}

// ---- which combinations

// `set`: the axes that have a value by now. An entry fits when all that it names have one, and the named.
static bool fits(const struct selectors *selectors, size_t axes, const size_t *values, uint32_t set)
{
    for (size_t i = 0; i < selectors->count; i++) {
        bool all = true;
        for (size_t axis = 0; axis < axes && all; axis++) {
            const unsigned char *chosen = selectors->items[i].values[axis];
            all = !chosen || (set & (UINT32_C(1) << axis) && chosen[values[axis]]);
        }
        if (all)
            return true;
    }
    return false;
}

static bool excluded(const size_t *values, uint32_t set, const void *context)
{
    const struct kept *kept = context;
    return fits(&kept->exclude, kept->test->n_axes, values, set);
}

static void values_of(const Pb__Test *test, uint64_t combination, size_t *values)
{
    for (size_t i = test->n_axes; i-- > 0;) {
        values[i] = (size_t)(combination % test->axes[i]->n_values);
        combination /= test->axes[i]->n_values;
    }
}

static bool may_look(const struct kept *kept, const struct value *place, uint64_t count, size_t *left)
{
    if (count <= *left) {
        *left -= (size_t)count;
        return true;
    }
    document_error(kept->document, place, "exclude, include and cover look at more than %d combinations in this file; split it",
                   KEPT_LOOKED_AT_MAX);
    return false;
}

static bool add(const struct kept *kept, const struct value *place, uint64_t *rows, size_t *count, uint64_t row)
{
    if (*count == KEPT_MAX) {
        document_error(kept->document, place, "more than %d combinations are left; give the test fewer values", KEPT_MAX);
        return false;
    }
    rows[(*count)++] = row;
    return true;
}

// Of the whole product, those that `include` names, or that `exclude` does not; only_included: the first.
static size_t walk(const struct kept *kept, const struct value *place, uint64_t product, bool only_included, uint64_t *rows)
{
    size_t values[AXES_PER_TEST_MAX], count = 0, axes = kept->test->n_axes;
    const uint32_t all = (UINT32_C(1) << axes) - 1;
    for (uint64_t i = 0; i < product; i++) {
        values_of(kept->test, i, values);
        bool is_in = fits(&kept->include, axes, values, all);
        if ((is_in || (!only_included && !excluded(values, all, kept))) && !add(kept, place, rows, &count, i))
            break;
    }
    return count;
}

static size_t cover(const struct kept *kept, const struct value *place, uint64_t product, size_t *left, uint64_t *rows)
{
    struct pairwise pairwise = {.axes = kept->test->n_axes, .is_excluded = excluded, .context = kept};
    size_t count = 0;
    for (size_t i = 0; i < pairwise.axes; i++)
        pairwise.sizes[i] = kept->test->axes[i]->n_values;
    size_t pairs = pairwise_pairs(&pairwise);
    if (pairwise.axes < 2) {
        document_error(kept->document, place, "cover: pairwise needs two axes");
        return 0;
    }
    if (pairs > PAIRS_MAX) {
        document_error(kept->document, place, "cover: the axes have more than %d pairs of values", PAIRS_MAX);
        return 0;
    }
    if (!may_look(kept, place, pairs, left))
        return 0;
    if (kept->include.count > 0 && may_look(kept, place, product, left))
        count = walk(kept, place, product, true, rows);
    switch (pairwise_cover(&pairwise, rows, &count, KEPT_MAX)) {
    case PAIRWISE_OK:
        break;
    case PAIRWISE_TOO_MANY:
        document_error(kept->document, place, "more than %d combinations are left; give the test fewer values", KEPT_MAX);
        break;
    case PAIRWISE_TANGLED:
        document_error(kept->document, place, "cover: too much work among these exclusions; leave some out");
        break;
    }
    return count;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static bool read_cover(const struct document *document, const struct value *value)
{
    static const char *const covers[] = {"pairwise"};
    const char *text = document_constant(document, value, "cover");
    if (text && strcmp(text, "pairwise") != 0)
        document_error(document, value, "cover: there is no \"%.80s\"%s", text, document_hint(document, text, covers, 1));
    return text != NULL;
}

void kept_read(const struct document *document, const struct value *map, Pb__Test *test, size_t *left)
{
    struct kept kept = {.document = document, .test = test};
    const struct value *exclude = document_get(map, "exclude"), *include = document_get(map, "include"),
                       *covers = document_get(map, "cover");
    const struct value *place = covers ? covers : exclude;
    size_t before = document->diagnostics->errors;
    uint64_t product = test->combinations;
    read_selectors(&kept, exclude, "exclude", &kept.exclude);
    read_selectors(&kept, include, "include", &kept.include);
    bool is_covered = read_cover(document, covers);
    if (include && !exclude && !covers)
        document_error(document, include, "include brings back what exclude or cover left out; without them every combination runs");
    if (product == 0 || !place || document->diagnostics->errors > before)
        return;
    uint64_t *rows = memory_new(KEPT_MAX * sizeof *rows);
    size_t count = 0;
    if (is_covered)
        count = cover(&kept, place, product, left, rows);
    else if (may_look(&kept, place, product, left))
        count = walk(&kept, place, product, false, rows);
    qsort(rows, count, sizeof *rows, by_number);
    if (count == 0 && document->diagnostics->errors == before)
        document_error(document, place, "no combination is left");
    if (count < product) {
        test->kept = ARENA_ARRAY(document->arena, uint64_t, count);
        memcpy(test->kept, rows, count * sizeof *rows);
        test->n_kept = count;
        test->combinations = count;
    }
    free(rows);
}
