// What h2load prints, as it is, cut short, and changed; percentiles of its log.
#include "../report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char good[] = "starting benchmark...\n"
                           "progress: 100% done\n"
                           "\n"
                           "finished in 108.12ms, 46245.34 req/s, 49.67MB/s\n"
                           "requests: 5000 total, 4999 started, 4998 done, 4990 succeeded, 10 failed, 2 errored, 1 timeout\n"
                           "status codes: 4990 2xx, 0 3xx, 7 4xx, 1 5xx\n"
                           "traffic: 61.57KB (63050) total, 20.32KB (20810) headers (space savings 94.02%), 5.86KB (6000) data\n"
                           "                     min         max         mean         sd        +/- sd\n"
                           "time for request:      105us      1.11s       641us       224us    72.90%\n"
                           "time for connect:     2.13ms     15.81ms      8.62ms      4.49ms    60.00%\n";

static void reads_every_number(void **state)
{
    (void)state;
    struct report report;
    assert_true(report_parse(good, &report));
    assert_true(report.req_per_s > 46245.33 && report.req_per_s < 46245.35);
    assert_int_equal(report.total, 5000);
    assert_int_equal(report.started, 4999);
    assert_int_equal(report.done, 4998);
    assert_int_equal(report.succeeded, 4990);
    assert_int_equal(report.failed, 10);
    assert_int_equal(report.errored, 2);
    assert_int_equal(report.timeout, 1);
    assert_int_equal(report.status_2xx, 4990);
    assert_int_equal(report.status_4xx, 7);
    assert_int_equal(report.status_5xx, 1);
    assert_true(report.latency_max_ms > 1109.9 && report.latency_max_ms < 1110.1);
    assert_true(report.latency_mean_ms > 0.6409 && report.latency_mean_ms < 0.6411);
}

// Cut after any byte before the last number that counts, it is not a report.
static void refuses_what_is_cut_short(void **state)
{
    (void)state;
    size_t needed = (size_t)(strstr(good, "641us") - good);
    for (size_t length = 0; length <= needed; length++) {
        char cut[sizeof(good)];
        struct report report;
        memcpy(cut, good, length);
        cut[length] = '\0';
        assert_false(report_parse(cut, &report));
    }
}

static void refuses_other_output(void **state)
{
    (void)state;
    struct report report;
    assert_false(report_parse("", &report));
    assert_false(report_parse("-n, -c: the number of requests must be greater than or equal to the clients.\n", &report));
    char changed[sizeof(good)];
    memcpy(changed, good, sizeof(good));
    memcpy(strstr(changed, "641us"), "641xs", 5);
    assert_false(report_parse(changed, &report));
}

static void write_log(char *path, const char *text)
{
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

static void percentiles_are_of_answered_requests(void **state)
{
    (void)state;
    char path[] = "/tmp/h2load-report-XXXXXX";
    struct latencies latencies;
    bool complete;
    // out of order, one without an answer, one torn line
    write_log(path, "10\t200\t4000\n11\t200\t1000\n12\t-1\t999999\n13\t404\t3000\n14\t200\t2000\n15\t20");
    assert_true(latencies_read(path, &latencies, &complete));
    assert_true(complete);
    assert_int_equal(latencies.count, 4);
    assert_true(latencies_percentile_ms(&latencies, 0.5) == 2.0);
    assert_true(latencies_percentile_ms(&latencies, 0.9) == 4.0);
    assert_true(latencies_percentile_ms(&latencies, 0) == 1.0);
    assert_true(latencies_percentile_ms(&latencies, 1) == 4.0);
    free(latencies.us);
    unlink(path);
    assert_false(latencies_read(path, &latencies, &complete));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_number),
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(refuses_other_output),
        cmocka_unit_test(percentiles_are_of_answered_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
