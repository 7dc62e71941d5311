// emulated under the real guard and host: nginx and curl in its namespaces, what the capture says of them, and its death.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct panther_test *new_network(const char *family)
{
    static const char *const services[] = {"client", "server", NULL};
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/emulated/emulated.so");
    panther_test_network(test, services, family);
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void place(struct panther_test *test, const struct panther_test *network, const char *service)
{
    if (panther_test_place(test, network, service) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static struct panther_test *new_server(const struct panther_test *network)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(test, "http", "1.1", "server");
    panther_test_option(test, "tls", "false");
    place(test, network, "server");
    make_ready(test);
    return test;
}

static void download(const struct panther_test *network, const struct panther_test *server, const char *address, uint32_t timeout_ms,
                     enum panther_verdict verdict)
{
    struct panther_test_outcome outcome = {0};
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/curl/service.yaml");
    panther_test_protocol(test, "http", "1.1", "client");
    panther_test_peer(test, NULL, "server", "http", address, (uint16_t)panther_test_port(server, "http"), PANTHER_TCP);
    panther_test_option(test, "paths", "/1024.bin");
    place(test, network, "client");
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_execute(test, timeout_ms, &outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
    if (outcome.verdict != verdict)
        fail_msg("%d: %s", (int)outcome.verdict, outcome.text);
    assert_int_equal(panther_test_end(&test), 0);
}

static double metric(const struct panther_test *test, const char *name)
{
    double value = -1;
    if (!panther_test_metric(test, name, &value))
        fail_msg("there is no metric %s", name);
    return value;
}

// What tshark makes of the capture: lines of the fields, for a filter.
static void read_capture(const struct panther_test *network, const char *filter, const char *field, char *text, size_t bytes)
{
    char command[1024];
    snprintf(command, sizeof command, "tshark -r %s/work/network.pcapng -Y '%s' -T fields -e %s 2>/dev/null", panther_test_folder(network),
             filter, field);
    FILE *tshark = popen(command, "r");
    assert_non_null(tshark);
    text[fread(text, 1, bytes - 1, tshark)] = '\0';
    assert_int_equal(pclose(tshark), 0);
}

static double first_time(const struct panther_test *network, const char *filter)
{
    char text[4096];
    read_capture(network, filter, "frame.time_epoch", text, sizeof text);
    assert_true(*text != '\0');
    return strtod(strchr(text, '.'), NULL) + (double)(strtoull(text, NULL, 10) % 1000000);
}

// Two networks at once, both with the same addresses, of different families.
static void services_meet_in_two_networks_side_by_side(void **state)
{
    (void)state;
    char clients[4096];
    struct panther_test *left = new_network("ipv4"), *right = new_network("ipv6");
    panther_test_condition(left, "client", "server", "delay", "15ms");
    panther_test_condition(right, "client", "server", "duplicate", "100%");
    make_ready(left);
    make_ready(right);
    struct panther_test *left_server = new_server(left), *right_server = new_server(right);
    download(left, left_server, "10.77.0.2", 20000, PANTHER_PASS);
    download(right, right_server, "fd00:77::2", 20000, PANTHER_PASS);
    assert_int_equal(panther_test_end(&left_server), 0);
    assert_int_equal(panther_test_end(&right_server), 0);
    assert_int_equal(panther_test_stop(left), 0);
    assert_int_equal(panther_test_stop(right), 0);
    assert_true(metric(left, "packets") >= 8);
    assert_true(metric(left, "delivered") == metric(left, "packets"));
    assert_true(metric(left, "latest") > 0 && metric(left, "late") <= metric(left, "packets"));
    assert_true(metric(right, "latest") == 0); // nothing waited there
    assert_true(metric(right, "duplicated") >= 4 && metric(right, "delivered") == metric(right, "packets") + metric(right, "duplicated"));
    assert_true(!panther_test_metric(left, "duplicated", &(double){0}));
    double sent = first_time(left, "tcp.flags.syn == 1 && tcp.flags.ack == 0 && frame.interface_name == \"client\"");
    double came = first_time(left, "tcp.flags.syn == 1 && tcp.flags.ack == 0 && frame.interface_name == \"server\"");
    if (came - sent < 0.015 || came - sent > 5)
        fail_msg("the SYN took %.6f s", came - sent);
    read_capture(left, "tcp contains \"GET /1024.bin\" && frame.interface_name == \"server\"", "ip.src", clients, sizeof clients);
    assert_string_equal(clients, "10.77.0.1\n");
    read_capture(right, "tcp contains \"GET /1024.bin\" && frame.interface_name == \"client\"", "ipv6.src", clients, sizeof clients);
    assert_string_equal(clients, "fd00:77::1\n");
    assert_int_equal(panther_test_cleanup(left), 0);
    assert_true(panther_test_artifact(left, "network.pcapng"));
    assert_true(panther_test_artifact(left, "link.json"));
    assert_int_equal(panther_test_end(&left), 0);
    assert_int_equal(panther_test_end(&right), 0);
}

static void what_is_down_does_not_pass(void **state)
{
    (void)state;
    char dropped[8192];
    struct panther_test *network = new_network("both");
    panther_test_condition(network, "client", "server", "down", "true");
    make_ready(network);
    struct panther_test *server = new_server(network);
    download(network, server, "10.77.0.2", 1000, PANTHER_INCONC);
    assert_int_equal(panther_test_end(&server), 0);
    assert_int_equal(panther_test_stop(network), 0);
    assert_true(metric(network, "dropped_down") >= 1);
    read_capture(network, "frame.comment contains \"dropped: down\"", "frame.interface_name", dropped, sizeof dropped);
    assert_int_equal(strncmp(dropped, "client\n", 7), 0);
    assert_int_equal(panther_test_end(&network), 0);
}

static void a_killed_network_is_an_unexpected_end(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *network = new_network("both");
    make_ready(network);
    struct panther_test *server = new_server(network), *late = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(late, "http", "1.1", "server");
    place(late, network, "client");
    assert_int_equal(kill(panther_test_pid(network, "link"), SIGKILL), 0);
    assert_true(panther_test_exited(network, "link", 5000, &ended));
    assert_true(ended.unexpected);
    assert_true(panther_test_initialize(late) != 0); // its namespace went with it
    assert_non_null(strstr(panther_test_problem(late), "namespace is gone"));
    assert_int_equal(panther_test_end(&late), 0);
    assert_int_equal(panther_test_end(&server), 0); // it lived on in its own, and ends in peace
    panther_test_stop(network);
    assert_int_equal(panther_test_end(&network), 0);
}

static void a_vanished_namespace_ends_the_network(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    char path[512], line[256];
    int holder = 0;
    struct panther_test *network = new_network("both");
    make_ready(network);
    snprintf(path, sizeof path, "%s/work/namespaces", panther_test_folder(network));
    FILE *places = fopen(path, "r");
    assert_non_null(places);
    assert_non_null(fgets(line, sizeof line, places));
    fclose(places);
    assert_int_equal(sscanf(line, "client %d", &holder), 1);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_true(panther_test_exited(network, "link", 5000, &ended));
    assert_true(ended.unexpected);
    assert_int_equal(ended.status, 1);
    char *said = panther_test_stream(network, "link.stderr");
    assert_non_null(said);
    assert_non_null(strstr(said, "the namespace of client is gone"));
    free(said);
    panther_test_stop(network);
    assert_int_equal(panther_test_end(&network), 0);
}

static void a_plan_that_makes_no_sense_is_said(void **state)
{
    (void)state;
    struct panther_test *network = new_network("both");
    panther_test_condition(network, "client", "nobody", "delay", "1ms");
    assert_true(panther_test_initialize(network) != 0);
    assert_non_null(strstr(panther_test_problem(network), "\"nobody\" is no service of this network"));
    assert_int_equal(panther_test_end(&network), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_meet_in_two_networks_side_by_side), cmocka_unit_test(what_is_down_does_not_pass),
        cmocka_unit_test(a_killed_network_is_an_unexpected_end),      cmocka_unit_test(a_vanished_namespace_ends_the_network),
        cmocka_unit_test(a_plan_that_makes_no_sense_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
