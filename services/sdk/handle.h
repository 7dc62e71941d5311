// The service handle from the inside: what the host makes, steers from phase to phase, and reads the outcome from.
// One thread (the plugin's) uses it; what get_status may read from another thread does not change after handle_new.
#ifndef PANTHER_SERVICES_SDK_HANDLE_H
#define PANTHER_SERVICES_SDK_HANDLE_H

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "panther/plugin.h"
#include "panther/v1/guard.pb-c.h"
#include "services/sdk/backend.h"

// Numbers of one case or execution: what a person compares; a flood is a plugin's mistake and is cut with a warning.
#define METRICS_PER_CASE_MAX 64
// Discoveries of one case or execution: each is looked at by a person.
#define FINDINGS_PER_CASE_MAX 16
// Readiness conditions of one instance: a line or a port each, a few by nature.
#define READINESS_MAX 16

enum readiness_kind { READINESS_TCP, READINESS_UDP, READINESS_HTTP, READINESS_LINE, READINESS_FILE, READINESS_CALLBACK };
struct readiness {
    enum readiness_kind kind;
    int port;
    int status;       // HTTP; 0: any
    int watch;        // of a line
    const char *text; // HTTP path, file, pattern, what a callback asks
    bool (*is_ready)(struct panther_service *service);
    bool holds; // of the one who probes
};

// What one instance builds: itself, and a helper or two.
#define BUILDS_PER_INSTANCE 8

struct handle_result {
    bool is_set;
    bool after_cancel; // said only when the time was up
    enum panther_verdict verdict;
    enum panther_reason reason;
    char text[TEXT_MAX_BYTES];
};

struct authority;
struct panther_service {
    const struct service_backend *backend;
    void *context;
    const Pb__GuardSpec *spec;
    const struct panther_plugin *plugin;
    const char *plugin_folder; // absolute; the host knows it, who has entered the work folder since. NULL: no file stands behind it
    struct arena *arena;       // lives as long as the handle
    struct arena *case_arena;  // reset before each case
    bool in_case;
    void *settings;
    Pb__Setting **checked;
    size_t checked_count;
    struct panther_peer **peers; // [peer_count + 1], ends with NULL
    size_t peer_count;
    const Pb__RunCase *run_case;                     // of the running case; NULL: nothing but its name is known
    const struct panther_case_peer **case_peers;     // of run_case, one for each
    Pb__Endpoint *endpoints[ENDPOINTS_PER_INSTANCE]; // own ones, in the arena
    size_t endpoint_count;
    struct readiness readiness[READINESS_MAX];
    size_t readiness_count;
    struct handle_result result;
    Pb__Metric metrics[METRICS_PER_CASE_MAX];
    Pb__Metric *metric_list[METRICS_PER_CASE_MAX];
    size_t metric_count;
    Pb__Finding findings[FINDINGS_PER_CASE_MAX];
    Pb__Finding *finding_list[FINDINGS_PER_CASE_MAX];
    size_t finding_count;
    char failure[TEXT_MAX_BYTES];
    int build_locks[BUILDS_PER_INSTANCE]; // build.c: held on what it uses of the build cache
    size_t build_count;
    struct authority *authority; // certificate.c; NULL: none was needed yet
};

// The spec is borrowed and outlives the handle. Settings are not there before handle_settings.
struct panther_service *handle_new(const struct panther_plugin *plugin, const Pb__GuardSpec *spec, const struct service_backend *backend,
                                   void *context);
void handle_free(struct panther_service **service);
// Checks the settings of the spec against the plugin's options and fills its settings struct; all mistakes are in the error.
int handle_settings(struct panther_service *service, struct panther_error *error);
// After the plugin's cleanup: what it used of the build cache may go.
void build_locks_release(struct panther_service *service);
// Before a phase, and before each case (name: of the case): what the last one left (result, metrics, findings, failure, texts) goes.
void handle_begin(struct panther_service *service, bool is_case);
// After handle_begin: the driven services as the case has them. The message is borrowed until the next handle_begin. NULL: none.
void handle_case(struct panther_service *service, const Pb__RunCase *run_case);
// Where what a plugin asks for now is put: a case's texts go with the case, so that a tester of a million cases does not grow.
struct arena *handle_arena(struct panther_service *service);
char *handle_format(struct arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

#endif
