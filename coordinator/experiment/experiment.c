// From the document to the resolved experiment: the top level of the language.
#include "coordinator/experiment/experiment.h"

#include <string.h>

#include "coordinator/experiment/files.h"
#include "coordinator/experiment/gates.h"
#include "coordinator/experiment/hosts.h"
#include "coordinator/experiment/language.h"
#include "coordinator/experiment/limits.h"
#include "coordinator/experiment/only.h"
#include "coordinator/experiment/tests.h"

#define DESCRIPTION_MAX_BYTES TEXT_MAX_BYTES

const struct document_key experiment_keys[] = {
    DOCUMENT_KEY("panther", TEXT, .required = true, .help = "version of the language: 1"),
    DOCUMENT_KEY("experiment", TEXT, .required = true, .help = "its name"),
    DOCUMENT_KEY("description", TEXT),
    DOCUMENT_KEY("labels", SETTINGS, .help = "to find runs by"),
    DOCUMENT_KEY("files", SETTINGS, .help = "files and folders that travel with it"),
    DOCUMENT_KEY("include", TEXTS, .help = "other files: this one stands on top of them"),
    DOCUMENT_KEY("defaults", MAP, .keys = tests_keys, .help = "what tests do not say themselves"),
    DOCUMENT_KEY("baseline", MAP, .keys = gates_baseline_keys, .or_text = true, .help = "the run that gates hold this one against"),
    DOCUMENT_KEY("only", SETTINGS, .help = "the part that runs: axes, services, case, test"),
    DOCUMENT_KEY("tests", LIST, .keys = tests_keys, .required = true),
    DOCUMENT_LATER("campaign"),
    DOCUMENT_LATER("builds"),
    DOCUMENT_END};

static void read_version(const struct document *document, const struct value *root, Pb__Experiment *experiment)
{
    const struct value *version = document_get(root, "panther");
    const char *text = document_text(document, version, "panther");
    experiment->language = LANGUAGE_NUMBER;
    if (!version)
        document_error(document, root, "the version of the language is missing; write `panther: %s` first", LANGUAGE_VERSION);
    else if (text && strcmp(text, LANGUAGE_VERSION) != 0)
        document_error(document, version, "this version understands `panther: %s`, not \"%.80s\"", LANGUAGE_VERSION, text);
}

static void read_name(const struct document *document, const struct value *root, Pb__Experiment *experiment)
{
    const struct value *name = document_get(root, "experiment");
    const char *text = document_text(document, name, "experiment");
    if (!name)
        document_error(document, root, "the experiment has no name; write `experiment: NAME`");
    if (!text)
        return;
    if (!name_is_valid(text))
        document_error(document, name, "\"%.80s\" is not a name: at most %d of a-z 0-9 . _ -, the first a letter or digit", text,
                       NAME_MAX_BYTES - 1);
    experiment->name = arena_string(document->arena, text);
}

static void read_description(const struct document *document, const struct value *description, Pb__Experiment *experiment)
{
    const char *text = document_text(document, description, "description");
    if (!text)
        return;
    if (strlen(text) > DESCRIPTION_MAX_BYTES)
        document_error(document, description, "the description is longer than %d bytes", DESCRIPTION_MAX_BYTES);
    experiment->description = arena_string(document->arena, text);
}

Pb__Experiment *experiment_resolve(const struct value *root, const struct experiment_plugins *plugins,
                                   const Pb__FileReference *const *files, size_t file_count, struct arena *arena,
                                   struct diagnostics *diagnostics)
{
    const struct document document = {arena, diagnostics};
    size_t errors_before = diagnostics->errors;
    Pb__Experiment *experiment = ARENA_NEW(arena, Pb__Experiment);
    pb__experiment__init(experiment);
    if (!document_is_map(&document, root, "an experiment"))
        return NULL;
    document_check_keys(&document, root, experiment_keys, "an experiment");
    if (document_get(root, "include")) // the coordinator opens no files
        document_error(&document, document_get(root, "include"), "include is carried out by panther-coord before it submits a file");
    read_version(&document, root, experiment);
    read_name(&document, root, experiment);
    read_description(&document, document_get(root, "description"), experiment);
    experiment->n_labels = hosts_read_labels(&document, document_get(root, "labels"), &experiment->labels);
    files_read(&document, root, files, file_count, experiment);
    gates_read_baseline(&document, document_get(root, "baseline"), experiment);
    if (!document_get(root, "tests"))
        document_error(&document, root, "the experiment has no tests");
    tests_read(&document, plugins, document_get(root, "tests"), document_get(root, "defaults"), experiment);
    gates_check(&document, root, experiment);
    if (diagnostics->errors == errors_before)
        only_apply(&document, document_get(root, "only"), experiment);
    return diagnostics->errors == errors_before ? experiment : NULL;
}
