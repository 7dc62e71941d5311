// "Did you mean": the nearest word by edit distance, where two letters that changed places count as one mistake.
#include <string.h>

#include "common/schema/diagnostics.h"

#define WORD_MAX_BYTES 64 // longer words are not compared: nobody mistypes them by one letter

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

// Optimal string alignment, three rows of the table.
static unsigned distance(const char *left, size_t left_length, const char *right, size_t right_length)
{
    unsigned rows[3][WORD_MAX_BYTES + 1];
    for (unsigned column = 0; column <= right_length; column++)
        rows[0][column] = column;
    for (size_t i = 1; i <= left_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3], *before_that = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= right_length; j++) {
            unsigned replace = before[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
            row[j] = least(replace, least(before[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = least(row[j], before_that[j - 2] + 1);
        }
    }
    return rows[left_length % 3][right_length];
}

// Near means: one mistake in three letters, and never every letter wrong.
const char *suggest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strlen(word);
    if (length > WORD_MAX_BYTES)
        return NULL;
    unsigned best = (unsigned)length / 3 + 2;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > WORD_MAX_BYTES)
            continue;
        unsigned mistakes = distance(word, length, candidates[i], candidate_length);
        if (mistakes < best && mistakes < length && mistakes < candidate_length) {
            best = mistakes;
            nearest = candidates[i];
        }
    }
    return nearest;
}
