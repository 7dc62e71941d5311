// A database in a folder of its own, with one table; a loop that writes down what a writer tells.
#ifndef PANTHER_TESTS_UNIT_DATABASE_FIXTURE_H
#define PANTHER_TESTS_UNIT_DATABASE_FIXTURE_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdatomic.h>

#include "common/base/memory.h"
#include "common/database/database.h"
#include "common/system/loop.h"

#define SCHEMA "CREATE TABLE item(number INTEGER PRIMARY KEY, text TEXT)"
#define PATIENCE_MS 20000

struct fixture {
    char folder[64];
    char *path;
    struct database *database; // until a writer has it
    struct loop *loop;
    struct database_writer *writer;
    pthread_t loop_thread;
    struct panther_error error;
    // told by the writer
    uint64_t committed;
    unsigned commits, full_begins, full_ends, broken;
    struct panther_error broken_error;
    char full_why[PANTHER_ERROR_MESSAGE_BYTES];
    // counted by jobs
    atomic_uint performed, released;
};

int fixture_begin(void **state);
int fixture_end(void **state);
void fixture_begin_in(struct fixture *fixture); // the folder is set
void fixture_start_writer(struct fixture *fixture);
// A job that inserts this number.
uint64_t fixture_submit(struct fixture *fixture, int64_t number);
int64_t count_items(const char *path);

#define WAIT_FOR(fixture, condition)                                                                                                       \
    do {                                                                                                                                   \
        uint64_t deadline_ns = clock_boottime_ns() + PATIENCE_MS * UINT64_C(1000000);                                                      \
        while (!(condition)) {                                                                                                             \
            if (clock_boottime_ns() > deadline_ns)                                                                                         \
                fail_msg("never happened: %s", #condition);                                                                                \
            loop_run_once((fixture)->loop, 100);                                                                                           \
        }                                                                                                                                  \
    } while (0)

#endif
