#include "coordinator/report/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

// Terms of the continued fraction: it converges in some tens for the degrees of freedom that occur.
#define FRACTION_TERMS_MAX 300
#define FRACTION_TINY 1e-300
#define FRACTION_CLOSE 1e-14
// Halvings of an interval of quantiles: each gives one binary digit.
#define HALVINGS 80
// Beyond it no quantile of a confidence that is meant lies.
#define QUANTILE_MAX 1e6

void sample_add(struct sample *sample, double value)
{
    APPEND(sample->values, sample->count, sample->capacity) = value;
}

void sample_free(struct sample *sample)
{
    free(sample->values);
    *sample = (struct sample){0};
}

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double *sorted_copy(const struct sample *sample)
{
    double *values = memory_new(sizeof *values * (sample->count + 1));
    if (sample->count) {
        memcpy(values, sample->values, sizeof *values * sample->count);
        qsort(values, sample->count, sizeof *values, compare_numbers);
    }
    return values;
}

static double quantile_of(const double *sorted, size_t count, double share)
{
    if (!count) {
        return 0;
    }
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    return below + 1 < count ? sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]) : sorted[count - 1];
}

double sample_quantile(const struct sample *sample, double share)
{
    double *sorted = sorted_copy(sample);
    double value = quantile_of(sorted, sample->count, share);
    free(sorted);
    return value;
}

struct summary sample_summary(const struct sample *sample)
{
    struct summary summary = {.count = sample->count};
    double *sorted = sorted_copy(sample), sum = 0, squares = 0;
    for (size_t i = 0; i < sample->count; i++) {
        sum += sorted[i];
    }
    if (sample->count) {
        summary.mean = sum / (double)sample->count;
        summary.least = sorted[0];
        summary.most = sorted[sample->count - 1];
        summary.median = quantile_of(sorted, sample->count, 0.5);
    }
    for (size_t i = 0; i < sample->count; i++) {
        squares += (sorted[i] - summary.mean) * (sorted[i] - summary.mean);
    }
    summary.deviation = sample->count > 1 ? sqrt(squares / (double)(sample->count - 1)) : 0;
    free(sorted);
    return summary;
}

// ---- Student's distribution, by the incomplete beta function as a continued fraction (Lentz's way of computing it)

static double away_from_zero(double value)
{
    return fabs(value) < FRACTION_TINY ? FRACTION_TINY : value;
}

static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int i = 1; i <= FRACTION_TERMS_MAX; i++) {
        double m = i, even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        value *= d * c;
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1) < FRACTION_CLOSE) {
            break;
        }
    }
    return value;
}

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static double beta_share(double x, double a, double b)
{
    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    double front = exp(a * log(x) + b * log(1 - x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

// How much of Student's distribution lies within -t and t.
static double student_within(double t, double degrees)
{
    return 1 - beta_share(degrees / (degrees + t * t), degrees / 2, 0.5);
}

static double student_quantile(double confidence, double degrees)
{
    double low = 0, high = QUANTILE_MAX;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        *(student_within(middle, degrees) < confidence ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

bool sample_shift(const struct sample *before, const struct sample *after, double confidence, struct shift *shift)
{
    if (before->count < 2 || after->count < 2) {
        return false;
    }
    struct summary left = sample_summary(before), right = sample_summary(after);
    double a = left.deviation * left.deviation / (double)left.count, b = right.deviation * right.deviation / (double)right.count;
    double width = 0;
    if (a + b > 0) {
        double degrees = (a + b) * (a + b) / (a * a / (double)(left.count - 1) + b * b / (double)(right.count - 1));
        width = student_quantile(confidence, degrees) * sqrt(a + b);
    }
    shift->difference = right.mean - left.mean;
    shift->low = shift->difference - width;
    shift->high = shift->difference + width;
    return true;
}

static double normal_quantile(double confidence)
{
    double low = 0, high = 40;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        *(erf(middle / sqrt(2)) < confidence ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

void share_interval(size_t hits, size_t tries, double confidence, double *low, double *high)
{
    *low = 0;
    *high = 1;
    if (!tries) {
        return;
    }
    double z = normal_quantile(confidence), n = (double)tries, share = (double)hits / n;
    double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    *low = hits == 0 ? 0 : middle - half;
    *high = hits == tries ? 1 : middle + half;
}
