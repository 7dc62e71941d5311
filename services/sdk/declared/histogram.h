// Many numbers in little memory: counted in buckets that are 1/128 of an octave wide, so that a percentile is right to 0.4 %. Least, most,
// mean and count are exact.
#ifndef PANTHER_SERVICES_SDK_DECLARED_HISTOGRAM_H
#define PANTHER_SERVICES_SDK_DECLARED_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histogram;
struct histogram *histogram_new(void);
void histogram_free(struct histogram **histogram);
// False: below zero, or no number: not counted.
bool histogram_add(struct histogram *histogram, double number);
uint64_t histogram_count(const struct histogram *histogram);
// Of none: 0.
double histogram_least(const struct histogram *histogram);
double histogram_most(const struct histogram *histogram);
double histogram_sum(const struct histogram *histogram);
// The smallest number that so much (0..1) of all are not above.
double histogram_percentile(const struct histogram *histogram, double share);

#endif
