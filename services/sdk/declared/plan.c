// Dry run: the commands that would run, with what only an instance knows shown as it is written.
#include "services/sdk/declared/driver.h"
#include "services/sdk/declared/invocation.h"
#include "services/sdk/declared/option.h"

static int plan_commands(const struct commands *commands, struct scope *scope, struct panther_plan *plan)
{
    for (size_t i = 0; i < commands->count; i++) {
        struct invocation invocation;
        if (!condition_holds(commands->items[i].when, scope)) {
            continue;
        }
        if (invocation_make(&commands->items[i], scope, &invocation) < 0) {
            return PANTHER_FAILED;
        }
        panther_plan_command(plan, invocation.argv);
    }
    return 0;
}

int driver_plan(const void *settings, struct panther_plan *plan)
{
    const struct document *document = driver.document;
    struct arena *arena = arena_new(0);
    struct scope scope = {.document = document, .arena = arena, .settings = profile_settings(document, settings, arena)};
    int result = 0;
    for (int phase = PHASE_PRE_COMPILE; result == 0 && phase < PHASE_POST_RUN; phase++) {
        result = plan_commands(&document->phases[phase], &scope, plan);
    }
    for (size_t i = 0; result == 0 && i < document->case_count; i++) {
        scope.case_name = document->cases[i].name;
        result = plan_commands(&document->cases[i].run, &scope, plan);
    }
    if (scope.is_undecided) {
        panther_plan_command(plan, PANTHER_TEXTS("(without what depends on the role, the protocol, the case or a driven service)"));
    }
    arena_free(&arena);
    return result;
}
