// What an instance leaves on disk, and its cgroup, are to go. What cannot be removed at this moment (no descriptors, a process that is
// dying) is tried again until it is gone.
#ifndef PANTHER_AGENT_SHELL_REMOVALS_H
#define PANTHER_AGENT_SHELL_REMOVALS_H

struct loop;
struct removals;

struct removals *removals_new(struct loop *loop);
void removals_free(struct removals **removals);                                       // what is left is found at the next start
void removals_add(struct removals *removals, const char *folder, const char *cgroup); // cgroup may be NULL

#endif
