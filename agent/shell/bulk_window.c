#include "agent/shell/bulk_window.h"

size_t bulk_window_fit(size_t window, uint64_t took_ms)
{
    if (took_ms > BULK_SLOW_MS)
        return window > 1 ? window / 2 : 1;
    return took_ms < BULK_QUICK_MS && window < BULK_IN_FLIGHT_MAX ? window + 1 : window;
}
