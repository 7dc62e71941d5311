// The processes of one test: started with their output in files, reaped by us alone, and none left at the end. The test program is a
// subreaper, so whatever a killed agent or guard leaves behind becomes our child: the walk over our descendants misses nothing.
#ifndef PANTHER_TESTS_E2E_CHILDREN_H
#define PANTHER_TESTS_E2E_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STATUS_RUNNING -1
#define STATUS_SIGNAL 1000 // + number of the signal that ended it

struct child {
    pid_t pid;
    int status;      // STATUS_RUNNING, exit status, or STATUS_SIGNAL + signal
    char *out, *err; // paths of what it writes
};

void children_begin(void);
// argv[0] is a path. Both outputs go to files named after `name` in `folder` (appended to). It is killed when the test program dies.
struct child *children_start(const char *folder, const char *name, const char *const *argv);
void children_reap(void);                  // everything that has ended
bool child_has_ended(struct child *child); // reaps first
void child_kill(struct child *child);      // SIGKILL, and waits
void child_forget(struct child *child);    // that has ended: its files go, and its pointer is used again
// Every living descendant as one line "PID COMMAND" each; heap, NULL: none. `but` (may be NULL) and what it started do not count.
char *children_left(const struct child *but);
bool descends_from(pid_t pid, const struct child *child);
// Ends what is left, whatever it takes, and forgets all children.
void children_end(void);

// Of any process: its parent, and its first child with this command name (0: none).
pid_t process_parent(pid_t pid);
pid_t process_child(pid_t parent, const char *command);
bool process_lives(pid_t pid); // and is no zombie

#endif
