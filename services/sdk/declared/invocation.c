#include "services/sdk/declared/invocation.h"

#include <stdio.h>
#include <string.h>

// Of a program's own words in a message: its last lines, what a person reads first.
#define TAIL_BYTES 600

struct words {
    const char **items;
    size_t count, capacity;
};

static int add_word(struct words *words, const char *text, struct scope *scope)
{
    if (text == NULL) {
        return PANTHER_FAILED;
    }
    if (words->count > PANTHER_ARGUMENTS_MAX) {
        snprintf(scope->problem, sizeof(scope->problem), "more than %d arguments for one program", PANTHER_ARGUMENTS_MAX);
        return PANTHER_FAILED;
    }
    APPEND(words->items, words->count, words->capacity) = text;
    return 0;
}

static int add_list(struct words *words, const struct panther_list *list, struct scope *scope)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < list->count; i++) {
        result = add_word(words, list->items[i], scope);
    }
    return result;
}

static int add_template(struct words *words, const struct template *template, struct scope *scope)
{
    const struct panther_option *option = template_list_option(template);
    return option != NULL ? add_list(words, scope_slot(scope, option), scope) : add_word(words, template_text(template, scope), scope);
}

static int add_templates(struct words *words, const struct templates *templates, struct scope *scope)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < templates->count; i++) {
        result = add_template(words, templates->items[i], scope);
    }
    return result;
}

static int add_argument(struct words *words, const struct argument *argument, struct scope *scope)
{
    int result = 0;
    if (!condition_holds(argument->when, scope)) {
        return 0;
    }
    if (argument->text != NULL) {
        return add_template(words, argument->text, scope);
    }
    if (argument->each == NULL) {
        return add_templates(words, &argument->arguments, scope);
    }
    const struct panther_list *list = scope_slot(scope, argument->each);
    for (size_t i = 0; result == 0 && i < list->count; i++) {
        scope->item = list->items[i];
        result = add_templates(words, &argument->arguments, scope);
    }
    scope->item = NULL;
    return result;
}

static const char *const *make_argv(const struct command *command, struct scope *scope)
{
    struct words words = {0};
    int result = 0;
    for (size_t i = 0; result == 0 && i < command->argument_count; i++) {
        result = add_argument(&words, &command->arguments[i], scope);
    }
    const char **argv = ARENA_ARRAY(scope->arena, const char *, words.count + 1);
    if (words.count > 0) {
        memcpy(argv, words.items, words.count * sizeof(*argv));
    }
    free(words.items);
    return result == 0 && argv[0] != NULL ? argv : NULL;
}

int invocation_environment(const struct environment *environment, struct scope *scope, const char **list, size_t *count)
{
    for (size_t i = 0; i < environment->count; i++) {
        const struct environment_entry *entry = &environment->entries[i];
        if (!condition_holds(entry->when, scope)) {
            continue;
        }
        const char *value = template_text(entry->value, scope);
        if (value == NULL) {
            return PANTHER_FAILED;
        }
        list[(*count)++] = arena_printf(scope->arena, "%s=%s", entry->name, value);
    }
    return 0;
}

int invocation_make(const struct command *command, struct scope *scope, struct invocation *invocation)
{
    size_t count = 0;
    const char **environment = ARENA_ARRAY(scope->arena, const char *, command->environment.count + 1);
    *invocation = (struct invocation){.argv = make_argv(command, scope), .environment = environment};
    if (invocation->argv == NULL || invocation_environment(&command->environment, scope, environment, &count) < 0) {
        return PANTHER_FAILED;
    }
    if (command->working_dir != NULL) {
        invocation->working_dir = template_text(command->working_dir, scope);
        if (invocation->working_dir == NULL) {
            return PANTHER_FAILED;
        }
        if (invocation->working_dir[0] != '/' && scope->service != NULL) {
            invocation->working_dir = panther_path(scope->service, "%s", invocation->working_dir);
        }
    }
    const char *slash = strrchr(invocation->argv[0], '/');
    invocation->name = command->name != NULL ? command->name : slash != NULL ? slash + 1 : invocation->argv[0];
    return 0;
}

// ---- run to its end

bool invocation_is_clean(const struct command *command, const struct panther_exit *end)
{
    bool is_clean = end->signal == 0 && end->status == 0;
    for (size_t i = 0; end->signal == 0 && i < command->clean.count; i++) {
        is_clean = is_clean || command->clean.items[i] == end->status;
    }
    return is_clean;
}

const char *invocation_end_text(struct arena *arena, const struct panther_exit *end)
{
    return end->signal != 0 ? arena_printf(arena, "was ended by signal %d", end->signal)
                            : arena_printf(arena, "ended with status %d", end->status);
}

static char *last_lines(struct arena *arena, const char *text, size_t bytes)
{
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == ' ')) {
        bytes--;
    }
    const size_t kept = bytes > TAIL_BYTES ? TAIL_BYTES : bytes;
    return arena_string_bytes(arena, text + bytes - kept, kept);
}

const char *invocation_tail(struct scope *scope, int process)
{
    size_t bytes = 0;
    const char *text = panther_output(scope->service, process, PANTHER_STDERR, &bytes);
    if (bytes == 0) {
        text = panther_output(scope->service, process, PANTHER_STDOUT, &bytes);
    }
    char *tail = last_lines(scope->arena, text, bytes);
    for (char *c = tail; *c != '\0'; c++) {
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    }
    return tail;
}

static int refuse(struct scope *scope, const struct command *command, const char *phase)
{
    return panther_fail(scope->service, "service.yaml:%u:%u: %s: %s", command->line, command->column, phase, scope->problem);
}

int invocation_run(const struct command *command, struct scope *scope, const char *phase)
{
    struct panther_service *service = scope->service;
    struct invocation invocation;
    struct panther_exit end = {0};
    if (invocation_make(command, scope, &invocation) < 0) {
        return refuse(scope, command, phase);
    }
    const int process = panther_spawn(service, .name = invocation.name, .argv = invocation.argv, .environment = invocation.environment,
                                      .working_directory = invocation.working_dir, .clean_statuses = command->clean.items, .finishes = true,
                                      .want_output = true);
    if (process < 0) {
        return process;
    }
    const int result = panther_wait(service, process, command->timeout_ms, &end);
    if (result == PANTHER_TIMED_OUT) {
        panther_end(service, process, 0);
        return panther_fail(service, "%s: %s was not done in time", phase, invocation.name);
    }
    if (result != PANTHER_OK) {
        return result;
    }
    if (!invocation_is_clean(command, &end)) {
        return panther_fail(service, "%s: %s %s: %s", phase, invocation.name, invocation_end_text(scope->arena, &end),
                            invocation_tail(scope, process));
    }
    return 0;
}

int invocation_run_all(const struct commands *commands, struct scope *scope, const char *phase)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < commands->count; i++) {
        if (condition_holds(commands->items[i].when, scope)) {
            result = invocation_run(&commands->items[i], scope, phase);
        }
    }
    return result;
}

// ---- run on

int invocation_spawn(const struct command *command, const struct stop_rule *stop, struct scope *scope, bool finishes)
{
    struct invocation invocation;
    if (invocation_make(command, scope, &invocation) < 0) {
        return refuse(scope, command, "run");
    }
    const struct statuses *clean = command->clean.count > 0 ? &command->clean : &stop->clean;
    return panther_spawn(scope->service, .name = invocation.name, .argv = invocation.argv, .environment = invocation.environment,
                         .working_directory = invocation.working_dir, .clean_statuses = clean->items,
                         .clean_on_term = stop->clean_on_signal, .stop_signal = stop->signal, .finishes = finishes,
                         .want_output = finishes);
}
