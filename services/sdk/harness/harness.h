// The plugin test harness from the inside. It stands where an agent stands: it writes the spec, starts the guard, sends commands over
// the guard's socket and reads the guard's spool.
#ifndef PANTHER_SERVICES_SDK_HARNESS_HARNESS_H
#define PANTHER_SERVICES_SDK_HARNESS_HARNESS_H

#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/system/spool.h"
#include "panther/test.h"
#include "panther/v1/guard.pb-c.h"

#define SETTINGS_OF_TEST_MAX 64
#define VALUES_OF_SETTING_MAX 64
#define PEERS_OF_TEST_MAX 16
#define LINKS_OF_TEST_MAX 16
// Renewed while the test runs: what a killed test program leaves ends by itself soon after.
#define LEASE_OF_TEST_MS 30000

struct panther_test {
    struct arena *arena;
    char *folder; // of the instance
    Pb__GuardSpec *spec;
    Pb__Initialize *initialize;
    uint32_t phase_ms;
    char marker[64]; // PANTHER_INSTANCE=instance.generation
    pid_t guard;
    int pidfd;  // of the guard; -1: not started
    int socket; // to it; -1: not connected
    int ports;  // keeps the block of ports ours
    uint64_t lease_expires_ns;
    int spool_fd;
    struct spool_reader *reader;
    uint32_t number;       // of the last command
    Pb__RunCase *run_case; // what each case is told of the services that it drives
    bool is_stopped, is_cleaned;
    struct panther_test_outcome stopped; // what the first stop said of the instance
    char problem[TEXT_MAX_BYTES];
    Pb__Event **events; // all that was read, in the arena
    size_t event_count, event_capacity;
};

// setup.c
// The instance that another harness runs, as a service of that name; drive: the tester's word for it, or NULL for a mere peer.
void harness_add_service(struct panther_test *test, const char *drive, const char *service, const struct panther_test *driven);
// Before initialize: a later generation of that instance, on its ports, with its state folder.
void harness_set_generation(struct panther_test *test, uint32_t generation, const Pb__GuardSpec *first);

// case_peers.c: of a new case
void harness_fill_case(const struct panther_test *test, Pb__RunCase *run_case);

// guard.c: its start and end
uint32_t harness_deadline_ms(const struct panther_test *test); // of start and stop, under its environments
int harness_start_guard(struct panther_test *test);
// Sends the next command; command.number, instance and generation are filled in.
int harness_send(struct panther_test *test, Pb__Command *command);
// Reads what the spool has now; then, if nothing was new, waits a little for the guard to say more. False: the guard has ended and
// all was read.
bool harness_read(struct panther_test *test);
// Waits for the guard's end. Returns false when it has not ended in time (then it is killed).
bool harness_guard_ended(struct panther_test *test, uint64_t timeout_ms);
int harness_problem(struct panther_test *test, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Sends a case or the execution and does not wait for its end: below 0, or the number for harness_await.
int harness_begin_case(struct panther_test *test, const char *name, uint32_t timeout_ms, bool unlisted);
int harness_begin_execute(struct panther_test *test, uint32_t timeout_ms);
// The CommandDone or CaseResult of that number; NULL: none came within given_ms and what a kill takes.
const Pb__Event *harness_await(struct panther_test *test, uint32_t number, uint32_t given_ms);
void harness_copy_outcome(const Pb__Outcome *from, struct panther_test_outcome *outcome);
// status.c: get_status, also while a call runs. Below 0: no answer within that time, with the problem.
struct harness_status {
    char state[32], text[256], phase[32];
    bool failed;
    uint64_t took_ns;
};
int harness_ask_status(struct panther_test *test, uint64_t timeout_ms, struct harness_status *status);

void harness_renew_lease(struct panther_test *test); // when half of it is over

// live.c: the tests that are not ended yet
void harness_remember(struct panther_test *test);
void harness_forget(const struct panther_test *test);
void harness_renew_leases(void);

// ports.c: does a TCP listener or a UDP socket have it, at any address
bool harness_port_is_taken(uint16_t port, const char **transport);
// The block that begins with this port, for as long as the descriptor is open; below 0: another test has it.
int harness_reserve_ports(uint32_t first);

// leftovers.c: what still lives or is bound, printed on stderr
int harness_leftovers(const struct panther_test *test);

#endif
