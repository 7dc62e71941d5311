// What a service.yaml may get wrong, and what is said: every mistake has its place and says what to do. Each text is a whole file without
// its head; the table shows the whole message.
#include "services/sdk/declared/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

// Seven lines.
#define HEAD(KIND)                                                                                                                         \
    "panther_service: 1\nname: it\nkind: " KIND "\nversion: \"1\"\nsummary: of a test\n"                                                   \
    "protocols: [{name: http, versions: [\"1.1\"], roles: [server, client]}]\nrequires: {programs: [sh]}\n"
#define IUT HEAD("iut")
#define TESTER HEAD("tester") "drives: {server: {protocol: http, role: server, required: true}}\n"
#define CASES "cases: {one: {summary: the only one}}\n"
#define RUN "phases: {run: {argv: [sh, -c, exit]}}\n"
#define VERDICT "verdict: [{exit: 0, verdict: pass}]\n"

struct mistake {
    const char *text;
    const char *said; // all of it, joined by newlines; "": it is good
};

static const struct mistake mistakes[] = {
    {IUT RUN, ""},
    {TESTER CASES RUN VERDICT, ""},

    // the head
    {"", "1:1: the file is empty"},
    {"[]", "1:1: a service.yaml is a map, this is a list"},
    {"panther_service: 2\n", "1:1: a service.yaml needs the key \"name\"\n1:1: a service.yaml needs the key \"kind\"\n"
                             "1:1: a service.yaml needs the key \"version\"\n1:1: a service.yaml needs the key \"summary\"\n"
                             "1:18: this program reads version 1 of the language, not \"2\""},
    {HEAD("iud") RUN, "3:7: kind is one of iut, tester, not \"iud\"; did you mean \"iut\"?"},
    {IUT RUN "prots: {}\n", "9:1: a service.yaml has no key \"prots\"; did you mean \"ports\"?"},
    {IUT RUN "ports: []\n", "9:8: ports is a map, this is a list"},
    {IUT RUN "ports: {}\nports: {}\n", "10:1: the key \"ports\" is given twice"},
    {IUT RUN "implementation: {version: {command: [sh]}}\n", "9:27: version needs the key \"match\""},
    {IUT RUN "implementation: {version: {command: [sh, $(work)], match: \"(\"}}\n",
     "9:42: $(work) has no value here\n9:59: match: \"(\" is not a POSIX extended regular expression: Unmatched ( or \\("},
    {IUT RUN "implementation: {capabilities: [{name: x, command: [sh]}]}\n",
     "9:33: a capability has both command and match, or neither (then it is always there)"},

    {IUT RUN "log: [{match: \"(a{900}){900}\", means: warning}]\n",
     "9:15: match: \"(a{900}){900}\" repeats too often: all its {m,n} multiplied must stay below 1000"},

// what a case needs of the services that it drives
#define NEEDS(TEXT) TESTER "cases:\n  one: {summary: x, " TEXT "}\n" RUN VERDICT
    {NEEDS("profiles: {server: retry}, execute: [server], fresh: [server], conditions: {delay: 15ms, drop_nth: [1, 2]}"), ""},
    {NEEDS("profiles: {servr: retry}"), "10:32: there is no word of drives \"servr\"; did you mean \"server\"?"},
    {NEEDS("execute: server"), "10:30: execute is a list, this is text"},
    {NEEDS("fresh: [cliet]"), "10:29: there is no word of drives \"cliet\""},
    {NEEDS("conditions: {dely: 1ms}"), "10:34: unknown condition \"dely\" of a case; did you mean \"delay\"?"},
    {NEEDS("conditions: {delay: soon}"), "10:34: condition \"delay\" of a case: \"soon\" is not a duration such as 150ms, 2.5s or 30m"},
    {TESTER CASES "phases: {run: {argv: [sh, $(drive.server.folder), $(drive.network.folder), $(drive.server.profile)]}}\n" VERDICT, ""},

    // options
    {IUT RUN "options: {a: {type: integr, help: x}}\n",
     "9:21: type is one of string, integer, float, boolean, choice, duration, size, ratio, list, file, port, not \"integr\"; did you mean "
     "\"integer\"?"},
    {IUT RUN "options: {a: {type: string}}\n", "9:14: an option needs the key \"help\""},
    {IUT RUN "options: {A: {type: string, help: x}}\n", "9:11: \"A\" is no name: lower case letters, digits, . _ -"},
    {IUT RUN "options: {a: {type: duration, default: 3, help: x}}\n", "9:40: default: \"3\" is not a duration such as 150ms, 2.5s or 30m"},
    {IUT RUN "options: {a: {type: integer, default: 9, range: [1, 5], help: x}}\n", "9:39: default: \"9\" is not between 1 and 5"},
    {IUT RUN "options: {a: {type: duration, range: [5s, 1s], help: x}}\n", "9:38: the range is upside down"},
    {IUT RUN "options: {a: {type: string, range: [1, 5], help: x}}\n", "9:37: \"1\" is no bound for an option of this type"},
    {IUT RUN "options: {a: {type: choice, help: x}}\n", "9:14: an option of type choice has choices, no other has"},
    {IUT RUN "options: {profile: {type: string, default: \"\", help: x}}\nprofiles: {fast: {}}\n",
     "10:11: there are two options \"profile\" (profiles makes one called profile, builds one called build)"},
    {IUT RUN "options: {a: {type: integer, default: 1, help: x}}\nprofiles: {fast: {a: x, b: 1}}\n",
     "10:22: option a: \"x\" is not an integer\n10:25: there is no option \"b\""},

    // references
    {IUT "phases: {run: {argv: [sh, $(option.x), $(port.y), $(foo.bar), $(date), \"$$(foo.bar)\", $(item), $(case)]}}\n",
     "8:27: there is no option \"x\"\n8:40: there is no port \"y\"\n8:51: there is no reference \"foo.bar\"\n8:87: $(item) has no value "
     "here"},
    {IUT
     "options: {t: {type: string, help: x}}\nphases: {run: {argv: [sh, $(option.t.seconds), $(certificate.key), $(drive.server.port)]}}\n",
     "9:27: $(option.t.seconds): .seconds is of a duration, option t is none\n9:48: $(certificate.key): there is no key \"certificate\" in "
     "this file\n9:68: there is no word of drives \"server\""},
    {TESTER CASES VERDICT "phases: {run: {argv: [sh, $(drive.server.adress), $(drive.server.https.port), $(drive.client.port)]}}\n",
     "11:27: there is no part of a service \"adress\"; did you mean \"address\"?\n11:79: there is no word of drives \"client\""},
    {IUT RUN "files: [{path: a, text: $(need.x)}]\n", "9:25: $(need.x) names a service and a part of it: $(need.SERVICE.address)"},

    // conditions
    {IUT RUN "ports: {http: {transport: tcp, when: {rool: server}}}\n", "9:39: there is no condition \"rool\"; did you mean \"role\"?"},
    {IUT RUN "ports: {http: {transport: tcp, when: {option.x: 1}}}\n", "9:39: there is no option \"x\""},
    {IUT RUN "ports: {http: {transport: tcp, when: {}}}\n", "9:38: an empty condition: leave \"when\" out"},
    {IUT RUN "ports: {http: {transport: tcp, when: {role: []}}}\n", "9:45: an empty list: this condition would never hold"},
    {IUT RUN "ports: {http: {transport: tcp, when: {case: x}}}\n", "9:39: a condition asks for the case, but this plugin has no cases"},
    {IUT RUN "ports: {http: {transport: tcp, when: {capability.x: true}}}\n", "9:39: there is no capability \"x\""},
    {IUT RUN "options: {t: {type: duration, default: 2s, help: x}}\nports: {http: {transport: tcp, when: {option.t: often}}}\n",
     "10:49: option t can never be \"often\": it is not a duration such as 150ms, 2.5s or 30m"},
    {IUT RUN "options: {c: {type: choice, choices: [a, b], default: a, help: x}}\nports: {http: {transport: tcp, when: {option.c: d}}}\n",
     "10:49: option c can never be \"d\": it is not one of a, b"},
    {TESTER CASES RUN VERDICT "outputs: [{path: a, kind: log, when: {case: two}}]\n", "12:45: there is no case \"two\""},
    {TESTER CASES RUN VERDICT "outputs: [{path: a, kind: log, when: {drive.server: true}}]\n",
     "12:39: drive.server: name an endpoint, too (drive.WORD.ENDPOINT)"},

    // ports, certificate, content, files
    {IUT RUN "ports: {http: {transport: tpc}}\n", "9:27: transport is one of tcp, udp, not \"tpc\"; did you mean \"tcp\"?"},
    {IUT RUN "ports: {http: {transport: []}}\n", "9:27: transport is tcp, udp or [tcp, udp]"},
    {IUT RUN "certificate: {chain: 99, keys: rsa}\n",
     "9:22: chain is an integer from 0 to 8, not \"99\"\n9:26: certificate has no key \"keys\"; did you mean \"key\"?"},
    {IUT RUN "content: {folder: ../www}\n", "9:19: the folder lies in the work folder"},
    {IUT RUN "content: {folder: www, sizes: $(address)}\n", "9:31: $(address) has no value here\n"
                                                            "9:31: sizes is a list such as [1KiB, 5MiB], or $(option.NAME) of a list"},
    {IUT RUN "files: [{path: a}, {path: /etc/passwd, text: x}, {path: a/../../b, text: x}]\n",
     "9:9: a file has one of text, template, copy\n9:27: the path does not lie in the work folder\n"
     "9:57: the path does not lie in the work folder"},
    {IUT RUN "files: [{path: a, template: nothing.in}, {path: b, copy: ../x}]\n",
     "9:29: template: there is no file nothing.in in the plugin's folder\n9:58: copy: \"../x\" does not lie in the plugin's folder"},
    {IUT RUN "files: [{path: a, text: x, mode: 99}]\n", "9:34: mode is octal, such as 0755, not \"99\""},

    // commands
    {IUT "phases: {run: {argv: sh -c exit}}\n", "8:22: argv is a list, this is text"},
    {IUT "phases: {run: {argv: []}}\n", "8:22: argv is empty: it begins with a program"},
    {IUT "phases: {run: {argv: [{when: {role: server}, args: [sh]}]}}\n",
     "8:23: argv begins with a program; give the command itself a condition"},
    {IUT "phases: {run: {argv: [sh, {each: option.x, args: [a]}, {arg: [b]}]}}\n",
     "8:34: each takes option.NAME of a list, not \"option.x\"\n8:56: an item of argv needs the key \"args\"\n"
     "8:57: an item of argv has no key \"arg\"; did you mean \"args\"?"},
    {IUT "phases: {pre_run: [{argv: [sh], finishes: true}], run: {argv: [sh], finish: true}}\n",
     "8:33: a command has no key \"finishes\"\n8:69: a command has no key \"finish\"; did you mean \"finishes\"?"},
    {IUT "phases: {run: {argv: [sh], environment: {\"A=B\": x}, timeout: 5, clean: [x, 256]}}\n",
     "8:42: the name of a variable has no \"=\"\n8:62: timeout is a duration such as 150ms or 2s, not \"5\"\n"
     "8:73: clean: \"x\" is no exit status (0 to 255)\n8:76: clean: \"256\" is no exit status (0 to 255)"},
    {IUT "phases: {compile: [{argv: [make, $(work)]}], run: {argv: [sh]}}\n", "8:34: $(work) has no value here"},
    {IUT "phases: {compile: [{argv: [make]}], run: {argv: [sh]}}\n",
     "8:9: what is compiled needs the key \"build\", with the inputs that it depends on"},
    {IUT "phases: {run: {argv: [$(build)/x]}}\n", "8:23: $(build): there is no key \"build\" in this file"},
    {IUT RUN "build: {inputs: [a]}\n", "9:8: build: there is no phase that compiles"},
    {IUT "ports: {http: {transport: tcp}}\n", "1:1: an IUT has phases with a run"},
    {IUT "phases: {runs: []}\n", "8:10: phases has no key \"runs\"; did you mean \"run\"?"},
    {IUT RUN "stop: {signal: TREM}\n", "9:16: there is no signal \"TREM\"; did you mean \"TERM\"?"},

    // readiness, log rules, outputs, build
    {IUT RUN "ports: {http: {transport: tcp}}\nready: [{tcp: htp}, {}, {http: http, status: 99}]\n",
     "10:15: there is no port \"htp\"; did you mean \"http\"?\n10:21: a readiness is one of tcp, udp, http, line, match, file\n"
     "10:46: status is an integer from 100 to 599, not \"99\""},
    {IUT RUN "log: [{text: x}, {means: crash}, {text: a, match: b, means: boom}]\n",
     "9:7: a log rule needs the key \"means\"\n9:18: a log rule has either text or match\n9:34: a log rule has either text or match\n"
     "9:61: means is one of ready, crash, infrastructure, warning, not \"boom\""},
    {IUT RUN "outputs: [{path: a, kind: qlogs}]\n",
     "9:27: kind is one of qlog, keylog, pcap, core, config, log, file, not \"qlogs\"; did you mean \"qlog\"?"},
    {IUT RUN "build: {tools: [gcc]}\n", "9:8: build needs the key \"inputs\"\n9:17: a tool is a list, this is text"},

    // metrics, results, verdicts
    {TESTER CASES RUN VERDICT
     "metrics: [{name: a, unit: ms}, {name: b, match: \"(x)\", unit: ms, statistics: [p50]}, {name: c, column: t, file: x, unit: s}]\n",
     "12:11: a metric has either match or column\n12:78: statistics belongs to column\n12:86: a column needs a file and statistics\n"
     "12:104: a column by its name needs header: true"},
    {TESTER CASES RUN
     "metrics: [{name: a, match: \"(x)\", unit: ms, better: more}]\nverdict: [{metric: {b: {atleast: 1}, a: {above: x}}, verdict: pass}]\n",
     "11:53: better is one of neither, higher, lower, not \"more\"\n12:21: there is no metric \"b\"\n"
     "12:25: a bound has no key \"atleast\"; did you mean \"at_least\"?\n12:49: above is a number, not \"x\""},
    {TESTER CASES RUN "verdict: [{exit: 256, results: pass, verdict: good}, {signal: NOPE, stdout: {}, reason: fire, verdict: pass}]\n",
     "11:18: exit is a status from 0 to 255, a list of them, or any, not \"256\"\n"
     "11:32: a rule asks for results, but there is no key \"results\" in this file\n"
     "11:47: verdict is one of none, pass, inconc, fail, error, not \"good\"\n11:63: there is no signal \"NOPE\"; did you mean \"PIPE\"?\n"
     "11:77: stdout asks for present, absent, matches or lacks\n11:89: reason is one of none, timeout, lost, killed, cancelled, "
     "unsupported, "
     "assertion, violation, crash, incomplete, infrastructure, not \"fire\""},
    {TESTER CASES RUN VERDICT "results: {junit: a, tap: b, list: x}\n",
     "12:10: results has one of junit, tap, json\n12:35: list belongs to json"},

    // what belongs to the other kind
    {IUT RUN CASES, "9:8: cases: an IUT has no cases"},
    {TESTER CASES RUN, "1:1: a tester has verdict rules: without one nothing it does could pass"},
    {TESTER RUN VERDICT, "1:1: a tester has cases"},
    {TESTER CASES VERDICT, "9:14: case one has nothing to run: give it a run, or phases a run for all"},
    {TESTER CASES RUN VERDICT "log: [{text: x, means: ready}]\n", "12:7: a tester does not become ready"},
    {TESTER CASES RUN VERDICT "ready: [{line: x}]\n", "12:8: ready: a tester runs its tool case by case; there is nothing to become ready"},
};

static void said_of(const char *text, struct text *said)
{
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "service.yaml");
    const struct document *document = document_read_text(text, strlen(text), "/nowhere", arena, &diagnostics);
    assert_int_equal(document == NULL, diagnostics.errors > 0);
    for (size_t i = 0; i < diagnostics.count; i++) {
        const Pb__Diagnostic *item = diagnostics.items[i];
        text_printf(said, "%s%u:%u: %s", i > 0 ? "\n" : "", item->line, item->column, item->message);
    }
    arena_free(&arena);
}

static void every_mistake_has_its_place(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct text said = {0};
        said_of(mistakes[i].text, &said);
        if (strcmp(text_string(&said), mistakes[i].said) != 0) {
            fprintf(stderr, "---- of\n%s---- was said\n%s\n---- instead of\n%s\n", mistakes[i].text, text_string(&said), mistakes[i].said);
            wrong++;
        }
        text_free(&said);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mistake_has_its_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
