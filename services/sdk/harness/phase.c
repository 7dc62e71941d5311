// The phases of a test: each sends a command and waits for its answer in the spool.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/loop.h"
#include "services/sdk/harness/harness.h"

#define NS_PER_MS UINT64_C(1000000)
// Beyond a command's own time: the guard's grace, its kill ladder, and a machine that is busy with other tests.
#define ANSWER_SLACK_MS 15000
#define STREAM_TO_PRINT_MAX_BYTES (1024 * 1024)

static const Pb__Event *find_answer(const struct panther_test *test, uint32_t number)
{
    for (size_t i = test->event_count; i > 0; i--) {
        const Pb__Event *event = test->events[i - 1];
        if ((event->body_case == PB__EVENT__BODY_COMMAND_DONE && event->command_done->number == number) ||
            (event->body_case == PB__EVENT__BODY_CASE_RESULT && event->case_result->number == number)) {
            return event;
        }
    }
    return NULL;
}

const Pb__Event *harness_await(struct panther_test *test, uint32_t number, uint32_t given_ms)
{
    const uint64_t end_ns = clock_boottime_ns() + ((uint64_t)given_ms + ANSWER_SLACK_MS) * NS_PER_MS;
    for (;;) {
        const Pb__Event *answer = find_answer(test, number);
        if (answer != NULL) {
            return answer;
        }
        if (!harness_read(test)) {
            harness_problem(test, "the guard has ended without an answer to command %u", number);
            return NULL;
        }
        if (clock_boottime_ns() > end_ns) {
            harness_problem(test, "no answer to command %u within %u ms", number, given_ms + ANSWER_SLACK_MS);
            return NULL;
        }
    }
}

static const Pb__CommandDone *await_done(struct panther_test *test, uint32_t number, uint32_t given_ms)
{
    const Pb__Event *answer = harness_await(test, number, given_ms);
    if (answer == NULL || answer->body_case != PB__EVENT__BODY_COMMAND_DONE) {
        return NULL;
    }
    harness_problem(test, "%s", answer->command_done->text);
    return answer->command_done;
}

static int status_of(const Pb__CommandDone *done)
{
    return done != NULL && done->status == PB__COMMAND_STATUS__COMMAND_STATUS_OK ? 0 : -1;
}

int panther_test_initialize(struct panther_test *test)
{
    return harness_start_guard(test) < 0 ? -1 : status_of(await_done(test, 1, test->phase_ms));
}

int panther_test_start(struct panther_test *test)
{
    Pb__Command command;
    Pb__Start body;
    pb__command__init(&command);
    pb__start__init(&body);
    command.body_case = PB__COMMAND__BODY_START;
    command.start = &body;
    return harness_send(test, &command) < 0 ? -1 : status_of(await_done(test, command.number, harness_deadline_ms(test)));
}

int panther_test_stop(struct panther_test *test)
{
    Pb__Command command;
    Pb__Stop body;
    pb__command__init(&command);
    pb__stop__init(&body);
    body.cancel = true;
    command.body_case = PB__COMMAND__BODY_STOP;
    command.stop = &body;
    if (harness_send(test, &command) < 0) {
        return -1;
    }
    const bool is_first = !test->is_stopped;
    test->is_stopped = true;
    const Pb__CommandDone *done = await_done(test, command.number, 2 * harness_deadline_ms(test));
    if (done != NULL && is_first) {
        harness_copy_outcome(done->outcome, &test->stopped);
    }
    return status_of(done);
}

void panther_test_stopped(const struct panther_test *test, struct panther_test_outcome *outcome)
{
    *outcome = test->stopped;
}

int panther_test_cleanup(struct panther_test *test)
{
    Pb__Command command;
    Pb__Cleanup body;
    pb__command__init(&command);
    pb__cleanup__init(&body);
    command.body_case = PB__COMMAND__BODY_CLEANUP;
    command.cleanup = &body;
    if (harness_send(test, &command) < 0) {
        return -1;
    }
    test->is_cleaned = true;
    return status_of(await_done(test, command.number, harness_deadline_ms(test)));
}

// ---- cases and execute

void harness_copy_outcome(const Pb__Outcome *from, struct panther_test_outcome *outcome)
{
    outcome->verdict = from != NULL ? (enum panther_verdict)from->verdict : PANTHER_NONE;
    outcome->reason = from != NULL ? (enum panther_reason)from->reason : PANTHER_REASON_NONE;
    snprintf(outcome->text, sizeof(outcome->text), "%s", from != NULL ? from->text : "");
}

int harness_begin_case(struct panther_test *test, const char *name, uint32_t timeout_ms, bool unlisted)
{
    Pb__Command command;
    Pb__RunCase body;
    pb__command__init(&command);
    pb__run_case__init(&body);
    body.name = (char *)(uintptr_t)name;
    body.timeout_ms = timeout_ms;
    body.unlisted = unlisted;
    harness_fill_case(test, &body);
    command.body_case = PB__COMMAND__BODY_RUN_CASE;
    command.run_case = &body;
    return harness_send(test, &command) < 0 ? -1 : (int)command.number;
}

int panther_test_case(struct panther_test *test, const char *name, uint32_t timeout_ms, struct panther_test_outcome *outcome)
{
    const int number = harness_begin_case(test, name, timeout_ms, false);
    const Pb__Event *answer = number < 0 ? NULL : harness_await(test, (uint32_t)number, timeout_ms);
    if (answer == NULL || answer->body_case != PB__EVENT__BODY_CASE_RESULT) {
        return -1;
    }
    harness_copy_outcome(answer->case_result->outcome, outcome);
    harness_problem(test, "%s", outcome->text);
    return 0;
}

int harness_begin_execute(struct panther_test *test, uint32_t timeout_ms)
{
    Pb__Command command;
    Pb__Execute body;
    pb__command__init(&command);
    pb__execute__init(&body);
    body.timeout_ms = timeout_ms;
    command.body_case = PB__COMMAND__BODY_EXECUTE;
    command.execute = &body;
    return harness_send(test, &command) < 0 ? -1 : (int)command.number;
}

int panther_test_execute(struct panther_test *test, uint32_t timeout_ms, struct panther_test_outcome *outcome)
{
    const int number = harness_begin_execute(test, timeout_ms);
    const Pb__CommandDone *done = number < 0 ? NULL : await_done(test, (uint32_t)number, timeout_ms);
    if (status_of(done) == 0) {
        harness_copy_outcome(done->outcome, outcome);
    }
    return status_of(done);
}

int panther_test_cases(struct panther_test *test, const char *name, unsigned times, uint32_t timeout_ms, enum panther_verdict verdict)
{
    const uint32_t first = test->number + 1;
    unsigned sent = 0;
    int counted = 0;
    for (unsigned received = 0; received < times; received++) {
        while (sent < times && sent - received < CASES_IN_FLIGHT_MAX) {
            if (harness_begin_case(test, name, timeout_ms, false) < 0) {
                return -1;
            }
            sent++;
        }
        const Pb__Event *answer = harness_await(test, first + received, timeout_ms);
        if (answer == NULL || answer->body_case != PB__EVENT__BODY_CASE_RESULT) {
            return -1;
        }
        counted += (int)answer->case_result->outcome->verdict == (int)verdict;
    }
    return counted;
}

// ---- the end

// A test that failed in the middle leaves everything to this.
static void wind_down(struct panther_test *test)
{
    if (test->socket >= 0 && !test->is_stopped) {
        panther_test_stop(test);
    }
    if (test->socket >= 0 && !test->is_cleaned) {
        panther_test_cleanup(test);
    }
}

static int check_end(struct panther_test *test)
{
    const Pb__Event *last = test->event_count > 0 ? test->events[test->event_count - 1] : NULL;
    if (last == NULL) {
        return 0;
    }
    if (last->body_case != PB__EVENT__BODY_INSTANCE_ENDED) {
        fprintf(stderr, "left: the guard's last event is not the instance's end\n");
        return 1;
    }
    if (last->instance_ended->cause != PB__END_CAUSE__END_CAUSE_CLEANED) {
        fprintf(stderr, "left: the instance was not cleaned up: %s\n", last->instance_ended->text);
        return 1;
    }
    return 0;
}

static void print_guard_log(const struct panther_test *test)
{
    char *log = NULL;
    size_t bytes = 0;
    if (file_read(arena_printf(test->arena, "%s/guard.log", test->folder), STREAM_TO_PRINT_MAX_BYTES, &log, &bytes, NULL) == 0) {
        fputs(log, stderr);
        free(log);
    }
}

int panther_test_end(struct panther_test **pointer)
{
    struct panther_test *test = *pointer;
    int left = 0;
    if (test == NULL) {
        return 0;
    }
    harness_forget(test);
    wind_down(test);
    if (!harness_guard_ended(test, ANSWER_SLACK_MS)) {
        fprintf(stderr, "left: the guard did not end by itself\n");
        left++;
    }
    left += check_end(test) + harness_leftovers(test);
    if (left > 0) {
        print_guard_log(test);
    }
    if (test->socket >= 0) {
        close(test->socket);
    }
    if (test->spool_fd >= 0) {
        close(test->spool_fd);
    }
    close(test->ports);
    spool_reader_free(&test->reader);
    folder_remove(test->folder, NULL);
    free(test->events);
    arena_free(&test->arena);
    free(test);
    *pointer = NULL;
    return left;
}
