// The ivy tester from the inside: its options, what a test is about, and the evidence of one run.
#ifndef IVY_IVY_H
#define IVY_IVY_H

#include <panther/service.h>

#include <panther/options.h>

struct ivy {
    const char *binary, *program, *source, *include;
    const char *name;
    int64_t iterations, min_events;
    const char *transport;
    const char *seed, *the_cid, *server_port, *iversion, *server_addr, *server_cid, *client_port, *client_port_alt, *client_addr;
    struct panther_list parameters;
};

// What is under test; Ivy plays the other end, and both when it stands in the middle.
enum tested { TESTS_SERVER = 1, TESTS_CLIENT, TESTS_BOTH };

struct test {
    const struct ivy *settings;
    enum tested tested;
    const char *name;                               // "quic_server_test_stream"
    const char *program;                            // that runs
    const struct panther_endpoint *server, *client; // driven; NULL: none
    int port, port_alt;                             // own ones; 0: none
};

// ---- source.c

// The program that ivyc makes of the option source, from the build cache; NULL: failed, the reason is kept.
const char *source_compile(struct panther_service *service, const struct test *test);

// ---- parameters.c

// name=value arguments as the test's program takes them. 0, or below 0 with the reason kept.
int parameters_add(struct panther_service *service, const struct test *test, struct panther_arguments *argv);

// ---- run.c

struct run {
    int process;
    bool has_watches;
    int violation, assertion, completed; // watched lines
    uint64_t started_ns;
};
int run_begin(struct panther_service *service, const struct test *test, struct run *run);

// What one run has left. NULL lines were not seen.
struct evidence {
    bool is_lost;               // its end is not known
    bool is_late, is_cancelled; // it had to be ended
    struct panther_exit exit;   // else
    const char *violation;      // assumption_failed("...")
    const char *assertion;      // assertion_failed("...")
    bool is_out_of_memory;      // "std::bad_alloc" on stderr
    const char *last_words;     // the last line of stderr; "" when there is none
    bool is_completed;          // test_completed
    bool has_events;            // enough lines of events
};
// Waits for the end (and brings it about when the time is up).
void run_end(struct panther_service *service, const struct test *test, struct run *run, struct evidence *evidence);

// ---- verdict.c

// Says the verdict of the decision table in README.md.
int verdict_say(struct panther_service *service, const struct test *test, const struct evidence *evidence);

// ---- place.c

// Where a requirement stands and what it is called, out of assumption_failed("quic_frame.ivy: line 220").
struct place {
    const char *text; // "quic_frame.ivy:220", or all of the marker's text when it names no place
    const char *name; // of the requirement: what the marker says behind the place, or the label in the source; "" when there is none
};
void place_read(struct panther_service *service, const struct test *test, const char *marker, struct place *place);

#endif
