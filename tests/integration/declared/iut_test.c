// IUTs that a service.yaml declares, under the real guard and host: every key of the language, with real programs.
#include "tests/integration/declared/folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static void get(int port, const char *path, char *answer, size_t bytes)
{
    char command[256];
    snprintf(command, sizeof(command),
             "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; printf \"GET %s HTTP/1.0\\r\\n\\r\\n\" >&3; timeout 5 cat <&3'", port, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    answer[fread(answer, 1, bytes - 1, pipe)] = '\0';
    pclose(pipe);
}

#define SERVER                                                                                                                             \
    "implementation:\n"                                                                                                                    \
    "  version: {command: [python3, --version], match: \"Python ([0-9.]+)\"}\n"                                                            \
    "options:\n"                                                                                                                           \
    "  greeting: {type: string, default: hello, help: what it serves}\n"                                                                   \
    "  pause: {type: duration, default: 1500ms, range: [0s, 1m], help: shown in a file}\n"                                                 \
    "  sizes: {type: list, default: [1KiB], help: files}\n"                                                                                \
    "ports: {http: {transport: tcp}}\n"                                                                                                    \
    "content: {folder: www, sizes: $(option.sizes)}\n"                                                                                     \
    "files:\n"                                                                                                                             \
    "  - {path: www/greeting.txt, text: \"$(option.greeting) $(option.pause.seconds) $$(address) $(date)\"}\n"                             \
    "phases:\n"                                                                                                                            \
    "  run: {argv: [python3, -u, -m, http.server, $(port.http), --bind, $(address), --directory, $(work)/www], name: web}\n"               \
    "ready: [{http: http, path: /greeting.txt, status: 200}]\n"                                                                            \
    "stop: {signal: INT, clean_on_signal: true}\n"                                                                                         \
    "outputs: [{path: www/greeting.txt, kind: file}]\n"

static void serves_its_files_and_leaves_nothing(void **state)
{
    (void)state;
    char answer[8192];
    struct panther_test_exit end;
    struct panther_test *test = declared_iut(SERVER);
    panther_test_option(test, "greeting", "good morning");
    panther_test_option(test, "sizes", "2KiB");
    up(test);
    assert_int_equal(strncmp(panther_test_version(test), "3.", 2), 0);
    get(panther_test_port(test, "http"), "/greeting.txt", answer, sizeof(answer));
    assert_has(answer, "good morning 1.5 $(address) $(date)");
    get(panther_test_port(test, "http"), "/2048.bin", answer, sizeof(answer));
    assert_has(answer, "Content-Length: 2048");
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_exited(test, "web", 5000, &end));
    assert_true(end.clean);
    assert_false(end.unexpected);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "www/greeting.txt"));
    down(&test);
}

static void one_that_is_killed_was_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = declared_iut(SERVER);
    up(test);
    assert_int_equal(kill(panther_test_pid(test, "web"), SIGKILL), 0);
    assert_true(panther_test_exited(test, "web", 5000, &end));
    assert_int_equal(end.signal, SIGKILL);
    assert_false(end.clean);
    assert_true(end.unexpected);
    down(&test);
}

// ---- what initialize makes

// A server that only stays; what was made for it is looked at in its work folder.
#define STAYS "  run: {argv: [sh, -c, 'echo up; exec sleep 600'], name: stays}\n"
#define READY "ready: [{line: up, stream: stdout}]\n"

static char *file_of(struct panther_test *test, const char *name)
{
    static char text[16384];
    char path[512];
    snprintf(path, sizeof(path), "%s/work/%s", panther_test_folder(test), name);
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        fail_msg("there is no %s", path);
    }
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    return text;
}

static void files_are_made_from_texts_templates_and_copies(void **state)
{
    (void)state;
    struct stat status;
    char path[512];
    struct panther_test *test =
        declared_iut("options:\n"
                     "  size: {type: size, default: 1500KiB, help: a}\n"
                     "  names: {type: list, default: [a, b], help: b}\n"
                     "  on: {type: boolean, default: true, help: c}\n"
                     "  share: {type: ratio, default: 12.5%, help: d}\n"
                     "  data: {type: file, default: \"\", help: e}\n"
                     "ports: {http: {transport: tcp}}\n"
                     "files:\n"
                     "  - {path: sub/a.conf, template: a.conf.in}\n"
                     "  - {path: run.sh, copy: run.sh.in, mode: 0755}\n"
                     "  - {path: never, text: x, when: {option.on: false}}\n"
                     "  - {path: always, text: x, when: {option.on: true, role: [client, server], protocol.version: \"1.1\"}}\n"
                     "phases:\n" STAYS READY);
    folder_file("a.conf.in",
                "$(option.size) $(option.size.kib) $(option.size.mib) [$(option.names)] $(option.on) $(option.share) <$(option.data)>\n"
                "$(endpoint.http) $(service) $(role) $(protocol) $(protocol.version) $(seed) $(trial) $(shell text)\n");
    folder_file("run.sh.in", "$(address)\n");
    panther_test_seed(test, 77);
    up(test);
    snprintf(path, sizeof(path), "1536000 1500 2 [a b] true 0.125 <>\n127.0.0.1:%d", panther_test_port(test, "http"));
    assert_has(file_of(test, "sub/a.conf"), path);
    assert_has(file_of(test, "sub/a.conf"), "server http 1.1 77 ");
    assert_has(file_of(test, "sub/a.conf"), "$(shell text)");
    assert_string_equal(file_of(test, "run.sh"), "$(address)\n");
    snprintf(path, sizeof(path), "%s/work/run.sh", panther_test_folder(test));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0755);
    assert_string_equal(file_of(test, "always"), "x");
    snprintf(path, sizeof(path), "%s/work/never", panther_test_folder(test));
    assert_int_equal(stat(path, &status), -1);
    down(&test);
}

static void certificates_are_as_asked(void **state)
{
    (void)state;
    struct panther_test *test =
        declared_iut("options: {key: {type: choice, choices: [ec, rsa], default: ec, help: a}}\n"
                     "certificate: {key: $(option.key), names: [a.example, $(address)], chain: 2, wrong_name: false}\n"
                     "phases:\n"
                     "  pre_run:\n"
                     "    - {argv: [openssl, verify, -CAfile, $(certificate.authority), -untrusted, $(certificate.certificate), "
                     "-verify_hostname, a.example, $(certificate.certificate)]}\n"
                     "    - {argv: [openssl, rsa, -in, $(certificate.key), -noout, -check]}\n" STAYS READY);
    panther_test_option(test, "key", "rsa");
    up(test);
    down(&test);
}

static void a_port_that_is_not_there_is_no_reference(void **state)
{
    (void)state;
    const char *rest = "options: {tls: {type: boolean, default: false, help: a}, port: {type: port, default: 0, help: b}}\n"
                       "ports:\n"
                       "  https: {transport: tcp, when: {option.tls: true}}\n"
                       "  quic: {transport: [tcp, udp], wanted: $(option.port)}\n"
                       "phases:\n"
                       "  run: {argv: [sh, -c, 'echo up; exec sleep 600', $(port.https)]}\n" READY;
    struct panther_test *test = declared_iut(rest);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_true(panther_test_port(test, "https") < 0);
    assert_true(panther_test_port(test, "quic") > 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_has(panther_test_problem(test), "$(port.https) has no value here: the condition of this port does not hold");
    down(&test);
    test = declared_iut(rest);
    panther_test_option(test, "tls", "true");
    up(test);
    assert_true(panther_test_port(test, "https") > 0);
    down(&test);
}

// ---- commands

static void arguments_and_environment_have_conditions(void **state)
{
    (void)state;
    struct panther_test *test = declared_iut(
        "implementation: {capabilities: [{name: yes}, {name: no, command: [echo, a], match: b}]}\n"
        "options: {headers: {type: list, default: [x, y z], help: a}, none: {type: list, default: \"\", help: b}}\n"
        "phases:\n"
        "  run:\n"
        "    - argv: [sh, -c, 'for a; do echo \"<$a>\"; done; echo $WORD $OTHER $PWD; echo up; exec sleep 600', name, $(option.headers),\n"
        "        $(option.none), {when: {capability.yes: true, capability.no: false}, args: [has, -$(option.headers)-]},\n"
        "        {when: {capability.no: true}, args: [never]}, {each: option.headers, args: [-H, $(item)]}]\n"
        "      environment: {WORD: $(role)ish, OTHER: {value: never, when: {role: client}}}\n"
        "      working_dir: sub\n"
        "      name: main\n"
        "files: [{path: sub/x, text: x}]\n" READY);
    up(test);
    char *out = panther_test_stream(test, "main.stdout");
    assert_has(out, "<x>\n<y z>\n<has>\n<-x y z->\n<-H>\n<x>\n<-H>\n<y z>\nserverish /");
    assert_has(out, "/work/sub\n");
    free(out);
    down(&test);
}

static void a_failed_pre_run_ends_the_start(void **state)
{
    (void)state;
    struct panther_test *test = declared_iut("phases:\n"
                                             "  pre_run:\n"
                                             "    - {argv: [sh, -c, exit 3], clean: [3]}\n"
                                             "    - {argv: [sh, -c, 'echo line 7 is wrong >&2; exit 1'], name: check}\n" STAYS READY);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_string_equal(panther_test_problem(test), "pre_run: check ended with status 1: line 7 is wrong");
    down(&test);
    test = declared_iut("phases:\n  pre_run: {argv: [sleep, \"60\"], timeout: 200ms}\n" STAYS READY);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_string_equal(panther_test_problem(test), "pre_run: sleep was not done in time");
    down(&test);
}

// ---- ready and stop

static void it_is_ready_when_all_holds(void **state)
{
    (void)state;
    struct panther_test *test =
        declared_iut("ports: {dns: {transport: [udp, tcp]}}\n"
                     "phases:\n"
                     "  run:\n"
                     "    - {argv: [python3, -c, 'import socket,time; s=socket.socket(type=socket.SOCK_DGRAM); "
                     "s.bind((\"$(address)\",$(port.dns))); time.sleep(600)'], name: udp}\n"
                     "    - {argv: [sh, -c, 'sleep 0.3; echo number 42 is up; touch made; exec sleep 600'], name: other}\n"
                     "ready: [{udp: dns}, {match: \"number [0-9]+ is\"}, {file: made}, {tcp: dns, when: {role: client}}]\n"
                     "stop: {clean_on_signal: true, clean: [143]}\n");
    up(test);
    assert_string_equal(file_of(test, "made"), "");
    down(&test);
}

static void what_does_not_become_ready_fails(void **state)
{
    (void)state;
    struct panther_test *test = declared_iut("phases:\n" STAYS "ready: [{match: \"n[e]ver\"}]\n");
    panther_test_phase_ms(test, 1000);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_has(panther_test_problem(test), "no line matched \"n[e]ver\"");
    down(&test);
}

static void a_stop_is_clean_by_its_rule(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = declared_iut(
        "phases:\n"
        "  run:\n"
        "    - {argv: [sh, -c, 'trap \"exit 7\" USR1; echo up; while :; do sleep 0.05; done'], name: seven}\n"
        "    - {argv: [sh, -c, 'trap \"\" TERM; echo up; while :; do sleep 0.05; done'], name: deaf, stop: {signal: TERM, grace: 200ms}}\n"
        "    - {argv: [sh, -c, 'trap \"exit 8\" USR1; echo up; while :; do sleep 0.05; done'], name: eight}\n"
        "  post_run: [{argv: [sh, -c, echo after > post]}]\n"
        "stop: {signal: USR1, clean: [7]}\n"
        "outputs: [{path: post, kind: log}]\n"
        // a signal that comes before its trap is another story
        "ready: [{line: up, stream: seven.stdout}, {line: up, stream: deaf.stdout}, {line: up, stream: eight.stdout}]\n");
    up(test);
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_exited(test, "seven", 5000, &end));
    assert_int_equal(end.status, 7);
    assert_true(end.clean);
    assert_true(panther_test_exited(test, "eight", 5000, &end));
    assert_int_equal(end.status, 8);
    assert_false(end.clean);
    assert_true(panther_test_exited(test, "deaf", 5000, &end));
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "post"));
    down(&test);
}

static void a_failed_post_run_fails_the_stop(void **state)
{
    (void)state;
    struct panther_test *test = declared_iut("phases:\n" STAYS "  post_run: {argv: [sh, -c, 'echo left over >&2; exit 1']}\n"
                                             "stop: {clean_on_signal: true}\n" READY);
    up(test);
    assert_int_not_equal(panther_test_stop(test), 0);
    assert_string_equal(panther_test_problem(test), "post_run: sh ended with status 1: left over");
    down(&test);
}

// ---- lines that mean something

static void expect_stopped(const char *says, enum panther_verdict verdict, enum panther_reason reason, const char *text)
{
    char rest[1024];
    struct panther_test_outcome outcome;
    snprintf(rest, sizeof(rest),
             "phases:\n  run: {argv: [sh, -c, 'echo %s >&2; echo up; exec sleep 600'], name: srv}\n"
             "log:\n"
             "  - {match: \"child [0-9]+ exit signal\", stream: srv.stderr, means: crash}\n"
             "  - {text: no space left, means: infrastructure}\n"
             "  - {text: deprecated, means: warning}\n"
             "  - {text: up, stream: stdout, means: ready}\n"
             "  - {text: anything, means: crash, when: {role: client}}\n"
             "stop: {clean_on_signal: true}\n",
             says);
    struct panther_test *test = declared_iut(rest);
    up(test);
    assert_int_equal(panther_test_stop(test), 0);
    panther_test_stopped(test, &outcome);
    assert_int_equal(outcome.verdict, verdict);
    assert_int_equal(outcome.reason, reason);
    assert_has(outcome.text, text);
    if (strstr(says, "deprecated") != NULL) {
        char *log = panther_test_stream(test, "plugin.log");
        assert_has(log, says);
        free(log);
    }
    down(&test);
}

static void a_line_can_mean_a_crash_or_a_fault_of_the_host(void **state)
{
    (void)state;
    expect_stopped("child 77 exit signal 11", PANTHER_FAIL, PANTHER_REASON_CRASH, "child 77 exit signal 11");
    expect_stopped("no space left", PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "no space left");
    expect_stopped("deprecated anything", PANTHER_NONE, PANTHER_REASON_NONE, "");
}

// ---- profiles

static void a_profile_stands_in_for_defaults(void **state)
{
    (void)state;
    const char *rest = "options:\n"
                       "  workers: {type: integer, default: 2, help: a}\n"
                       "  time: {type: duration, default: 1s, help: b}\n"
                       "  names: {type: list, default: [a], help: c}\n"
                       "profiles: {fast: {workers: 8, time: 2s, names: [x, y]}, slow: {workers: 1}}\n"
                       "files: [{path: out, text: \"$(option.workers) $(option.time) $(option.names) <$(option.profile)>\"},\n"
                       "  {path: fast, text: x, when: {option.workers: 8}}]\n"
                       "phases:\n" STAYS READY;
    struct panther_test *test = declared_iut(rest);
    up(test);
    assert_string_equal(file_of(test, "out"), "2 1000 a <>");
    down(&test);
    test = declared_iut(rest);
    panther_test_option(test, "profile", "fast");
    panther_test_option(test, "time", "3s");
    up(test);
    assert_string_equal(file_of(test, "out"), "8 3000 x y <fast>");
    assert_string_equal(file_of(test, "fast"), "x");
    down(&test);
}

// ---- clients

#define CLIENT "phases: {run: {argv: [sh, -c, 'echo got; exit $(option.status)'], finishes: true, clean: [4]}}\n"
#define STATUS "options: {status: {type: integer, default: 0, help: a}}\n"

static void a_client_is_judged_by_its_rules_or_its_end(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = declared_iut(STATUS CLIENT "verdict: [{exit: 0, stdout: {present: got}, verdict: pass, text: got it}]\n");
    up(test);
    assert_int_equal(panther_test_execute(test, 5000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_PASS);
    assert_string_equal(outcome.text, "got it");
    down(&test);
    test = declared_iut(STATUS CLIENT "verdict: [{exit: 0, stdout: {present: got}, verdict: pass, text: got it}]\n");
    panther_test_option(test, "status", "1");
    up(test);
    assert_int_equal(panther_test_execute(test, 5000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    down(&test);
    test = declared_iut(STATUS CLIENT);
    panther_test_option(test, "status", "4");
    up(test);
    assert_int_equal(panther_test_execute(test, 5000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_NONE);
    down(&test);
    test = declared_iut(STATUS CLIENT);
    panther_test_option(test, "status", "1");
    up(test);
    assert_int_not_equal(panther_test_execute(test, 5000, &outcome), 0);
    assert_has(panther_test_problem(test), "ended with status 1: got");
    down(&test);
}

static void in_the_role_of_a_server_there_is_nothing_to_execute(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {.verdict = PANTHER_ERROR};
    struct panther_test *test =
        declared_iut("phases: {run: [{name: client, when: {role: client}, finishes: true, argv: [sh, -c, exit 3]}]}\n"
                     "verdict: [{exit: 3, verdict: fail, reason: assertion}]\n");
    up(test);
    assert_int_equal(panther_test_execute(test, 5000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_NONE);
    down(&test);
}

// ---- what is compiled

static void a_program_is_compiled_for_it(void **state)
{
    (void)state;
    const char *rest = "options: {word: {type: string, default: plain, help: a}}\n"
                       "build:\n"
                       "  inputs: [main.c]\n"
                       "  tools: [[cc, --version]]\n"
                       "  builds: {small: {FLAGS: -Os}, loud: {FLAGS: \"-DLOUD\"}}\n"
                       "phases:\n"
                       "  pre_compile: [{argv: [sh, -c, 'printf \"#define WORD \\\"%s\\\"\\n\" $(option.word) > word.h']}]\n"
                       "  compile: {argv: [sh, -c, 'cc $FLAGS -I. -o server $(plugin)/main.c']}\n"
                       "  post_compile: [{argv: [test, -x, $(build)/server]}]\n"
                       "  run: {argv: [$(build)/server], name: built}\n"
                       "ready: [{match: \"^up \"}]\n";
    struct panther_test *test = declared_iut(rest);
    folder_file("main.c",
                "#include <stdio.h>\n#include <unistd.h>\n#include \"word.h\"\nint main(void) {\n#ifdef LOUD\nputs(\"up LOUD\");\n#else\n"
                "puts(\"up \" WORD);\n#endif\nfflush(stdout); for (;;) pause(); }\n");
    panther_test_option(test, "word", "given");
    up(test);
    char *out = panther_test_stream(test, "built.stdout");
    assert_string_equal(out, "up given\n");
    free(out);
    down(&test);
    test = declared_iut(rest);
    folder_file("main.c", "this is no C\n");
    panther_test_option(test, "build", "loud");
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_has(panther_test_problem(test), "main.c");
    down(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_its_files_and_leaves_nothing),
        cmocka_unit_test(one_that_is_killed_was_not_clean),
        cmocka_unit_test(files_are_made_from_texts_templates_and_copies),
        cmocka_unit_test(certificates_are_as_asked),
        cmocka_unit_test(a_port_that_is_not_there_is_no_reference),
        cmocka_unit_test(arguments_and_environment_have_conditions),
        cmocka_unit_test(a_failed_pre_run_ends_the_start),
        cmocka_unit_test(it_is_ready_when_all_holds),
        cmocka_unit_test(what_does_not_become_ready_fails),
        cmocka_unit_test(a_stop_is_clean_by_its_rule),
        cmocka_unit_test(a_failed_post_run_fails_the_stop),
        cmocka_unit_test(a_line_can_mean_a_crash_or_a_fault_of_the_host),
        cmocka_unit_test(a_profile_stands_in_for_defaults),
        cmocka_unit_test(a_program_is_compiled_for_it),
        cmocka_unit_test(a_client_is_judged_by_its_rules_or_its_end),
        cmocka_unit_test(in_the_role_of_a_server_there_is_nothing_to_execute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
