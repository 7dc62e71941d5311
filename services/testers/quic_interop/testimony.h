// What the qlogs of both sides say of a case, beside what the capture shows: neither may contradict the other. Pure; for plugin.c, which
// reads the files by qlogs.c.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_TESTIMONY_H
#define PANTHER_TESTERS_QUIC_INTEROP_TESTIMONY_H

#include <panther/qlog.h>

#include "judge.h"
#include "transcript.h"

#define TESTIMONY_PROBLEM_BYTES 160

// One qlog.
struct account {
    bool is_closed;    // it tells its connection's end
    bool tells[MARKS]; // a qlog of this kind would say so
    size_t sent[MARKS], received[MARKS];
};
void account_take(struct account *account, const struct panther_qlog_event *event);

// All of one side.
struct testimony {
    size_t qlogs;  // of connections of this case
    bool is_whole; // all of them, to the end of their connections: what they do not tell did not happen to their side
    struct account sum;
    char problem[TESTIMONY_PROBLEM_BYTES]; // a file of this case that is no qlog, by name; "": none
};
// qlog->problem is not "": the file is none. Those of other connections are left out.
void testimony_add(struct testimony *testimony, const char *name, const struct panther_qlog *qlog, const struct account *account,
                   const struct transcript *transcript);

// Changes a verdict that the qlogs contradict into inconc, and adds to its text what they say of it. demanded: a side without a whole qlog
// leaves a pass inconc.
void testimony_weigh(const struct testimony testimony[SIDES], const struct transcript *transcript, const struct endings *endings,
                     bool demanded, struct judgement *judgement);

#endif
