// What every suite of cases for a server is held to: a right server passes all of it, each case fails for its own reason against a server
// that is wrong in one way, and no server, or a silent one, never passes. The tests of coap_suite, dns_conformance and mqtt_suite say only
// what is theirs.
#ifndef PANTHER_SERVICES_TESTERS_TESTS_SUITE_H
#define PANTHER_SERVICES_TESTERS_TESTS_SUITE_H

#include <panther/test.h>

#include <stddef.h>

// How long a tester waits: the option "timeout", and that which the suite has beside it.
struct suite_waits {
    const char *timeout, *other;
};

struct suite {
    const char *plugin;  // path of the shared object
    const char *program; // path of the server that can be wrong (wrong_server.h)
    const char *protocol, *version;
    unsigned transports; // PANTHER_UDP, PANTHER_TCP
    const char *const *cases;
    size_t n_cases;
    const char *other;   // the name of the second option of suite_waits
    const char *silence; // value of the option "silence"
    struct suite_waits normal, patient, hasty, endless;
    const char *first; // the case that a silent server is asked
};

// In MODE the server fails the case NAME for REASON. What shows by something that does not come is asked by a hasty tester.
struct suite_wrong {
    const char *mode, *name;
    enum panther_reason reason;
    bool is_silence;
};

void suite_right_server_passes(const struct suite *suite);
void suite_wrong_server_fails(const struct suite *suite, const struct suite_wrong *wrongs, size_t n_wrongs);
void suite_nobody_passes_nothing(const struct suite *suite);
void suite_out_of_time_is_inconclusive(const struct suite *suite);
// A setting that cannot be is refused, and PROBLEM is among the words.
void suite_refuses(const struct suite *suite, const char *option, const char *value, const char *problem);

#endif
