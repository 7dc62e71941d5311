// Whether enough repetitions of a combination are known: Wilson's interval of the pass rate lies above or below what is asked. Called by
// runs.c. Repetitions that were neither pass nor fail say nothing of the rate.
#include <math.h>

#include "coordinator/core/state.h"

// Each halves the interval in which the quantile lies: to a double's precision.
#define HALVINGS 60
// Beyond this many standard deviations there is no confidence that a double can tell from 1.
#define QUANTILE_MAX 9.0

static double normal_quantile(double confidence)
{
    double low = 0, high = QUANTILE_MAX;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        *(erf(middle / sqrt(2)) < confidence ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

bool confidence_is_reached(const Pb__RepeatUntil *until, const struct tally *tally)
{
    double n = tally->passed + tally->failed;
    if (n < 1 || n < until->at_least) {
        return false;
    }
    double z = normal_quantile(until->confidence), share = tally->passed / n;
    double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return middle - half > until->pass_rate || middle + half < until->pass_rate;
}
