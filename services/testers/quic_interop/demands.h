// What each case demands of a transcript. The judge goes through them in their order; the first that does not hold is the verdict.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_DEMANDS_H
#define PANTHER_TESTERS_QUIC_INTEROP_DEMANDS_H

#include <panther/service.h>

#include "transcript.h"

typedef bool demand_fn(const struct transcript *transcript);

enum proof {
    PLAIN,         // headers that are not encrypted tell
    READ_CLIENT,   // frames of the client: all of its packets were read
    READ_SERVER,   // frames of the server
    ANSWER_CLIENT, // the client's answer to `event`, with its packets read
    ANSWER_SERVER,
};

struct demand {
    demand_fn *holds;
    enum panther_reason reason; // of the failure; PANTHER_REASON_INCOMPLETE: inconc, the network or the evidence did not do its part;
                                // PANTHER_REASON_UNSUPPORTED: none
    const char *text;           // who did not do what, and where it is written
    enum proof proof;
    enum event event; // EVENTS: of none
};

struct demands {
    const char *name;         // of the case
    const struct demand *all; // ends with one whose `holds` is NULL
    const char *proof;        // what is proven when they hold
};

// Handshakes are counted: the network may have taken a download from the client, and that it misses one is no failure.
bool demands_count(const struct demands *demands);
// NULL: there is no such case.
const struct demands *demands_find(const char *case_name);

#endif
