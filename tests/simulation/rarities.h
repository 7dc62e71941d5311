// What a simulation is for: faults and rare branches, each counted when it happens. A test fails when 2,000 seeds leave one of them out.
#ifndef PANTHER_TESTS_SIMULATION_RARITIES_H
#define PANTHER_TESTS_SIMULATION_RARITIES_H

#include <stddef.h>
#include <stdint.h>

// X(symbol, name as reported)
#define RARITIES(X)                                                                                                                        \
    /* coordinator */                                                                                                                      \
    X(COORDINATOR_CRASH, "coordinator crashes between two effects")                                                                        \
    X(COORDINATOR_LOSES_RECORDS, "coordinator loses records that were not synced")                                                         \
    X(COORDINATOR_LATE_COMMIT, "coordinator dies with a commit that was made and not reported")                                            \
    X(COORDINATOR_DISK_FULL, "coordinator's disk is full")                                                                                 \
    X(COORDINATOR_DISK_ERROR, "coordinator's disk fails (EIO)")                                                                            \
    X(COORDINATOR_DISK_SLOW, "coordinator's disk is slow")                                                                                 \
    X(COORDINATOR_PAUSED, "coordinator is stopped for seconds")                                                                            \
    X(COORDINATOR_RESTORED, "coordinator is restored from an older backup")                                                                \
    X(STORE_OLDER, "an older store is detected and refused")                                                                               \
    /* agent */                                                                                                                            \
    X(AGENT_CRASH, "agent crashes between two effects")                                                                                    \
    X(AGENT_LOSES_BATCH, "agent loses a batch that was not synced")                                                                        \
    X(AGENT_LATE_COMMIT, "agent dies with a commit that was made and not reported")                                                        \
    X(AGENT_DISK_FULL, "agent's disk is full")                                                                                             \
    X(AGENT_DISK_ERROR, "agent's disk fails (EIO)")                                                                                        \
    X(AGENT_DISK_SLOW, "agent's disk is slow")                                                                                             \
    X(AGENT_PAUSED, "agent is stopped for seconds")                                                                                        \
    X(AGENT_LEAVES, "agent leaves on purpose and returns")                                                                                 \
    X(HOST_REBOOTED, "host reboots: a new boot id")                                                                                        \
    X(OUTBOX_WIPED, "agent's outbox is wiped: a new epoch")                                                                                \
    X(STATE_WIPED, "agent's whole state folder is wiped")                                                                                  \
    X(KEY_COPIED, "a second host comes with a copied key")                                                                                 \
    X(NAME_TAKEN, "a second host of the same name is refused")                                                                             \
    X(FENCED, "an older session is fenced")                                                                                                \
    X(READOPTED, "agent adopts a living guard again")                                                                                      \
    X(NEVER_SPAWNED, "agent finds an intent whose guard was never spawned")                                                                \
    X(GUARD_STARTING, "agent finds a guard that was just starting")                                                                        \
    X(SWEPT, "leftovers of a guard are swept")                                                                                             \
    X(DRAINED, "an agent is drained")                                                                                                      \
    /* guard and what it guards */                                                                                                         \
    X(GUARD_KILLED, "guard is killed")                                                                                                     \
    X(GUARD_DETACHED, "guard's socket is cut")                                                                                             \
    X(SPOOL_TORN, "spool loses what was not synced")                                                                                       \
    X(POWER_AFTER_RESULT, "power goes just after a guard told of a result")                                                                \
    X(RESULT_KEPT, "the spool loses a result that was told before its sync, and the agent has it on its disk")                             \
    X(RESULT_GONE, "power takes a result that the guard told its agent, and nobody else has heard of")                                     \
    X(SPAWN_FAILED, "guard cannot be spawned")                                                                                             \
    X(LEASE_ENDED, "lease runs out")                                                                                                       \
    X(DISCARDED, "instance is discarded")                                                                                                  \
    X(PLUGIN_CRASH, "plugin crashes")                                                                                                      \
    X(PLUGIN_HANG, "plugin hangs and is killed")                                                                                           \
    X(PLUGIN_FAILS, "plugin says no")                                                                                                      \
    X(PROCESS_CRASH, "service process crashes")                                                                                            \
    X(PROCESS_LATE_EXIT, "service process exits late, or must be killed")                                                                  \
    X(PROCESS_SLOW_START, "service starts slowly")                                                                                         \
    X(CASE_FAILS, "case fails")                                                                                                            \
    X(CASE_INCONC, "case is inconclusive")                                                                                                 \
    X(CASE_TIMEOUT, "case times out")                                                                                                      \
    X(STREAM_DROPPED, "stream drops bytes over its limit")                                                                                 \
    X(OUTPUT_MATCHES, "output has what an assertion looks for")                                                                            \
    /* timelines */                                                                                                                        \
    X(FAULT_HELD, "a fault of a timeline holds")                                                                                           \
    X(FAULT_FAILS, "a fault of a timeline cannot be done")                                                                                 \
    X(RUN_FAILS, "a command beside a service fails")                                                                                       \
    X(TIMELINE_DONE, "a timeline is done to its end, and its trial passes")                                                                \
    X(FAULT_KILLED, "a service is killed by a fault, and its trial passes")                                                                \
    X(WINDOW_MISSED, "what was looked for was outside of the window, and its trial passes")                                                \
    X(CASE_PREPARED, "a case is run on services that were brought up for it")                                                              \
    X(NETWORK_PASSED, "a trial with a network passes")                                                                                     \
    X(FILE_MISSING, "a file cannot be had")                                                                                                \
    /* network */                                                                                                                          \
    X(LINK_RESET, "connection is reset")                                                                                                   \
    X(CUT_TO_COORDINATOR, "one-way cut towards the coordinator")                                                                           \
    X(CUT_TO_AGENT, "one-way cut towards the agent")                                                                                       \
    X(PARTITION, "partition")                                                                                                              \
    X(STALL, "messages queue behind a stall")                                                                                              \
    X(HALF_OPEN, "half-open session")                                                                                                      \
    X(STORM, "all agents reconnect at once")                                                                                               \
    X(FRAME_DROPPED, "frame dropped")                                                                                                      \
    X(FRAME_DOUBLED, "frame doubled")                                                                                                      \
    X(FRAME_REORDERED, "frame overtaken by the next")                                                                                      \
    X(FRAME_OF_OLD_SESSION, "frame of an older session arrives")                                                                           \
    X(COMMAND_REPEATED, "an old command arrives again in the session")                                                                     \
    X(GENERATION_NEWER, "a command of a newer generation arrives")                                                                         \
    X(GENERATION_OLDER, "a command of an older generation arrives")                                                                        \
    X(GENERATION_RENEWED, "a service is made again for a case")                                                                            \
    X(GENERATION_CUT, "a trial ends while a service is being made again")                                                                  \
    X(GRANT_STALE, "a lease grant of another session arrives")                                                                             \
    X(WALL_JUMP, "wall clock jumps")                                                                                                       \
    /* clients */                                                                                                                          \
    X(TRIAL_HELD, "a trial whose work is done is held")                                                                                    \
    X(CUT_TRIAL_HELD, "a trial that was cut short is held")                                                                                \
    X(RELEASED, "what is held is released")                                                                                                \
    X(CANCELLED, "run is cancelled")                                                                                                       \
    X(SUBMIT_REPEATED, "submission is repeated")                                                                                           \
    X(SUBMIT_REFUSED, "submission is refused for want of space")                                                                           \
    X(RETRIED, "a cell is tried again")                                                                                                    \
    X(INSTANCE_LOST, "an instance is declared lost")                                                                                       \
    X(CELL_PASSED, "a cell passes")                                                                                                        \
    X(CELL_FAILED, "a cell fails")                                                                                                         \
    X(CELL_INCONC, "a cell is inconclusive")                                                                                               \
    X(CELL_ERROR, "a cell is an error")                                                                                                    \
    X(EVENT_STALE, "an event of an ended trial is kept as evidence")

enum rarity {
#define RARITY_SYMBOL(symbol, name) RARITY_##symbol,
    RARITIES(RARITY_SYMBOL)
#undef RARITY_SYMBOL
        RARITY_COUNT
};

const char *rarity_name(enum rarity rarity);

#endif
