// The parsers of the tools' output, on what the tools of Debian 12 wrote of small programs (tests/fuzz/corpus/execution), whole and cut.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/environment/execution/parsers.h"
#include "common/base/memory.h"
#include "common/system/file.h"

#define FILE_MAX_BYTES (1024 * 1024)

static struct report report;
static char *text;
static size_t bytes;

static void open_file(const char *name)
{
    CLEANUP_FREE char *path = memory_printf(PANTHER_SOURCE "/tests/fuzz/corpus/execution/%s", name);
    free(text);
    text = NULL;
    memset(&report, 0, sizeof report);
    assert_int_equal(file_read(path, FILE_MAX_BYTES, &text, &bytes, NULL), 0);
}

static void assert_finding(const char *signature)
{
    for (size_t i = 0; i < report.finding_count; i++)
        if (strcmp(report.findings[i].signature, signature) == 0)
            return;
    for (size_t i = 0; i < report.finding_count; i++)
        print_message("finding: %s (%s)\n", report.findings[i].signature, report.findings[i].title);
    fail_msg("no finding \"%s\"", signature);
}

static void strace_is_read(void **state)
{
    (void)state;
    open_file("strace.txt");
    assert_true(strace_parse(&report, text, bytes, 3));
    assert_true(report_value(&report, "strace.calls") == 36);
    assert_true(report_value(&report, "strace.errors") == 1);
    assert_true(report_value(&report, "strace.calls.mmap") == 8);
    assert_true(report_value(&report, "strace.calls.brk") == 0); // beyond the top three
    assert_false(strace_parse(&report, text, bytes - 20, 3));
}

static void perf_is_read(void **state)
{
    (void)state;
    open_file("perf-report.txt");
    assert_true(perf_report_parse(&report, text, bytes, 2));
    assert_true(report_value(&report, "perf.hot.burn") > 0.9);
    assert_int_equal(report.metric_count, 2);
    open_file("perf-stat.csv");
    assert_true(perf_stat_parse(&report, text, bytes));
    assert_true(report_value(&report, "perf.context-switches") > 0);
    assert_true(report_value(&report, "perf.cycles") == 0); // <not supported>
}

static void valgrind_is_read(void **state)
{
    (void)state;
    open_file("memcheck.xml");
    assert_true(valgrind_parse(&report, text, bytes, "memcheck"));
    assert_finding("memcheck Leak_DefinitelyLost lose < main");
    assert_true(report_value(&report, "memcheck.leaked") == 100);
    assert_non_null(strstr(report.findings[0].title, "100 bytes in 1 blocks are definitely lost, in lose"));
    open_file("helgrind-cut.xml");
    assert_false(valgrind_parse(&report, text, bytes, "helgrind"));
    assert_finding("helgrind Race bump < main");
}

// Zero errors is an answer of a whole file only.
static void a_cut_report_is_not_a_clean_one(void **state)
{
    (void)state;
    open_file("memcheck.xml");
    char *error = strstr(text, "<error>");
    assert_non_null(error);
    assert_false(valgrind_parse(&report, text, (size_t)(error - text), "memcheck"));
    assert_int_equal(report.metric_count, 0);
}

static void sanitizers_are_read(void **state)
{
    (void)state;
    open_file("asan.txt");
    assert_true(sanitizer_parse(&report, text, bytes));
    assert_finding("asan heap-buffer-overflow spill < main");
    assert_false(sanitizer_parse(&report, text, 400)); // without its SUMMARY
    open_file("lsan.txt");
    assert_true(sanitizer_parse(&report, text, bytes));
    assert_finding("asan leak lose < main");
    assert_true(report_value(&report, "asan.leaked") == 231);
    open_file("tsan.txt");
    assert_true(sanitizer_parse(&report, text, bytes));
    assert_finding("tsan data race bump < main");
    assert_int_equal(report.finding_count, 1);
    open_file("ubsan.txt");
    assert_true(sanitizer_parse(&report, text, bytes));
    assert_finding("ubsan signed integer overflow over.c < main");
}

static void gdb_is_read(void **state)
{
    (void)state;
    open_file("gdb.txt");
    assert_true(gdb_parse(&report, text, bytes));
    assert_finding("gdb SIGSEGV main");
    assert_true(report_value(&report, "gdb.crashes") == 1);
}

static void profiles_are_read(void **state)
{
    (void)state;
    open_file("callgrind.out");
    callgrind_parse(&report, text, bytes, 5);
    assert_true(report_value(&report, "callgrind.instructions") > 0);
    open_file("massif.out");
    assert_true(massif_parse(&report, text, bytes));
    open_file("pprof.txt");
    assert_true(pprof_parse(&report, text, bytes, "gperf_cpu", 5));
    assert_true(report_value(&report, "gperf_cpu.hot.hot") == 1);
    open_file("heap.txt");
    assert_true(heap_profile_parse(&report, text, bytes));
    assert_true(report_value(&report, "gperf_heap.allocated") == 4196);
}

static void garbage_is_no_report(void **state)
{
    (void)state;
    static const char garbage[] = "\0\xff<error>|%\nfn=(99999999999) x\n12 nan\n% time\n1 2 3 nan total";
    memset(&report, 0, sizeof report);
    assert_false(strace_parse(&report, garbage, sizeof garbage, 20));
    assert_false(perf_report_parse(&report, garbage, sizeof garbage, 20));
    assert_false(valgrind_parse(&report, garbage, sizeof garbage, "memcheck"));
    assert_false(massif_parse(&report, garbage, sizeof garbage));
    assert_false(gdb_parse(&report, garbage, sizeof garbage));
    assert_int_equal(report.metric_count, 0);
    assert_int_equal(report.finding_count, 0);
}

static int close_file(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strace_is_read),      cmocka_unit_test(perf_is_read),
        cmocka_unit_test(valgrind_is_read),    cmocka_unit_test(a_cut_report_is_not_a_clean_one),
        cmocka_unit_test(sanitizers_are_read), cmocka_unit_test(gdb_is_read),
        cmocka_unit_test(profiles_are_read),   cmocka_unit_test(garbage_is_no_report),
    };
    return cmocka_run_group_tests(tests, NULL, close_file);
}
