// What a case needs of the services that it drives (profiles, execute, fresh) and of the network between them (conditions).
#include "services/sdk/declared/setup.h"

#include <string.h>

#include "services/sdk/declared/document.h"
#include "services/sdk/declared/network_conditions.h"

// The setup of one word of drives, made when it is first named. NULL: no such word, which is a mistake.
static struct panther_case_setup *setup_of(struct reading *reading, const struct value *place, const char *word, struct case_rule *rule)
{
    const struct document *document = reading->document;
    const char **words = ARENA_ARRAY(reading->arena, const char *, document->drive_count + 1);
    for (size_t i = 0; i < rule->setup_count; i++) {
        if (strcmp(rule->setups[i].drive, word) == 0) {
            return &rule->setups[i];
        }
    }
    if (rule->setups == NULL) {
        rule->setups = ARENA_ARRAY(reading->arena, struct panther_case_setup, document->drive_count + 1);
    }
    for (size_t i = 0; i < document->drive_count; i++) {
        words[i] = document->drives[i].name;
        if (strcmp(words[i], word) == 0) {
            rule->setups[rule->setup_count] = (struct panther_case_setup){.name = rule->name, .drive = words[i]};
            return &rule->setups[rule->setup_count++];
        }
    }
    unknown(reading, place, "word of drives", word, words, document->drive_count);
    return NULL;
}

void read_case_profiles(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    if (!is_map(reading, value, key->name)) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        struct panther_case_setup *setup = setup_of(reading, value->key_places[i], value->keys[i], member);
        const char *profile = text_of(reading, value->items[i], "a profile");
        if (profile != NULL && strlen(profile) > DECLARED_WORD_MAX_BYTES) {
            MISTAKE(reading, value->items[i], "a profile's name has at most %d characters", DECLARED_WORD_MAX_BYTES);
        }
        if (setup != NULL) {
            setup->profile = profile;
        }
    }
}

static void read_drives_list(struct reading *reading, const struct value *value, const struct key *key, struct case_rule *rule,
                             bool is_execute)
{
    for (size_t i = 0; is_list(reading, value, key->name) && i < value->count; i++) {
        const char *word = text_of(reading, value->items[i], "a word of drives");
        struct panther_case_setup *setup = word != NULL ? setup_of(reading, value->items[i], word, rule) : NULL;
        if (setup != NULL) {
            *(is_execute ? &setup->execute : &setup->fresh) = true;
        }
    }
}

void read_case_execute(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    read_drives_list(reading, value, key, member, true);
}

void read_case_fresh(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    read_drives_list(reading, value, key, member, false);
}

// As the experiment's own check reads them: each with its place, all at once.
static Pb__PlacedSetting *placed(struct reading *reading, const struct value *place, const char *name, const struct value *value)
{
    Pb__PlacedSetting *setting = ARENA_NEW(reading->arena, Pb__PlacedSetting);
    const bool is_several = value->kind == VALUE_LIST;
    const size_t count = is_several ? value->count : 1;
    pb__placed_setting__init(setting);
    setting->name = arena_string(reading->arena, name);
    setting->line = place->line;
    setting->column = place->column;
    setting->values = ARENA_ARRAY(reading->arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *text = text_of(reading, is_several ? value->items[i] : value, name);
        if (text != NULL) {
            setting->values[setting->n_values++] = arena_string(reading->arena, text);
        }
    }
    return setting;
}

static void add_conditions(struct case_rule *rule, const Pb__PlacedSetting *setting)
{
    for (size_t i = 0; i < setting->n_values; i++) {
        rule->conditions[rule->condition_count++] =
            (struct panther_case_condition){.name = rule->name, .key = setting->name, .value = setting->values[i]};
    }
}

void read_case_conditions(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct case_rule *rule = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    Pb__PlacedSetting **settings = ARENA_ARRAY(reading->arena, Pb__PlacedSetting *, value->count + 1);
    size_t values = 0;
    for (size_t i = 0; i < value->count; i++) {
        settings[i] = placed(reading, value->key_places[i], value->keys[i], value->items[i]);
        values += settings[i]->n_values;
    }
    network_conditions_check((const Pb__PlacedSetting *const *)settings, value->count, reading->diagnostics);
    rule->conditions = ARENA_ARRAY(reading->arena, struct panther_case_condition, values + 1);
    for (size_t i = 0; i < value->count; i++) {
        add_conditions(rule, settings[i]);
    }
}
