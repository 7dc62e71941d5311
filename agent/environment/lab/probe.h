// Whether the kernel has netem, which delays and loses packets of a lab: tried, not guessed. Asked once by the agent, told with its Hello,
// so that a trial is refused before it begins.
#ifndef PANTHER_AGENT_ENVIRONMENT_LAB_PROBE_H
#define PANTHER_AGENT_ENVIRONMENT_LAB_PROBE_H

#define LAB_NO_NETEM                                                                                                                       \
    "this kernel has no netem (sch_netem): it can do rate, queue and down, but not delay, jitter, loss, duplicate, corrupt and reorder; "  \
    "`type: emulated` needs none"

// NULL: it has, or it could not be tried, and the lab's own program will say it.
const char *lab_probe_netem(void);

#endif
