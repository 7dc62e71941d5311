// What people say of runs: notes, tags and pins; and evidence that the shell wants to remove, which a pin forbids. requests.c and core.c
// call it. A run that has ended is not kept in memory: that it was there is known from the number of the last one, and of it only its pin.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

// Pins are looked after by people; each is a number in memory.
#define PINNED_RUNS_MAX 100000

static bool find_run(struct core *core, uint64_t request, const char *text, struct full_name *name)
{
    struct panther_error error = {0};
    *name = (struct full_name){0};
    if (full_name_parse(text, name, &error) || (*name->test && !name->attempt) || *name->service) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 0,
                    "\"%s\" is not a run such as r12 or @last, nor one of its trials", text);
        return false;
    }
    if (name->is_last) {
        name->run = core->durable->last_run;
        name->is_last = false;
    }
    if (name->run == 0 || name->run > core->durable->last_run) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, 0, "there is no run %s", text);
        return false;
    }
    return true;
}

static bool says_anything_new(const struct core *core, const Pb__Annotate *said, uint64_t run)
{
    bool is_pinned = map_get_number(core->durable->pinned, run) != NULL;
    return *said->note || said->n_tags || said->n_not_tags || (said->pin == PB__PIN__PIN_ON && !is_pinned) ||
           (said->pin == PB__PIN__PIN_OFF && is_pinned);
}

static void emit(struct core *core, const Pb__Annotate *said, const struct full_name *name)
{
    struct arena *arena = core->effects->arena;
    const Pb__Annotate *copy = MESSAGE_COPY(said, arena);
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_RUN_ANNOTATED;
    Pb__RunAnnotated *annotated = record->run_annotated = NEW_MESSAGE(core, Pb__RunAnnotated, pb__run_annotated);
    annotated->run = name->run;
    if (*name->test) {
        annotated->trial = arena_allocate(arena, FULL_NAME_MAX_BYTES);
        full_name_format(name, annotated->trial, FULL_NAME_MAX_BYTES);
    }
    annotated->note = copy->note;
    annotated->tags = copy->tags;
    annotated->n_tags = copy->n_tags;
    annotated->not_tags = copy->not_tags;
    annotated->n_not_tags = copy->n_not_tags;
    annotated->pin = copy->pin;
    annotated->by = arena_string(arena, core->event->peer_name);
    core_emit(core, record);
}

void annotations_request(struct core *core, uint64_t request, const Pb__Annotate *said)
{
    struct full_name name;
    if (!find_run(core, request, said->run, &name)) {
        return;
    }
    if (*name.test && (said->n_tags || said->n_not_tags || said->pin)) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 0,
                    "%s is a trial: tags and pins are of whole runs", said->run);
        return;
    }
    if (said->pin == PB__PIN__PIN_ON && map_count(core->durable->pinned) >= PINNED_RUNS_MAX) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, 0, "%d runs are pinned: unpin some",
                    PINNED_RUNS_MAX);
        return;
    }
    if (says_anything_new(core, said, name.run)) {
        emit(core, said, &name);
    }
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_ANNOTATED;
    reply->annotated = NEW_MESSAGE(core, Pb__Annotated, pb__annotated);
    reply->annotated->run = arena_printf(core->effects->arena, "r%llu", (unsigned long long)name.run);
}

// Looked up in the store a moment ago; a run may have been pinned since.
void annotations_retention(struct core *core)
{
    for (size_t i = 0; i < core->event->removed_count; i++) {
        const Pb__EvidenceRemoved *removed = core->event->removed[i];
        if (map_get_number(core->durable->pinned, removed->run) || map_get_number(core->durable->runs, removed->run)) {
            continue;
        }
        Pb__Record *record = core_record(core);
        record->body_case = PB__RECORD__BODY_EVIDENCE_REMOVED;
        record->evidence_removed = MESSAGE_COPY(removed, core->effects->arena);
        core_emit(core, record);
    }
}
