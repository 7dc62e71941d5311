// A guard made of one socketpair: starts the real panther-service and speaks guard.proto with it, so that a test sees each
// notice of the host. What the host wants to spawn is started for real, without capture.
#ifndef PANTHER_TESTS_INTEGRATION_HOST_FAKE_GUARD_H
#define PANTHER_TESTS_INTEGRATION_HOST_FAKE_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "panther/v1/guard.pb-c.h"

struct fake_guard {
    struct arena *arena;
    int fd, pidfd;
    pid_t pid;
    char folder[64];
    char *work;
    uint32_t number; // of the last command
    unsigned first_port, next_port;
    uint32_t next_process;
    uint32_t watch;            // the last one asked for
    bool ignores_signals;      // as if the process could not be killed
    bool answers_spawn;        // default; off: the test does it
    Pb__SpawnRequest *spawned; // the last one
    int32_t exit_status;       // when set to >= 0 the next process "ends" with it at once instead of being started
    pid_t children[64];
    Pb__Initialize *initialize; // what begin() sends; a test fills it
    size_t metric_count, log_count;
    Pb__HostResults *results; // that came together: handed out one by one
    size_t next_result, packets_of_results;
    Pb__HostNotice single;
};

void fake_guard_begin(struct fake_guard *guard, const char *plugin_path);
void fake_guard_setting(struct fake_guard *guard, const char *name, const char *value);
// Commands: each returns its number.
uint32_t fake_guard_initialize(struct fake_guard *guard);
uint32_t fake_guard_start(struct fake_guard *guard);
uint32_t fake_guard_case(struct fake_guard *guard, const char *name, uint32_t timeout_ms);
// Several at once, in one packet; the number of the first.
uint32_t fake_guard_cases(struct fake_guard *guard, const char *const *names, size_t count);
uint32_t fake_guard_execute(struct fake_guard *guard, uint32_t timeout_ms);
uint32_t fake_guard_stop(struct fake_guard *guard, bool cancel);
uint32_t fake_guard_cleanup(struct fake_guard *guard);
void fake_guard_send(struct fake_guard *guard, Pb__HostRequest *request);
// The next notice that is an answer (done, case_result, status), others are worked on; NULL: none within 10 s or the host has ended.
Pb__HostNotice *fake_guard_answer(struct fake_guard *guard);
// Until the host has asked for a line.
void fake_guard_await_watch(struct fake_guard *guard);
// initialize and start, or a failed assertion
void fake_guard_up(struct fake_guard *guard);
Pb__CommandDone *fake_guard_done(struct fake_guard *guard, uint32_t number);
Pb__CaseResult *fake_guard_result(struct fake_guard *guard, uint32_t number);
// Waits for the host's end (10 s at most). Returns its exit status, or -signal.
int fake_guard_host_end(struct fake_guard *guard);
void fake_guard_end(struct fake_guard *guard);

#endif
