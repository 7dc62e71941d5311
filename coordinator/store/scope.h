// What a query is about: a readable name, looked up.
#ifndef PANTHER_COORDINATOR_STORE_SCOPE_H
#define PANTHER_COORDINATOR_STORE_SCOPE_H

#include "common/base/identity.h"
#include "common/database/database.h"

enum scope_kind { SCOPE_ALL, SCOPE_RUN, SCOPE_TEST, SCOPE_COMBINATION, SCOPE_CELL, SCOPE_TRIAL };

struct scope {
    enum scope_kind kind;
    struct full_name name;          // "@last" resolved
    char cell[FULL_NAME_MAX_BYTES]; // the cell's name, from SCOPE_CELL on
    int64_t first, last;            // ids of a run's rows lie between these
};

// PANTHER_EINVALID: not a name. PANTHER_ENOTFOUND: names what there is instead.
int scope_resolve(struct database *database, const char *text, struct scope *scope, struct panther_error *error);
bool scope_names_service(const struct scope *scope);

#endif
