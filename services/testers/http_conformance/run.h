// One case on its way: what it works on, what it owns, and how it came out. Every file of the tester speaks in these terms; plugin.c
// makes a run, calls the case's function and tells its outcome.
#ifndef HTTP_CONFORMANCE_RUN_H
#define HTTP_CONFORMANCE_RUN_H

#include <panther/content.h>
#include <panther/plugin.h>

struct settings {
    uint64_t size;
    uint64_t large;
    const char *folder;
    const char *scheme;
    uint64_t patience;
    uint64_t oversize;
};

struct connection;

// A case opens a handful; the most is the two of an ordinary case and the one that asks whether the server still answers.
#define RUN_CONNECTIONS_MAX 16
// Responses, bodies and requests of one case.
#define RUN_KEPT_MAX 512
#define RUN_TEXT_BYTES 1024

struct run {
    struct panther_service *service;
    const struct settings *settings;
    const struct panther_endpoint *endpoint;
    bool tls, is_http2;
    const char *section; // "RFC 9112, 3.2": stands before every accusation
    enum panther_verdict verdict;
    enum panther_reason reason;
    char text[RUN_TEXT_BYTES];
    size_t connection_count;
    struct connection *connections[RUN_CONNECTIONS_MAX];
    size_t kept_count;
    struct {
        void (*release)(void *);
        void *memory;
    } kept[RUN_KEPT_MAX];
};

// The worst one stays, of equal ones the first. All return false, so that a check can end with `return run_violation(...)`.
bool run_say(struct run *run, enum panther_verdict verdict, enum panther_reason reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define run_pass(RUN, ...) run_say((RUN), PANTHER_PASS, PANTHER_REASON_NONE, __VA_ARGS__)
// The rule does not apply to what this server does (it sends no ETag, for instance): nothing is judged.
#define run_not_applicable(RUN, ...) run_say((RUN), PANTHER_NONE, PANTHER_REASON_NONE, __VA_ARGS__)
#define run_violation(RUN, ...) run_say((RUN), PANTHER_FAIL, PANTHER_REASON_VIOLATION, __VA_ARGS__)
#define run_failed(RUN, ...) run_say((RUN), PANTHER_FAIL, PANTHER_REASON_ASSERTION, __VA_ARGS__)
#define run_silent(RUN, ...) run_say((RUN), PANTHER_FAIL, PANTHER_REASON_TIMEOUT, __VA_ARGS__)
#define run_incomplete(RUN, ...) run_say((RUN), PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, __VA_ARGS__)
// A SHOULD that is not followed: said in plugin.log and counted, no verdict.
void run_note(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool run_is_bad(const struct run *run); // it has a verdict worse than pass

// Memory until the case ends. Aborts when there is none; NULL never comes back.
void *run_memory(struct run *run, size_t bytes);
// Calls release when the case ends, before what was kept earlier is released.
void run_at_end(struct run *run, void (*release)(void *), void *memory);
void run_release(struct run *run); // all connections and memory

uint64_t run_deadline_ns(const struct run *run); // from now: the patience of the settings, or what the case has left
// "/1024.bin": the file of the setting.
const char *run_path(struct run *run, uint64_t size);
// The first byte where it differs from the generated content, from `offset` on; -1: none does.
int64_t run_difference(const struct run *run, uint64_t offset, const void *data, size_t bytes);

#endif
