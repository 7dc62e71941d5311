#include "services/sdk/declared/histogram.h"

#include <math.h>

#include "common/base/memory.h"

// Numbers from 2^-40 (a picosecond in seconds) to 2^60; what lies outside is counted in the first or last bucket.
#define OCTAVE_FIRST (-40)
#define OCTAVES 100
#define BUCKETS_PER_OCTAVE 128
#define BUCKETS (OCTAVES * BUCKETS_PER_OCTAVE)

struct histogram {
    uint64_t zeros;
    uint64_t buckets[BUCKETS];
    uint64_t count;
    double least, most, sum;
};

struct histogram *histogram_new(void)
{
    return NEW(struct histogram);
}

void histogram_free(struct histogram **histogram)
{
    free(*histogram);
    *histogram = NULL;
}

static size_t bucket_of(double number)
{
    int exponent = 0;
    const double part = frexp(number, &exponent); // 0.5 .. 1
    const int octave = exponent - 1 - OCTAVE_FIRST;
    if (octave < 0) {
        return 0;
    }
    if (octave >= OCTAVES) {
        return BUCKETS - 1;
    }
    return (size_t)octave * BUCKETS_PER_OCTAVE + (size_t)((part - 0.5) * 2 * BUCKETS_PER_OCTAVE);
}

static double middle_of(size_t bucket)
{
    const double base = ldexp(1, (int)(bucket / BUCKETS_PER_OCTAVE) + OCTAVE_FIRST);
    return base * (1 + ((double)(bucket % BUCKETS_PER_OCTAVE) + 0.5) / BUCKETS_PER_OCTAVE);
}

bool histogram_add(struct histogram *histogram, double number)
{
    if (!isfinite(number) || number < 0) {
        return false;
    }
    if (number == 0) {
        histogram->zeros++;
    } else {
        histogram->buckets[bucket_of(number)]++;
    }
    histogram->least = histogram->count == 0 || number < histogram->least ? number : histogram->least;
    histogram->most = histogram->count == 0 || number > histogram->most ? number : histogram->most;
    histogram->sum += number;
    histogram->count++;
    return true;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    return histogram->count;
}

double histogram_least(const struct histogram *histogram)
{
    return histogram->least;
}

double histogram_most(const struct histogram *histogram)
{
    return histogram->most;
}

double histogram_sum(const struct histogram *histogram)
{
    return histogram->sum;
}

// A bucket's middle may lie beyond what was ever seen.
static double within(const struct histogram *histogram, double number)
{
    const double low = number < histogram->least ? histogram->least : number;
    return low > histogram->most ? histogram->most : low;
}

double histogram_percentile(const struct histogram *histogram, double share)
{
    if (histogram->count == 0) {
        return 0;
    }
    const double exact = ceil(share * (double)histogram->count);
    const uint64_t rank = exact < 1 ? 1 : (uint64_t)exact;
    uint64_t seen = histogram->zeros;
    if (seen >= rank) {
        return 0;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) {
            return rank == histogram->count ? histogram->most : within(histogram, middle_of(i));
        }
    }
    return histogram->most;
}
