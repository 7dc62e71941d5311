// panther-coord note, tag, pin, unpin: what people say of runs. It is in the journal, and changes no verdict.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/evidence.h"

#define WORDS_MAX 64 // tags at once: as many as a request takes

struct note_arguments {
    struct client client;
    const char *words[WORDS_MAX + 1]; // the run first
    size_t count, least;
    const char *missing; // what is said when there are fewer
    bool remove;
};

enum { KEY_REMOVE = 1500 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct note_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_REMOVE:
        arguments->remove = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->count > WORDS_MAX || (arguments->least == 1 && arguments->count == 1)) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->words[arguments->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->count < arguments->least) {
            argp_error(state, "%s", arguments->missing);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int send(struct note_arguments *arguments, Pb__Annotate *said, const char *sentence)
{
    struct client *client = &arguments->client;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ANNOTATE;
    request.annotate = said;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    if (!status) {
        const char *run = reply->annotated->run;
        client_answer(client, arena_printf(client->arena, "%s: %s", run, sentence), (const char *const[]){"run"}, &run, 1);
    }
    return status;
}

static char *word(const struct note_arguments *arguments, size_t index)
{
    return (char *)(uintptr_t)arguments->words[index];
}

// A trial that there is not would be kept for ever: the store knows.
static int find_trial(struct note_arguments *arguments)
{
    struct full_name name = {0};
    struct table *rows = NULL;
    struct evidence evidence = {.client = &arguments->client};
    if (full_name_parse(arguments->words[0], &name, NULL) || !*name.test) {
        return 0; // the coordinator says what it is
    }
    int status = evidence_table(&evidence, PB__TABLE__TABLE_TRIALS, arguments->words[0], &rows);
    table_free(&rows);
    return status;
}

int cli_note(int argc, char **argv)
{
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        NULL,
        parse,
        "RUN|TRIAL TEXT...",
        "Writes a note to a run or to one of its trials, with your key's name and the time; `report` shows it. "
        "A note stays: say more with another one.",
        children,
        NULL,
        NULL};
    struct note_arguments arguments = {.least = 2, .missing = "to which run or trial, and what? note RUN TEXT"};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct text text = {0};
    for (size_t i = 1; i < arguments.count; i++) {
        text_printf(&text, "%s%s", i > 1 ? " " : "", arguments.words[i]);
    }
    Pb__Annotate said = PB__ANNOTATE__INIT;
    said.run = word(&arguments, 0);
    said.note = text.data;
    int status = find_trial(&arguments);
    status = status ? status : send(&arguments, &said, "noted");
    text_free(&text);
    client_close(&arguments.client);
    return status;
}

static int check_tags(const struct note_arguments *arguments)
{
    for (size_t i = 1; i < arguments->count; i++) {
        if (!name_is_valid(arguments->words[i])) {
            fprintf(stderr, "panther-coord: \"%s\" is not a tag: use a-z 0-9 . _ -, the first a letter or digit\n", arguments->words[i]);
            return EXIT_USAGE;
        }
    }
    return 0;
}

int cli_tag(int argc, char **argv)
{
    static const struct argp_option options[] = {{"remove", KEY_REMOVE, NULL, 0, "take them away", 0}, {0}};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,  parse, "RUN NAME...", "Tags a run; `runs --tag NAME` finds it, `baseline: NAME` of an experiment too.",
        children, NULL,  NULL};
    struct note_arguments arguments = {.least = 2, .missing = "which run, and which tags? tag RUN NAME..."};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    char *tags[WORDS_MAX];
    for (size_t i = 1; i < arguments.count; i++) {
        tags[i - 1] = word(&arguments, i);
    }
    Pb__Annotate said = PB__ANNOTATE__INIT;
    said.run = word(&arguments, 0);
    *(arguments.remove ? &said.not_tags : &said.tags) = tags;
    *(arguments.remove ? &said.n_not_tags : &said.n_tags) = arguments.count - 1;
    int status = check_tags(&arguments);
    status = status ? status : send(&arguments, &said, arguments.remove ? "tags taken away" : "tagged");
    client_close(&arguments.client);
    return status;
}

static int pin(int argc, char **argv, Pb__Pin wanted, const char *doc, const char *sentence)
{
    const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {NULL, parse, "RUN", doc, children, NULL, NULL};
    struct note_arguments arguments = {.least = 1, .missing = "which run?"};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    Pb__Annotate said = PB__ANNOTATE__INIT;
    said.run = word(&arguments, 0);
    said.pin = wanted;
    int status = send(&arguments, &said, sentence);
    client_close(&arguments.client);
    return status;
}

int cli_pin(int argc, char **argv)
{
    return pin(argc, argv, PB__PIN__PIN_ON, "Keeps all evidence of a run, whatever the rules of retention say.", "its evidence stays");
}

int cli_unpin(int argc, char **argv)
{
    return pin(argc, argv, PB__PIN__PIN_OFF, "Lets the rules of retention apply to a run again.", "the rules of retention apply to it");
}
