// The host that a guard under test believes to be on: processes that are a number and some pipes. Nothing is ever run or killed: the
// linker gives the guard these in place of trampoline.c, kill() and what common/system knows of processes (CMakeLists.txt has the list).
#ifndef PANTHER_TESTS_FUZZ_GUARD_MACHINE_H
#define PANTHER_TESTS_FUZZ_GUARD_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void machine_begin(void);
void machine_end(void);
// The youngest process that lives and is not the plugin host prints, or ends.
void machine_print(const void *data, size_t bytes, bool to_stderr);
void machine_exit(uint8_t status);
// The plugin host: the first process. -1: it is gone.
int machine_host_fd(void);
void machine_host_dies(uint8_t status);
bool machine_has_ended_ones(void); // that the guard has not reaped

#endif
