// panther/service.h: what a running instance can do, through its handle. Everything here is called from the plugin's thread,
// inside a phase (plugin.h), except panther_log and the reading functions, which get_status may use as well.
//
// Ownership: what the handle returns belongs to it. Texts made during run_test live until run_test returns, others until cleanup
// has returned. Units stand in the names. Addresses are numeric.
#ifndef PANTHER_SERVICE_H
#define PANTHER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct panther_service;

// What functions return: 0 or above is success.
enum panther_code {
    PANTHER_OK = 0,
    PANTHER_FAILED = -101,    // the reason was kept, panther_fail adds to it, and it was logged
    PANTHER_TIMED_OUT = -102, // the given time, or the deadline of the phase, has passed
    PANTHER_CANCELLED = -103, // the cancel flag is set: come back soon
    PANTHER_MISSING = -104,   // there is no such thing
};

// TTCN-3's verdicts; a larger one is worse. Reasons as in the experiment language.
enum panther_verdict { PANTHER_NONE = 0, PANTHER_PASS = 1, PANTHER_INCONC = 2, PANTHER_FAIL = 3, PANTHER_ERROR = 4 };
enum panther_reason {
    PANTHER_REASON_NONE = 0,
    PANTHER_REASON_TIMEOUT = 1,
    PANTHER_REASON_LOST = 2,
    PANTHER_REASON_KILLED = 3,
    PANTHER_REASON_CANCELLED = 4,
    PANTHER_REASON_UNSUPPORTED = 5,
    PANTHER_REASON_ASSERTION = 6, // the IUT did not do what the case demands
    PANTHER_REASON_VIOLATION = 7, // the IUT broke the protocol
    PANTHER_REASON_CRASH = 8,
    PANTHER_REASON_INCOMPLETE = 9, // not enough evidence
    PANTHER_REASON_INFRASTRUCTURE = 10,
};

// ---- the end of a phase, and results

// `return panther_fail(service, "nginx refuses its configuration: %s", line);` from any phase. Returns PANTHER_FAILED.
int panther_fail(struct panther_service *service, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The verdict of the running case (in run_test), of the execution (in execute), over all cases (in get_test_results), or of what an IUT
// did while it ran (in stop: a line of its log that says it crashed).
// Called several times the worst stays, of equal ones the first. run_test that returns 0 without one is inconc (incomplete); one
// that returns a failure is error (infrastructure), unless it has found something worse than a pass. What is said after the
// deadline or a cancel does not count: inconc (timeout, cancelled). Returns 0: `return panther_result(...)`.
int panther_result(struct panther_service *service, enum panther_verdict verdict, enum panther_reason reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

enum panther_better { PANTHER_NEITHER_IS_BETTER = 0, PANTHER_HIGHER_IS_BETTER = 1, PANTHER_LOWER_IS_BETTER = 2 };
// A number measured: of the running case, else of the whole service. unit: "1/s", "ms", "B", "ratio".
void panther_metric(struct panther_service *service, const char *name, double value, const char *unit, enum panther_better better);

// Something discovered, in a case, in execute or in stop: a violated requirement, a crash. The same signature (printable, at most 127
// bytes) is the same finding: seen in 37 trials of a run, it is one finding with 37 sightings. Keep out of it what changes from one
// time to the next (numbers, addresses, seeds). format: a title, one line for a person. At most 16 of a case are kept.
void panther_finding(struct panther_service *service, const char *signature, const char *format, ...) __attribute__((format(printf, 3, 4)));

// A file worth keeping, relative to the work folder; pattern: "*.qlog". It is collected after stop.
// kind: "qlog", "keylog", "pcap", "core", "config", "log", "file".
void panther_artifact(struct panther_service *service, const char *path_or_pattern, const char *kind);

enum panther_level { PANTHER_DEBUG = 0, PANTHER_INFO = 1, PANTHER_WARNING = 2, PANTHER_PROBLEM = 3 };
// A line of the stream plugin.log.
void panther_log(struct panther_service *service, enum panther_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

// ---- who and where

const char *panther_service_name(const struct panther_service *service);              // in the experiment: "server"
const char *panther_trial_name(const struct panther_service *service);                // "r142/load/nginx/2#1"
const char *panther_role(const struct panther_service *service);                      // "server"
const char *panther_protocol_name(const struct panther_service *service);             // "http"
const char *panther_protocol_version(const struct panther_service *service);          // "2"
const char *panther_own_address(const struct panther_service *service);               // listen here
uint64_t panther_seed(const struct panther_service *service);                         // of the trial: take all randomness from it
const void *panther_settings(const struct panther_service *service);                  // what initialize got
const char *panther_setting(const struct panther_service *service, const char *name); // normalised text; NULL: no such option

enum { PANTHER_TCP = 1, PANTHER_UDP = 2 }; // transports, to be or-ed

// A port for this instance alone, checked to be free (for both transports at once with PANTHER_TCP | PANTHER_UDP); peers see it
// as an endpoint of this name. In initialize. Returns the port number, or below 0.
int panther_port(struct panther_service *service, const char *name, unsigned transports);
int panther_port_wanted(struct panther_service *service, const char *name, unsigned transports, unsigned wanted); // 0: any
// An endpoint somewhere else, which peers get as if it were an own one: a device that no agent runs on. address: numeric. In initialize.
int panther_endpoint_external(struct panther_service *service, const char *name, const char *address, unsigned port, unsigned transports);

struct panther_endpoint {
    const char *name;    // "http"
    const char *address; // "10.77.0.2", "fd00::2"
    uint16_t port;
    uint16_t transports;
};
struct panther_peer {
    const char *service;
    const char *plugin;
    const char *role;
    const char *host;
    size_t endpoint_count;
    const struct panther_endpoint *const *endpoints;
};
// Services that this one needs or drives, in the experiment's order; NULL when index is past the end.
const struct panther_peer *panther_peer(const struct panther_service *service, size_t index);
const struct panther_peer *panther_peer_named(const struct panther_service *service, const char *service_name);
// The service behind a word of the tester's drives ("server"); several may stand behind one. NULL: none.
const struct panther_peer *panther_driven(const struct panther_service *service, const char *drive, size_t index);
// By name, or the first one that has the transport when name is NULL. NULL: none.
const struct panther_endpoint *panther_endpoint(const struct panther_peer *peer, const char *name, unsigned transports);
// A driven service as it is for the running case (1.2): which generation of it, with what profile, and how its execution ended when
// the case wanted one. drive: a word of the drives, or "network": what joins the services. NULL: the case declares no setup, or no such.
struct panther_case_peer {
    const struct panther_peer *peer; // its endpoints now; panther_driven and panther_peer say the same while the case runs
    uint32_t generation;             // counts its restarts, from 1
    const char *profile;             // "": none
    const char *folder;              // its work folder, when it is on this host; else NULL
    bool executed;                   // its execution has ended
    enum panther_verdict verdict;    // of the execution; what an exit code says is no proof
    enum panther_reason reason;
    const char *text;
    uint64_t began_ns, ended_ns; // of the execution, boottime of its host
};
const struct panther_case_peer *panther_case_peer(const struct panther_service *service, const char *drive);
// What the network does in the running case: "375ms" for "delay"; NULL: nothing was said.
const char *panther_case_condition(const struct panther_service *service, const char *key);
// "10.77.0.2:443", "[fd00::2]:443"
const char *panther_endpoint_text(struct panther_service *service, const struct panther_endpoint *endpoint);
// An IPv4 address as one number: "0x0a4d0002" and "172818434" (Ivy wants them so); NULL for IPv6.
const char *panther_address_hex(struct panther_service *service, const char *address);
const char *panther_address_decimal(struct panther_service *service, const char *address);

// ---- processes: only the guard spawns them, so that nothing outlives the instance

#define PANTHER_ARGUMENTS_MAX 255
struct panther_arguments {
    size_t count;
    const char *items[PANTHER_ARGUMENTS_MAX + 1]; // ends with NULL: usable as argv
};
// struct panther_arguments argv = {0}; panther_argument(service, &argv, "--port=%d", port);
void panther_argument(struct panther_service *service, struct panther_arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct panther_process {
    size_t struct_bytes;            // filled by the macro
    const char *name;               // its streams are NAME.stdout and NAME.stderr
    const char *const *argv;        // ends with NULL; argv[0] is looked up in PATH and the sbin folders
    const char *const *environment; // "NAME=value" on top of a small clean one; ends with NULL
    const char *working_directory;  // NULL: the work folder
    bool finishes;                  // meant to end by itself (a client, a load tool); else its end before stop is a crash
    const int *clean_statuses;      // besides 0; ends with 0
    bool clean_on_term;             // being ended by the stop signal is clean
    bool want_output;               // panther_output() shall work
    int stop_signal;                // 0: SIGTERM
};
// int nginx = panther_spawn(service, .name = "nginx", .argv = argv.items, .clean_on_term = true);
// Returns the process's number (from 1), or below 0 with the reason kept: `if (nginx < 0) return nginx;`
#define panther_spawn(SERVICE, ...)                                                                                                        \
    panther_spawn_process((SERVICE), &(const struct panther_process){.struct_bytes = sizeof(struct panther_process), __VA_ARGS__})
int panther_spawn_process(struct panther_service *service, const struct panther_process *process);

struct panther_exit {
    int status; // -1 when a signal ended it
    int signal; // 0 when it ended by itself
};
// Until it has ended (PANTHER_OK), timeout_ms has passed (PANTHER_TIMED_OUT; 0: the phase's deadline) or cancel (PANTHER_CANCELLED).
// When it returns PANTHER_OK all of its output is there.
int panther_wait(struct panther_service *service, int process, uint64_t timeout_ms, struct panther_exit *exit);
bool panther_is_running(struct panther_service *service, int process);
int panther_signal(struct panther_service *service, int process, int signal_number);
// Its stop signal, grace, then KILL; waits until it is gone. 0: the default grace of 2 s.
int panther_end(struct panther_service *service, int process, uint64_t grace_ms);

enum panther_stream { PANTHER_STDOUT = 1, PANTHER_STDERR = 2 };
#define PANTHER_OUTPUT_MAX_BYTES (8 * 1024 * 1024) // per stream kept for the plugin; what comes later is not
// What a process with want_output has printed so far, NUL-terminated (a copy; bytes may be NULL).
const char *panther_output(struct panther_service *service, int process, enum panther_stream stream, size_t *bytes);

// A line that a process prints: declare it before the process is spawned, so that none is missed. stream: the end of the
// stream's name ("nginx.stderr", "stderr"; NULL: any). Returns the watch's number.
enum panther_match { PANTHER_SUBSTRING = 0, PANTHER_REGEX = 1 }; // POSIX extended
int panther_watch_line(struct panther_service *service, const char *stream, enum panther_match match, const char *pattern);
// The first such line. line may be NULL.
int panther_wait_line(struct panther_service *service, int watch, uint64_t timeout_ms, const char **line);

// ---- readiness: declared in start (or initialize), waited for by the host after start has returned; all must hold. A process that
// ends meanwhile (and is not meant to) makes start fail at once. None declared: ready when start returns.

void panther_ready_tcp(struct panther_service *service, int port); // accepts a connection at the own address
void panther_ready_udp(struct panther_service *service, int port); // a socket is bound, seen in the kernel's table
void panther_ready_http(struct panther_service *service, int port, const char *path, int status); // plain HTTP/1.1; 0: any status
void panther_ready_line(struct panther_service *service, const char *stream, enum panther_match match, const char *pattern);
void panther_ready_file(struct panther_service *service, const char *path); // relative to the work folder, or absolute
void panther_ready_when(struct panther_service *service, const char *what, bool (*is_ready)(struct panther_service *service));

// ---- time

uint64_t panther_remaining_ms(const struct panther_service *service); // until the deadline of the running phase; 0: passed
uint64_t panther_now_ns(const struct panther_service *service);       // a clock that never steps back
bool panther_is_cancelled(const struct panther_service *service);
int panther_cancel_fd(const struct panther_service *service);    // readable once cancelled: for poll()
int panther_pause(struct panther_service *service, uint64_t ms); // PANTHER_CANCELLED or PANTHER_TIMED_OUT when cut short

// ---- files and texts

const char *panther_format(struct panther_service *service, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *panther_work_folder(const struct panther_service *service); // absolute; removed after cleanup
// Absolute: where the plugin's shared object or service.yaml is, with the files that came with it. To be read only: others use it, too.
const char *panther_plugin_folder(const struct panther_service *service);
// The absolute path of a name in the work folder.
const char *panther_path(struct panther_service *service, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Writes a file there (and the folders above it) and returns its path; NULL: failed, the reason is kept.
const char *panther_write_file(struct panther_service *service, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *panther_write_bytes(struct panther_service *service, const char *name, const void *data, size_t bytes);
const char *panther_make_folder(struct panther_service *service, const char *name);
// A whole file (relative to the work folder, or absolute), NUL-terminated, at most PANTHER_OUTPUT_MAX_BYTES; NULL: it cannot be read.
const char *panther_read_file(struct panther_service *service, const char *path, size_t *bytes);
// Where a program is, as panther_spawn would find it; NULL: it is not installed.
const char *panther_program(struct panther_service *service, const char *name);

// ---- test certificates, made on the spot (X.509, GnuTLS)

enum panther_key_type { PANTHER_KEY_EC = 0, PANTHER_KEY_RSA = 1 }; // P-256, RSA 2048
struct panther_certificate_request {
    size_t struct_bytes;      // filled by the macro
    const char *name;         // stem of the files; NULL: "server"
    const char *const *names; // DNS names and addresses; NULL: localhost and the own address
    enum panther_key_type key_type;
    unsigned chain_length; // certificates in the chain file: leaf and intermediates; 0: the leaf alone
    bool expired;          // ended yesterday
    bool wrong_name;       // is for wrong.invalid instead of the names
};
struct panther_certificate {
    const char *key_path;         // private key of the leaf, PEM
    const char *certificate_path; // leaf first, then intermediates, PEM
    const char *authority_path;   // the CA to trust, PEM
};
// const struct panther_certificate *tls = panther_certificate(service, .key_type = PANTHER_KEY_RSA); NULL: failed, reason kept
#define panther_certificate(SERVICE, ...)                                                                                                  \
    panther_certificate_make(                                                                                                              \
        (SERVICE), &(const struct panther_certificate_request){.struct_bytes = sizeof(struct panther_certificate_request), __VA_ARGS__})
const struct panther_certificate *panther_certificate_make(struct panther_service *service,
                                                           const struct panther_certificate_request *request);

#endif
