// The real `panther-coord serve` of the bench, as a process: started, killed, started again, looked at; and commands of panther-coord.
#ifndef PANTHER_TESTS_BENCH_SWARM_COORDINATOR_H
#define PANTHER_TESTS_BENCH_SWARM_COORDINATOR_H

#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

struct coordinator {
    char program[512], folder[512], data[512], key[512], endpoint[64], bulk[64];
    pid_t pid;
    int pidfd; // -1: not running
    uint64_t started_ns;
};

int coordinator_start(struct coordinator *coordinator, const char *folder, struct panther_error *error); // a new data folder
int coordinator_start_again(struct coordinator *coordinator, struct panther_error *error);               // does not wait
int coordinator_await(struct coordinator *coordinator, struct panther_error *error);                     // until it listens
void coordinator_kill(struct coordinator *coordinator);
void coordinator_stop(struct coordinator *coordinator);                   // SIGTERM
uint64_t coordinator_memory_bytes(const struct coordinator *coordinator); // PSS
double coordinator_cpu_s(const struct coordinator *coordinator);          // of this life
// A command with --key-file; NULL-terminated words after the program's name. Its exit status, or a negative error.
int coordinator_command(const struct coordinator *coordinator, const char *const *words, struct panther_error *error);
int coordinator_command_begin(const struct coordinator *coordinator, const char *const *words, struct panther_error *error); // a pidfd
int coordinator_command_end(int pidfd); // waits; the exit status
uint64_t process_memory_bytes(pid_t pid);

#endif
