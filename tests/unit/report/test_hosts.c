// Hosts in a report: each once as long as it is set alike, with the worst of its clock.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
// clang-format on

#include "coordinator/report/report_hosts.h"

static void hosts_are_gathered_by_how_they_were_set(void **state)
{
    (void)state;
    static const char *const columns[] = {"agent",          "kernel",    "architecture", "distribution", "cpus",
                                          "memory_bytes",   "governor",  "service",      "clock_source", "clock_sync",
                                          "clock_error_us", "interface", "offloads"};
    static const char *const rows[][13] = {
        {"lab-a", "Linux 6.1", "x86_64", "Debian", "8", "4294967296", "performance", "s", "tsc", "yes", "900", "eth0 (veth, mtu 1500)",
         "tso gso"},
        {"lab-a", "Linux 6.1", "x86_64", "Debian", "8", "4294967296", "performance", "t", "tsc", "yes", "2500", "eth0 (veth, mtu 1500)",
         "tso gso"},
        {"lab-a", "Linux 6.1", "x86_64", "Debian", "8", "4294967296", "powersave", "s", "tsc", "yes", "900", "eth0 (veth, mtu 1500)", ""},
        {"lab-b", "Linux 6.1", "x86_64", "Debian", "2", "", "", "t", "kvm-clock", "no", "16000000", "", ""},
        {"lab-c", "", "", "", "", "", "", "t", "", "", "", "", ""}, // was never initialised
    };
    struct table *instances = table_new(columns, 13);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        table_add(instances, rows[i]);
    struct table *hosts = report_hosts(instances);
    assert_int_equal(table_count(hosts), 3);
    assert_string_equal(table_value(hosts, 0, "host"), "lab-a");
    assert_string_equal(table_value(hosts, 0, "instances_count"), "2");
    assert_string_equal(table_value(hosts, 0, "clock_error_us"), "2500");
    static const char *const lines[] = {
        "Linux 6.1 x86_64, Debian, 8 cpus, 4.0GiB, governor performance; clock tsc, synchronised (at most 2.5 ms off); "
        "eth0 (veth, mtu 1500): tso gso",
        "Linux 6.1 x86_64, Debian, 8 cpus, 4.0GiB, governor powersave; clock tsc, synchronised (at most 0.9 ms off); "
        "eth0 (veth, mtu 1500): no offloads",
        "Linux 6.1 x86_64, Debian, 2 cpus, memory not known, no governor; clock kvm-clock, not synchronised",
    };
    for (size_t i = 0; i < 3; i++) {
        struct text line = {0};
        report_host_line(hosts, i, &line);
        assert_string_equal(text_string(&line), lines[i]);
        text_free(&line);
    }
    table_free(&hosts);
    table_free(&instances);
}

// A bundle of an older panther has no such columns.
static void instances_that_say_nothing_are_no_hosts(void **state)
{
    (void)state;
    struct table *instances = table_new((const char *const[]){"agent"}, 1);
    table_add(instances, (const char *const[]){"lab-a"});
    struct table *hosts = report_hosts(instances);
    assert_int_equal(table_count(hosts), 0);
    table_free(&hosts);
    table_free(&instances);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hosts_are_gathered_by_how_they_were_set),
                                       cmocka_unit_test(instances_that_say_nothing_are_no_hosts)};
    return cmocka_run_group_tests_name("report_hosts", tests, NULL, NULL);
}
