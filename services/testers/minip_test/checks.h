// What minip_test asks of a server. Each check returns what run_test returns: the verdict is said.
#ifndef MINIP_TEST_CHECKS_H
#define MINIP_TEST_CHECKS_H

#include "link.h"

struct minip_test {
    int64_t pings;
    int64_t size;
    int64_t sessions;
    uint64_t timeout;
    int64_t tries;
};

struct check {
    struct panther_service *service;
    const struct minip_test *settings;
    struct link *link;
    uint64_t *sessions_used; // over all cases: every session has a number of its own
    struct message message;  // the last one sent
    struct message answer;
};

// A new session's first message; PINGs count on from it.
void check_begin(struct check *check);
// Sends type with this payload, and demands the answer. False: the verdict is said. requirement: "M2".
bool check_opens(struct check *check);
bool check_pings(struct check *check, uint16_t payload_bytes);
bool check_answer(struct check *check, const char *requirement, uint8_t type, const void *payload, uint16_t payload_bytes);
// Says it as a verdict. kind: what is wrong, in words that are the same each time it is seen.
void check_violated(struct check *check, const char *requirement, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// How an answer differs from what is demanded; NULL: it does not.
const char *check_difference(const struct message *asked, const struct message *answer, uint8_t type, const void *payload,
                             uint16_t payload_bytes);

int check_ping(struct check *check);
int check_sequence(struct check *check);
int check_unknown(struct check *check);
int check_malformed(struct check *check);
int check_session(struct check *check);
int check_load(struct check *check); // load.c

#endif
