// How many requests of the bulk link may be on their way: grows on a quick link, shrinks on a slow one. bulk.c asks it.
#ifndef PANTHER_AGENT_SHELL_BULK_WINDOW_H
#define PANTHER_AGENT_SHELL_BULK_WINDOW_H

#include <stddef.h>
#include <stdint.h>

// 8 chunks of 256 KiB fill a gigabit link over 16 ms.
#define BULK_IN_FLIGHT_MAX 8
#define BULK_WINDOW_FIRST 2 // until the link is known
// On a slow link fewer are on their way, so that heartbeats and events, which share it, do not wait behind them: each answer that took
// longer than the second halves what may be, each one that took less than the first adds one.
#define BULK_QUICK_MS 200
#define BULK_SLOW_MS 1000

// The window (1 to BULK_IN_FLIGHT_MAX) after an answer that took so long.
size_t bulk_window_fit(size_t window, uint64_t took_ms);

#endif
