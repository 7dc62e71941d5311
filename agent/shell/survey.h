// Which processes of instances live on this host, and of which instance each is. Asked by shell.c when the coordinator wants to know.
#ifndef PANTHER_AGENT_SHELL_SURVEY_H
#define PANTHER_AGENT_SHELL_SURVEY_H

#include "agent/shell/guards.h"

struct survey_place { // borrowed, for the survey's life
    const struct guards *guards;
    const struct children *children;
    const char *state, *host_id;
};
struct survey;
// In the loop's thread, once for each survey that was started. At most HOST_PROCESSES_MAX, for the time of the call; the rest is counted.
typedef void survey_done_fn(void *context, uint64_t session, uint64_t number, Pb__HostProcess *const *processes, size_t count,
                            uint64_t left_out);
int survey_new(struct survey **out, struct loop *loop, const struct survey_place *place, survey_done_fn *done, void *context,
               struct panther_error *error);
void survey_free(struct survey **survey); // does not wait for one that is being made
// Looks at every process once, in a thread: milliseconds for some hundred. While one is being made another is not begun, nor answered.
void survey_start(struct survey *survey, uint64_t session, uint64_t number);

#endif
