#include "coordinator/shell/audits.h"

#include "common/base/memory.h"
#include "coordinator/shell/errand.h"
#include "coordinator/store/audit.h"

struct audits {
    struct errand *errand;
    char *folder;
    audits_done_fn *done;
    void *context;
    // the one that is on its way
    uint64_t route, request;
    char *run;
    struct arena *arena; // of the result
    Pb__Audited *result;
    struct panther_error error;
};

static void perform(void *context)
{
    struct audits *audits = context;
    store_audit(audits->folder, STORE_LIVE, audits->run, audits->arena, &audits->result, &audits->error);
}

static void performed(void *context)
{
    struct audits *audits = context;
    audits->done(audits->context, audits->route, audits->request, audits->result, audits->result ? NULL : &audits->error);
    arena_free(&audits->arena);
}

int audits_new(struct audits **out, const char *folder, struct loop *loop, audits_done_fn *done, void *context, struct panther_error *error)
{
    struct audits *audits = NEW(struct audits);
    *audits = (struct audits){.folder = memory_string(folder), .done = done, .context = context};
    int result = errand_new(&audits->errand, loop, perform, performed, audits, error);
    if (result < 0) {
        audits_free(&audits);
        return result;
    }
    *out = audits;
    return 0;
}

void audits_free(struct audits **pointer)
{
    struct audits *audits = *pointer;
    if (!audits) {
        return;
    }
    errand_free(&audits->errand);
    arena_free(&audits->arena);
    free(audits->folder);
    free(audits->run);
    free(audits);
    *pointer = NULL;
}

bool audits_are_busy(const struct audits *audits)
{
    return errand_is_busy(audits->errand);
}

int audits_ask(struct audits *audits, uint64_t route, uint64_t request, const char *run)
{
    if (errand_is_busy(audits->errand)) {
        return PANTHER_ESTATE;
    }
    free(audits->run);
    audits->run = memory_string(run);
    audits->route = route;
    audits->request = request;
    audits->result = NULL;
    audits->error = (struct panther_error){0};
    arena_free(&audits->arena);
    audits->arena = arena_new(0);
    return errand_start(audits->errand);
}
