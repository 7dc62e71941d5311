// What several measurements say together: mean, spread, and whether two groups of them differ. Pure.
#ifndef PANTHER_COORDINATOR_REPORT_STATISTICS_H
#define PANTHER_COORDINATOR_REPORT_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

struct sample {
    double *values;
    size_t count, capacity;
};
void sample_add(struct sample *sample, double value);
void sample_free(struct sample *sample);

struct summary {
    size_t count;
    double mean, deviation, least, most, median; // deviation: of the sample (n - 1); 0 with one value
};
struct summary sample_summary(const struct sample *sample);
double sample_quantile(const struct sample *sample, double share); // 0.99: linear between neighbours; 0 when empty

// By how much the second group's mean is above the first's, with an interval that holds the true difference with that confidence: Welch's
// (1947), which does not ask the groups to spread alike. False: one of the groups has less than two values, nothing can be said.
struct shift {
    double difference, low, high;
};
bool sample_shift(const struct sample *before, const struct sample *after, double confidence, struct shift *shift);
// Wilson's interval (1927) for the share of `hits` among `tries`: it stays within 0 and 1 with few tries too.
void share_interval(size_t hits, size_t tries, double confidence, double *low, double *high);

#endif
