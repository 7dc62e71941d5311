// A process that plays some of the agents in one loop, with a link and a CURVE key each.
#ifndef PANTHER_TESTS_BENCH_SWARM_PLAYER_H
#define PANTHER_TESTS_BENCH_SWARM_PLAYER_H

#include <sys/types.h>

#include "board.h"

struct players {
    pid_t *pids;
    unsigned count;
};
// As few as the limit of open files allows. Forks: call it before the process has threads.
void players_start(struct players *players, struct board *board);
// After BOARD_LEAVE; returns false when one of them crashed.
bool players_end(struct players *players);
bool players_live(const struct players *players);

#endif
