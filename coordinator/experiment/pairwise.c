// Greedy, one combination at a time (after AETG): it takes the first pair that is not covered yet, then gives each other axis the value
// that covers most; where that runs into an exclusion it goes back. No randomness: the order of cells is a format.
#include "coordinator/experiment/pairwise.h"

#include <string.h>

struct search {
    const struct pairwise *of;
    unsigned char *covered;                              // a bit would be enough; a byte is simpler
    size_t offset[AXES_PER_TEST_MAX][AXES_PER_TEST_MAX]; // of the pairs of two axes, the first before the second
    size_t pairs, next;                                  // all before `next` are covered
    size_t values[AXES_PER_TEST_MAX];
    uint32_t set;
    size_t work; // that is left
};

size_t pairwise_pairs(const struct pairwise *pairwise)
{
    size_t pairs = 0, product;
    for (size_t i = 0; i < pairwise->axes; i++)
        for (size_t j = i + 1; j < pairwise->axes; j++)
            if (__builtin_mul_overflow(pairwise->sizes[i], pairwise->sizes[j], &product) || __builtin_add_overflow(pairs, product, &pairs))
                return SIZE_MAX;
    return pairs;
}

static size_t pair_of(const struct search *search, size_t i, size_t vi, size_t j, size_t vj)
{
    return i < j ? search->offset[i][j] + vi * search->of->sizes[j] + vj : search->offset[j][i] + vj * search->of->sizes[i] + vi;
}

static void lay_out(struct search *search)
{
    for (size_t i = 0; i < search->of->axes; i++)
        for (size_t j = i + 1; j < search->of->axes; j++) {
            search->offset[i][j] = search->pairs;
            search->pairs += search->of->sizes[i] * search->of->sizes[j];
        }
}

static void cover_row(struct search *search)
{
    for (size_t i = 0; i < search->of->axes; i++)
        for (size_t j = i + 1; j < search->of->axes; j++)
            search->covered[pair_of(search, i, search->values[i], j, search->values[j])] = 1;
}

static void values_of(const struct pairwise *of, uint64_t row, size_t *values)
{
    for (size_t i = of->axes; i-- > 0;) {
        values[i] = (size_t)(row % of->sizes[i]);
        row /= of->sizes[i];
    }
}

static uint64_t row_of(const struct search *search)
{
    uint64_t row = 0;
    for (size_t i = 0; i < search->of->axes; i++)
        row = row * search->of->sizes[i] + search->values[i];
    return row;
}

// How many new pairs a value makes with the values that are set.
static size_t gain_of(const struct search *search, size_t axis, size_t value)
{
    size_t gain = 0;
    for (size_t i = 0; i < search->of->axes; i++)
        if (search->set & (UINT32_C(1) << i))
            gain += !search->covered[pair_of(search, axis, value, i, search->values[i])];
    return gain;
}

static bool is_excluded(const struct search *search)
{
    return search->of->is_excluded && search->of->is_excluded(search->values, search->set, search->of->context);
}

static size_t first_open(const struct search *search)
{
    size_t axis = 0;
    while (axis < search->of->axes && search->set & (UINT32_C(1) << axis))
        axis++;
    return axis;
}

// Gives the axes that are open their values. False: it is impossible, or took too much work.
static bool complete(struct search *search)
{
    size_t axis = first_open(search);
    if (is_excluded(search))
        return false;
    if (axis == search->of->axes)
        return true;
    size_t count = search->of->sizes[axis];
    unsigned char *tried = memory_new(count);
    bool found = false;
    while (!found && search->work >= count) {
        search->work -= count;
        size_t best = count, best_gain = 0;
        for (size_t value = 0; value < count; value++) {
            size_t gain = tried[value] ? 0 : gain_of(search, axis, value);
            if (!tried[value] && (best == count || gain > best_gain)) {
                best = value;
                best_gain = gain;
            }
        }
        if (best == count)
            break;
        tried[best] = 1;
        search->values[axis] = best;
        search->set |= UINT32_C(1) << axis;
        found = complete(search);
        if (!found)
            search->set &= ~(UINT32_C(1) << axis);
    }
    free(tried);
    return found;
}

// The first pair that is not covered; false: there is none.
static bool take_pair(struct search *search)
{
    while (search->next < search->pairs && search->covered[search->next])
        search->next++;
    if (search->next == search->pairs)
        return false;
    for (size_t i = 0; i < search->of->axes; i++)
        for (size_t j = i + 1; j < search->of->axes; j++) {
            size_t from = search->offset[i][j], size = search->of->sizes[i] * search->of->sizes[j];
            if (search->next < from || search->next - from >= size)
                continue;
            search->values[i] = (search->next - from) / search->of->sizes[j];
            search->values[j] = (search->next - from) % search->of->sizes[j];
            search->set = UINT32_C(1) << i | UINT32_C(1) << j;
        }
    return true;
}

static size_t largest_axis(const struct pairwise *pairwise)
{
    size_t largest = 0;
    for (size_t i = 0; i < pairwise->axes; i++)
        largest = pairwise->sizes[i] > largest ? pairwise->sizes[i] : largest;
    return largest;
}

enum pairwise_result pairwise_cover(const struct pairwise *pairwise, uint64_t *rows, size_t *count, size_t capacity)
{
    struct search search = {.of = pairwise};
    enum pairwise_result result = PAIRWISE_OK;
    lay_out(&search);
    search.covered = memory_new(search.pairs + 1);
    search.work = search.pairs * PAIRWISE_WORK_MAX + largest_axis(pairwise);
    for (size_t i = 0; i < *count; i++) {
        values_of(pairwise, rows[i], search.values);
        cover_row(&search);
    }
    while (result == PAIRWISE_OK && take_pair(&search)) {
        size_t pair = search.next;
        if (complete(&search)) {
            cover_row(&search);
            if (*count == capacity)
                result = PAIRWISE_TOO_MANY;
            else
                rows[(*count)++] = row_of(&search);
        } else if (search.work < largest_axis(pairwise)) {
            result = PAIRWISE_TANGLED;
        }
        search.covered[pair] = 1; // or impossible
    }
    free(search.covered);
    return result;
}
