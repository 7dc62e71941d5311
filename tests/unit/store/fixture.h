// A store in a folder of its own.
#ifndef PANTHER_TESTS_UNIT_STORE_FIXTURE_H
#define PANTHER_TESTS_UNIT_STORE_FIXTURE_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/store/story.h"

struct fixture {
    char root[64]; // a new folder
    char *folder;  // root/data
    struct store *store;
    struct story story;
    struct panther_error error;
};

int fixture_begin(void **state); // with an open store, without a loop
int fixture_end(void **state);
void fixture_reopen(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
// Appends what the story has told since the last call, as one batch.
void fixture_append(struct fixture *fixture);
// Every row of the database, as text; heap.
char *fixture_dump(struct fixture *fixture);
// Runs SQL on the closed store behind everyone's back; tamper opens it again.
void fixture_execute(struct fixture *fixture, const char *sql);
void fixture_tamper(struct fixture *fixture, const char *sql);

// A page, in the fixture's story's arena. value: of a row and column by name.
Pb__Rows *fixture_query(struct fixture *fixture, Pb__Table table, const char *scope, uint64_t after, uint32_t limit, bool changed);
const char *value(const Pb__Rows *rows, size_t row, const char *column);

#endif
