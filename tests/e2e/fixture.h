// A whole panther on one machine: coordinator, agents on loopback addresses of their own, and the commands that people type. Each test
// has a lab of its own; tests of several programs run side by side, because a lab holds a slot: addresses and ports nobody else has.
// lab_end cleans up also after a test that failed, and shows the logs of such a test.
#ifndef PANTHER_TESTS_E2E_FIXTURE_H
#define PANTHER_TESTS_E2E_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/base/memory.h"
#include "tests/e2e/children.h"

// Anything that happens at once in an idle lab; long, because the machine may be busy with other tests.
#define LAB_WAIT_MS 60000
#define LAB_AGENTS_MAX 4

struct lab_agent {
    const char *name, *key, *state, *address;
    struct child *child;
};

struct lab {
    char root[64]; // everything of it is below
    const char *data, *key, *endpoint;
    unsigned slot, port; // bulk is the port above
    int slot_lock;
    struct child *coordinator;
    struct lab_agent agents[LAB_AGENTS_MAX];
    size_t agent_count;
    struct arena *arena; // texts and paths, until the end
    json_t *documents;   // what lab_rows parsed, until the end
    unsigned commands;
    bool passed;
};

// ---- life

int lab_begin(void **state);
int lab_end(void **state);
void lab_up(struct lab *lab, const char *const *agents); // coordinator and these agents, connected; NULL-terminated
void lab_serve(struct lab *lab);                         // the coordinator, (again)
struct child *lab_serve_another(struct lab *lab, const char *data, const char **endpoint); // beside it
struct lab_agent *lab_agent(struct lab *lab, const char *name); // gets a key unless there is one; starts (again), does not wait
struct lab_agent *lab_agent_with(struct lab *lab, const char *name, const char *const *flags);
struct lab_agent *lab_agent_of(struct lab *lab, const char *name); // that was started before
void lab_connected(struct lab *lab, const char *name);             // waits until the agent is, and its plugins are known
// The end of every test: no instance folder is left, all stop at SIGTERM with status 0, and then no process, no open port and no cgroup
// is there.
void lab_stop(struct child *child, const char *what); // SIGTERM, status 0
void lab_leaves_nothing(struct lab *lab);
bool lab_has_open_port(const struct lab *lab); // on an address of this lab

// ---- files

const char *lab_path(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *lab_write(struct lab *lab, const char *name, const char *text);     // its path
const char *lab_read(struct lab *lab, const char *path);                        // "" when it is not there
bool lab_log_has(struct lab *lab, const struct child *child, const char *text); // in what it wrote to stderr

// ---- commands of panther-coord: arguments, then NULL

struct output {
    int status;
    const char *out, *err;
};
struct output lab_run(struct lab *lab, ...) __attribute__((sentinel));
struct child *lab_start(struct lab *lab, ...) __attribute__((sentinel));
int lab_wait(struct lab *lab, struct child *child); // its status; fails the test when it does not end
// `COMMAND... -o json`, which must succeed: an array of objects (of one, where a command has one answer).
json_t *lab_rows(struct lab *lab, ...) __attribute__((sentinel));
json_t *lab_parse(struct lab *lab, const char *text);        // lives until the end
const char *row_text(const json_t *row, const char *column); // "" when it is not there or no text
json_int_t row_number(const json_t *row, const char *column);
json_t *row_where(json_t *rows, const char *column, const char *value); // the first; NULL: none

// ---- what a run is about

// `submit --wait` of this text, once the run is there (or the command has ended).
struct child *lab_submit(struct lab *lab, const char *experiment);
json_t *lab_cell(struct lab *lab, const char *name); // of `results`; fails the test when it is not there
size_t lab_count_events(struct lab *lab, const char *scope, const char *kind);
const char *lab_event_text(struct lab *lab, const char *scope, const char *kind, const char *holding); // the newest; NULL: none
// Of the newest process that a service of this trial started under this name; 0: none yet.
pid_t lab_process(struct lab *lab, const char *service, const char *process);
json_int_t lab_counter(struct lab *lab, const char *name); // of `status`

#define LAB_UNTIL_MS(lab, limit_ms, condition)                                                                                             \
    do {                                                                                                                                   \
        uint64_t until_ms_ = lab_now_ms() + (limit_ms);                                                                                    \
        while (!(condition)) {                                                                                                             \
            if (lab_now_ms() > until_ms_)                                                                                                  \
                fail_msg("within %d ms it did not come true that %s", (int)(limit_ms), #condition);                                        \
            lab_pause();                                                                                                                   \
        }                                                                                                                                  \
    } while (0)
#define LAB_UNTIL(lab, condition) LAB_UNTIL_MS(lab, LAB_WAIT_MS, condition)
#define assert_text_has(text, wanted)                                                                                                      \
    do {                                                                                                                                   \
        if (!strstr((text), (wanted)))                                                                                                     \
            fail_msg("\"%s\" is not in: %s", (wanted), (text));                                                                            \
    } while (0)
uint64_t lab_now_ms(void);
void lab_pause(void); // between two looks

#define LAB_TEST(function) cmocka_unit_test_setup_teardown(function, lab_begin, lab_end)

#endif
