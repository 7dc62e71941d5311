// See rival.h.
#include "rival.h"

struct span {
    size_t first, end; // slices of the connection
};

static struct span span_of(const struct transcript *transcript)
{
    struct span span = {0, SLICES_MAX};
    while (span.first < SLICES_MAX && transcript->own_slice[span.first] == 0) {
        span.first++;
    }
    while (span.end > span.first && transcript->own_slice[span.end - 1] == 0) {
        span.end--;
    }
    return span;
}

void rival_note(unsigned long long slices[SLICES_MAX], double after_s, unsigned long long bytes)
{
    if (after_s >= 0 && after_s < SLICES_MAX * SLICE_S) {
        const size_t slice = (size_t)(after_s / SLICE_S);
        slices[slice < SLICES_MAX ? slice : SLICES_MAX - 1] += bytes;
    }
}

double rival_share(const struct transcript *transcript)
{
    const struct span span = span_of(transcript);
    size_t together = 0;
    for (size_t i = span.first; i < span.end; i++) {
        together += transcript->rival_slice[i] > 0;
    }
    return span.end > span.first ? (double)together / (double)(span.end - span.first) : 0;
}

static double kbits(const struct transcript *transcript, bool with_own)
{
    const struct span span = span_of(transcript);
    unsigned long long bytes = 0;
    for (size_t i = span.first; i < span.end; i++) {
        bytes += transcript->rival_slice[i] + (with_own ? transcript->own_slice[i] : 0);
    }
    return span.end > span.first ? (double)bytes * 8e-3 / ((double)(span.end - span.first) * SLICE_S) : 0;
}

double rival_kbits(const struct transcript *transcript)
{
    return kbits(transcript, false);
}

double rival_kbits_of_both(const struct transcript *transcript)
{
    return kbits(transcript, true);
}
