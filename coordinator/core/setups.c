// Cases with setups: before such a case the services that it drives are brought to the profile it wants, made fresh, executed, and the
// network gets its conditions. One case at a time, and one such tester at a time. Called by trials.c; what is still to do follows from
// the durable state alone, so that a new coordinator goes on where the old one was.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "common/schema/conditions.h"
#include "coordinator/core/state.h"

struct setup {
    struct core *core;
    struct instance *tester;
    const Pb__CaseDescription *description; // NULL: the case is not in the table
    bool waits;                             // for an answer
    bool moved;                             // something was decided
};

// ---- which testers have them

static bool case_has_setup(const Pb__CaseDescription *description)
{
    return description && (description->n_drives || description->n_conditions);
}

static bool tester_has_setups(const struct core *core, const struct instance *tester)
{
    const Pb__ServicePlan *plan = instance_plan(tester);
    bool any = plan->fresh == PB__FRESH__FRESH_CASE;
    for (size_t i = 0; i < plan->n_cases && !any; i++) {
        any = case_has_setup(commands_case(core, tester, plan->cases[i]));
    }
    return any;
}

bool setups_has(struct core *core, const struct instance *instance)
{
    if (!instance->is_tester) {
        return false;
    }
    struct instance_link *link = core_instance_link(core, instance);
    if (!link->setups_known) {
        link->setups_known = true;
        link->has_setups = tester_has_setups(core, instance);
    }
    return link->has_setups;
}

static const Pb__CaseDrive *drive_of(const Pb__CaseDescription *description, const char *drive)
{
    for (size_t i = 0; description && i < description->n_drives; i++) {
        if (strcmp(description->drives[i]->drive, drive) == 0) {
            return description->drives[i];
        }
    }
    return NULL;
}

static bool names(char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool executes_for(const struct core *core, const struct instance *tester, const struct instance *instance)
{
    const Pb__ServicePlan *plan = instance_plan(tester);
    for (size_t d = 0; d < plan->n_drives; d++) {
        if (!names(plan->drives[d]->services, plan->drives[d]->n_services, instance->service)) {
            continue;
        }
        for (size_t i = 0; i < plan->n_cases; i++) {
            const Pb__CaseDrive *drive = drive_of(commands_case(core, tester, plan->cases[i]), plan->drives[d]->name);
            if (drive && drive->execute) {
                return true;
            }
        }
    }
    return false;
}

bool setups_execute(const struct core *core, const struct instance *instance)
{
    for (size_t i = 0; i < instance->trial->instance_count; i++) {
        const struct instance *tester = instance->trial->instances[i];
        if (tester->is_tester && executes_for(core, tester, instance)) {
            return true;
        }
    }
    return false;
}

static bool share_a_drive(const struct instance *left, const struct instance *right)
{
    const Pb__ServicePlan *mine = instance_plan(left), *theirs = instance_plan(right);
    for (size_t d = 0; d < mine->n_drives; d++) {
        for (size_t t = 0; t < theirs->n_drives; t++) {
            for (size_t s = 0; s < mine->drives[d]->n_services; s++) {
                if (names(theirs->drives[t]->services, theirs->drives[t]->n_services, mine->drives[d]->services[s])) {
                    return true;
                }
            }
        }
    }
    return false;
}

// Nobody restarts a service under another tester's hands.
bool setups_wait(struct core *core, const struct instance *tester)
{
    const struct trial *trial = tester->trial;
    for (uint32_t i = 0; i < tester->index; i++) {
        const struct instance *other = trial->instances[i];
        if (!other->is_tester || other->state != INSTANCE_RUNNING || (!setups_has(core, other) && !setups_has(core, tester))) {
            continue;
        }
        if ((setups_has(core, other) && setups_has(core, tester)) || share_a_drive(other, tester)) {
            return true;
        }
    }
    return false;
}

// ---- profiles

static bool takes_profile(const struct core *core, const struct instance *driven, const char *profile)
{
    const Pb__PluginDescription *description = map_get_text(core->durable->descriptions, driven->description_hash);
    for (size_t i = 0; description && i < description->n_options; i++) {
        const Pb__OptionDescription *option = description->options[i];
        if (strcmp(option->name, OPTION_PROFILE) == 0) {
            return option->type != PB__OPTION_TYPE__OPTION_TYPE_CHOICE || names(option->choices, option->n_choices, profile);
        }
    }
    return !description || !description->n_options; // what has no options at all says no by itself
}

bool setups_profiles_exist(const struct core *core, const struct instance *tester, const Pb__CaseDescription *description)
{
    const Pb__ServicePlan *plan = instance_plan(tester);
    for (size_t d = 0; d < plan->n_drives; d++) {
        const Pb__CaseDrive *drive = drive_of(description, plan->drives[d]->name);
        for (size_t s = 0; drive && *drive->profile && s < plan->drives[d]->n_services; s++) {
            const struct instance *driven = trial_instance(tester->trial, plan->drives[d]->services[s]);
            if (driven && !takes_profile(core, driven, drive->profile)) {
                return false;
            }
        }
    }
    return true;
}

// ---- conditions

bool setups_have_network(const struct trial *trial)
{
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (instance_plan(trial->instances[i])->is_network) {
            return true;
        }
    }
    return false;
}

// What a condition is when there is none: what the experiment's own rules set, and a case that replaces them does not.
static const char *neutral(const char *name)
{
    static const struct {
        const char *name, *value;
    } values[] = {{"delay", "0ms"},      {"jitter", "0ms"},   {"loss", "0%"},  {"burst", "1"},         {"duplicate", "0%"},
                  {"corrupt", "0%"},     {"reorder", "0%"},   {"rate", "0"},   {"shared", "no"},       {"down", "no"},
                  {"down_after", "0ms"}, {"down_for", "0ms"}, {"ecn", "keep"}, {"nat_rebind", "none"}, {"nat_after", "0ms"}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (strcmp(values[i].name, name) == 0) {
            return values[i].value;
        }
    }
    return NULL; // queue: of no meaning without a rate; drop_nth: an empty list
}

static Pb__PlacedSetting *condition_new(struct core *core, const char *name, char *const *values, size_t count)
{
    struct arena *arena = core->effects->arena;
    Pb__PlacedSetting *setting = NEW_MESSAGE(core, Pb__PlacedSetting, pb__placed_setting);
    setting->name = arena_string(arena, name);
    setting->values = ARENA_ARRAY(arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        setting->values[setting->n_values++] = arena_string(arena, values[i]);
    }
    return setting;
}

static bool rule_has(const Pb__LinkRule *rule, const char *name)
{
    for (size_t i = 0; i < rule->n_conditions; i++) {
        if (strcmp(rule->conditions[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_back(struct core *core, Pb__LinkRule *rule, const Pb__Network *network)
{
    for (size_t l = 0; network && l < network->n_links; l++) {
        const Pb__LinkRule *own = network->links[l];
        for (size_t i = 0; i < own->n_conditions; i++) {
            const char *name = own->conditions[i]->name, *value = neutral(name);
            bool is_drops = strcmp(name, "drop_nth") == 0;
            if ((value || is_drops) && !rule_has(rule, name)) {
                char *values[] = {(char *)(uintptr_t)value};
                rule->conditions[rule->n_conditions++] = condition_new(core, name, values, value ? 1 : 0);
            }
        }
    }
}

// One rule for every direction; NULL: the case wants nothing of the network.
static Pb__LinkRule *rule_of(const struct setup *setup)
{
    struct core *core = setup->core;
    const Pb__CellPlan *plan = setup->tester->trial->plan;
    size_t count = setup->description ? setup->description->n_conditions : 0;
    if (count == 0) {
        return NULL;
    }
    Pb__LinkRule *rule = NEW_MESSAGE(core, Pb__LinkRule, pb__link_rule);
    rule->conditions = ARENA_ARRAY(core->effects->arena, Pb__PlacedSetting *, count + CONDITION_COUNT);
    for (size_t i = 0; i < count; i++) {
        const Pb__Setting *given = setup->description->conditions[i];
        rule->conditions[rule->n_conditions++] = condition_new(core, given->name, given->values, given->n_values);
    }
    if (strcmp(plan->case_conditions, "add") != 0) {
        take_back(core, rule, plan->network);
    }
    return rule;
}

static bool has_them(const struct instance *network, const Pb__LinkRule *rule)
{
    const Pb__Command *last = network->conditions;
    if (!last || !last->fault->n_links) {
        return rule == NULL; // none were ever laid, or they were taken away
    }
    return rule && message_equal(last->fault->links[0], rule);
}

static uint32_t case_number(const struct setup *setup)
{
    return setup->tester->case_numbers[setup->tester->next_case];
}

static void lay(struct setup *setup, struct instance *network, Pb__LinkRule *rule)
{
    struct core *core = setup->core;
    Pb__Command *command = commands_new(core, network, network->last_number + 1);
    command->body_case = PB__COMMAND__BODY_FAULT;
    command->fault = NEW_MESSAGE(core, Pb__Fault, pb__fault);
    command->fault->id = arena_printf(core->effects->arena, "case %u", case_number(setup));
    command->fault->kind = arena_string(core->effects->arena, "link");
    if (rule) {
        command->fault->links = ARENA_ARRAY(core->effects->arena, Pb__LinkRule *, 1);
        command->fault->links[command->fault->n_links++] = rule;
    }
    commands_decide(core, network, command, setup->tester);
    setup->moved = true;
}

// Conditions that failed are tried again by the next case that wants any.
static void lay_conditions(struct setup *setup)
{
    Pb__LinkRule *rule = rule_of(setup);
    const struct trial *trial = setup->tester->trial;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *network = trial->instances[i];
        if (!instance_plan(network)->is_network) {
            continue;
        }
        bool is_told = network->conditions && map_get_number(network->beside, network->conditions->number);
        bool has_failed = network->conditions && !is_told && !network->conditions_hold;
        if (!is_told && (has_failed || !has_them(network, rule))) {
            lay(setup, network, rule);
            is_told = true;
        }
        setup->waits |= is_told;
    }
}

// ---- driven services

static const char *given_profile(const struct instance *instance)
{
    const Pb__ServicePlan *plan = instance_plan(instance);
    for (size_t i = 0; i < plan->n_options; i++) {
        if (strcmp(plan->options[i]->name, OPTION_PROFILE) == 0 && plan->options[i]->n_values) {
            return plan->options[i]->values[0];
        }
    }
    return "";
}

bool setups_is_down(const struct instance *instance)
{
    bool came_to_nothing = (instance->state == INSTANCE_INITIALIZING || instance->state == INSTANCE_STARTING) && !instance->open;
    return came_to_nothing || instance->state == INSTANCE_STOPPED;
}

static bool is_up(const struct instance *instance)
{
    return instance->wanted_generation <= instance->generation && instance->state >= INSTANCE_READY && instance->state <= INSTANCE_FINISHED;
}

struct want {
    const char *profile;
    bool fresh, execute;
};

// "Not named: as it is"; one that did not come up is tried as the experiment has it.
static struct want want_of(const struct setup *setup, const char *drive_name, const struct instance *driven)
{
    const Pb__CaseDrive *drive = drive_of(setup->description, drive_name);
    struct want want = {.fresh = instance_plan(setup->tester)->fresh == PB__FRESH__FRESH_CASE};
    if (!drive) {
        want.profile = setups_is_down(driven)                           ? ""
                       : driven->wanted_generation > driven->generation ? driven->wanted_profile
                                                                        : driven->profile;
        return want;
    }
    want.profile = strcmp(drive->profile, given_profile(driven)) == 0 ? "" : drive->profile;
    want.fresh |= drive->fresh;
    want.execute = drive->execute && trials_plugin_executes(setup->core, driven);
    return want;
}

// Why it has to be another generation; NULL: it need not.
static const char *why_renew(const struct setup *setup, const struct instance *driven, const struct want *want)
{
    bool is_for_this = driven->for_tester == setup->tester->id && driven->for_case == case_number(setup);
    bool is_on_its_way = driven->wanted_generation > driven->generation ||
                         (driven->generation > 1 && (driven->state == INSTANCE_PLACED || driven->state == INSTANCE_INITIALIZED));
    const char *profile = driven->wanted_generation > driven->generation ? driven->wanted_profile : driven->profile;
    if (is_on_its_way) {
        return strcmp(profile, want->profile) != 0 ? "another profile" : is_for_this ? NULL : "another case";
    }
    if (driven->open) {
        return NULL;
    }
    if (setups_is_down(driven)) {
        return "it did not come up";
    }
    if (!is_up(driven)) {
        return NULL;
    }
    if (strcmp(profile, want->profile) != 0) {
        return "another profile";
    }
    bool is_used = driven->cases_served > 0;
    return is_used && want->fresh ? "fresh" : is_used && want->execute && driven->execute_number ? "it has executed" : NULL;
}

static void prepare(struct setup *setup, struct instance *driven, const struct want *want)
{
    const char *why = why_renew(setup, driven, want);
    if (why) {
        renewal_decide(setup->core, driven, want->profile, why, setup->tester);
        setup->moved = true;
    }
    setup->waits |= !is_up(driven);
}

static uint32_t timeout_ms(const struct setup *setup)
{
    return commands_case_timeout_ms(setup->core, setup->tester, setup->tester->cases[setup->tester->next_case]);
}

static void execute(struct setup *setup, struct instance *driven)
{
    if (!driven->execute_number) {
        Pb__Command *command = commands_new(setup->core, driven, driven->last_number + 1);
        command->body_case = PB__COMMAND__BODY_EXECUTE;
        command->execute = NEW_MESSAGE(setup->core, Pb__Execute, pb__execute);
        command->execute->timeout_ms = timeout_ms(setup);
        commands_decide(setup->core, driven, command, setup->tester);
        setup->moved = true;
    }
    setup->waits |= !driven->execute_answered;
}

typedef void driven_fn(struct setup *setup, const char *drive, struct instance *driven);

static void each_driven(struct setup *setup, driven_fn *callback)
{
    const Pb__ServicePlan *plan = instance_plan(setup->tester);
    for (size_t d = 0; d < plan->n_drives; d++) {
        for (size_t s = 0; s < plan->drives[d]->n_services; s++) {
            struct instance *driven = trial_instance(setup->tester->trial, plan->drives[d]->services[s]);
            if (driven) {
                callback(setup, plan->drives[d]->name, driven);
            }
        }
    }
}

static void prepare_one(struct setup *setup, const char *drive, struct instance *driven)
{
    const struct want want = want_of(setup, drive, driven);
    prepare(setup, driven, &want);
}

static void execute_one(struct setup *setup, const char *drive, struct instance *driven)
{
    if (want_of(setup, drive, driven).execute) {
        execute(setup, driven);
    }
}

bool setups_advance(struct core *core, struct instance *tester)
{
    if (tester->state != INSTANCE_RUNNING || tester->next_case >= tester->case_count || setups_wait(core, tester) ||
        core_instance_link(core, tester)->cases_sent > tester->next_case) {
        return false;
    }
    struct setup setup = {core, tester, commands_case(core, tester, tester->cases[tester->next_case]), false, false};
    lay_conditions(&setup);
    each_driven(&setup, prepare_one);
    if (!setup.waits && !setup.moved) {
        each_driven(&setup, execute_one);
    }
    if (!setup.waits && !setup.moved) {
        commands_prepared_case(core, tester, setup.description);
    }
    return setup.moved;
}
