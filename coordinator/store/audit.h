// What the store alone proves about its runs: accepted = ended, one verdict for each cell and case, no pass without complete evidence, an
// unbroken chain of hashes, tables that say what the journal says, content that is there and whole. Called by the coordinator in a thread
// of its own, and by `panther-coord audit --data` on a copy.
//
// It believes nothing but the payloads of the journal, and shares with the coordinator's core no line that decides: what the core folds is
// judged here a second time, by rules of its own.
#ifndef PANTHER_COORDINATOR_STORE_AUDIT_H
#define PANTHER_COORDINATOR_STORE_AUDIT_H

#include "coordinator/store/store.h"

// run: "r12", "@last", "" for all. 0 with the result in the arena, whatever was found. PANTHER_ENOTFOUND: there is no such run, or no
// store; PANTHER_EIO: the file is no whole database.
int store_audit(const char *folder, enum store_place place, const char *run, struct arena *arena, Pb__Audited **result,
                struct panther_error *error);

#endif
