// The only place with SQLite. A handle belongs to one thread at a time. Statements are prepared once per handle and found by the
// address of their SQL constant. SQLite's codes are mapped in one place: full -> PANTHER_ENOSPACE (retry), I/O -> PANTHER_EIO (exit and
// replay, never retry a failed fsync), the rest -> PANTHER_ESTATE.
#ifndef PANTHER_COMMON_DATABASE_DATABASE_H
#define PANTHER_COMMON_DATABASE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct database;
struct statement;

enum database_mode {
    DATABASE_READ_WRITE,
    DATABASE_READ_ONLY, // beside a writer; may make the shared memory file, and belongs to the folder's owner
    DATABASE_UNTOUCHED, // a copy that must stay as it is: nothing beside it is made, and nobody else writes to it
    DATABASE_SCRATCH,   // no path: a private one that is gone when it is closed; no log, no syncs
};
// WAL, synchronous=FULL, foreign keys off, busy timeout 5 s. `schema` (may be NULL) is run when user_version differs from
// schema_version: 0 -> created; other -> PANTHER_EVERSION naming both.
int database_open(struct database **out, const char *path, enum database_mode mode, const char *schema, int schema_version,
                  struct panther_error *error);
void database_close(struct database **database);
int database_execute(struct database *database, const char *sql, struct panther_error *error);
int database_backup(struct database *database, const char *path, struct panther_error *error); // of a live store, by SQLite's backup
int64_t database_changes(struct database *database);                                           // rows that the last statement changed
// For who commits by hand: undoes what is open and resets every statement; nothing open is fine.
void database_rollback(struct database *database);
// The write-ahead log goes back into the database; the writer does this by itself after its commits.
int database_checkpoint(struct database *database, bool only_when_due, struct panther_error *error);

// Ready to bind: reset, bindings cleared. Never NULL (a statement that does not compile is a programmer's error).
struct statement *database_statement(struct database *database, const char *sql_constant);
void statement_bind_integer(struct statement *statement, int index, int64_t value);
void statement_bind_real(struct statement *statement, int index, double value);
void statement_bind_text(struct statement *statement, int index, const char *value); // NULL -> NULL; copied
void statement_bind_blob(struct statement *statement, int index, const void *value, size_t bytes);
int statement_step(struct statement *statement, struct panther_error *error); // 1 row, 0 done, < 0 error
int statement_run(struct statement *statement, struct panther_error *error);  // step to the end, reset
int64_t statement_integer(struct statement *statement, int column);
double statement_real(struct statement *statement, int column);
const char *statement_text(struct statement *statement, int column); // "" for NULL; until the next step
const void *statement_blob(struct statement *statement, int column, size_t *bytes);
int statement_parameter_count(struct statement *statement); // the largest ?N
int statement_column_count(struct statement *statement);
const char *statement_column_name(struct statement *statement, int column);
void statement_reset(struct statement *statement);

// ---- writer: a thread that owns a handle and commits what it is given in order, everything that waits in one transaction.
struct database_writer;
struct database_job {
    // Inside the transaction; an error rolls the whole group back. Must be repeatable (the same group is tried again when full).
    int (*perform)(struct database *database, void *argument, struct panther_error *error);
    // After the commit in the writer's thread; what was never committed is released by database_writer_free. May be NULL.
    void (*release)(void *argument);
    void *argument;
};
struct database_writer_callbacks {
    // In the loop's thread: every job up to number is on disk.
    void (*on_committed)(void *context, uint64_t number);
    // In the loop's thread: the disk is full (true), or it is not any more (false); the writer tries again by itself every 250 ms.
    void (*on_full)(void *context, bool full, const char *why);
    // In the loop's thread: an I/O error or a broken database. Exit and replay.
    void (*on_broken)(void *context, const struct panther_error *error);
};
struct loop;
int database_writer_new(struct database_writer **out, struct loop *loop, struct database **database,
                        const struct database_writer_callbacks *callbacks,
                        void *context);                                                   // takes the handle
uint64_t database_writer_submit(struct database_writer *writer, struct database_job job); // numbers count from 1
size_t database_writer_pending(const struct database_writer *writer);
void database_writer_free(struct database_writer **writer); // commits what waits (unless broken or full), joins

#endif
