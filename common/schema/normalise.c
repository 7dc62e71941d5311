// One value of one option: from what a person wrote to the one spelling that everybody behind the check reads.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/units.h"
#include "common/schema/schema.h"

struct kind {
    const char *name;
    const char *wrong; // "... is not an integer"
};

static const struct kind kinds[] = {
    [PB__OPTION_TYPE__OPTION_TYPE_UNSPECIFIED] = {"untyped", "has no type"},
    [PB__OPTION_TYPE__OPTION_TYPE_STRING] = {"string", "is not text"},
    [PB__OPTION_TYPE__OPTION_TYPE_INTEGER] = {"integer", "is not an integer"},
    [PB__OPTION_TYPE__OPTION_TYPE_FLOAT] = {"float", "is not a number"},
    [PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN] = {"boolean", "is not true or false"},
    [PB__OPTION_TYPE__OPTION_TYPE_CHOICE] = {"choice", "is not one of the choices"},
    [PB__OPTION_TYPE__OPTION_TYPE_DURATION] = {"duration", "is not a duration such as 150ms, 2.5s or 30m"},
    [PB__OPTION_TYPE__OPTION_TYPE_SIZE] = {"size", "is not a size such as 4096, 10kB or 64MiB"},
    [PB__OPTION_TYPE__OPTION_TYPE_RATIO] = {"ratio", "is not a ratio such as 0.5 or 99.9%"},
    [PB__OPTION_TYPE__OPTION_TYPE_LIST] = {"list", "is not text"},
    [PB__OPTION_TYPE__OPTION_TYPE_FILE] = {"file", "names no file"},
};

static const struct kind *kind_of(int type)
{
    int count = (int)(sizeof kinds / sizeof *kinds);
    return &kinds[type >= 0 && type < count ? type : PB__OPTION_TYPE__OPTION_TYPE_UNSPECIFIED];
}

const char *option_type_name(int type)
{
    return kind_of(type)->name;
}

// The shortest spelling that reads back as the same double.
static const char *float_text(double number, struct arena *arena)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return arena_string(arena, text);
}

// The reason for a value outside its range, in the unit of the option's type; NULL when it is inside.
static const char *outside(const Pb__OptionDescription *option, double number, struct arena *arena)
{
    if (!option->has_range || (number >= option->minimum && number <= option->maximum))
        return NULL;
    const char *unit = option->type == PB__OPTION_TYPE__OPTION_TYPE_DURATION ? "ms"
                       : option->type == PB__OPTION_TYPE__OPTION_TYPE_SIZE   ? " bytes"
                                                                             : "";
    return arena_printf(arena, "is not between %s%s and %s%s", float_text(option->minimum, arena), unit, float_text(option->maximum, arena),
                        unit);
}

static const char *not_a_choice(const Pb__OptionDescription *option, const char *text, struct arena *arena)
{
    for (size_t i = 0; i < option->n_choices; i++) {
        if (strcmp(option->choices[i], text) == 0)
            return NULL;
    }
    struct text reason = {0};
    text_append(&reason, "is not one of ");
    for (size_t i = 0; i < option->n_choices; i++)
        text_printf(&reason, "%s%s", i == 0 ? "" : ", ", option->choices[i]);
    const char *nearest = suggest(text, (const char *const *)option->choices, option->n_choices);
    if (nearest != NULL)
        text_printf(&reason, "; did you mean \"%s\"?", nearest);
    const char *copy = arena_string(arena, text_string(&reason));
    text_free(&reason);
    return copy;
}

// ---- one function per family of types: the normalised text, or NULL with the reason

static const char *integer(const Pb__OptionDescription *option, const char *text, struct arena *arena, const char **reason)
{
    int64_t number;
    if (!integer_parse(text, &number)) {
        *reason = kind_of((int)option->type)->wrong;
        return NULL;
    }
    *reason = outside(option, (double)number, arena);
    return *reason != NULL ? NULL : arena_printf(arena, "%" PRId64, number);
}

static const char *quantity(const Pb__OptionDescription *option, const char *text, struct arena *arena, const char **reason)
{
    uint64_t number;
    bool is_duration = option->type == PB__OPTION_TYPE__OPTION_TYPE_DURATION;
    if (!(is_duration ? duration_parse_ms(text, &number) : size_parse_bytes(text, &number)) || number > INT64_MAX) {
        *reason = kind_of((int)option->type)->wrong;
        return NULL;
    }
    *reason = outside(option, (double)number, arena);
    return *reason != NULL ? NULL : arena_printf(arena, "%" PRIu64, number);
}

static const char *real(const Pb__OptionDescription *option, const char *text, struct arena *arena, const char **reason)
{
    double number;
    bool is_ratio = option->type == PB__OPTION_TYPE__OPTION_TYPE_RATIO;
    if (!(is_ratio ? ratio_parse(text, &number) : float_parse(text, &number))) {
        *reason = kind_of((int)option->type)->wrong;
        return NULL;
    }
    *reason = outside(option, number, arena);
    return *reason != NULL ? NULL : float_text(number, arena);
}

static const char *boolean(const Pb__OptionDescription *option, const char *text, const char **reason)
{
    bool value;
    if (!boolean_parse(text, &value)) {
        *reason = kind_of((int)option->type)->wrong;
        return NULL;
    }
    return value ? "true" : "false";
}

static const char *word(const Pb__OptionDescription *option, const char *text, struct arena *arena, const char **reason)
{
    bool has_choices = option->type == PB__OPTION_TYPE__OPTION_TYPE_CHOICE || option->n_choices > 0;
    if (option->type == PB__OPTION_TYPE__OPTION_TYPE_FILE && text[0] == '\0')
        *reason = kind_of((int)option->type)->wrong;
    else if (has_choices)
        *reason = not_a_choice(option, text, arena);
    return *reason != NULL ? NULL : arena_string(arena, text);
}

const char *schema_normalise(const Pb__OptionDescription *option, const char *text, struct arena *arena, const char **reason)
{
    *reason = NULL;
    switch (option->type) {
    case PB__OPTION_TYPE__OPTION_TYPE_STRING:
    case PB__OPTION_TYPE__OPTION_TYPE_CHOICE:
    case PB__OPTION_TYPE__OPTION_TYPE_LIST:
    case PB__OPTION_TYPE__OPTION_TYPE_FILE:
        return word(option, text, arena, reason);
    case PB__OPTION_TYPE__OPTION_TYPE_INTEGER:
        return integer(option, text, arena, reason);
    case PB__OPTION_TYPE__OPTION_TYPE_FLOAT:
    case PB__OPTION_TYPE__OPTION_TYPE_RATIO:
        return real(option, text, arena, reason);
    case PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN:
        return boolean(option, text, reason);
    case PB__OPTION_TYPE__OPTION_TYPE_DURATION:
    case PB__OPTION_TYPE__OPTION_TYPE_SIZE:
        return quantity(option, text, arena, reason);
    case PB__OPTION_TYPE__OPTION_TYPE_UNSPECIFIED:
    case _PB__OPTION_TYPE_IS_INT_SIZE:
        break;
    }
    *reason = kinds[PB__OPTION_TYPE__OPTION_TYPE_UNSPECIFIED].wrong; // a description of a newer version
    return NULL;
}
