// Processes as this system wants them: started without inherited descriptors or signal masks, known by (pid, start time), waited
// for by pidfd. Never poll `kill -0`: a zombie answers it.
#ifndef PANTHER_COMMON_SYSTEM_PROCESS_H
#define PANTHER_COMMON_SYSTEM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

enum process_place {
    PROCESS_PLACE_SAME,    // group and session of the parent
    PROCESS_PLACE_GROUP,   // a process group of its own
    PROCESS_PLACE_SESSION, // a session of its own
};

struct process_descriptor {
    int from; // here
    int to;   // there; `from` must not be one of the `to` numbers, unless it is its own
};

struct process_start {
    const char *program;            // a path; or a name without '/', looked up in PATH
    const char *const *argv;        // NULL-terminated
    const char *const *environment; // NULL-terminated; NULL: as here
    const char *folder;             // to start in; NULL: as here
    enum process_place place;
    const struct process_descriptor *descriptors; // 0, 1, 2 that are not named: /dev/null, as here, as here
    size_t descriptor_count;
};

// posix_spawn with all signals unblocked and at their defaults and no descriptor above those named. *pidfd (may be NULL) is the
// caller's to close.
int process_spawn(const struct process_start *start, pid_t *pid, int *pidfd, struct panther_error *error);

struct process_end {
    pid_t pid;
    int status; // exit status; -1 when a signal ended it
    int signal; // 0: none
    bool core_dumped;
    uint64_t user_us, system_us, max_rss_bytes;
};
// Of the child behind pidfd, or of any child when pidfd is negative. 1: ended and reaped; 0: has not ended (only without wait);
// PANTHER_ENOTFOUND: no such child.
int process_reap(int pidfd, bool wait, struct process_end *end);
// Sends by pidfd: never reaches a stranger that was given the same pid. PANTHER_ENOTFOUND when it has ended.
int process_signal(int pidfd, int signal_number);
int process_open(pid_t pid, int *pidfd, struct panther_error *error);

// Who a process is, over restarts of those who watch it: pid and start time (field 22 of /proc/PID/stat, clock ticks since boot).
int process_start_time(pid_t pid, uint64_t *ticks);     // PANTHER_ENOTFOUND; zombies count as there
bool process_is_alive(pid_t pid, uint64_t start_ticks); // the same one, and not a zombie; also when we cannot look (PANTHER_ESHORT)

#define BOOT_ID_BYTES 37
void boot_id(char text[BOOT_ID_BYTES]);

struct process_list {
    pid_t *pids;
    size_t count, capacity;
};
void process_list_free(struct process_list *list);
// These fill a list: 0, or PANTHER_ESHORT when we could not look at all of them, so that more may live than the list says.
// Children of root and their children and so on, zombies left out.
int process_descendants(pid_t root, struct process_list *list);
// Every process that lives, zombies left out; heap.
struct process_row {
    pid_t pid, parent, session;
    char state; // as /proc/PID/stat says it: 'R', 'S', 'D', 'T' ...
    uint64_t start_ticks;
    char name[16];
};
size_t process_rows(struct process_row **rows);
const char *process_state_text(char state);                 // "sleeping"
uint64_t process_age_ms(uint64_t start_ticks);              // now, by CLOCK_BOOTTIME
char *process_environment(pid_t pid, const char *name);     // the value of the variable; heap; NULL: none, or not to be read
char *process_file(pid_t pid, const char *name);            // the text of /proc/PID/NAME; heap; NULL: gone
bool process_folder(pid_t pid, char *folder, size_t bytes); // where it works
// Processes whose environment holds exactly this entry ("PANTHER_INSTANCE=7.1"), as far as we may read it.
int processes_with_environment(const char *entry, struct process_list *list);
// Processes of the session that `leader` began (it may have ended since; leader_ticks is its start time) whose working folder is
// `folder` or below it: they are found also when they wrote over their environment, as nginx's workers do to show a title.
int processes_of_session(pid_t leader, uint64_t leader_ticks, const char *folder, struct process_list *list);

// The folder of our own program, where its companions are; heap.
char *program_folder(void);

#endif
