// Values of options from the settings struct, as text.
#include "services/sdk/declared/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const void *scope_slot(const struct scope *scope, const struct panther_option *option)
{
    return (const char *)scope->settings + option->offset;
}

// The shortest decimal that is the same number.
static const char *number_text(struct arena *arena, double number)
{
    char *text = NULL;
    for (int digits = 6; digits <= 17; digits++) {
        text = arena_printf(arena, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    return text;
}

static const char *list_text(struct arena *arena, const struct panther_list *list)
{
    struct text whole = {0};
    for (size_t i = 0; i < list->count; i++) {
        text_printf(&whole, "%s%s", i > 0 ? " " : "", list->items[i]);
    }
    const char *text = arena_string(arena, text_string(&whole));
    text_free(&whole);
    return text;
}

const char *scope_option_text(struct scope *scope, const struct panther_option *option)
{
    const void *slot = scope_slot(scope, option);
    switch (option->type) {
    case PANTHER_OPTION_TYPE_STRING:
    case PANTHER_OPTION_TYPE_CHOICE:
    case PANTHER_OPTION_TYPE_FILE:
        return *(const char *const *)slot != NULL ? *(const char *const *)slot : "";
    case PANTHER_OPTION_TYPE_INTEGER:
        return arena_printf(scope->arena, "%" PRId64, *(const int64_t *)slot);
    case PANTHER_OPTION_TYPE_FLOAT:
    case PANTHER_OPTION_TYPE_RATIO:
        return number_text(scope->arena, *(const double *)slot);
    case PANTHER_OPTION_TYPE_BOOLEAN:
        return *(const bool *)slot ? "true" : "false";
    case PANTHER_OPTION_TYPE_DURATION:
    case PANTHER_OPTION_TYPE_SIZE:
        return arena_printf(scope->arena, "%" PRIu64, *(const uint64_t *)slot);
    case PANTHER_OPTION_TYPE_LIST:
        return list_text(scope->arena, slot);
    case PANTHER_OPTION_TYPE_PORT:
        return arena_printf(scope->arena, "%u", (unsigned)*(const uint16_t *)slot);
    }
    return "";
}
