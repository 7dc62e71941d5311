// What a handle is made of; for this folder only.
#ifndef PANTHER_COMMON_DATABASE_HANDLE_H
#define PANTHER_COMMON_DATABASE_HANDLE_H

#include <sqlite3.h>

#include "common/base/map.h"
#include "common/database/database.h"

#define BUSY_TIMEOUT_MS 5000
// Pages of the hot ends of the indexes stay in memory: 32 MiB.
#define CACHE_KIBIBYTES 32768
// The log goes back into the database at 16 MiB (4,096 pages): fewer syncs than SQLite's 4 MiB, a recovery still takes under a second.
#define CHECKPOINT_PAGES 4096
// On a disk that is short it goes back earlier: when it is an eighth of what is free, so that there is room for the database to grow into
// while it does; but not below 256 KiB, which a commit of a busy moment takes.
#define CHECKPOINT_FREE_PART 8
#define CHECKPOINT_PAGES_LEAST 64

struct database {
    sqlite3 *sqlite;
    char *path;
    struct map *statements; // address of the SQL constant -> struct statement
    int log_pages;          // in the write-ahead log after the last commit
    bool is_read_only;
};

struct statement {
    sqlite3_stmt *handle;
    struct database *database;
    const char *sql;
};

// Pages of the log at which it is due to go back into the database.
int database_log_limit(const struct database *database);
// Nothing more is written through this handle, not by closing it either: what a failed sync left is not to be synced again.
void database_give_up(struct database *database);
// What SQLite is told to open, and how.
int database_address(const char *path, enum database_mode mode, char **address, int *flags, struct panther_error *error);
// For a handle that is written to from now on, and to which nobody else writes: gives its log room. Best effort.
void database_prepare_log(const struct database *database);
// The one place where SQLite's codes become ours. `doing` is what failed ("commit").
int database_fail(struct database *database, int code, const char *doing, struct panther_error *error);
void statement_free(struct statement **statement);

#endif
