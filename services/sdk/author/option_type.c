// The type of an option as one reads it in a table: with its range in units that an experiment takes.
#include <inttypes.h>

#include "common/schema/schema.h"
#include "services/sdk/author/author.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {{"TiB", UINT64_C(1) << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

static char *in_units(double number, const struct unit *units, size_t count, struct arena *arena)
{
    uint64_t whole = (uint64_t)number;
    for (size_t i = 0; i < count; i++)
        if (whole != 0 && whole % units[i].factor == 0)
            return arena_printf(arena, "%" PRIu64 "%s", whole / units[i].factor, units[i].name);
    return arena_string(arena, "0");
}

static char *limit(const Pb__OptionDescription *option, double number, struct arena *arena)
{
    switch ((int)option->type) {
    case PB__OPTION_TYPE__OPTION_TYPE_DURATION:
        return in_units(number, durations, sizeof durations / sizeof *durations, arena);
    case PB__OPTION_TYPE__OPTION_TYPE_SIZE:
        return in_units(number, sizes, sizeof sizes / sizeof *sizes, arena);
    default:
        return arena_printf(arena, "%.15g", number);
    }
}

char *author_option_type(const Pb__OptionDescription *option, struct arena *arena)
{
    const char *name = option_type_name((int)option->type);
    if (option->n_choices > 0)
        return arena_printf(arena, "`%s`", author_join(arena, option->choices, option->n_choices, "`, `"));
    if (!option->has_range)
        return arena_string(arena, name);
    return arena_printf(arena, "%s %s..%s", name, limit(option, option->minimum, arena), limit(option, option->maximum, arena));
}
