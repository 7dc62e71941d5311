// panther/test.h: the harness for a plugin's own tests. It runs one instance under the real panther-guard and panther-service,
// without agent and coordinator, and reads what the guard has written down. Link with panther_harness; use it from cmocka or from
// anything else. It finds the programs in $PANTHER_BIN, else where it was built or installed.
//
//   struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/nginx.so");
//   panther_test_option(test, "workers", "2");
//   assert_int_equal(panther_test_initialize(test), 0);      // else: panther_test_problem(test) says why
//   assert_int_equal(panther_test_start(test), 0);           // 0: the instance is ready
//   ... talk to 127.0.0.1, panther_test_port(test, "http")
//   assert_int_equal(panther_test_stop(test), 0);
//   assert_int_equal(panther_test_end(&test), 0);            // cleaned up, and nothing is left of it
#ifndef PANTHER_TEST_H
#define PANTHER_TEST_H

#include <panther/service.h>

struct panther_test;

struct panther_test *panther_test_new(const char *plugin_path);
// Before initialize. A list option is given once per item. Not given: the plugin's defaults.
void panther_test_option(struct panther_test *test, const char *name, const char *value);
void panther_test_protocol(struct panther_test *test, const char *name, const char *version, const char *role);
void panther_test_address(struct panther_test *test, const char *address); // default 127.0.0.1
void panther_test_seed(struct panther_test *test, uint64_t seed);
// Its programs are started under it: "strace". option: of that environment; NULL: none. Once per option, and item of a list. Deadlines
// become longer by its factor.
void panther_test_environment(struct panther_test *test, const char *type, const char *option, const char *value);
void panther_test_phase_ms(struct panther_test *test, uint32_t ms); // deadline of initialize, start and stop; default 10 s
// Keeps its state there (the build cache, among others) instead of in a folder of its own; the harness leaves it.
void panther_test_state_folder(struct panther_test *test, const char *folder);
// A service it works on, at an endpoint of yours; drive: the tester's word for it, or NULL for a mere peer.
void panther_test_peer(struct panther_test *test, const char *drive, const char *service, const char *endpoint, const char *address,
                       uint16_t port, unsigned transports);
// The same for an instance that another harness runs (initialized already).
void panther_test_drive(struct panther_test *test, const char *drive, const struct panther_test *driven);
// The driven service as the cases from now on have it (panther_case_peer). Of an instance that another harness runs, or, without
// one, of a folder of files that such an instance left. executed: how its execution ended; NULL: there was none.
struct panther_test_outcome;
struct panther_test_case_peer {
    const char *drive; // a word of the tester's drives, or "network"
    const struct panther_test *driven;
    const char *folder;
    const char *profile;
    const struct panther_test_outcome *executed;
};
void panther_test_case_peer(struct panther_test *test, const struct panther_test_case_peer *peer); // of a drive again: in its place
void panther_test_case_condition(struct panther_test *test, const char *key, const char *value);
// For the plugin of a network: who gets a place; family "ipv4", "ipv6" or "both". Ends with NULL.
void panther_test_network(struct panther_test *test, const char *const *services, const char *family);
// A condition that holds from the beginning, for what `from` sends to `to`; an empty end: every service.
void panther_test_condition(struct panther_test *test, const char *from, const char *to, const char *name, const char *value);
// Before initialize: the instance gets the place of that service in a network that another harness has initialized.
int panther_test_place(struct panther_test *test, const struct panther_test *network, const char *service);
// A pattern that the guard looks for in the output, as an assertion of an experiment does.
void panther_test_output_rule(struct panther_test *test, const char *stream, enum panther_match match, const char *pattern);

// Phases: 0, or below 0 with panther_test_problem().
int panther_test_initialize(struct panther_test *test);
int panther_test_start(struct panther_test *test);
int panther_test_stop(struct panther_test *test);
int panther_test_cleanup(struct panther_test *test);

struct panther_test_outcome {
    enum panther_verdict verdict;
    enum panther_reason reason;
    char text[4096];
};
// Returns 0 when there is an outcome, whatever it says.
int panther_test_case(struct panther_test *test, const char *name, uint32_t timeout_ms, struct panther_test_outcome *outcome);
int panther_test_execute(struct panther_test *test, uint32_t timeout_ms, struct panther_test_outcome *outcome);
// What stop said of the instance (a tester's sum, a line that a log rule took for a crash); PANTHER_NONE: nothing.
void panther_test_stopped(const struct panther_test *test, struct panther_test_outcome *outcome);
// Many cases at once, as the coordinator sends them; returns how many ended with the verdict, or below 0.
int panther_test_cases(struct panther_test *test, const char *name, unsigned times, uint32_t timeout_ms, enum panther_verdict verdict);

// What was seen so far.
const char *panther_test_problem(const struct panther_test *test);                          // text of the last answer; never NULL
int panther_test_port(const struct panther_test *test, const char *endpoint);               // below 0: none
const char *panther_test_version(const struct panther_test *test);                          // of the implementation, after initialize
bool panther_test_metric(const struct panther_test *test, const char *name, double *value); // the latest
unsigned panther_test_findings(const struct panther_test *test, const char *signature);     // sightings of a finding so far
int panther_test_pid(const struct panther_test *test, const char *process);                 // of the latest of that name; below 0: none
struct panther_test_exit {
    int status, signal;
    bool clean;      // by the plugin's rule
    bool unexpected; // before stop, and it was not meant to end
};
bool panther_test_exited(struct panther_test *test, const char *process, uint64_t timeout_ms, struct panther_test_exit *exit);
bool panther_test_artifact(const struct panther_test *test, const char *path);       // declared, found and hashed by the guard
unsigned panther_test_matches(const struct panther_test *test, const char *pattern); // lines seen of an output rule
bool panther_test_host_died(const struct panther_test *test, int *signal_number);
int panther_test_host_pid(const struct panther_test *test);
const char *panther_test_folder(const struct panther_test *test); // of the instance: work/, streams/
// The bytes of a stream ("nginx.stderr", "plugin.log"), NUL-terminated, to be freed; NULL: there is none.
char *panther_test_stream(const struct panther_test *test, const char *name);

// Stops and cleans up what still lives, waits for the guard's end, and looks for what is left: processes, bound ports of its block.
// Prints each on stderr and returns their number; 0: nothing is left. Removes the folder and frees the harness.
int panther_test_end(struct panther_test **test);

#endif
