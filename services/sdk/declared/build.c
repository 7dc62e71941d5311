// The phases that compile: what they depend on is told to the build cache, which runs them once per host and content.
#include "services/sdk/declared/build.h"

#include <string.h>

#include "panther/build.h"
#include "services/sdk/declared/invocation.h"

#include "services/sdk/declared/option.h"
#include "services/sdk/declared/rules.h"

#define BUILD_OPTION "build"

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
    option_add_choice(reading, value, BUILD_OPTION, names, names[0], "how it is compiled");
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

bool build_is_wanted(const struct document *document)
{
    return document->phases[PHASE_PRE_COMPILE].count + document->phases[PHASE_COMPILE].count + document->phases[PHASE_POST_COMPILE].count >
           0;
}

static const char **texts_of(const struct templates *templates, struct scope *scope)
{
    const char **texts = ARENA_ARRAY(scope->arena, const char *, templates->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < templates->count; i++) {
        const char *text = template_text(templates->items[i], scope);
        if (text == NULL) {
            return NULL;
        }
        if (text[0] != '\0') { // an option of type file that was not given
            texts[count++] = text;
        }
    }
    return texts;
}

static const char *const *const *tools_of(const struct build_rule *build, struct scope *scope)
{
    const char *const **tools = ARENA_ARRAY(scope->arena, const char *const *, build->tool_count + 1);
    for (size_t i = 0; i < build->tool_count; i++) {
        tools[i] = texts_of(&build->tools[i], scope);
    }
    return tools;
}

// The one that the option `build` names.
static const struct build_variant *chosen_variant(struct scope *scope)
{
    const struct document *document = scope->document;
    for (size_t i = 0; document->build.variant_count > 0 && i < document->option_count; i++) {
        if (strcmp(document->options[i].name, BUILD_OPTION) != 0) {
            continue;
        }
        const char *name = scope_option_text(scope, &document->options[i]);
        for (size_t k = 0; k < document->build.variant_count; k++) {
            if (strcmp(document->build.variants[k].name, name) == 0) {
                return &document->build.variants[k];
            }
        }
    }
    return NULL;
}

static int add_environment(const struct command *command, struct scope *scope, struct panther_build_command *into)
{
    const struct build_variant *variant = chosen_variant(scope);
    const size_t most = command->environment.count + (variant != NULL ? variant->environment.count : 0);
    const char **environment = ARENA_ARRAY(scope->arena, const char *, most + 1);
    size_t count = 0;
    into->environment = environment;
    if (variant != NULL && invocation_environment(&variant->environment, scope, environment, &count) < 0) {
        return PANTHER_FAILED;
    }
    return invocation_environment(&command->environment, scope, environment, &count);
}

static int add_command(const struct command *command, struct scope *scope, struct panther_build_command *into)
{
    struct invocation invocation;
    if (invocation_make(command, scope, &invocation) < 0 || add_environment(command, scope, into) < 0) {
        return panther_fail(scope->service, "service.yaml:%u:%u: compile: %s", command->line, command->column, scope->problem);
    }
    into->name = invocation.name;
    into->argv = invocation.argv;
    const char *folder = command->working_dir != NULL ? template_text(command->working_dir, scope) : NULL;
    const bool is_inner = folder != NULL && folder[0] != '/' && strncmp(folder, PANTHER_BUILD_FOLDER, strlen(PANTHER_BUILD_FOLDER)) != 0;
    into->working_directory = is_inner ? arena_printf(scope->arena, PANTHER_BUILD_FOLDER "/%s", folder) : folder;
    into->clean_statuses = command->clean.items;
    into->timeout_ms = command->timeout_ms;
    return 0;
}

static int commands_of(struct scope *scope, struct panther_build_command *into, size_t *count)
{
    for (int phase = PHASE_PRE_COMPILE; phase <= PHASE_POST_COMPILE; phase++) {
        const struct commands *commands = &scope->document->phases[phase];
        for (size_t i = 0; i < commands->count; i++) {
            if (!condition_holds(commands->items[i].when, scope)) {
                continue;
            }
            const int result = add_command(&commands->items[i], scope, &into[*count]);
            if (result < 0) {
                return result;
            }
            (*count)++;
        }
    }
    return 0;
}

int build_make(struct scope *scope, const char **folder)
{
    const struct build_rule *build = &scope->document->build;
    const struct commands *phases = scope->document->phases;
    size_t count = 0;
    *folder = NULL;
    if (!build_is_wanted(scope->document)) {
        return 0;
    }
    scope->build = PANTHER_BUILD_FOLDER;
    const size_t most = phases[PHASE_PRE_COMPILE].count + phases[PHASE_COMPILE].count + phases[PHASE_POST_COMPILE].count;
    struct panther_build_command *commands = ARENA_ARRAY(scope->arena, struct panther_build_command, most + 1);
    const char **inputs = texts_of(&build->inputs, scope);
    if (inputs == NULL) {
        return panther_fail(scope->service, "build: inputs: %s", scope->problem);
    }
    if (commands_of(scope, commands, &count) < 0) {
        return PANTHER_FAILED;
    }
    *folder = panther_build(scope->service, .inputs = inputs, .tools = tools_of(build, scope), .command_count = count, .commands = commands,
                            .size_limit_bytes = build->size_limit_bytes);
    return *folder != NULL ? 0 : PANTHER_FAILED;
}

void build_check(struct reading *reading, const struct value *root)
{
    const struct document *document = reading->document;
    const struct value *build = value_get(root, "build");
    if (build_is_wanted(document) && build == NULL) {
        MISTAKE(reading, value_get(root, "phases"), "what is compiled needs the key \"build\", with the inputs that it depends on");
    } else if (!build_is_wanted(document) && build != NULL) {
        MISTAKE(reading, build, "build: there is no phase that compiles");
    }
}
