// `try --environment`: "memcheck", or "limits:memory=64MiB" with an option, checked and normalised as an experiment's is.
#include <stdio.h>
#include <string.h>

#include "common/schema/environments.h"
#include "common/schema/schema.h"
#include "panther/test.h"
#include "services/sdk/author/author.h"

bool author_environment(struct panther_test *test, const char *text, struct arena *arena)
{
    const char *colon = strchr(text, ':');
    const char *name = arena_string_bytes(arena, text, colon ? (size_t)(colon - text) : strlen(text));
    const struct environment_type *type = environment_named(name);
    char *option = NULL;
    const char *value = NULL, *reason = "is no option of it";
    size_t count;
    if (!type) {
        const char *near = environment_nearest(name);
        fprintf(stderr, "panther-plugin: there is no execution environment \"%s\"%s%s%s\n", name, near ? "; did you mean \"" : "",
                near ? near : "", near ? "\"?" : "");
        return false;
    }
    const char *equals = colon ? strchr(colon, '=') : NULL;
    if (colon && !equals) {
        fprintf(stderr, "panther-plugin: \"%s\" is not TYPE:NAME=VALUE\n", text);
        return false;
    }
    if (equals) {
        option = arena_string_bytes(arena, colon + 1, (size_t)(equals - colon - 1));
        value = equals + 1;
    }
    const Pb__OptionDescription *const *descriptions = environment_options(type, arena, &count);
    for (size_t i = 0; option && i < count; i++)
        if (strcmp(descriptions[i]->name, option) == 0)
            value = schema_normalise(descriptions[i], value, arena, &reason), count = 0;
    if (option && (count > 0 || !value)) {
        fprintf(stderr, "panther-plugin: %s: %s %s\n", name, option, reason);
        return false;
    }
    panther_test_environment(test, name, option, value);
    return true;
}
