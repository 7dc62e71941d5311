// A guard in a folder of its own with the fake host behind it, and a test that plays its agent.
#ifndef PANTHER_TESTS_GUARD_FIXTURE_H
#define PANTHER_TESTS_GUARD_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "panther/v1/guard.pb-c.h"

#define SECOND_MS 1000
// For what must happen at all; a test that waits this long has failed.
#define LONG_MS 20000

struct fixture {
    char folder[64];
    char marker[64];
    struct arena *arena; // of the specification
    Pb__GuardSpec spec;
    Pb__Initialize initialize;
    Pb__Setting *settings[16];
    Pb__OutputRule *rules[4];
    pid_t guard;
    int guard_pidfd;
    int socket; // -1: no agent
    uint32_t last_command;
    uint64_t spool_bytes; // as the guard said
    int spool_fd;
    struct spool_reader *reader;
    Pb__Event **events; // all that were read
    size_t event_count, event_capacity;
    size_t looked_at; // events that awaits have passed
    Pb__GuardState *state;
    uint64_t stream_reports; // StreamSize messages seen
    Pb__ShellAnswer *shell;  // the last; NULL: none since it was taken
};

void fixture_prepare(struct fixture *fixture);                                  // folder and specification
void fixture_set(struct fixture *fixture, const char *name, const char *value); // adds a value to the setting
void fixture_rule(struct fixture *fixture, uint32_t id, bool is_regex, const char *pattern, const char *stream);
void fixture_spawn(struct fixture *fixture);  // the guard
void fixture_attach(struct fixture *fixture); // as a new agent
void fixture_detach(struct fixture *fixture);
void fixture_begin(struct fixture *fixture); // spawn, attach, and Initialize is done
void fixture_send(struct fixture *fixture, const Pb__GuardRequest *request);

uint32_t fixture_start(struct fixture *fixture);
uint32_t fixture_case(struct fixture *fixture, const char *line, uint32_t timeout_ms);
uint32_t fixture_stop(struct fixture *fixture, bool cancel);
// option "": none
uint32_t fixture_fault(struct fixture *fixture, const char *id, const char *kind, uint32_t for_ms, const char *option, const char *value);
uint32_t fixture_fault_links(struct fixture *fixture, const char *id, uint32_t for_ms, const char *condition, const char *value);
uint32_t fixture_run(struct fixture *fixture, const char *line, uint32_t timeout_ms); // of a shell
uint32_t fixture_cleanup(struct fixture *fixture);
void fixture_lease(struct fixture *fixture, uint64_t from_now_ms);
void fixture_discard(struct fixture *fixture);
// Runs a case and returns the text of its result, which must be a pass.
const char *fixture_do(struct fixture *fixture, const char *line);

// The first event of this kind behind those that were awaited already; fails the test when it does not come.
const Pb__Event *fixture_await(struct fixture *fixture, Pb__Event__BodyCase kind);
// Reads what there is; the first such event of all, or NULL.
const Pb__Event *fixture_find(struct fixture *fixture, Pb__Event__BodyCase kind);
size_t fixture_count(struct fixture *fixture, Pb__Event__BodyCase kind);
const Pb__Event *fixture_await_result(struct fixture *fixture, uint32_t number); // CommandDone or CaseResult
const Pb__StreamEnd *fixture_await_stream(struct fixture *fixture, const char *stream);
const Pb__ProcessExited *fixture_await_exit(struct fixture *fixture, uint32_t process);
void fixture_pump(struct fixture *fixture, int timeout_ms); // one look at socket and spool

// Waits for the guard's end: its last event must be InstanceEnded with this cause, nothing of the instance may live.
void fixture_await_end(struct fixture *fixture, Pb__EndCause cause);
void fixture_await_guard_exit(struct fixture *fixture);
void fixture_expect_nothing_left(const struct fixture *fixture);
size_t fixture_living(const struct fixture *fixture); // processes with the instance's marker
char *fixture_read(const struct fixture *fixture, const char *name, size_t *bytes);
void fixture_end(struct fixture *fixture); // stop, cleanup, end, remove
void fixture_remove(struct fixture *fixture);

#endif
