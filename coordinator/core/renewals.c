// Generations: a service is stopped, cleaned up, and made again under the same number, while its trial runs. Called by setups.c and
// timeline.c, which decide it, and by trials.c, which goes on with it.
#include <string.h>

#include "coordinator/core/state.h"

static bool is_pending(const struct instance *instance)
{
    return instance->wanted_generation > instance->generation;
}

// One that has not started yet serves as well, if it is what is wanted.
static uint32_t next_generation(const struct instance *instance, const char *profile)
{
    bool is_new = instance->generation > 1 && !is_pending(instance);
    bool is_untold = instance->state == INSTANCE_PLACED;
    bool is_so = instance->state == INSTANCE_INITIALIZED && strcmp(instance->profile, profile) == 0;
    if (is_pending(instance)) {
        return instance->wanted_generation;
    }
    return is_new && (is_untold || is_so) ? instance->generation : instance->generation + 1;
}

void renewal_decide(struct core *core, struct instance *instance, const char *profile, const char *why, const struct instance *tester)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_INSTANCE_RENEWED;
    Pb__InstanceRenewed *renewed = record->instance_renewed = NEW_MESSAGE(core, Pb__InstanceRenewed, pb__instance_renewed);
    const char *wanted = profile ? profile : is_pending(instance) ? instance->wanted_profile : instance->profile;
    renewed->trial = instance->trial->id;
    renewed->instance = instance->id;
    renewed->generation = next_generation(instance, wanted);
    renewed->profile = arena_string(core->effects->arena, wanted);
    renewed->why = arena_string(core->effects->arena, why);
    if (tester) {
        renewed->tester = tester->id;
        renewed->case_number = tester->case_numbers[tester->next_case];
    }
    core_emit(core, record);
}

static bool end_old(struct core *core, struct instance *instance)
{
    if (instance->open || instance->state == INSTANCE_CLEANING) {
        return false;
    }
    if (instance->state == INSTANCE_STOPPED) {
        commands_issue(core, instance, PB__COMMAND__BODY_CLEANUP);
        return true;
    }
    if (instance->state > INSTANCE_PLACED && instance->state < INSTANCE_STOPPING) {
        commands_issue(core, instance, PB__COMMAND__BODY_STOP);
        return true;
    }
    return false;
}

static bool begin_new(struct core *core, struct instance *instance)
{
    if (instance->state == INSTANCE_PLACED && trials_needs_are_at(instance, INSTANCE_INITIALIZED)) {
        const char *problem = commands_initialize(core, instance);
        if (problem) {
            const struct outcome outcome = {VERDICT_ERROR, REASON_INFRASTRUCTURE, arena_string(core->effects->arena, problem)};
            trials_stop(core, instance->trial, &outcome, true);
        }
        return true;
    }
    if (instance->state == INSTANCE_INITIALIZED && trials_needs_are_at(instance, INSTANCE_READY)) {
        commands_issue(core, instance, PB__COMMAND__BODY_START);
        return true;
    }
    return false;
}

bool renewals_advance(struct core *core, struct trial *trial)
{
    bool moved = false;
    for (size_t i = 0; i < trial->instance_count && trial->state == TRIAL_RUNNING; i++) {
        struct instance *instance = trial->instances[i];
        if (is_pending(instance)) {
            moved |= end_old(core, instance);
        } else if (instance->generation > 1) {
            moved |= begin_new(core, instance);
        }
    }
    return moved;
}
