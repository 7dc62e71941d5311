// The phases that compile: what they depend on is told to the build cache, which runs them once per host and content.
#include "services/sdk/declared/build.h"

#include <string.h>

#include "services/sdk/declared/option.h"
#include "services/sdk/declared/rules.h"

// ---- reading

static void read_tools(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct build_rule *build = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    build->tools = ARENA_ARRAY(reading->arena, struct templates, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct templates *tool = &build->tools[build->tool_count++];
        read_templates(reading, value->items[i], &(const struct key){.name = "a tool", .allowed = REFERENCES_PLUGIN}, tool);
        if (value->items[i]->kind == VALUE_LIST && tool->count == 0) {
            MISTAKE(reading, value->items[i], "a tool is a command that prints its version, such as [gcc, --version]");
        }
    }
}

static void read_builds(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct build_rule *build = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    const char **names = ARENA_ARRAY(reading->arena, const char *, value->count + 1);
    build->variants = ARENA_ARRAY(reading->arena, struct build_variant, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct build_variant *variant = &build->variants[build->variant_count++];
        variant->name = names[i] = value->keys[i];
        read_environment(reading, value->items[i], &(const struct key){.name = "a build", .allowed = REFERENCES_COMPILE},
                         &variant->environment);
    }
    if (value->count == 0) {
        MISTAKE(reading, value, "builds has no build; leave it out");
        return;
    }
    option_add_choice(reading, value, "build", names, names[0], "how it is compiled");
}

#define SIZE_LIMIT_MAX_BYTES (1024LL * 1024 * 1024 * 1024)
static const struct key build_keys[] = {
    KEY("inputs", read_templates, offsetof(struct build_rule, inputs), .required = true, .allowed = REFERENCES_OPTIONS | REFERENCES_PLUGIN),
    KEY("tools", read_tools, 0),
    KEY("size_limit", read_size, offsetof(struct build_rule, size_limit_bytes), .minimum = 1024 * 1024, .maximum = SIZE_LIMIT_MAX_BYTES),
    KEY("builds", read_builds, 0),
};

void read_build(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    KEYS_READ(reading, value, key->name, build_keys, &document->build);
}

// ---- making

int build_make(struct scope *scope, const char **folder)
{
    *folder = NULL;
    if (scope->document->phases[PHASE_COMPILE].count == 0) {
        return 0;
    }
    return panther_fail(scope->service, "there is no build cache to compile into");
}
