// The lives of a store. Who opens a copy of it (a backup, or a folder that was moved) cannot know what the original has given away since:
// so its numbers go on far behind, and those between were given by a life that this store knows nothing of.
// Called by durable.c; hello.c asks.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "coordinator/core/durable_fold.h"

// The oldest is forgotten: its numbers then count as given by this store.
#define LOST_LIVES_MAX 256

void durable_life_put(struct durable *durable, struct lost_life life)
{
    if (durable->lost_count == LOST_LIVES_MAX) {
        memmove(durable->lost, durable->lost + 1, (LOST_LIVES_MAX - 1) * sizeof *durable->lost);
        durable->lost_count--;
    }
    APPEND(durable->lost, durable->lost_count, durable->lost_capacity) = life;
}

void fold_store_opened(struct durable *durable, const Pb__StoreOpened *record)
{
    FOLD_NEEDS(durable, record->incarnation > durable->incarnation, "incarnation %" PRIu64 " comes after %" PRIu64, record->incarnation,
               durable->incarnation);
    FOLD_NEEDS(durable, !*durable->store_id || strcmp(durable->store_id, record->store_id) == 0, "store %s becomes store %s",
               durable->store_id, record->store_id);
    snprintf(durable->store_id, sizeof durable->store_id, "%s", record->store_id);
    if (*record->home) {
        free(durable->home);
        durable->home = memory_string(record->home);
    }
    if (record->next_instance > durable->last_instance) {
        durable_life_put(durable,
                         (struct lost_life){durable->incarnation, record->incarnation, durable->last_instance, record->next_instance});
        durable->last_instance = record->next_instance - 1;
    }
    durable->incarnation = record->incarnation;
}

bool durable_gave_incarnation(const struct durable *durable, uint64_t incarnation)
{
    bool gave = incarnation <= durable->incarnation;
    for (size_t i = 0; i < durable->lost_count && gave; i++) {
        gave = incarnation <= durable->lost[i].incarnation || incarnation >= durable->lost[i].next_incarnation;
    }
    return gave;
}

bool durable_gave_instance(const struct durable *durable, uint64_t instance)
{
    bool gave = instance <= durable->last_instance;
    for (size_t i = 0; i < durable->lost_count && gave; i++) {
        gave = instance <= durable->lost[i].instance || instance >= durable->lost[i].next_instance;
    }
    return gave;
}
