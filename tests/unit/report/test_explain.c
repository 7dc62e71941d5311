// Why a trial came to its verdict: each failure that is known by name, from what an event says or a program prints.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "coordinator/report/explain.h"

static const char *const event_columns[] = {"sequence",       "wall_ns",  "agent",       "trial",       "service",
                                            "kind",           "text",     "boottime_ns", "received_ns", "clock_offset_ns",
                                            "clock_error_ns", "instance", "generation",  "number"};
static const char *const case_columns[] = {"service", "case", "verdict", "reason", "text"};
static const char *const stream_columns[] = {"name", "service", "gaps"};

struct trial {
    struct table *trial, *instances, *cases, *streams, *events;
    const char *printed; // in its one stream
    struct explanation explanation;
};

static void begin(struct trial *trial, const char *verdict, const char *reason)
{
    *trial = (struct trial){0};
    trial->trial = table_new((const char *const[]){"name", "verdict", "reason", "text"}, 4);
    table_add(trial->trial, (const char *const[]){"r1/t/1#1", verdict, reason, "as it came"});
    trial->instances = table_new((const char *const[]){"service", "kind"}, 2);
    table_add(trial->instances, (const char *const[]){"web", "iut"});
    table_add(trial->instances, (const char *const[]){"load", "tester"});
    trial->cases = table_new(case_columns, 5);
    trial->streams = table_new(stream_columns, 3);
    trial->events = table_new(event_columns, 14);
}

static void happened(struct trial *trial, const char *sequence, const char *service, const char *kind, const char *text)
{
    CLEANUP_FREE char *received = memory_printf("%s00", sequence);
    table_add(trial->events, (const char *const[]){sequence, received, "host-a", "r1/t/1#1", service, kind, text, received, received, "0",
                                                   "1", "1", "1", "0"});
}

static char *printed(void *context, const char *stream, size_t *bytes)
{
    (void)stream;
    const struct trial *trial = context;
    *bytes = strlen(trial->printed);
    return memory_string(trial->printed);
}

static void prints(struct trial *trial, const char *text)
{
    table_add(trial->streams, (const char *const[]){"r1/t/1#1/web/web.stderr", "web", ""});
    trial->printed = text;
}

static void ask(struct trial *trial)
{
    struct explain_input input = {.trial = trial->trial,
                                  .instances = trial->instances,
                                  .cases = trial->cases,
                                  .streams = trial->streams,
                                  .timeline = trial->events,
                                  .read = printed,
                                  .context = trial};
    explain(&input, &trial->explanation);
}

static void end(struct trial *trial)
{
    explanation_free(&trial->explanation);
    table_free(&trial->trial);
    table_free(&trial->instances);
    table_free(&trial->cases);
    table_free(&trial->streams);
    table_free(&trial->events);
}

static void assert_known_as(const struct trial *trial, const char *name)
{
    assert_non_null(trial->explanation.pattern);
    assert_string_equal(trial->explanation.pattern->name, name);
    assert_true(strlen(trial->explanation.pattern->advice) > 20);
}

// A stream's line shows it, and the pointer leads to the line's first byte.
static void in_a_stream(const char *line, const char *name)
{
    struct trial trial;
    begin(&trial, "fail", "crash");
    CLEANUP_FREE char *text = memory_printf("starting\n%s\nbye\n", line);
    prints(&trial, text);
    ask(&trial);
    assert_known_as(&trial, name);
    assert_int_equal(trial.explanation.count, 1);
    assert_string_equal(trial.explanation.links[0].where, "r1/t/1#1/web/web.stderr@9");
    end(&trial);
}

static void in_an_event(const char *service, const char *kind, const char *text, const char *name)
{
    struct trial trial;
    begin(&trial, "fail", "crash");
    happened(&trial, "7", service, kind, text);
    ask(&trial);
    assert_known_as(&trial, name);
    assert_string_equal(trial.explanation.links[0].where, "events 7");
    end(&trial);
}

static void a_port_clash(void **state)
{
    (void)state;
    in_a_stream("nginx: [emerg] bind() to 127.0.0.1:443 failed (98: Address already in use)", "port clash");
    in_an_event("web", "process_exited", "process web exited with status 1, unexpected; last lines: listen: address already in use",
                "port clash");
}

static void a_certificate(void **state)
{
    (void)state;
    in_a_stream("error:0A000086:SSL routines::certificate verify failed", "certificate");
}

static void no_readiness(void **state)
{
    (void)state;
    in_an_event("web", "command_done", "start timed out in 20.00s: not ready", "no readiness");
    in_an_event("web", "command_done", "start timed out in 1.03s: start was not done within 1000 ms: no socket", "no readiness");
}

static void out_of_memory(void **state)
{
    (void)state;
    in_an_event("web", "note", "limits: the kernel ended web: out of memory", "out of memory");
    in_a_stream("std::bad_alloc: Cannot allocate memory", "out of memory");
    in_a_stream("tail: memory exhausted", "out of memory");
}

static void a_signal(void **state)
{
    (void)state;
    in_an_event("web", "process_exited", "process web killed by signal 11 (SIGSEGV), core dumped, unexpected", "signal");
    in_an_event("web", "host_died", "plugin host died in start: killed by signal 11 (SIGSEGV)", "signal"); // no tester
}

static void a_killed_tester(void **state)
{
    (void)state;
    in_an_event("load", "host_died", "plugin host died in run_case: killed by signal 9 (SIGKILL)", "tester killed");
}

static void a_sanitizer(void **state)
{
    (void)state;
    in_a_stream("==812==ERROR: AddressSanitizer: heap-use-after-free on address 0x602", "sanitizer");
}

static void a_full_disk(void **state)
{
    (void)state;
    in_a_stream("write: No space left on device", "disk full");
}

static void a_lost_host(void **state)
{
    (void)state;
    in_an_event("web", "instance_lost", "given up on agent host-a: nothing was heard for 10s", "host lost");
}

static void a_missing_program(void **state)
{
    (void)state;
    in_an_event("web", "command_done", "initialize failed: nginx is not installed", "program missing");
}

static void a_cascade_of_timeouts(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "fail", "timeout");
    table_add(trial.cases, (const char *const[]){"load", "first", "fail", "timeout", ""});
    table_add(trial.cases, (const char *const[]){"load", "second", "fail", "timeout", ""});
    ask(&trial);
    assert_known_as(&trial, "timeout cascade");
    assert_int_equal(trial.explanation.count, 2);
    end(&trial);
}

// A program that cannot bind also dies and is not ready: what says most is what it is known as, all of it is told in order.
static void a_chain(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "fail", "crash");
    happened(&trial, "3", "web", "command_done", "initialize done in 3ms");
    happened(&trial, "4", "web", "process_exited", "process web exited with status 1, unexpected");
    happened(&trial, "5", "web", "command_done", "start failed: web is not ready");
    happened(&trial, "6", "web", "process_exited", "process web exited with status 0");
    prints(&trial, "bind: Address already in use\n");
    ask(&trial);
    assert_known_as(&trial, "port clash");
    assert_int_equal(trial.explanation.count, 3);
    assert_string_equal(trial.explanation.links[0].where, "events 4");
    assert_string_equal(trial.explanation.links[1].where, "events 5");
    struct text text = {0};
    explanation_text(&trial.explanation, &text);
    assert_non_null(strstr(text_string(&text), "this is known as: port clash"));
    text_free(&text);
    end(&trial);
}

static void a_pass_needs_no_reason(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "pass", "");
    happened(&trial, "4", "web", "process_exited", "process web killed by signal 9 (SIGKILL), unexpected");
    ask(&trial);
    assert_int_equal(trial.explanation.count, 0);
    assert_null(trial.explanation.pattern);
    end(&trial);
}

// Who came while it ran may have had a part in it; what a person printed is nobody's failure.
static void somebody_was_inside(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "fail", "assertion");
    happened(&trial, "7", "web", "note", "ann is inside: shell.1: ip addr");
    happened(&trial, "8", "web", "note", "shell.1 of ann is over: exit status 0");
    happened(&trial, "9", "", "trial_held", "r1/t/1#1 is held for 60 s: fail");
    happened(&trial, "10", "web", "note", "ann is inside: shell.2");
    table_add(trial.streams, (const char *const[]){"r1/t/1#1/web/shell.1.output", "web", ""});
    trial.printed = "listen: address already in use\n";
    ask(&trial);
    assert_int_equal(trial.explanation.count, 1);
    assert_string_equal(trial.explanation.links[0].where, "events 7");
    assert_null(trial.explanation.pattern);
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_clash),
        cmocka_unit_test(a_certificate),
        cmocka_unit_test(no_readiness),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(a_signal),
        cmocka_unit_test(a_killed_tester),
        cmocka_unit_test(a_sanitizer),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_lost_host),
        cmocka_unit_test(a_chain),
        cmocka_unit_test(a_missing_program),
        cmocka_unit_test(a_cascade_of_timeouts),
        cmocka_unit_test(a_pass_needs_no_reason),
        cmocka_unit_test(somebody_was_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
