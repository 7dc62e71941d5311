// Kill -9 in the middle of appending, again and again: what was told is there, the chain holds, the rows are those of the records.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/verdict.h"
#include "common/system/loop.h"
#include "tests/unit/store/fixture.h"

#define ROUNDS 6
#define BATCH 9

struct child {
    struct store *store;
    int out;
    uint64_t base; // records before this child
    uint64_t committed;
};

static void on_committed(void *context, uint64_t number)
{
    struct child *child = context;
    child->committed = number;
    uint64_t told = child->base + number * BATCH;
    if (write(child->out, &told, sizeof told) != (ssize_t)sizeof told)
        _exit(2);
}

static void on_broken(void *context, const struct panther_error *error)
{
    (void)context;
    dprintf(STDERR_FILENO, "%s\n", error->message);
    _exit(3);
}

// Appends batches for ever, tells the parent what is committed.
static _Noreturn void run_child(const char *folder, const struct story *story, int out)
{
    static const struct store_callbacks callbacks = {on_committed, NULL, on_broken};
    struct child child = {.out = out};
    struct panther_error error;
    struct loop *loop = loop_new();
    if (store_open(&child.store, folder, false, loop, &callbacks, &child, &error) < 0)
        _exit(4);
    child.base = store_last_sequence(child.store);
    for (uint64_t submitted = 0;;) {
        for (; submitted < child.committed + 4; submitted++)
            store_append(child.store, story->records + submitted % 8 * BATCH, BATCH, NULL);
        loop_run_once(loop, 100);
    }
}

struct replayed {
    uint64_t last;
};

static int count(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    (void)record;
    (void)error;
    ((struct replayed *)context)->last = sequence;
    return 0;
}

static void check_store(struct fixture *fixture, uint64_t told)
{
    fixture_reopen(fixture);
    struct replayed replayed = {0};
    if (store_replay(fixture->store, count, &replayed, &fixture->error) < 0)
        fail_msg("%s", fixture->error.message);
    assert_true(replayed.last >= told);
    assert_int_equal(replayed.last, store_last_sequence(fixture->store));
    char *live = fixture_dump(fixture);
    assert_int_equal(store_rebuild(fixture->store, &fixture->error), 0);
    char *rebuilt = fixture_dump(fixture);
    assert_string_equal(live, rebuilt);
    free(live);
    free(rebuilt);
    fixture_close(fixture);
}

// Lets the child commit for a while, kills it; returns the last that it told.
static uint64_t kill_within(pid_t pid, int in, unsigned messages)
{
    uint64_t told = 0, message;
    for (unsigned i = 0; i < messages; i++) {
        assert_int_equal(read(in, &message, sizeof message), sizeof message);
        told = message;
    }
    kill(pid, SIGKILL);
    while (read(in, &message, sizeof message) == (ssize_t)sizeof message) // told before it died
        told = message;
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    return told;
}

static void what_was_told_survives_kill_9(void **state)
{
    struct fixture *fixture = *state;
    story_run(&fixture->story, 1, "lab", 1);
    story_trial(&fixture->story, 7, 1, 1, 1);
    fixture_append(fixture);
    fixture_close(fixture);
    for (uint32_t i = 0; i < 8 * BATCH; i++)
        story_case(&fixture->story, 7, 72, i + 3, VERDICT_PASS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0)
            run_child(fixture->folder, &fixture->story, ends[1]);
        close(ends[1]);
        check_store(fixture, kill_within(pid, ends[0], 3 + round * 7));
        close(ends[0]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_told_survives_kill_9, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
