// A reader's inside, for this folder.
#ifndef PANTHER_COORDINATOR_STORE_READER_H
#define PANTHER_COORDINATOR_STORE_READER_H

#include "coordinator/store/scope.h"
#include "coordinator/store/store.h"

// table x kind of scope x with service x by change
#define READER_TABLES 16
#define READER_SQL_COUNT (READER_TABLES * (SCOPE_TRIAL + 1) * 4)

struct store_reader {
    char *folder;
    struct database *database;
    char *sql[READER_SQL_COUNT]; // made when first used; their addresses find the prepared statements
};

#endif
