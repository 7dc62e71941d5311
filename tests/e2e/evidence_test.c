// A failed cell is understood without logging in anywhere: `explain` names failures that really happened, with advice and with pointers
// that lead to something; and `timeline --with` puts lines, packets and qlogs on the axis of the journal, no effect before its cause.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/link/probe.h"
#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

// Each test fails as its name says. A server that must share its port with another of the trial cannot start; one that never answers is
// not ready; one that believes a datagram's length dies of it; one that may use 100 MiB wants more; a client is shown a certificate of
// last year; two cases ask a server that is gone. The port is nobody else's: no other lab has this address.
static const char known[] =
    "panther: 1\n"
    "experiment: known\n"
    "defaults: {timeouts: {ready: 30s, case: 30s, stop: 10s, trial: 2m}}\n"
    "tests:\n"
    "  - name: clash\n"
    "    protocol: {name: minip, version: \"1\"}\n"
    "    services:\n"
    "      one: {implementation: minip, role: server, options: {port: 46901}}\n"
    "      two: {implementation: minip, role: server, options: {port: 46901}, needs: [one]}\n"
    "      judge: {tester: minip_test, drives: {server: two}, cases: [ping]}\n"
    "  - name: unready\n"
    "    protocol: {name: http, version: \"2\"}\n"
    "    timeouts: {ready: 1s}\n"
    "    services:\n"
    "      server: {implementation: faulty, role: server, options: {argv: [/bin/sleep, '1000'], ready: never}}\n"
    "      judge: {tester: 'null', drives: {server: server}, cases: [noop]}\n"
    "  - name: signal\n"
    "    protocol: {name: minip, version: \"1\"}\n"
    "    services:\n"
    "      server: {implementation: minip, role: server, options: {variant: vulnerable}}\n"
    "      judge: {tester: minip_test, drives: {server: server}, cases: [malformed]}\n"
    "  - name: memory\n"
    "    protocol: {name: http, version: \"2\"}\n"
    "    services:\n"
    "      server:\n"
    "        implementation: faulty\n"
    "        role: server\n"
    "        options: {argv: [/usr/bin/tail, -n, '1', /dev/zero], ready: never}\n"
    "      judge: {tester: 'null', drives: {server: server}, cases: [noop]}\n"
    "    execution_environment: [{type: limits, services: [server], memory: 100MiB}]\n"
    "  - name: certificate\n"
    "    protocol: {name: tls, version: \"1.3\"}\n"
    "    services:\n"
    "      server: {implementation: openssl, role: server, options: {expired: true}}\n"
    "      judge: {tester: tls_interop, drives: {server: server}, options: {clients: openssl}, cases: [certificate]}\n"
    "  - name: cascade\n"
    "    protocol: {name: minip, version: \"1\"}\n"
    "    services:\n"
    "      server: {implementation: minip, role: server}\n"
    "      judge: {tester: minip_test, drives: {server: server}, options: {tries: 1, timeout: 50ms}, cases: [ping, session]}\n"
    "    timeline:\n"
    "      - {stop: server}\n"
    "      - {case: ping}\n"
    "      - {case: session}\n";

static const char under_load[] = "panther: 1\n"
                                 "experiment: tester\n"
                                 "tests:\n"
                                 "  - name: tester\n"
                                 "    protocol: {name: http, version: \"2\"}\n"
                                 "    services:\n"
                                 "      server: {implementation: nghttpd, role: server}\n"
                                 "      judge: {tester: h2load, drives: {server: server}, options: {duration: 60s}}\n";

static const char observed[] = "panther: 1\n"
                               "experiment: observed\n"
                               "tests:\n"
                               "  - name: quic\n"
                               "    protocol: {name: quic, version: \"1\"}\n"
                               "    timeouts: {ready: 30s, case: 60s, trial: 3m}\n"
                               "    services:\n"
                               "      server: {implementation: ngtcp2, role: server, options: {sizes: [1KiB]}}\n"
                               "      probe: {tester: quic_probe, drives: {server: server}, options: {size: 1KiB}, cases: [transfer]}\n"
                               "    network_environment: {type: emulated, delay: 5ms}\n";

// ---- explain

// "events 12" is an event of the trial; "STREAM@120" is where what is quoted was printed.
static void assert_leads_somewhere(struct lab *lab, const char *trial, const json_t *link)
{
    static const char printed[] = "printed: ";
    const char *where = row_text(link, "where"), *what = row_text(link, "what"), *at = strchr(where, '@');
    if (strncmp(where, "events ", strlen("events ")) == 0) {
        json_t *events = lab_rows(lab, "events", trial, NULL), *event;
        json_int_t sequence = (json_int_t)strtoll(where + strlen("events "), NULL, 10);
        size_t i, found = 0;
        json_array_foreach(events, i, event)
        {
            found += row_number(event, "sequence") == sequence && strstr(what, row_text(event, "text"));
        }
        assert_int_equal(found, 1);
    } else if (at) {
        const struct output output = lab_run(lab, "logs", arena_string_bytes(lab->arena, where, (size_t)(at - where)), NULL);
        size_t offset = (size_t)strtoull(at + 1, NULL, 10);
        assert_int_equal(output.status, 0);
        assert_int_equal(strncmp(what, printed, strlen(printed)), 0);
        assert_true(offset < strlen(output.out));
        assert_int_equal(strncmp(output.out + offset, what + strlen(printed), strlen(what + strlen(printed))), 0);
    }
}

// Known by that name, with advice, and with a link at least that bears it out; all links lead to something.
static void assert_known(struct lab *lab, const char *cell, const char *name)
{
    json_t *rows = lab_rows(lab, "explain", cell, NULL), *row;
    const json_t *whole = json_array_get(rows, 0);
    const char *trial = arena_printf(lab->arena, "%s#1", cell);
    size_t i, links = 0;
    if (!strstr(name, row_text(whole, "pattern")) || !*row_text(whole, "pattern"))
        fail_msg("%s is not known as %s: %s", cell, name, lab_run(lab, "explain", cell, NULL).out);
    assert_true(strlen(row_text(whole, "advice")) > 20);
    json_array_foreach(rows, i, row)
    {
        links += *row_text(row, "where") != 0;
        assert_leads_somewhere(lab, trial, row);
    }
    assert_true(json_array_size(rows) > 1 && (links > 0 || strcmp(name, "timeout cascade") == 0));
}

static void kill_the_tester(struct lab *lab)
{
    LAB_UNTIL(lab, lab_count_events(lab, "r2", "case_started") == 1);
    LAB_UNTIL(lab, lab_process(lab, "r2/tester/1#1/judge", "h2load") != 0);
    pid_t host = process_child(process_parent(lab_process(lab, "r2/tester/1#1/judge", "h2load")), "panther-service");
    assert_true(host > 0);
    kill(host, SIGKILL);
}

static void failures_are_known_by_name(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct child *failing = lab_submit(lab, known), *loaded = lab_submit(lab, under_load);
    kill_the_tester(lab);
    assert_int_equal(lab_wait(lab, failing), 1);
    assert_int_equal(lab_wait(lab, loaded), 3);
    assert_known(lab, "r1/clash/1", "port clash");
    assert_known(lab, "r1/unready/1", "no readiness");
    assert_known(lab, "r1/signal/1", "signal");
    assert_known(lab, "r1/memory/1", "out of memory");
    assert_known(lab, "r1/certificate/1", "certificate");
    assert_known(lab, "r1/cascade/1", "timeout cascade");
    assert_known(lab, "r2/tester/1", "tester killed");
    lab_leaves_nothing(lab);
}

// ---- timeline --with

// The first entry of that source, service and kind (empty: any); its place in the list.
static size_t entry_of(json_t *entries, const char *source, const char *service, const char *kind)
{
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        if (strcmp(row_text(entry, "source"), source) == 0 && (!*service || strcmp(row_text(entry, "service"), service) == 0) &&
            (!*kind || strcmp(row_text(entry, "kind"), kind) == 0))
            return i;
    }
    fail_msg("there is no %s of %s from %s", kind, service, source);
    return 0;
}

static json_int_t time_of(json_t *entries, size_t at)
{
    return row_number(json_array_get(entries, at), "offset_ns");
}

// Nothing of a service before its process began, or after its instance ended, whoever saw it.
static void assert_within_its_life(json_t *entries, const char *service)
{
    size_t began = entry_of(entries, "journal", service, "process_started"),
           ended = entry_of(entries, "journal", service, "instance_ended");
    static const char *const sources[] = {"logs", "qlog", "packets"};
    for (size_t source = 0; source < sizeof sources / sizeof *sources; source++)
        assert_in_range(entry_of(entries, sources[source], service, ""), began + 1, ended - 1);
}

// What one end's qlog says it received, the other end had sent on the wire: as far as the clock of the qlog is known, which is said.
static void assert_sent_before_received(json_t *entries, const char *from, const char *to)
{
    size_t sent = entry_of(entries, "packets", from, "packet-sent"), arrived = entry_of(entries, "packets", to, "packet-received");
    size_t received = entry_of(entries, "qlog", to, "packet_received");
    assert_true(sent < arrived);
    assert_true(time_of(entries, arrived) - time_of(entries, sent) >= 5 * 1000000LL);
    assert_true(time_of(entries, received) + row_number(json_array_get(entries, received), "error_ns") >= time_of(entries, sent));
}

static void no_effect_stands_before_its_cause(void **state)
{
    struct lab *lab = *state;
    char why[PROBE_WHY_BYTES];
    if (!probe_network(why)) {
        print_message("SKIPPED: %s\n", why);
        skip();
    }
    lab_up(lab, one_agent);
    assert_int_equal(lab_wait(lab, lab_submit(lab, observed)), 0);
    LAB_UNTIL(lab, lab_run(lab, "audit", "r1", NULL).status == 0); // all evidence has come
    json_t *entries = lab_rows(lab, "timeline", "r1/quic/1", "--with", "packets,qlog,logs", NULL);
    for (size_t i = 1; i < json_array_size(entries); i++)
        assert_true(time_of(entries, i - 1) <= time_of(entries, i));
    assert_true(entry_of(entries, "journal", "probe", "cases_released") < entry_of(entries, "journal", "probe", "case_result"));
    assert_within_its_life(entries, "server");
    assert_within_its_life(entries, "probe");
    assert_sent_before_received(entries, "probe", "server");
    assert_sent_before_received(entries, "server", "probe");
    const char *text = lab_run(lab, "timeline", "r1/quic/1", "--with", "packets,qlog,logs", NULL).out;
    const char *page = lab_run(lab, "timeline", "r1/quic/1", "--with", "packets,qlog,logs", "-o", "html", NULL).out;
    assert_text_has(text, "clocks of hosts are known to ");
    assert_text_has(text, " packet-received ");
    assert_text_has(page, "\"source\":\"packets\"");
    assert_text_has(page, "\"source\":\"qlog\"");
    assert_text_has(page, "\"source\":\"logs\"");
    const char *report = lab_run(lab, "report", "r1", "-o", "html", NULL).out;
    assert_text_has(report, "quic/1#1/network/network.pcapng: throughput");
    assert_text_has(report, "server received</title>");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(failures_are_known_by_name), LAB_TEST(no_effect_stands_before_its_cause)};
    return cmocka_run_group_tests_name("e2e_evidence", tests, NULL, NULL);
}
