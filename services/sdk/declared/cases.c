// What a tester declares: drives and cases.
#include <string.h>

#include "common/base/identity.h"
#include "services/sdk/declared/evidence.h"
#include "services/sdk/declared/rules.h"
#include "services/sdk/declared/setup.h"

static const struct key drive_keys[] = {
    KEY("protocol", read_name, offsetof(struct panther_drive, protocol)),
    KEY("role", read_name, offsetof(struct panther_drive, role)),
    KEY("required", read_boolean, offsetof(struct panther_drive, required)),
};

void read_drives(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    document->drives = ARENA_ARRAY(reading->arena, struct panther_drive, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct panther_drive *drive = &document->drives[document->drive_count++];
        drive->name = value->keys[i];
        if (!name_is_valid(drive->name)) {
            MISTAKE(reading, value->key_places[i], "\"%.80s\" is no name: lower case letters, digits, . _ -", drive->name);
        }
        KEYS_READ(reading, value->items[i], "a driven service", drive_keys, drive);
    }
    if (value->count > DECLARED_WORDS_MAX) {
        MISTAKE(reading, value, "more than %d words of drives", DECLARED_WORDS_MAX);
    }
}

// Conditions ask for cases, and stand in what cases refer to: the names are read first.
void read_case_names(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    document->cases = ARENA_ARRAY(reading->arena, struct case_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        document->cases[i].name = value->keys[i];
        if (!name_is_valid(value->keys[i])) {
            MISTAKE(reading, value->key_places[i], "\"%.80s\" is no name: lower case letters, digits, . _ -", value->keys[i]);
        }
    }
    document->case_count = value->count;
}

#define CASE_TIMEOUT_MAX_MS (24 * 3600 * 1000)
static const struct key case_keys[] = {
    KEY("summary", read_text, offsetof(struct case_rule, summary), .required = true, .maximum = DECLARED_LINE_MAX_BYTES),
    KEY("timeout", read_duration, offsetof(struct case_rule, timeout_ms), .minimum = 1, .maximum = CASE_TIMEOUT_MAX_MS),
    KEY("needs", read_words, offsetof(struct case_rule, needs)),
    KEY("run", read_commands, offsetof(struct case_rule, run), .allowed = REFERENCES_RUN),
    KEY("verdict", read_verdict, offsetof(struct case_rule, verdict)),
    KEY("profiles", read_case_profiles, 0),
    KEY("execute", read_case_execute, 0),
    KEY("fresh", read_case_fresh, 0),
    KEY("conditions", read_case_conditions, 0),
};

void read_cases(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    (void)key;
    for (size_t i = 0; value->kind == VALUE_MAP && i < document->case_count; i++) {
        struct case_rule *rule = &document->cases[i];
        KEYS_READ(reading, value->items[i], "a case", case_keys, rule);
        if (rule->run.count == 0 && document->phases[PHASE_RUN].count == 0) {
            MISTAKE(reading, value->items[i], "case %s has nothing to run: give it a run, or phases a run for all", rule->name);
        }
    }
}
