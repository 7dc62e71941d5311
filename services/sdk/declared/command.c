// Commands: argv with conditions and each, environment, how one ends. Read here; made ready to run in invocation.c.
#include <string.h>

#include "services/sdk/declared/document.h"

// ---- argv

static const struct key argument_keys[] = {
    KEY("when", read_when, offsetof(struct argument, when)),
    KEY("args", read_templates, offsetof(struct argument, arguments), .required = true, .allowed = REFERENCES_RUN),
};
static const struct key compile_argument_keys[] = {
    KEY("when", read_when, offsetof(struct argument, when)),
    KEY("args", read_templates, offsetof(struct argument, arguments), .required = true, .allowed = REFERENCES_COMPILE),
};

// `each: option.NAME`
static void read_each(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const struct document *document = reading->document;
    const char *text = text_of(reading, value, key->name);
    if (text == NULL) {
        return;
    }
    const char *name = strncmp(text, "option.", 7) == 0 ? text + 7 : NULL;
    for (size_t i = 0; name != NULL && i < document->option_count; i++) {
        if (strcmp(document->options[i].name, name) == 0 && document->options[i].type == PANTHER_OPTION_TYPE_LIST) {
            *(const struct panther_option **)member = &document->options[i];
            return;
        }
    }
    MISTAKE(reading, value, "each takes option.NAME of a list, not \"%.80s\"", text);
}

static const struct key each_keys[] = {
    KEY("when", read_when, offsetof(struct argument, when)),
    KEY("each", read_each, offsetof(struct argument, each), .required = true),
    KEY("args", read_templates, offsetof(struct argument, arguments), .required = true, .allowed = REFERENCES_RUN | REFERENCES_ITEM),
};
static const struct key compile_each_keys[] = {
    KEY("when", read_when, offsetof(struct argument, when)),
    KEY("each", read_each, offsetof(struct argument, each), .required = true),
    KEY("args", read_templates, offsetof(struct argument, arguments), .required = true, .allowed = REFERENCES_COMPILE | REFERENCES_ITEM),
};

static void read_argument(struct reading *reading, const struct value *value, unsigned allowed, struct argument *argument)
{
    const bool is_compile = (allowed & REFERENCES_INSTANCE) == 0;
    if (value->kind == VALUE_SCALAR) {
        read_template(reading, value, &(const struct key){.name = "an item of argv", .allowed = allowed}, &argument->text);
    } else if (value_get(value, "each") != NULL) {
        keys_read(reading, value, "an item of argv", is_compile ? compile_each_keys : each_keys, 3, argument);
    } else {
        keys_read(reading, value, "an item of argv", is_compile ? compile_argument_keys : argument_keys, 2, argument);
    }
}

static void read_argv(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct command *command = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    command->arguments = ARENA_ARRAY(reading->arena, struct argument, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        read_argument(reading, value->items[i], key->allowed, &command->arguments[command->argument_count++]);
    }
    if (value->count == 0) {
        MISTAKE(reading, value, "argv is empty: it begins with a program");
    } else if (command->arguments[0].text == NULL) {
        MISTAKE(reading, value->items[0], "argv begins with a program; give the command itself a condition");
    }
}

// ---- environment

static const struct key entry_keys[] = {
    KEY("value", read_template, offsetof(struct environment_entry, value), .required = true, .allowed = REFERENCES_RUN),
    KEY("when", read_when, offsetof(struct environment_entry, when)),
};
static const struct key compile_entry_keys[] = {
    KEY("value", read_template, offsetof(struct environment_entry, value), .required = true, .allowed = REFERENCES_COMPILE),
    KEY("when", read_when, offsetof(struct environment_entry, when)),
};

void read_environment(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct environment *environment = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    environment->entries = ARENA_ARRAY(reading->arena, struct environment_entry, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct environment_entry *entry = &environment->entries[environment->count++];
        const struct value *item = value->items[i];
        entry->name = value->keys[i];
        if (strchr(entry->name, '=') != NULL) {
            MISTAKE(reading, value->key_places[i], "the name of a variable has no \"=\"");
        }
        if (item->kind == VALUE_SCALAR) {
            read_template(reading, item, &(const struct key){.name = entry->name, .allowed = key->allowed}, &entry->value);
        } else {
            const bool is_compile = (key->allowed & REFERENCES_INSTANCE) == 0;
            keys_read(reading, item, "an entry of environment", is_compile ? compile_entry_keys : entry_keys, 2, entry);
        }
    }
}

// ---- how it ends

// A minute of grace: longer than any stop_ms of an experiment that somebody waits for.
#define GRACE_MAX_MS 600000

static const struct key stop_keys[] = {
    KEY("signal", read_signal, offsetof(struct stop_rule, signal)),
    KEY("clean", read_statuses, offsetof(struct stop_rule, clean)),
    KEY("clean_on_signal", read_boolean, offsetof(struct stop_rule, clean_on_signal)),
    KEY("grace", read_duration, offsetof(struct stop_rule, grace_ms), .minimum = 1, .maximum = GRACE_MAX_MS),
};

void read_stop(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    KEYS_READ(reading, value, key->name, stop_keys, member);
}

static void read_own_stop(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct command *command = member;
    command->has_stop = true;
    read_stop(reading, value, key, &command->stop);
}

static void read_finishes(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct command *command = member;
    command->finishes_is_set = true;
    read_boolean(reading, value, key, &command->finishes);
}

// ---- a command

#define COMMAND_TIMEOUT_MAX_MS (24 * 3600 * 1000)
#define COMMAND_KEYS(ALLOWED)                                                                                                              \
    KEY("argv", read_argv, 0, .required = true, .allowed = (ALLOWED)), KEY("when", read_when, offsetof(struct command, when)),             \
        KEY("environment", read_environment, offsetof(struct command, environment), .allowed = (ALLOWED)),                                 \
        KEY("working_dir", read_template, offsetof(struct command, working_dir), .allowed = (ALLOWED)),                                    \
        KEY("timeout", read_duration, offsetof(struct command, timeout_ms), .minimum = 1, .maximum = COMMAND_TIMEOUT_MAX_MS),              \
        KEY("clean", read_statuses, offsetof(struct command, clean)), KEY("name", read_text, offsetof(struct command, name))

static const struct key compile_keys[] = {COMMAND_KEYS(REFERENCES_COMPILE)};
static const struct key step_keys[] = {COMMAND_KEYS(REFERENCES_RUN)};
static const struct key run_keys[] = {COMMAND_KEYS(REFERENCES_RUN), KEY("finishes", read_finishes, 0), KEY("stop", read_own_stop, 0)};

static void read_command(struct reading *reading, const struct value *value, const struct key *key, struct command *command)
{
    *command = (struct command){.line = value->line, .column = value->column};
    const char *noun = "a command";
    if ((key->allowed & REFERENCES_INSTANCE) == 0) {
        KEYS_READ(reading, value, noun, compile_keys, command);
    } else if (strcmp(key->name, "run") == 0) {
        KEYS_READ(reading, value, noun, run_keys, command);
    } else {
        KEYS_READ(reading, value, noun, step_keys, command);
    }
}

void read_commands(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct commands *commands = member;
    const bool is_several = value->kind == VALUE_LIST;
    if (is_several && !is_list(reading, value, key->name)) {
        return;
    }
    const size_t count = is_several ? value->count : 1;
    commands->items = ARENA_ARRAY(reading->arena, struct command, count + 1);
    for (size_t i = 0; i < count; i++) {
        read_command(reading, is_several ? value->items[i] : value, key, &commands->items[commands->count++]);
    }
    if (count == 0) {
        MISTAKE(reading, value, "%s has no command; leave it out", key->name);
    }
}
