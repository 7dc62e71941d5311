#include "player.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "common/base/memory.h"

// A link is a TCP connection, the DEALER's mailbox and both ends of its monitor; and when thousands are lost and tried again at once,
// libzmq still closes those of the tries before.
#define DESCRIPTORS_PER_LINK 12
#define DESCRIPTORS_OF_A_PROCESS 128
// libzmq walks all timers of a thread to cancel one, at each answer to a ping: several threads, so that the walks are short.
#define PLAYER_IO_THREADS 4
#define LOOK_MS 5

static uint32_t agents_per_player(void)
{
    struct rlimit limit;
    int status = getrlimit(RLIMIT_NOFILE, &limit);
    INVARIANT(status == 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return (uint32_t)(limit.rlim_max - DESCRIPTORS_OF_A_PROCESS) / DESCRIPTORS_PER_LINK;
}

static void wait_for(struct swarm *swarm, unsigned order)
{
    while (atomic_load(&swarm->board->order) < order)
        loop_run_once(swarm->loop, LOOK_MS);
}

static void play(struct board *board, uint32_t first, uint32_t count)
{
    struct swarm swarm;
    bus_begin();
    bus_io_threads(PLAYER_IO_THREADS);
    swarm_begin(&swarm, board);
    struct agent **agents = memory_new(count * sizeof *agents);
    for (uint32_t i = 0; i < count; i++)
        agents[i] = agent_new(&swarm, first + i);
    atomic_fetch_add(&board->ready, 1);
    wait_for(&swarm, BOARD_CONNECT);
    for (uint32_t i = 0; i < count; i++)
        agent_connect(agents[i]);
    wait_for(&swarm, BOARD_LEAVE);
    for (uint32_t i = 0; i < count; i++)
        agent_free(&agents[i]);
    free(agents);
    swarm_end(&swarm);
    bus_end();
}

void players_start(struct players *players, struct board *board)
{
    uint32_t most = agents_per_player();
    players->count = (board->count + most - 1) / most;
    players->pids = memory_new(players->count * sizeof *players->pids);
    for (unsigned i = 0; i < players->count; i++) {
        uint32_t first = (uint32_t)((uint64_t)board->count * i / players->count);
        uint32_t next = (uint32_t)((uint64_t)board->count * (i + 1) / players->count);
        fflush(NULL);
        players->pids[i] = fork();
        INVARIANT(players->pids[i] >= 0);
        if (players->pids[i] > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        play(board, first, next - first);
        _exit(0);
    }
}

bool players_live(const struct players *players)
{
    for (unsigned i = 0; i < players->count; i++) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)players->pids[i], &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
            return false;
    }
    return true;
}

bool players_end(struct players *players)
{
    bool all_well = true;
    for (unsigned i = 0; i < players->count; i++) {
        int status = -1;
        all_well &= waitpid(players->pids[i], &status, 0) == players->pids[i] && status == 0;
    }
    free(players->pids);
    *players = (struct players){0};
    return all_well;
}
