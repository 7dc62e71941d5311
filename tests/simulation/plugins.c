// See plugins.h.
#include "tests/simulation/plugins.h"

static char *text(struct arena *arena, const char *words)
{
    return arena_string(arena, words);
}

static Pb__CaseDescription *add_case(Pb__PluginDescription *description, const char *name, struct arena *arena)
{
    Pb__CaseDescription *one = description->cases[description->n_cases++] = ARENA_NEW(arena, Pb__CaseDescription);
    pb__case_description__init(one);
    one->name = text(arena, name);
    return one;
}

static Pb__CaseDrive *add_drive(Pb__CaseDescription *one, const char *name, struct arena *arena)
{
    Pb__CaseDrive *drive = ARENA_NEW(arena, Pb__CaseDrive);
    pb__case_drive__init(drive);
    drive->drive = text(arena, name);
    one->drives = ARENA_NEW(arena, Pb__CaseDrive *);
    one->drives[one->n_drives++] = drive;
    return drive;
}

static void add_condition(Pb__CaseDescription *one, const char *name, const char *value, struct arena *arena)
{
    Pb__Setting *condition = ARENA_NEW(arena, Pb__Setting);
    pb__setting__init(condition);
    condition->name = text(arena, name);
    condition->values = ARENA_NEW(arena, char *);
    condition->values[condition->n_values++] = text(arena, value);
    one->conditions = ARENA_NEW(arena, Pb__Setting *);
    one->conditions[one->n_conditions++] = condition;
}

static void add_cases(Pb__PluginDescription *description, struct arena *arena)
{
    description->cases = ARENA_ARRAY(arena, Pb__CaseDescription *, SIMULATED_CASES_MAX + 4);
    for (uint32_t i = 0; i < SIMULATED_CASES_MAX; i++)
        add_case(description, arena_printf(arena, "c%u", i + 1), arena);
    add_drive(add_case(description, CASE_RETRY, arena), "server", arena)->profile = text(arena, CASE_RETRY);
    add_drive(add_case(description, CASE_FRESH, arena), "server", arena)->fresh = true;
    add_condition(add_case(description, CASE_SLOW, arena), "delay", "20ms", arena);
    Pb__CaseDrive *client = add_drive(add_case(description, CASE_CALL, arena), "client", arena);
    client->execute = client->fresh = true;
}

Pb__PluginDescription *plugin_description(size_t index, struct arena *arena)
{
    static const char *const names[SIMULATED_PLUGINS] = {"server", "tester", "runner", "client", "emulated", "lab"};
    bool is_tester = index == 1 || index == 2, is_network = index >= 4;
    Pb__PluginDescription *description = ARENA_NEW(arena, Pb__PluginDescription);
    pb__plugin_description__init(description);
    description->name = text(arena, names[index]);
    description->kind = is_tester    ? PB__PLUGIN_KIND__PLUGIN_KIND_TESTER
                        : is_network ? PB__PLUGIN_KIND__PLUGIN_KIND_NETWORK
                                     : PB__PLUGIN_KIND__PLUGIN_KIND_IUT;
    description->version = text(arena, "1");
    description->abi_major = 1;
    description->executes = index == 2 || index == 3;
    if (index == 1)
        add_cases(description, arena);
    return description;
}
