// A service.yaml that was read and checked: what the language says, as structs. document_read makes it, the driver (driver.c, serve.c,
// test_case.c) and the judge (metric.c, verdict.c) interpret it. All of it lives in one arena and does not change.
#ifndef PANTHER_SERVICES_SDK_DECLARED_DOCUMENT_H
#define PANTHER_SERVICES_SDK_DECLARED_DOCUMENT_H

#include "panther/plugin.h"
#include "services/sdk/declared/condition.h"
#include "services/sdk/declared/reading.h"
#include "services/sdk/declared/template.h"

// Settings are a struct made at run time: one slot per option, wide enough for every member type.
#define DECLARED_SLOT_BYTES sizeof(struct panther_list)

struct statuses {
    size_t count;
    const int *items; // ends with 0, as panther_spawn wants it; 0 itself is always among them
};

// An item of argv: one text, or a list of texts that stands there when a condition holds, or once for each item of a list option.
struct argument {
    const struct condition *when;
    const struct template *text; // NULL: arguments
    const struct panther_option *each;
    struct templates arguments;
};

struct environment_entry {
    const char *name;
    const struct template *value;
    const struct condition *when;
};
struct environment {
    size_t count;
    struct environment_entry *entries;
};

struct stop_rule {
    int signal; // 0: TERM
    struct statuses clean;
    bool clean_on_signal;
    uint64_t grace_ms; // 0: the host's
};

struct command {
    unsigned line, column;
    const char *name; // NULL: the program's
    const struct condition *when;
    size_t argument_count;
    struct argument *arguments;
    struct environment environment;
    const struct template *working_dir; // NULL: the work folder
    uint64_t timeout_ms;                // 0: the phase's
    struct statuses clean;
    bool finishes, finishes_is_set;
    bool has_stop;
    struct stop_rule stop;
};
struct commands {
    size_t count;
    struct command *items;
};

enum phase_name { PHASE_PRE_COMPILE, PHASE_COMPILE, PHASE_POST_COMPILE, PHASE_PRE_RUN, PHASE_RUN, PHASE_POST_RUN, PHASE_COUNT };

// What is installed: a command whose output is asked.
struct version_rule {
    struct templates command; // count 0: none
    const struct template *match;
};
struct capability_rule {
    const char *name;
    struct templates command; // count 0: always
    const struct template *match;
};

struct port_rule {
    const char *name;
    unsigned transports;
    const struct template *wanted; // NULL: any
    const struct condition *when;
};

struct certificate_rule {
    bool is_wanted;
    const struct condition *when;
    const struct template *key, *expired, *wrong_name; // "ec", "rsa"; "true", "false"
    struct templates names;
    int64_t chain;
};

struct content_rule {
    const char *folder; // NULL: none
    const struct condition *when;
    const struct panther_option *sizes_option; // of "$(option.sizes)"; NULL: sizes
    const char *const *sizes;
    const struct template *page;
};

struct file_rule {
    const struct template *path;
    const struct template *text; // NULL: copy
    const char *copy;            // below the plugin's folder
    int64_t mode;                // 0: 0644, or that of what is copied
    const struct condition *when;
};

enum ready_kind { READY_TCP, READY_UDP, READY_HTTP, READY_LINE, READY_MATCH, READY_FILE };
struct ready_rule {
    enum ready_kind kind;
    size_t port;                 // index; tcp, udp, http
    const struct template *text; // line, match, file; http: path
    const char *stream;
    int64_t status;
    const struct condition *when;
};

enum log_meaning { LOG_READY, LOG_CRASH, LOG_INFRASTRUCTURE, LOG_WARNING };
struct log_rule {
    const struct template *pattern;
    bool is_regex;
    const char *stream; // NULL: any
    int means;          // enum log_meaning
    const struct condition *when;
};

struct output_rule {
    const struct template *path;
    const char *kind;
    const struct condition *when;
};

struct build_variant {
    const char *name;
    struct environment environment;
};
struct build_rule {
    struct templates inputs;
    size_t tool_count;
    struct templates *tools;
    uint64_t size_limit_bytes;
    size_t variant_count;
    struct build_variant *variants;
};

struct profile_value {
    const struct panther_option *option;
    size_t count;
    const char *const *values; // as written
};
struct profile {
    const char *name;
    size_t value_count;
    struct profile_value *values;
};

// metric.h, results.h, verdict.h say what these are, and read them.
struct metric_rules;
struct results_rule;
struct verdict_rules;

struct case_rule {
    const char *name;
    const char *summary;
    uint64_t timeout_ms;
    const char *const *needs;
    struct commands run; // count 0: phases.run
    struct verdict_rules *verdict;
    size_t setup_count;
    struct panther_case_setup *setups; // a word of drives each
    size_t condition_count;
    struct panther_case_condition *conditions;
};

struct document {
    const char *path, *folder; // of the service.yaml, absolute
    struct arena *arena;
    const char *name, *version, *summary;
    int kind; // index of "iut", "tester"
    struct panther_protocol *protocols;
    const char *const *programs;
    struct version_rule installed;
    size_t capability_count;
    struct capability_rule *capabilities;
    size_t option_count;            // the ones that profiles and builds make included
    struct panther_option *options; // ends with an empty one
    size_t port_count;
    struct port_rule *ports;
    struct certificate_rule certificate;
    struct content_rule content;
    size_t file_count;
    struct file_rule *files;
    struct commands phases[PHASE_COUNT];
    size_t ready_count;
    struct ready_rule *ready;
    struct stop_rule stop;
    size_t log_count;
    struct log_rule *log;
    size_t output_count;
    struct output_rule *outputs;
    struct build_rule build;
    size_t profile_count;
    struct profile *profiles;
    size_t drive_count;
    struct panther_drive *drives; // ends with an empty one
    size_t case_count;
    struct case_rule *cases;
    struct metric_rules *metrics;  // NULL: none
    struct results_rule *results;  // NULL: none
    struct verdict_rules *verdict; // NULL: none
};

// NULL: it has mistakes, they are in diagnostics. The arena holds the document.
struct document *document_read(const char *path, struct arena *arena, struct diagnostics *diagnostics);
// Without a file, for tests: text stands for the content of FOLDER/service.yaml.
struct document *document_read_text(const char *text, size_t bytes, const char *folder, struct arena *arena,
                                    struct diagnostics *diagnostics);
// Does one of its run commands end by itself?
bool document_executes(const struct document *document);

#endif
