// ivy with a stand-in that prints Ivy's markers and ends in every combination; and with a real Ivy where ivyc is installed.
#include <panther/test.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/ivy/ivy.so"

static struct panther_test *minip;

static int begin_server(void **state)
{
    (void)state;
    minip = panther_test_new(PANTHER_PLUGINS "/minip/minip.so");
    panther_test_protocol(minip, "minip", "1", "server");
    return panther_test_initialize(minip) != 0 || panther_test_start(minip) != 0;
}

static int end_server(void **state)
{
    (void)state;
    return panther_test_end(&minip);
}

static struct panther_test *new_ivy_of(const char *protocol, const char *name)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, protocol, "1", "client");
    panther_test_option(test, "program", "ivy_standin");
    panther_test_option(test, "name", name);
    return test;
}

static struct panther_test *new_ivy(const char *name)
{
    return new_ivy_of("minip", name);
}

static struct panther_test *new_server_test(void)
{
    struct panther_test *test = new_ivy("minip_server_test_hello");
    panther_test_drive(test, "server", minip);
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void assert_refused(struct panther_test *test, const char *why)
{
    assert_int_not_equal(panther_test_initialize(test), 0);
    if (!strstr(panther_test_problem(test), why))
        fail_msg("refused with: %s", panther_test_problem(test));
    assert_int_equal(panther_test_end(&test), 0);
}

// ---- the decision table, row by row

static const struct row {
    const char *traffic, *marker, *end;
    enum panther_verdict verdict;
    enum panther_reason reason;
    const char *text;
} rows[] = {
    {"hello", "completed", "0", PANTHER_PASS, PANTHER_REASON_NONE, "no violation"},
    {"none", "completed", "0", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "nothing was tested"},
    {"unanswered", "completed", "0", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "nothing was tested"},
    {"hello", "completed", "1", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "ended with status 1"},
    {"hello", "completed", "segv", PANTHER_ERROR, PANTHER_REASON_CRASH, "signal 11"},
    {"hello", "completed", "kill", PANTHER_INCONC, PANTHER_REASON_KILLED, "signal 9"},
    {"hello", "completed", "hang", PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "no verdict"},
    {"hello", "completed", "bad_alloc", PANTHER_ERROR, PANTHER_REASON_CRASH, "out of memory"},
    {"hello", "violation", "1", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:4"},
    {"none", "violation", "1", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:4"},
    {"hello", "violation", "0", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:4"},
    {"hello", "violation", "segv", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:4"},
    {"hello", "violation", "kill", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:4"},
    {"hello", "violation", "hang", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:4"},
    {"hello", "named", "1", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "minip_packet.ivy:12: pong_repeats_payload"},
    {"hello", "assertion", "1", PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "minip_shim.ivy"},
    {"hello", "none", "0", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no marker"},
    {"hello", "none", "1", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no marker"},
    {"hello", "none", "segv", PANTHER_ERROR, PANTHER_REASON_CRASH, "not what it tests"},
    {"hello", "none", "abort", PANTHER_ERROR, PANTHER_REASON_CRASH, "not what it tests"},
    {"hello", "none", "term", PANTHER_INCONC, PANTHER_REASON_KILLED, "signal 15"},
    {"hello", "none", "hang", PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "no verdict"},
    {"none", "none", "hang", PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "not done in time"},
    {"hello", "none", "bad_alloc", PANTHER_ERROR, PANTHER_REASON_CRASH, "bad_alloc"},
    {"hello", "refused", "1", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "its last words: sendto: Connection refused"},
    // markers inside of events are none
    {"hello", "quoted", "0", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no marker"},
};

#define CASE_MS 20000
#define HANGING_CASE_MS 1500 // half of it is the run's

static void write_script(const char *path)
{
    FILE *file = fopen(path, "w");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        fprintf(file, "%s %s %s\n", rows[i].traffic, rows[i].marker, rows[i].end);
    fclose(file);
}

static void decides_by_the_table(void **state)
{
    (void)state;
    char path[] = "/tmp/ivy-test-XXXXXX", parameter[64];
    int file = mkstemp(path);
    struct panther_test *test = new_server_test();
    write_script(path);
    snprintf(parameter, sizeof(parameter), "standin_script=%s", path);
    panther_test_option(test, "parameters", parameter);
    make_ready(test);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct panther_test_outcome outcome;
        uint32_t given_ms = strcmp(row->end, "hang") == 0 ? HANGING_CASE_MS : CASE_MS;
        assert_int_equal(panther_test_case(test, "test", given_ms, &outcome), 0);
        if (outcome.verdict != row->verdict || outcome.reason != row->reason || !strstr(outcome.text, row->text))
            fail_msg("%s, %s, %s: verdict %d, reason %d: %s", row->traffic, row->marker, row->end, outcome.verdict, outcome.reason,
                     outcome.text);
    }
    // six rows violate one requirement, one another
    assert_int_equal(panther_test_findings(test, "ivy minip_server_test_hello minip_packet.ivy:4"), 6);
    assert_int_equal(panther_test_findings(test, "ivy minip_server_test_hello minip_packet.ivy:12"), 1);
    assert_int_equal(panther_test_end(&test), 0);
    close(file);
    unlink(path);
}

// ---- parameters and roles

static void assert_parameter(const char *stderr_text, const char *parameter)
{
    char line[128];
    snprintf(line, sizeof(line), "%s\n", parameter);
    if (!strstr(stderr_text, line))
        fail_msg("no %s in:\n%s", parameter, stderr_text);
}

static void passes_parameters_of_the_driven_server(void **state)
{
    (void)state;
    char line[64];
    struct panther_test_outcome outcome;
    struct panther_test *test = new_server_test();
    panther_test_seed(test, UINT64_C(0x100000005)); // more than an int
    panther_test_option(test, "iterations", "17");
    panther_test_option(test, "server_cid", "5");
    panther_test_option(test, "client_addr", "none");
    make_ready(test);
    assert_int_equal(panther_test_case(test, "test", CASE_MS, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_PASS);
    char *text = panther_test_stream(test, "ivy.stderr");
    assert_non_null(text);
    snprintf(line, sizeof(line), "server_port=%d", panther_test_port(minip, "minip"));
    assert_parameter(text, line);
    snprintf(line, sizeof(line), "client_port=%d", panther_test_port(test, "ivy"));
    assert_parameter(text, line);
    assert_parameter(text, "server_addr=2130706433");
    assert_parameter(text, "seed=5");
    assert_parameter(text, "iters=17");
    assert_parameter(text, "server_cid=5");
    assert_null(strstr(text, "client_addr"));
    assert_null(strstr(text, "iversion"));
    free(text);
    assert_int_equal(panther_test_end(&test), 0);
}

static void quic_has_its_own_parameters(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_ivy_of("quic", "quic_server_test_stream");
    panther_test_option(test, "parameters", "standin_traffic=none");
    panther_test_drive(test, "server", minip);
    make_ready(test);
    assert_int_equal(panther_test_case(test, "test", CASE_MS, &outcome), 0);
    char *text = panther_test_stream(test, "ivy.stderr");
    assert_non_null(text);
    assert_parameter(text, "the_cid=0");
    assert_parameter(text, "iversion=1");
    assert_non_null(strstr(text, "client_port_alt="));
    free(text);
    assert_int_equal(panther_test_end(&test), 0);
}

static void waits_for_the_client_that_it_tests(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_ivy("minip_client_test_hello");
    panther_test_option(test, "parameters", "standin_traffic=serve");
    make_ready(test); // its port is bound from here on
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)panther_test_port(test, "minip"));
    int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(client, "MP\1\5\0\0\0\7\0\0\0\1\0\0", 14, 0, (const struct sockaddr *)&address, sizeof(address)), 14);
    assert_int_equal(panther_test_case(test, "test", CASE_MS, &outcome), 0);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    close(client);
    assert_int_equal(panther_test_end(&test), 0);
}

static void refuses_drives_that_contradict_the_name(void **state)
{
    (void)state;
    struct panther_test *test = new_ivy("minip_server_test_hello");
    assert_refused(test, "drives none");
    test = new_ivy("minip_server_test_hello");
    panther_test_drive(test, "client", minip);
    assert_refused(test, "drives a client");
    test = new_ivy("minip_client_test_hello");
    panther_test_drive(test, "server", minip);
    assert_refused(test, "drives a server");
    test = new_ivy("minip_mim_test_delay");
    assert_refused(test, "stands between");
    test = new_ivy("minip_hello");
    panther_test_drive(test, "server", minip);
    assert_refused(test, "does not say what it tests");
}

static void refuses_what_it_cannot_run(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(PLUGIN);
    assert_refused(test, "exactly one of");
    test = panther_test_new(PLUGIN);
    panther_test_option(test, "program", "no_such_server_test");
    panther_test_drive(test, "server", minip);
    assert_refused(test, "not installed");
}

// ---- the requirement's name out of the source that travelled with the experiment

static void names_the_requirement(void **state)
{
    (void)state;
    char folder[] = "/tmp/ivy-test-XXXXXX", path[64];
    struct panther_test_outcome outcome;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/minip_packet.ivy", folder);
    FILE *file = fopen(path, "w");
    fputs("#lang ivy1.7\n\naround packet {\n    require [pong_repeats_payload] p.payload = sent(p.seq);\n}\n", file);
    fclose(file);
    struct panther_test *test = new_server_test();
    panther_test_option(test, "parameters", "standin_marker=violation");
    panther_test_option(test, "include", folder);
    make_ready(test);
    assert_int_equal(panther_test_case(test, "test", CASE_MS, &outcome), 0);
    if (!strstr(outcome.text, "minip_packet.ivy:4: pong_repeats_payload"))
        fail_msg("%s", outcome.text);
    assert_int_equal(panther_test_end(&test), 0);
    unlink(path);
    rmdir(folder);
}

// ---- compiling

// A compiler that stands in for ivyc: it counts its runs in a file beside it, and makes of NAME.ivy the stand-in. A file that includes a
// missing one it refuses.
static const char compiler[] = "#!/bin/sh\n"
                               "for last; do :; done\n"
                               "echo run >> '%s/runs'\n"
                               "include=$(sed -n 's/^include //p' \"$last\")\n"
                               "[ -z \"$include\" ] || [ -e \"$include.ivy\" ] || { echo \"$last: no module $include\" >&2; exit 1; }\n"
                               "cp '" PANTHER_PLUGINS "/ivy/ivy_standin' \"${last%%.ivy}\"\n";

__attribute__((format(printf, 4, 5))) static void write_file(const char *folder, const char *name, unsigned mode, const char *format, ...)
{
    va_list arguments;
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void begin_compiler(char *folder)
{
    char path[1024];
    assert_non_null(mkdtemp(folder));
    write_file(folder, "ivyc", 0755, compiler, folder);
    write_file(folder, "minip_server_test_made.ivy", 0644, "#lang ivy1.7\n");
    snprintf(path, sizeof(path), "%s:%s", folder, getenv("PATH"));
    setenv("PATH", path, 1);
}

static void end_compiler(const char *folder, const char *path_before)
{
    char command[128];
    setenv("PATH", path_before, 1);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static unsigned count_runs(const char *folder)
{
    char path[128], line[16];
    unsigned runs = 0;
    snprintf(path, sizeof(path), "%s/runs", folder);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        runs++;
    if (file)
        fclose(file);
    return runs;
}

static struct panther_test *new_source_test(const char *folder)
{
    char path[128];
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "minip", "1", "client");
    panther_test_state_folder(test, folder);
    snprintf(path, sizeof(path), "%s/minip_server_test_made.ivy", folder);
    panther_test_option(test, "source", path);
    panther_test_drive(test, "server", minip);
    return test;
}

static void a_source_is_compiled_once(void **state)
{
    (void)state;
    char folder[] = "/tmp/ivy-test-XXXXXX", *path_before = strdup(getenv("PATH"));
    begin_compiler(folder);
    for (int i = 0; i < 2; i++) {
        struct panther_test_outcome outcome;
        struct panther_test *test = new_source_test(folder);
        make_ready(test);
        assert_int_equal(panther_test_case(test, "test", CASE_MS, &outcome), 0);
        if (outcome.verdict != PANTHER_PASS || !strstr(outcome.text, "minip_server_test_made"))
            fail_msg("%s", outcome.text);
        assert_int_equal(panther_test_end(&test), 0);
        assert_int_equal(count_runs(folder), 1);
    }
    end_compiler(folder, path_before);
    free(path_before);
}

static void what_does_not_compile_is_said(void **state)
{
    (void)state;
    char folder[] = "/tmp/ivy-test-XXXXXX", *path_before = strdup(getenv("PATH"));
    begin_compiler(folder);
    write_file(folder, "minip_server_test_made.ivy", 0644, "#lang ivy1.7\ninclude %s\n", "minip_frame");
    assert_refused(new_source_test(folder), "no module minip_frame");
    end_compiler(folder, path_before);
    free(path_before);
}

static void without_a_compiler_a_source_is_refused(void **state)
{
    (void)state;
    if (system("command -v ivyc > /dev/null") == 0)
        skip();
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_option(test, "source", "/tmp/minip_server_test_made.ivy");
    panther_test_drive(test, "server", minip);
    assert_refused(test, "ivyc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_by_the_table),
        cmocka_unit_test(passes_parameters_of_the_driven_server),
        cmocka_unit_test(quic_has_its_own_parameters),
        cmocka_unit_test(waits_for_the_client_that_it_tests),
        cmocka_unit_test(refuses_drives_that_contradict_the_name),
        cmocka_unit_test(refuses_what_it_cannot_run),
        cmocka_unit_test(names_the_requirement),
        cmocka_unit_test(a_source_is_compiled_once),
        cmocka_unit_test(what_does_not_compile_is_said),
        cmocka_unit_test(without_a_compiler_a_source_is_refused),
    };
    return cmocka_run_group_tests(tests, begin_server, end_server);
}
