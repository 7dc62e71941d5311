// What the bench and its players share: memory that both map. The bench writes whom to play and when; the players write how far each
// agent is. A player is a process, because one process may not have as many descriptors as 5,000 links need.
#ifndef PANTHER_TESTS_BENCH_SWARM_BOARD_H
#define PANTHER_TESTS_BENCH_SWARM_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bus/bus.h"

#define SEAT_NAME_BYTES 32

enum board_order { BOARD_WAIT, BOARD_CONNECT, BOARD_LEAVE };

struct seat {
    char name[SEAT_NAME_BYTES];
    char secret_key[BUS_KEY_TEXT_BYTES];
    atomic_uint sessions;        // Welcomes so far
    atomic_ullong reconciled_ns; // since when it is welcomed and all that it had to tell then is acknowledged; 0: it is not
};

struct board {
    char endpoint[256], server_key[BUS_KEY_TEXT_BYTES];
    uint32_t count, case_ms, slots;
    atomic_uint order;      // enum board_order
    atomic_uint ready;      // players that are set up
    atomic_ullong results;  // cases answered, each once
    atomic_ullong faults;   // what a coordinator must never do: see fault
    char fault[256];        // the first one (one player writes it before it counts)
    atomic_ullong refusals; // sessions that were refused
    atomic_ullong losses;   // links that were lost, or did not come up
    struct seat seats[];
};

struct board *board_new(uint32_t count);
void board_free(struct board **board);
uint32_t board_reconciled(const struct board *board);         // agents that are, now
uint64_t board_last_reconciled_ns(const struct board *board); // when the last of them became it; 0: not all are
void board_fault(struct board *board, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
