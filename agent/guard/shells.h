// Shells in the place of the instance, for `panther-coord shell`: programs of ours with the instance's namespaces (also those of
// a program that is in a sandbox or has clocks of its own, while it lives), cgroup and folder, under
// a pseudo terminal or with pipes. Their output is recorded as streams shell.N.output, and without a terminal's echo what is typed as
// shell.N.input; who opened and how it ended are notes. guard.c passes the client's turns; flow.c and ending.c end them.
#ifndef PANTHER_AGENT_GUARD_SHELLS_H
#define PANTHER_AGENT_GUARD_SHELLS_H

#include <stdbool.h>

#include "common/system/process.h"
#include "panther/v1/guard.pb-c.h"

struct events;
struct loop;
struct processes;
struct shells;
struct streams;

struct shells_place {
    struct loop *loop;
    struct events *events;
    struct streams *streams;
    const struct processes *processes; // whose environment they get, too
    const char *work, *marker, *cgroup;
};
typedef void shell_answer_fn(void *context, Pb__ShellAnswer *answer);

struct shells *shells_new(const struct shells_place *place, shell_answer_fn *answer, void *context);
void shells_free(struct shells **shells);
// One turn of a client: answered once, maybe later. The first one of a shell begins it.
void shells_turn(struct shells *shells, const Pb__ShellCall *call);
// All of them end, and none begins any more.
void shells_close(struct shells *shells, const char *why);
bool shells_any(const struct shells *shells); // some process of them lives
// A child ended; false: it is none of these.
bool shells_ended(struct shells *shells, const struct process_end *end);

#endif
