// From the core's records to SQL, in the writer's thread.
#ifndef PANTHER_AGENT_SHELL_STORAGE_RECORDS_H
#define PANTHER_AGENT_SHELL_STORAGE_RECORDS_H

#include "agent/shell/storage.h"

struct database;
// In the loop's thread: packs what the core made itself, so that the writer's thread only binds bytes.
void records_pack_own(struct batch *batch);
int records_perform(struct database *database, void *batch, struct panther_error *error);

#endif
