// A service.yaml as a whole: its keys, in the order in which they can refer to each other.
#include "services/sdk/declared/document.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/identity.h"
#include "common/base/units.h"
#include "common/system/file.h"
#include "common/system/yaml.h"
#include "services/sdk/declared/build.h"
#include "services/sdk/declared/evidence.h"
#include "services/sdk/declared/installed.h"
#include "services/sdk/declared/option.h"
#include "services/sdk/declared/rules.h"
#include "services/sdk/option_table.h"

#define LANGUAGE_VERSION 1

// ---- the head

static void read_language(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    int64_t version = 0;
    (void)member;
    const char *text = text_of(reading, value, key->name);
    if (text != NULL && (!integer_parse(text, &version) || version != LANGUAGE_VERSION)) {
        MISTAKE(reading, value, "this program reads version %d of the language, not \"%.80s\"", LANGUAGE_VERSION, text);
    }
}

static const struct key protocol_keys[] = {
    KEY("name", read_name, offsetof(struct panther_protocol, name), .required = true),
    KEY("versions", read_words, offsetof(struct panther_protocol, versions)),
    KEY("roles", read_words, offsetof(struct panther_protocol, roles), .required = true),
};

static void check_roles(struct reading *reading, const struct value *place, const char *const *roles)
{
    if (roles != NULL && roles[0] == NULL) {
        MISTAKE(reading, place, "a protocol has a role at least");
    }
    for (size_t i = 0; roles != NULL && roles[i] != NULL; i++) {
        if (!name_is_valid(roles[i])) {
            MISTAKE(reading, place, "the role \"%.80s\" is no name: lower case letters, digits, . _ -", roles[i]);
        }
    }
}

static void read_protocols(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    if (!is_list(reading, value, key->name)) {
        return;
    }
    struct panther_protocol *protocols = ARENA_ARRAY(reading->arena, struct panther_protocol, value->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < value->count; i++) {
        struct panther_protocol *protocol = &protocols[count];
        KEYS_READ(reading, value->items[i], "a protocol", protocol_keys, protocol);
        check_roles(reading, value->items[i], protocol->roles);
        count += protocol->name != NULL;
    }
    if (value->count > DECLARED_WORDS_MAX) {
        MISTAKE(reading, value, "more than %d protocols", DECLARED_WORDS_MAX);
    }
    *(struct panther_protocol **)member = protocols;
}

static const struct key requires_keys[] = {KEY("programs", read_words, 0, .required = true)};

static void read_requires(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    KEYS_READ(reading, value, key->name, requires_keys, member);
}

static void read_implementation(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    static const struct key keys[] = {
        KEY("version", read_version_rule, offsetof(struct document, installed)),
        KEY("capabilities", read_capabilities, 0),
    };
    KEYS_READ(reading, value, key->name, keys, member);
}

// ---- phases

#define PHASE_KEY(NAME, INDEX, ALLOWED) KEY(NAME, read_commands, sizeof(struct commands) * (INDEX), .allowed = (ALLOWED))
static const struct key phase_keys[] = {
    PHASE_KEY("pre_compile", PHASE_PRE_COMPILE, REFERENCES_COMPILE),
    PHASE_KEY("compile", PHASE_COMPILE, REFERENCES_COMPILE),
    PHASE_KEY("post_compile", PHASE_POST_COMPILE, REFERENCES_COMPILE),
    PHASE_KEY("pre_run", PHASE_PRE_RUN, REFERENCES_RUN),
    PHASE_KEY("run", PHASE_RUN, REFERENCES_RUN),
    PHASE_KEY("post_run", PHASE_POST_RUN, REFERENCES_RUN),
};

static void read_phases(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    KEYS_READ(reading, value, key->name, phase_keys, document->phases);
}

// ---- the whole

static const char *const kinds[] = {"iut", "tester", NULL};

// In this order, whatever the file's is: who refers to something stands below it.
static const struct key document_keys[] = {
    KEY("panther_service", read_language, 0, .required = true),
    KEY("name", read_name, offsetof(struct document, name), .required = true),
    KEY("kind", read_word, offsetof(struct document, kind), .required = true, .words = kinds),
    KEY("version", read_text, offsetof(struct document, version), .required = true, .maximum = DECLARED_WORD_MAX_BYTES),
    KEY("summary", read_text, offsetof(struct document, summary), .required = true, .maximum = DECLARED_LINE_MAX_BYTES),
    KEY("protocols", read_protocols, offsetof(struct document, protocols)),
    KEY("requires", read_requires, offsetof(struct document, programs)),
    KEY("implementation", read_implementation, 0),
    KEY("options", read_options, 0),
    KEY("profiles", read_profiles, 0),
    KEY("build", read_build, 0),
    KEY("drives", read_drives, 0),
    KEY("cases", read_case_names, 0),
    KEY("ports", read_ports, 0),
    KEY("certificate", read_certificate, 0),
    KEY("content", read_content, 0),
    KEY("files", read_files, 0),
    KEY("metrics", read_metrics, offsetof(struct document, metrics)),
    KEY("results", read_results, offsetof(struct document, results)),
    KEY("phases", read_phases, 0),
    KEY("ready", read_ready, 0),
    KEY("stop", read_stop, offsetof(struct document, stop)),
    KEY("log", read_log, 0),
    KEY("outputs", read_outputs, 0),
    KEY("cases", read_cases, 0),
    KEY("verdict", read_verdict, offsetof(struct document, verdict)),
};

bool document_executes(const struct document *document)
{
    for (size_t i = 0; i < document->phases[PHASE_RUN].count; i++) {
        if (document->phases[PHASE_RUN].items[i].finishes) {
            return true;
        }
    }
    return false;
}

// Keys that mean nothing for one of the kinds.
static const struct {
    const char *name;
    int kind;
    const char *why;
} foreign_keys[] = {
    {"drives", 0, "an IUT drives nobody"},
    {"cases", 0, "an IUT has no cases"},
    {"profiles", 1, "profiles are of IUTs"},
    {"ready", 1, "a tester runs its tool case by case; there is nothing to become ready"},
};

static void check_kind(struct reading *reading, const struct value *root)
{
    const struct document *document = reading->document;
    build_check(reading, root);
    if (document->kind == 0 && document->phases[PHASE_RUN].count == 0) {
        MISTAKE(reading, root, "an IUT has phases with a run");
    }
    for (size_t i = 0; i < sizeof foreign_keys / sizeof *foreign_keys; i++) {
        const struct value *value = value_get(root, foreign_keys[i].name);
        if (value != NULL && document->kind == foreign_keys[i].kind) {
            MISTAKE(reading, value, "%s: %s", foreign_keys[i].name, foreign_keys[i].why);
        }
    }
    for (size_t i = 0; document->kind == 1 && i < document->log_count; i++) {
        if (document->log[i].means == LOG_READY) {
            MISTAKE(reading, value_get(root, "log")->items[i], "a tester does not become ready");
        }
    }
    if (document->kind == 1 && document->case_count == 0) {
        MISTAKE(reading, root, "a tester has cases");
    }
    if (document->kind == 1 && document->verdict == NULL) {
        MISTAKE(reading, root, "a tester has verdict rules: without one nothing it does could pass");
    }
    if (document->kind == 0 && document->verdict != NULL && !document_executes(document)) {
        MISTAKE(reading, value_get(root, "verdict"), "verdict: nothing that runs here has finishes: true");
    }
}

struct document *document_read_text(const char *text, size_t bytes, const char *folder, struct arena *arena,
                                    struct diagnostics *diagnostics)
{
    struct document *document = ARENA_NEW(arena, struct document);
    struct reading reading = {.arena = arena, .diagnostics = diagnostics, .document = document};
    document->arena = arena;
    document->folder = folder;
    document->path = arena_printf(arena, "%s/service.yaml", folder);
    document->options = ARENA_ARRAY(arena, struct panther_option, OPTIONS_MAX);
    const struct value *root = yaml_read(text, bytes, arena, diagnostics);
    if (root != NULL && KEYS_READ(&reading, root, "a service.yaml", document_keys, document) && diagnostics->errors == 0) {
        check_kind(&reading, root);
    }
    diagnostics_sort(diagnostics);
    return diagnostics->errors == 0 ? document : NULL;
}

struct document *document_read(const char *path, struct arena *arena, struct diagnostics *diagnostics)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *text = NULL;
    char absolute[PATH_MAX];
    size_t bytes = 0;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        diagnostics_error(diagnostics, 0, 0, "it is no file"); // a pipe would hold us up
        return NULL;
    }
    if (realpath(path, absolute) == NULL || file_read(absolute, DECLARED_TEXT_MAX_BYTES, &text, &bytes, &error) < 0) {
        diagnostics_error(diagnostics, 0, 0, "%s", error.code != 0 ? error.message : "there is no such file");
        return NULL;
    }
    *strrchr(absolute, '/') = '\0';
    return document_read_text(text, bytes, arena_string(arena, absolute[0] != '\0' ? absolute : "/"), arena, diagnostics);
}
