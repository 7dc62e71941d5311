// Thousands of agents on one coordinator: how fast they attach, what each costs, how long a coordinator that was killed takes to have
// all of them back in the middle of a run, and whether a verdict was lost or doubled by it.
// `bench_swarm [--agents N] [--folder DIR] [...]`; see tests/bench/README.md.
#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "common/base/memory.h"
#include "common/base/units.h"
#include "common/system/file.h"
#include "common/system/process.h"
#include "coordinator.h"
#include "fan.h"
#include "ledger.h"
#include "player.h"
#include "tests/bench/history/measure.h"

#define NS_PER_MS UINT64_C(1000000)
#define LOOK_AGAIN_NS 5000000L
#define ATTACH_MS 120000
#define RUN_MS 600000
#define SLOTS 1
// Attached agents are looked at for a while before their memory is: some heartbeats.
#define SETTLE_MS 3000

struct bench {
    uint32_t agents, cells_per_agent, cases, case_ms, worn;
    const char *folder;
    bool skips_yardstick, skips_history;
    uint64_t events; // of the journal whose replay is measured
    // figures
    struct fan_result fan, fan_after; // before the product, after it
    double keys_s, attach_s, attach_cpu_s, reattach_s, reattach_cpu_s, serving_s, run_s, cpu_idle;
    uint64_t memory_empty, memory_attached, memory_run, memory_again;
    uint64_t lost, doubled, verdicts;
    struct history_figures history;
    unsigned reattach_sessions;
};

static void look_again(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
}

static double seconds_since(uint64_t from_ns)
{
    return (double)(clock_boottime_ns() - from_ns) / 1e9;
}

// ---- keys

static int write_names(const struct coordinator *coordinator, struct board *board, char path[600], struct panther_error *error)
{
    struct text names = {0};
    for (uint32_t i = 0; i < board->count; i++) {
        snprintf(board->seats[i].name, sizeof board->seats[i].name, "swarm-%05u", i);
        text_printf(&names, "%s\n", board->seats[i].name);
    }
    snprintf(path, 600, "%s/names", coordinator->folder);
    int result = file_write_atomic(path, names.data, names.length, 0600, error);
    text_free(&names);
    return result;
}

static int read_keys(struct board *board, const char *folder, struct panther_error *error)
{
    struct bus_peer_file file;
    int result = 0;
    for (uint32_t i = 0; i < board->count && result == 0; i++) {
        char path[700];
        snprintf(path, sizeof path, "%s/%s.key", folder, board->seats[i].name);
        result = bus_peer_file_read(path, &file, error);
        snprintf(board->seats[i].secret_key, sizeof board->seats[i].secret_key, "%s", file.secret_key);
    }
    snprintf(board->endpoint, sizeof board->endpoint, "%s", file.coordinator);
    snprintf(board->server_key, sizeof board->server_key, "%s", file.server_key);
    return result;
}

// As an administrator would: one command for the whole lab.
static int add_keys(struct bench *bench, const struct coordinator *coordinator, struct board *board, struct panther_error *error)
{
    char names[600], folder[600];
    int result = write_names(coordinator, board, names, error);
    snprintf(folder, sizeof folder, "%s/keys", coordinator->folder);
    const char *const words[] = {"keys", "add", "agent", "--from", names, "--out", folder, NULL};
    uint64_t begin_ns = clock_boottime_ns();
    int status = result < 0 ? result : coordinator_command(coordinator, words, error);
    bench->keys_s = seconds_since(begin_ns);
    if (status > 0)
        return error_set(error, PANTHER_ESTATE, "`keys add` ended with status %d: see client.log", status);
    return status < 0 ? status : read_keys(board, folder, error);
}

// ---- attach

static int await_all(const struct board *board, const struct players *players, uint32_t limit_ms, uint64_t *last_ns,
                     struct panther_error *error)
{
    uint64_t end_ns = clock_boottime_ns() + limit_ms * NS_PER_MS;
    while ((*last_ns = board_last_reconciled_ns(board)) == 0) {
        if (!players_live(players))
            return error_set(error, PANTHER_ESTATE, "a player has ended");
        if (clock_boottime_ns() > end_ns)
            return error_set(error, PANTHER_ETIMEOUT, "%u of %u agents are attached after %u s", board_reconciled(board), board->count,
                             limit_ms / 1000);
        look_again();
    }
    return 0;
}

static int attach(struct bench *bench, struct coordinator *coordinator, struct board *board, const struct players *players,
                  struct panther_error *error)
{
    uint64_t begin_ns = clock_boottime_ns(), last_ns;
    double begin_cpu_s = coordinator_cpu_s(coordinator);
    atomic_store(&board->order, BOARD_CONNECT);
    int result = await_all(board, players, ATTACH_MS, &last_ns, error);
    if (result < 0)
        return result;
    bench->attach_s = (double)(last_ns - begin_ns) / 1e9;
    double cpu_s = coordinator_cpu_s(coordinator);
    bench->attach_cpu_s = cpu_s - begin_cpu_s;
    begin_ns = clock_boottime_ns();
    while (clock_boottime_ns() - begin_ns < SETTLE_MS * NS_PER_MS)
        look_again();
    bench->cpu_idle = (coordinator_cpu_s(coordinator) - cpu_s) / seconds_since(begin_ns);
    bench->memory_attached = coordinator_memory_bytes(coordinator);
    return 0;
}

// ---- a run, and the coordinator's death in the middle of it

// The client that waits for its end, as a pidfd.
static int submit(const struct bench *bench, struct coordinator *coordinator, struct panther_error *error)
{
    struct text text = {0};
    char path[600];
    text_printf(&text,
                "panther: 1\nexperiment: swarm\ntests:\n  - name: swarm\n    protocol: {name: none}\n    repeat: {times: %u}\n"
                "    services:\n      load:\n        tester: 'null'\n        cases: [",
                bench->agents * bench->cells_per_agent);
    for (uint32_t i = 0; i < bench->cases; i++)
        text_printf(&text, "%sn%03u", i ? "," : "", i);
    text_append(&text, "]\n");
    snprintf(path, sizeof path, "%s/experiment.yaml", coordinator->folder);
    int result = file_write_atomic(path, text.data, text.length, 0600, error);
    text_free(&text);
    const char *const words[] = {"submit", path, "--wait", NULL};
    return result < 0 ? result : coordinator_command_begin(coordinator, words, error);
}

static int await_results(const struct board *board, const struct players *players, uint64_t results, struct panther_error *error)
{
    for (uint64_t end_ns = clock_boottime_ns() + RUN_MS * NS_PER_MS; atomic_load(&board->results) < results; look_again())
        if (!players_live(players) || clock_boottime_ns() > end_ns)
            return error_set(error, PANTHER_ETIMEOUT, "%llu of %" PRIu64 " cases were answered", atomic_load(&board->results), results);
    return 0;
}

static int kill_and_await(struct bench *bench, struct coordinator *coordinator, struct board *board, const struct players *players,
                          struct panther_error *error)
{
    for (uint32_t i = 0; i < board->count; i++)
        atomic_store(&board->seats[i].sessions, 0);
    bench->memory_run = coordinator_memory_bytes(coordinator);
    uint64_t killed_ns = clock_boottime_ns(), last_ns;
    coordinator_kill(coordinator);
    int result = coordinator_start_again(coordinator, error);
    if (result == 0)
        result = coordinator_await(coordinator, error);
    bench->serving_s = seconds_since(killed_ns);
    // who has not noticed yet counts as away: each has to come again
    for (bool all = false; result == 0 && !all;) {
        all = true;
        for (uint32_t i = 0; i < board->count; i++)
            all &= atomic_load(&board->seats[i].sessions) > 0;
        if (!all && seconds_since(killed_ns) * 1000 > ATTACH_MS)
            return error_set(error, PANTHER_ETIMEOUT, "not all agents came again");
        look_again();
    }
    if (result == 0)
        result = await_all(board, players, ATTACH_MS, &last_ns, error);
    if (result == 0)
        bench->reattach_s = (double)(last_ns - killed_ns) / 1e9;
    bench->reattach_cpu_s = coordinator_cpu_s(coordinator);
    return result;
}

static int run(struct bench *bench, struct coordinator *coordinator, struct board *board, const struct players *players,
               struct panther_error *error)
{
    uint64_t cases = (uint64_t)bench->agents * bench->cells_per_agent * bench->cases, begin_ns = clock_boottime_ns();
    int client = submit(bench, coordinator, error);
    if (client < 0)
        return client;
    int result = await_results(board, players, cases / 3, error);
    if (result == 0)
        result = kill_and_await(bench, coordinator, board, players, error);
    if (result < 0) {
        process_signal(client, SIGKILL);
        coordinator_command_end(client);
        return result;
    }
    int status = coordinator_command_end(client);
    bench->run_s = seconds_since(begin_ns);
    bench->memory_again = coordinator_memory_bytes(coordinator);
    return status ? error_set(error, PANTHER_ESTATE, "the run did not pass (status %d): see client.log", status) : 0;
}

static int count_verdicts(struct bench *bench, const struct coordinator *coordinator, const struct board *board,
                          struct panther_error *error)
{
    char path[600];
    struct ledger ledger;
    snprintf(path, sizeof path, "%s/journal.db", coordinator->data);
    int result = ledger_read(path, &ledger, error);
    uint64_t cells = (uint64_t)bench->agents * bench->cells_per_agent, cases = cells * bench->cases;
    bench->verdicts = ledger.cases;
    bench->doubled = ledger.doubled;
    bench->lost = (cells - ledger.passed_cells) + (cases - ledger.cases);
    if (result == 0 && atomic_load(&board->results) != cases)
        return error_set(error, PANTHER_ESTATE, "%llu cases were run, %" PRIu64 " were wanted", atomic_load(&board->results), cases);
    return result;
}

// ---- all of it

static int measure_product(struct bench *bench, struct panther_error *error)
{
    struct coordinator coordinator = {.pidfd = -1};
    struct players players;
    struct board *board = board_new(bench->agents);
    board->case_ms = bench->case_ms;
    board->slots = SLOTS;
    players_start(&players, board);
    char folder[400];
    snprintf(folder, sizeof folder, "%.300s/panther-bench-swarm", bench->folder);
    int result = folder_remove(folder, error);
    if (result == 0)
        result = folder_make(folder, 0700, error);
    if (result == 0)
        result = coordinator_start(&coordinator, folder, error);
    if (result == 0) {
        bench->memory_empty = coordinator_memory_bytes(&coordinator);
        result = add_keys(bench, &coordinator, board, error);
    }
    if (result == 0)
        result = attach(bench, &coordinator, board, &players, error);
    if (result == 0)
        result = run(bench, &coordinator, board, &players, error);
    if (result == 0)
        result = count_verdicts(bench, &coordinator, board, error);
    atomic_store(&board->order, BOARD_LEAVE);
    coordinator_stop(&coordinator);
    if (!players_end(&players) && result == 0)
        result = error_set(error, PANTHER_ESTATE, "a player crashed");
    if (result == 0 && atomic_load(&board->faults))
        result = error_set(error, PANTHER_ESTATE, "%llu faults; the first: %s", atomic_load(&board->faults), board->fault);
    board_free(&board);
    return result < 0 ? result : folder_remove(folder, error); // what failed stays to be looked at
}

static int measure_history(struct bench *bench, struct panther_error *error)
{
    CLEANUP_FREE char *own = program_folder(), *programs = path_join(own, "../bin");
    return history_measure(bench->folder, programs, bench->events, &bench->history, error);
}

static double per_agent(const struct bench *bench, uint64_t bytes)
{
    return ((double)bytes - (double)bench->memory_empty) / bench->agents;
}

// So that a machine that slows down meanwhile slows both sides.
static double yardstick_s(const struct bench *bench)
{
    return (bench->fan.handshakes_s + bench->fan_after.handshakes_s) / 2;
}

static void print(const struct bench *bench)
{
    double handshakes_s = yardstick_s(bench);
    uint64_t most = bench->memory_attached > bench->memory_run ? bench->memory_attached : bench->memory_run;
    most = bench->memory_again > most ? bench->memory_again : most;
    printf("{\"bench\":\"swarm\",\"agents\":%u,\"attach_ratio\":%.2f,\"bytes_per_agent\":%.0f,\"reattach_s\":%.2f,\"lost\":%" PRIu64
           ",\"doubled\":%" PRIu64,
           bench->agents, handshakes_s > 0 ? bench->attach_s / handshakes_s : 0, per_agent(bench, most), bench->reattach_s, bench->lost,
           bench->doubled);
    printf(",\"replay_1m_s\":%.2f,\"flatness\":%.2f", bench->history.replay_1m_s, bench->history.flatness);
    printf(",\"attach_s\":%.2f,\"yardstick_s\":%.2f,\"yardstick_handshakes_per_s\":%.0f,\"yardstick_bytes_per_peer\":%.0f,"
           "\"yardstick_bytes_per_peer_worn\":%.0f",
           bench->attach_s, handshakes_s, handshakes_s > 0 ? bench->agents / handshakes_s : 0, bench->fan.bytes_per_peer,
           bench->fan.bytes_per_peer_worn);
    printf(",\"bytes_attached\":%.0f,\"bytes_in_run\":%.0f,\"bytes_after\":%.0f,\"keys_s\":%.2f,\"serving_again_s\":%.2f,\"run_s\":%.2f,"
           "\"verdicts\":%" PRIu64 ",\"cpu_attached\":%.2f,\"attach_cpu_s\":%.2f,\"reattach_cpu_s\":%.2f,\"processors\":%ld}\n",
           per_agent(bench, bench->memory_attached), per_agent(bench, bench->memory_run), per_agent(bench, bench->memory_again),
           bench->keys_s, bench->serving_s, bench->run_s, bench->verdicts, bench->cpu_idle, bench->attach_cpu_s, bench->reattach_cpu_s,
           sysconf(_SC_NPROCESSORS_ONLN));
}

static const struct argp_option options[] = {
    {"agents", 'n', "N", 0, "how many (default 5000)", 0},
    {"cells", 'c', "N", 0, "cells of the run for each agent (default 2)", 0},
    {"cases", 'k', "N", 0, "cases of each cell (default 4)", 0},
    {"case-ms", 'm', "MS", 0, "how long a case takes (default 1000)", 0},
    {"folder", 'f', "DIR", 0, "where the data folder goes (default: here)", 0},
    {"worn", 'w', "N", 0, "messages of each peer of the yardstick before its memory is looked at again", 0},
    {"events", 'e', "N", 0, "records of the journal that is replayed (default 1000000)", 0},
    {"no-yardstick", 'y', NULL, 0, "without libzmq alone", 0},
    {"no-history", 'h', NULL, 0, "without the long journal: replay_1m_s and flatness are 0", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct bench *bench = state->input;
    uint64_t number = 0;
    if (argument && key != 'f' && (!unsigned_parse(argument, &number) || number == 0 || number > 1000000))
        argp_error(state, "\"%s\" is not a number from 1", argument);
    switch (key) {
    case 'n':
        bench->agents = (uint32_t)number;
        return 0;
    case 'c':
        bench->cells_per_agent = (uint32_t)number;
        return 0;
    case 'k':
        bench->cases = (uint32_t)number;
        return 0;
    case 'm':
        bench->case_ms = (uint32_t)number;
        return 0;
    case 'f':
        bench->folder = argument;
        return 0;
    case 'w':
        bench->worn = (uint32_t)number;
        return 0;
    case 'e':
        bench->events = number;
        return 0;
    case 'y':
        bench->skips_yardstick = true;
        return 0;
    case 'h':
        bench->skips_history = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options, parse, NULL, "Thousands of agents on one coordinator, beside libzmq alone.",
                                     NULL,    NULL,  NULL};
    struct bench bench = {.agents = 5000, .cells_per_agent = 2, .cases = 4, .case_ms = 1000, .folder = ".", .worn = 1, .events = 1000000};
    argp_parse(&argp, argc, argv, 0, NULL, &bench);
    struct panther_error error = {0};
    int result = bench.skips_yardstick ? 0 : fan_run(bench.agents, bench.worn, &bench.fan, &error);
    if (result == 0)
        result = measure_product(&bench, &error);
    if (result == 0 && !bench.skips_yardstick)
        result = fan_run(bench.agents, bench.worn, &bench.fan_after, &error);
    if (result == 0 && !bench.skips_history) // last, because it has threads
        result = measure_history(&bench, &error);
    print(&bench);
    if (result < 0 || bench.lost || bench.doubled) {
        fprintf(stderr, "bench_swarm: %s\n", result < 0 ? error.message : "verdicts are lost or doubled");
        return 1;
    }
    return 0;
}
