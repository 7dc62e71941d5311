// `panther-guard --take-memory BYTES`: a process that holds memory until it is killed (fault_memory.c).
#ifndef PANTHER_AGENT_GUARD_TAKE_MEMORY_H
#define PANTHER_AGENT_GUARD_TAKE_MEMORY_H

#define TAKE_MEMORY_FLAG "--take-memory"
// Writes one byte to stdout when it has it all. Returns only when it could not.
int take_memory_main(int argc, char **argv);

#endif
