// What a guard tells its agent, and what of it a loss of power would leave: the disk here keeps only what was synced.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "agent/guard/events.h"
#include "common/system/loop.h"
#include "common/system/spool.h"

#define ROUNDS 300
#define EVENTS_PER_ROUND_MAX 4
#define EVENTS_MAX (ROUNDS * EVENTS_PER_ROUND_MAX)
#define PATIENCE_NS (10ULL * 1000 * 1000 * 1000)

// ---- the disk

static size_t kept; // records that a loss of power leaves
static unsigned syncs;
static int sync_problem; // errno of the next ones; 0: they work

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    const void *payload;
    size_t bytes;
    syncs++;
    if (sync_problem) {
        errno = sync_problem;
        return -1;
    }
    struct spool_reader *reader = spool_reader_new(fd, 0);
    kept = 0;
    while (spool_next(reader, UINT64_MAX, &payload, &bytes, NULL) == 1)
        kept++;
    spool_reader_free(&reader);
    return 0;
}

// ---- a guard's events

struct bench {
    char path[64];
    struct loop *loop;
    struct events *events;
    Pb__GuardSpec spec;
    Pb__Initialize initialize;
    Pb__Event__BodyCase said[EVENTS_MAX];
    size_t said_count, failures;
    uint64_t told;
};

static bool is_result(Pb__Event__BodyCase kind)
{
    return kind == PB__EVENT__BODY_CASE_RESULT || kind == PB__EVENT__BODY_CASE_STARTED;
}

static void is_told(void *context, uint64_t bytes, uint64_t sequence)
{
    struct bench *bench = context;
    assert_true(bytes > 0 && sequence >= bench->told && sequence <= bench->said_count);
    bench->told = sequence;
    for (size_t i = kept; i < sequence; i++)
        assert_true(is_result(bench->said[i])); // told, and power could still take it
}

static void has_failed(void *context, const struct panther_error *error)
{
    (void)error;
    ((struct bench *)context)->failures++;
}

static int begin(void **state)
{
    static struct bench bench;
    bench = (struct bench){.path = "/tmp/panther-events-XXXXXX"};
    int fd = mkstemp(bench.path);
    assert_true(fd >= 0);
    close(fd);
    pb__guard_spec__init(&bench.spec);
    pb__initialize__init(&bench.initialize);
    bench.spec.instance = 7;
    bench.spec.generation = 1;
    bench.spec.initialize = &bench.initialize;
    bench.loop = loop_new();
    assert_int_equal(events_open(&bench.events, bench.loop, &bench.spec, bench.path, is_told, has_failed, &bench, NULL), 0);
    kept = syncs = 0;
    sync_problem = 0;
    *state = &bench;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;
    events_close(&bench->events);
    loop_free(&bench->loop);
    unlink(bench->path);
    return 0;
}

#define SAY(bench, KIND, Type, type, member)                                                                                               \
    do {                                                                                                                                   \
        Pb__##Type body;                                                                                                                   \
        pb__##type##__init(&body);                                                                                                         \
        (bench)->said[(bench)->said_count++] = PB__EVENT__BODY_##KIND;                                                                     \
        EVENT_ADD((bench)->events, KIND, member, &body);                                                                                   \
    } while (0)

enum { KINDS = 9, RESULT = 0, STARTED = 1, STREAM_END = 2 };

static void say(struct bench *bench, unsigned kind)
{
    switch (kind) {
    case RESULT:
        SAY(bench, CASE_RESULT, CaseResult, case_result, case_result);
        break;
    case STARTED:
        SAY(bench, CASE_STARTED, CaseStarted, case_started, case_started);
        break;
    case STREAM_END:
        SAY(bench, STREAM_END, StreamEnd, stream_end, stream_end);
        break;
    case 3:
        SAY(bench, ARTIFACT_READY, ArtifactReady, artifact_ready, artifact_ready);
        break;
    case 4:
        SAY(bench, COMMAND_DONE, CommandDone, command_done, command_done);
        break;
    case 5:
        SAY(bench, PROCESS_EXITED, ProcessExited, process_exited, process_exited);
        break;
    case 6:
        SAY(bench, INSTANCE_ENDED, InstanceEnded, instance_ended, instance_ended);
        break;
    case 7:
        SAY(bench, FAULT_BEGAN, FaultBegan, fault_began, fault_began);
        break;
    default:
        SAY(bench, METRIC, Metric, metric, metric);
    }
}

static void wait_for_sync(struct bench *bench)
{
    uint64_t until_ns = clock_boottime_ns() + PATIENCE_NS;
    while (!events_all_synced(bench->events) && clock_boottime_ns() < until_ns)
        loop_run_once(bench->loop, 100);
    assert_true(events_all_synced(bench->events));
    assert_int_equal(kept, bench->said_count);
}

// ---- tests

static void results_are_told_before_their_sync_which_follows_by_itself(void **state)
{
    struct bench *bench = *state;
    say(bench, STARTED);
    say(bench, RESULT);
    loop_run_once(bench->loop, 0);
    assert_int_equal(bench->told, 2);
    assert_int_equal(syncs, 0);
    wait_for_sync(bench);
    assert_int_equal(syncs, 1);
}

static void all_else_is_synced_before_it_is_told(void **state)
{
    struct bench *bench = *state;
    for (unsigned kind = STREAM_END; kind < KINDS; kind++) {
        say(bench, kind);
        loop_run_once(bench->loop, 0); // is_told() looks
        assert_int_equal(bench->told, bench->said_count);
        assert_int_equal(kept, bench->said_count);
    }
}

static void what_must_be_synced_takes_the_results_before_it_along(void **state)
{
    struct bench *bench = *state;
    say(bench, RESULT);
    loop_run_once(bench->loop, 0);
    say(bench, RESULT);
    say(bench, STREAM_END);
    loop_run_once(bench->loop, 0);
    assert_int_equal(bench->told, 3);
    assert_int_equal(kept, 3);
    assert_int_equal(syncs, 1);
}

// Whatever comes in whatever order: is_told() looks at each.
static void power_may_take_told_results_only(void **state)
{
    struct bench *bench = *state;
    unsigned seed = (unsigned)random_u64(), first = seed;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned count = 1 + (unsigned)rand_r(&seed) % EVENTS_PER_ROUND_MAX;
        for (unsigned i = 0; i < count; i++)
            say(bench, rand_r(&seed) % 2 ? RESULT : (unsigned)rand_r(&seed) % KINDS);
        loop_run_once(bench->loop, 0);
        if (bench->told != bench->said_count)
            fail_msg("seed %u: %llu of %zu are told", first, (unsigned long long)bench->told, bench->said_count);
    }
    wait_for_sync(bench);
    assert_int_equal(bench->failures, 0);
}

static void a_disk_that_fails_after_a_result_was_told_is_noticed(void **state)
{
    struct bench *bench = *state;
    sync_problem = EIO;
    say(bench, RESULT);
    uint64_t until_ns = clock_boottime_ns() + PATIENCE_NS;
    while (bench->failures == 0 && clock_boottime_ns() < until_ns)
        loop_run_once(bench->loop, 100);
    assert_int_equal(bench->failures, 1);
}

static void nothing_that_must_be_kept_is_told_while_the_disk_is_full(void **state)
{
    struct bench *bench = *state;
    sync_problem = ENOSPC;
    say(bench, STREAM_END);
    say(bench, RESULT);
    loop_run_once(bench->loop, 0);
    assert_int_equal(bench->told, 0);
    sync_problem = 0;
    wait_for_sync(bench);
    assert_int_equal(bench->told, 2);
    assert_int_equal(bench->failures, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(results_are_told_before_their_sync_which_follows_by_itself), TEST(all_else_is_synced_before_it_is_told),
        TEST(what_must_be_synced_takes_the_results_before_it_along),      TEST(power_may_take_told_results_only),
        TEST(a_disk_that_fails_after_a_result_was_told_is_noticed),       TEST(nothing_that_must_be_kept_is_told_while_the_disk_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
