#include "fill.h"

#include "common/system/loop.h"
#include "coordinator/shell/authority.h"
#include "coordinator/store/store.h"
#include "tests/history/history.h"

#define CASES 1000
#define CELLS 10
// As a loaded coordinator: what a round of its loop brings, and what it decides while others sync.
#define BATCH 64
#define BATCHES_ON_THEIR_WAY 8

struct fill {
    struct loop *loop;
    struct store *store;
    struct history history;
    uint64_t submitted, committed;
    struct panther_error broken;
};

static void on_committed(void *context, uint64_t number)
{
    ((struct fill *)context)->committed = number;
}

static void on_broken(void *context, const struct panther_error *error)
{
    ((struct fill *)context)->broken = *error;
}

static void on_full(void *context, bool full, const char *why)
{
    struct fill *fill = context;
    if (full) {
        error_set(&fill->broken, PANTHER_ENOSPACE, "%s", why);
    }
}

int fill_open(struct fill **out, const char *folder, uint64_t after, struct panther_error *error)
{
    static const struct store_callbacks callbacks = {on_committed, on_full, on_broken};
    int result = authority_init(folder, "tcp://127.0.0.1:1", error);
    if (result < 0 && result != PANTHER_EEXISTS) {
        return result;
    }
    struct fill *fill = NEW(struct fill);
    fill->loop = loop_new();
    result = store_open(&fill->store, folder, false, fill->loop, &callbacks, fill, error);
    if (result < 0) {
        loop_free(&fill->loop);
        free(fill);
        return result;
    }
    history_begin(&fill->history, CASES, "");
    history_members(&fill->history);
    fill->history.run = fill->history.trial = fill->history.instance = after;
    *out = fill;
    return 0;
}

void fill_close(struct fill **pointer)
{
    struct fill *fill = *pointer;
    if (!fill) {
        return;
    }
    history_end(&fill->history);
    store_close(&fill->store);
    loop_free(&fill->loop);
    free(fill);
    *pointer = NULL;
}

uint64_t fill_records(const struct fill *fill)
{
    return store_last_sequence(fill->store);
}

static int wait_for(struct fill *fill, uint64_t open, struct panther_error *error)
{
    while (fill->submitted - fill->committed > open && !fill->broken.code) {
        loop_run_once(fill->loop, 1000);
    }
    return fill->broken.code ? error_set(error, fill->broken.code, "%s", fill->broken.message) : 0;
}

static int hand_over(struct fill *fill, struct panther_error *error)
{
    struct history *history = &fill->history;
    int result = 0;
    for (size_t i = 0; i < history->count && result == 0; i += BATCH) {
        size_t count = history->count - i < BATCH ? history->count - i : BATCH;
        fill->submitted = store_append(fill->store, (const Pb__Record *const *)history->records + i, count, NULL);
        result = wait_for(fill, BATCHES_ON_THEIR_WAY, error);
    }
    history_clear(history);
    return result;
}

static int grow_trial(struct fill *fill, struct panther_error *error)
{
    struct history *history = &fill->history;
    if (history->cells_ended == history->cells) {
        history_run(history, CELLS);
    }
    history_trial_begin(history);
    for (uint32_t i = 0; i < CASES; i++) {
        history_case(history, i);
        if (history->count >= BATCH * BATCHES_ON_THEIR_WAY) {
            int result = hand_over(fill, error);
            if (result < 0) {
                return result;
            }
        }
    }
    history_trial_end(history);
    if (history->cells_ended == history->cells) {
        history_run_end(history);
    }
    return hand_over(fill, error);
}

int fill_grow(struct fill *fill, uint64_t records, struct panther_error *error)
{
    uint64_t until = fill_records(fill) + records;
    int result = 0;
    while (result == 0 && fill_records(fill) < until) {
        result = grow_trial(fill, error);
    }
    return result < 0 ? result : wait_for(fill, 0, error);
}
