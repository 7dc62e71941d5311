#include "services/sdk/declared/installed.h"

#include <stdio.h>
#include <string.h>

#include "services/sdk/declared/pattern.h"
#include "services/sdk/declared/scope.h"

// What a program prints about itself: `nginx -V` is 2 KiB, `--help` of a large one some ten.
#define OUTPUT_BYTES 65536
#define VERSION_MAX_BYTES 200

// ---- reading

static const struct key version_keys[] = {
    KEY("command", read_templates, offsetof(struct version_rule, command), .required = true, .allowed = REFERENCES_PLUGIN),
    KEY("match", read_pattern, offsetof(struct version_rule, match), .required = true),
};

void read_version_rule(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct version_rule *rule = member;
    KEYS_READ(reading, value, key->name, version_keys, rule);
    if (rule->command.items != NULL && rule->command.count == 0) {
        MISTAKE(reading, value, "command is empty");
    }
}

static const struct key capability_keys[] = {
    KEY("name", read_text, offsetof(struct capability_rule, name), .required = true, .maximum = DECLARED_WORD_MAX_BYTES),
    KEY("command", read_templates, offsetof(struct capability_rule, command), .allowed = REFERENCES_PLUGIN),
    KEY("match", read_pattern, offsetof(struct capability_rule, match)),
};

void read_capabilities(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    document->capabilities = ARENA_ARRAY(reading->arena, struct capability_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct capability_rule *rule = &document->capabilities[document->capability_count];
        KEYS_READ(reading, value->items[i], "a capability", capability_keys, rule);
        if ((rule->command.count == 0) != (rule->match == NULL)) {
            MISTAKE(reading, value->items[i], "a capability has both command and match, or neither (then it is always there)");
        }
        document->capability_count += rule->name != NULL;
    }
}

// ---- asking

static const char **argv_of(const struct document *document, const struct templates *command, struct arena *arena)
{
    struct scope scope = {.document = document, .arena = arena};
    const char **argv = ARENA_ARRAY(arena, const char *, command->count + 1);
    for (size_t i = 0; i < command->count; i++) {
        argv[i] = template_text(command->items[i], &scope);
    }
    return argv;
}

// The first match in what the command prints; group 1 when the expression has one. Its exit status says nothing: `unbound -h` ends with 1.
static bool matches(const struct document *document, const struct templates *command, const struct template *pattern, char *found,
                    size_t found_bytes)
{
    struct arena *arena = arena_new(0);
    char *output = arena_allocate(arena, OUTPUT_BYTES);
    regmatch_t places[2];
    regex_t regex;
    bool is_found = false;
    if (panther_command_output(argv_of(document, command, arena), output, OUTPUT_BYTES) >= 0 && pattern_compile(pattern, NULL, &regex)) {
        is_found = regexec(&regex, output, 2, places, 0) == 0;
        const regmatch_t *place = is_found && places[1].rm_so >= 0 ? &places[1] : &places[0];
        if (is_found) {
            snprintf(found, found_bytes, "%.*s", (int)(place->rm_eo - place->rm_so), output + place->rm_so);
        }
        regfree(&regex);
    }
    arena_free(&arena);
    return is_found;
}

int installed_version(const struct document *document, char *text, size_t text_bytes)
{
    const struct version_rule *rule = &document->installed;
    char found[VERSION_MAX_BYTES] = "";
    if (rule->command.count == 0 || !matches(document, &rule->command, rule->match, found, sizeof(found))) {
        return PANTHER_MISSING;
    }
    snprintf(text, text_bytes, "%s", found);
    return 0;
}

static bool is_there(const struct document *document, const struct capability_rule *rule)
{
    char found[VERSION_MAX_BYTES];
    return rule->command.count == 0 || matches(document, &rule->command, rule->match, found, sizeof(found));
}

int installed_capabilities(const struct document *document, struct panther_capabilities *capabilities)
{
    for (size_t i = 0; i < document->capability_count; i++) {
        if (is_there(document, &document->capabilities[i])) {
            panther_capability(capabilities, document->capabilities[i].name);
        }
    }
    return 0;
}

bool installed_has(const struct document *document, const char *capability)
{
    for (size_t i = 0; i < document->capability_count; i++) {
        const struct capability_rule *rule = &document->capabilities[i];
        if (strcmp(rule->name, capability) == 0 && is_there(document, rule)) {
            return true;
        }
    }
    return false;
}
