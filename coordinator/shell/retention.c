#include "coordinator/shell/retention.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/message.h"
#include "common/system/log.h"
#include "common/system/loop.h"
#include "coordinator/shell/errand.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
// Records of one look: they are one batch; what is left comes with the next look.
#define RECORDS_MAX 16
// Lines of an answer: what a person reads.
#define ROWS_TOLD_MAX 1000

struct retention {
    struct errand *errand;
    char *folder, *described;
    struct retention_settings settings;
    retention_removed_fn *removed;
    retention_told_fn *told;
    void *context;
    uint64_t looked_ns;
    bool is_asked;
    uint64_t route, request; // of who asks
    // the thread's, while it is busy
    bool is_question, is_restored;
    uint64_t cursor; // files of what was removed before are gone
    struct arena *arena;
    const Pb__EvidenceRemoved *records[RECORDS_MAX];
    size_t count;
    uint64_t files; // that were removed
    Pb__Retention *answer;
    struct panther_error error;
};

// ---- in the thread

static bool take(void *context, const Pb__EvidenceRemoved *removed)
{
    struct retention *retention = context;
    retention->records[retention->count++] = MESSAGE_COPY(removed, retention->arena);
    return retention->count < RECORDS_MAX;
}

static bool tell(void *context, const Pb__EvidenceRemoved *removed)
{
    struct retention *retention = context;
    Pb__Retention *answer = retention->answer;
    Pb__RetentionRow *row = answer->n_rows ? answer->rows[answer->n_rows - 1] : NULL;
    char *run = arena_printf(retention->arena, "r%llu", (unsigned long long)removed->run);
    if (!row || strcmp(row->run, run) != 0 || strcmp(row->why, removed->why) != 0) {
        if (answer->n_rows == ROWS_TOLD_MAX) {
            answer->left_out++;
            return true;
        }
        row = answer->rows[answer->n_rows++] = ARENA_NEW(retention->arena, Pb__RetentionRow);
        pb__retention_row__init(row);
        row->run = run;
        row->why = arena_string(retention->arena, removed->why);
    }
    row->contents += removed->n_contents;
    for (size_t i = 0; i < removed->n_contents; i++) {
        row->size_bytes += removed->contents[i]->size_bytes;
    }
    return true;
}

static int64_t now_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int answer(struct retention *retention, struct store_reader *store)
{
    retention->answer = ARENA_NEW(retention->arena, Pb__Retention);
    pb__retention__init(retention->answer);
    retention->answer->rules = arena_string(retention->arena, retention->described);
    retention->answer->rows = ARENA_ARRAY(retention->arena, Pb__RetentionRow *, ROWS_TOLD_MAX);
    int result = retention_kept_bytes(store, &retention->answer->kept_bytes, &retention->error);
    return result ? result : retention_plan(store, &retention->settings.rules, now_wall_ns(), tell, retention, &retention->error);
}

static int look(struct retention *retention, struct store_reader *store)
{
    int result = 0;
    if (!retention->is_restored) {
        result = blob_restore(retention->folder, &retention->error);
        retention->is_restored = result == 0;
    }
    if (result == 0) {
        result = retention_sweep(store, &retention->cursor, &retention->files, &retention->error);
    }
    return result ? result : retention_plan(store, &retention->settings.rules, now_wall_ns(), take, retention, &retention->error);
}

static void perform(void *context)
{
    struct retention *retention = context;
    struct store_reader *store = NULL;
    int result = store_reader_open(&store, retention->folder, &retention->error);
    if (result == 0) {
        result = (retention->is_question ? answer : look)(retention, store);
    }
    if (result == 0) {
        retention->error.code = 0;
    }
    store_reader_close(&store);
}

// ---- in the loop

static int start(struct retention *retention, bool is_question)
{
    retention->is_question = is_question;
    retention->arena = arena_new(0);
    retention->count = 0;
    retention->files = 0;
    retention->answer = NULL;
    retention->error = (struct panther_error){0};
    int result = errand_start(retention->errand);
    if (result) {
        arena_free(&retention->arena);
    }
    return result;
}

static void after_look(struct retention *retention)
{
    if (retention->error.code) {
        log_warning("retention: %s", retention->error.message);
    }
    if (retention->files) {
        log_info("retention: %llu files were removed", (unsigned long long)retention->files);
    }
    if (retention->count) {
        retention->removed(retention->context, retention->records, retention->count);
        retention->looked_ns = 0; // the files go as soon as that is on the disk, and there may be more
    }
}

static void performed(void *context)
{
    struct retention *retention = context;
    if (retention->is_question) {
        retention->is_asked = false;
        retention->told(retention->context, retention->route, retention->request, retention->answer,
                        retention->error.code ? &retention->error : NULL);
    } else {
        after_look(retention);
    }
    arena_free(&retention->arena);
    if (retention->is_asked && !errand_is_busy(retention->errand)) {
        start(retention, true);
    }
}

int retention_new(struct retention **out, const char *folder, const struct retention_settings *settings, struct loop *loop,
                  retention_removed_fn *removed, retention_told_fn *told, void *context, struct panther_error *error)
{
    struct retention *retention = NEW(struct retention);
    *retention = (struct retention){.folder = memory_string(folder),
                                    .described = memory_string(settings->described ? settings->described : ""),
                                    .settings = *settings,
                                    .removed = removed,
                                    .told = told,
                                    .context = context};
    retention->settings.every_ms = settings->every_ms ? settings->every_ms : RETENTION_EVERY_MS;
    int result = errand_new(&retention->errand, loop, perform, performed, retention, error);
    if (result < 0) {
        retention_free(&retention);
        return result;
    }
    *out = retention;
    return 0;
}

void retention_free(struct retention **pointer)
{
    struct retention *retention = *pointer;
    if (!retention) {
        return;
    }
    errand_free(&retention->errand);
    arena_free(&retention->arena);
    free(retention->folder);
    free(retention->described);
    free(retention);
    *pointer = NULL;
}

void retention_tick(struct retention *retention, bool may_remove)
{
    uint64_t now_ns = clock_boottime_ns();
    bool is_due = retention->looked_ns == 0 || now_ns - retention->looked_ns >= retention->settings.every_ms * NS_PER_MS;
    if (!is_due || !may_remove || errand_is_busy(retention->errand)) {
        return;
    }
    retention->looked_ns = now_ns;
    start(retention, false);
}

int retention_ask(struct retention *retention, uint64_t route, uint64_t request)
{
    if (retention->is_asked) {
        return PANTHER_ESTATE;
    }
    retention->is_asked = true;
    retention->route = route;
    retention->request = request;
    if (errand_is_busy(retention->errand)) {
        return 0; // it comes after the look
    }
    int result = start(retention, true);
    retention->is_asked = result == 0;
    return result;
}
