// h2load (nghttp2's load generator) as a tester: puts load on a web server and judges by what it printed. h2load exits with 0 whatever
// happened, so its status decides nothing; only a signal that ended it does.
#include "report.h"

#include <inttypes.h>
#include <panther/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct h2load {
    int64_t requests;
    int64_t clients;
    int64_t streams;
    int64_t threads;
    uint64_t duration;
    uint64_t warm_up;
    const char *path;
    const char *scheme;
    double min_success;
    uint64_t max_time;
    uint64_t silence;
    bool keep_log;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_INTEGER(struct h2load, requests, "10000", 1, 1000000000, "", "requests over all clients (unless duration is given)"),
    PANTHER_OPTION_INTEGER(struct h2load, clients, "10", 1, 100000, "", "concurrent connections"),
    PANTHER_OPTION_INTEGER(struct h2load, streams, "10", 1, 100000, "", "concurrent streams per connection (HTTP/1.1: pipelined requests)"),
    PANTHER_OPTION_INTEGER(struct h2load, threads, "1", 1, 256, "", "threads of h2load; not more than clients"),
    PANTHER_OPTION_DURATION(struct h2load, duration, "0s", 0, 86400000, "load for this long instead of a number of requests; 0s: off"),
    PANTHER_OPTION_DURATION(struct h2load, warm_up, "0s", 0, 3600000, "before duration begins to count"),
    PANTHER_OPTION_STRING(struct h2load, path, "/index.html", "what to request"),
    PANTHER_OPTION_CHOICE(struct h2load, scheme, "auto", "auto: https when the server's port is called so", "auto", "http", "https"),
    PANTHER_OPTION_RATIO(struct h2load, min_success, "100%", "share of requests that must succeed (status 2xx or 3xx)"),
    PANTHER_OPTION_DURATION(struct h2load, max_time, "0s", 0, 86400000, "end h2load after this; 0s: the time that the case has"),
    PANTHER_OPTION_DURATION(struct h2load, silence, "10s", 1000, 3600000, "a connection that is silent for so long has failed"),
    PANTHER_OPTION_BOOLEAN(struct h2load, keep_log, "false", "keep the time of every request as an artifact"),
    PANTHER_OPTIONS_END,
};

static const struct panther_case cases[] = {
    {"throughput", "requests per second and latency; every request must succeed", 0, NULL},
    {NULL, NULL, 0, NULL},
};

// Of the time a case has, what is left for reading the log and telling the result.
#define JUDGING_MS 500

static struct {
    const struct h2load *settings;
    const char *url;
    unsigned runs;
} tester;

// ---- command

static const char *make_url(struct panther_service *service, const struct h2load *h2load, const struct panther_endpoint *endpoint)
{
    const char *scheme = h2load->scheme;
    if (strcmp(scheme, "auto") == 0)
        scheme = strcmp(endpoint->name, "https") == 0 ? "https" : "http";
    return panther_format(service, "%s://%s%s%s", scheme, panther_endpoint_text(service, endpoint), h2load->path[0] == '/' ? "" : "/",
                          h2load->path);
}

static int initialize(struct panther_service *service, const void *settings)
{
    const struct h2load *h2load = settings;
    const struct panther_peer *server = panther_driven(service, "server", 0);
    const struct panther_endpoint *endpoint = server ? panther_endpoint(server, NULL, PANTHER_TCP) : NULL;
    if (!endpoint)
        return panther_fail(service, "the driven server has no TCP port");
    if (panther_driven(service, "server", 1))
        return panther_fail(service, "h2load drives one server at a time; give each server a load of its own");
    if (h2load->threads > h2load->clients)
        return panther_fail(service, "threads: %" PRId64 " is more than clients: %" PRId64 " (h2load refuses that)", h2load->threads,
                            h2load->clients);
    if (h2load->duration == 0 && h2load->clients > h2load->requests)
        return panther_fail(service, "clients: %" PRId64 " is more than requests: %" PRId64 " (h2load refuses that)", h2load->clients,
                            h2load->requests);
    tester.settings = h2load;
    tester.url = make_url(service, h2load, endpoint);
    return PANTHER_OK;
}

// Durations in h2load's own notation, which knows milliseconds.
static void add_amount(struct panther_service *service, struct panther_arguments *argv)
{
    const struct h2load *h2load = tester.settings;
    if (h2load->duration == 0) {
        panther_argument(service, argv, "--requests=%" PRId64, h2load->requests);
        return;
    }
    panther_argument(service, argv, "--duration=%" PRIu64 "ms", h2load->duration);
    if (h2load->warm_up > 0)
        panther_argument(service, argv, "--warm-up-time=%" PRIu64 "ms", h2load->warm_up);
}

static void make_command(struct panther_service *service, struct panther_arguments *argv, const char *log)
{
    const struct h2load *h2load = tester.settings;
    panther_argument(service, argv, "h2load");
    add_amount(service, argv);
    panther_argument(service, argv, "--clients=%" PRId64, h2load->clients);
    panther_argument(service, argv, "--max-concurrent-streams=%" PRId64, h2load->streams);
    panther_argument(service, argv, "--threads=%" PRId64, h2load->threads);
    panther_argument(service, argv, "--connection-inactivity-timeout=%" PRIu64 "ms", h2load->silence);
    panther_argument(service, argv, "--log-file=%s", log);
    if (strcmp(panther_protocol_version(service), "1.1") == 0)
        panther_argument(service, argv, "--h1");
    panther_argument(service, argv, "%s", tester.url);
}

// ---- verdict

static void tell_metrics(struct panther_service *service, const struct report *report)
{
    double total = (double)report->total;
    panther_metric(service, "req_per_s", report->req_per_s, "1/s", PANTHER_HIGHER_IS_BETTER);
    panther_metric(service, "success_ratio", total > 0 ? (double)report->succeeded / total : 0, "ratio", PANTHER_HIGHER_IS_BETTER);
    panther_metric(service, "requests", total, "", PANTHER_NEITHER_IS_BETTER);
    if (report->done > 0) {
        panther_metric(service, "latency_mean", report->latency_mean_ms, "ms", PANTHER_LOWER_IS_BETTER);
        panther_metric(service, "latency_max", report->latency_max_ms, "ms", PANTHER_LOWER_IS_BETTER);
    }
}

static void tell_percentiles(struct panther_service *service, const char *log)
{
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {{"latency_p50", 0.5}, {"latency_p90", 0.9}, {"latency_p99", 0.99}};
    struct latencies latencies;
    bool complete;
    if (!latencies_read(log, &latencies, &complete)) {
        panther_log(service, PANTHER_WARNING, "no percentiles: %s cannot be read", log);
        return;
    }
    for (size_t i = 0; latencies.count > 0 && i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        panther_metric(service, percentiles[i].name, latencies_percentile_ms(&latencies, percentiles[i].share), "ms",
                       PANTHER_LOWER_IS_BETTER);
    if (!complete)
        panther_log(service, PANTHER_WARNING, "percentiles are of the first %zu requests only", latencies.count);
    free(latencies.us);
}

static int judge(struct panther_service *service, const struct report *report)
{
    double ratio = report->total > 0 ? (double)report->succeeded / (double)report->total : 0;
    if (report->total == 0)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "no request was answered in time");
    if (ratio < tester.settings->min_success && report->timeout > 0)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_TIMEOUT,
                              "%" PRIu64 " of %" PRIu64 " requests got no answer in time (%s)", report->timeout, report->total, tester.url);
    if (ratio < tester.settings->min_success && report->started == 0)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "the server did not accept a connection (%s)", tester.url);
    if (ratio < tester.settings->min_success)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION,
                              "%" PRIu64 " of %" PRIu64 " requests succeeded (%" PRIu64 " 4xx, %" PRIu64 " 5xx, %" PRIu64 " errors)",
                              report->succeeded, report->total, report->status_4xx, report->status_5xx, report->errored);
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%.0f req/s, %" PRIu64 " requests", report->req_per_s, report->total);
}

// How waiting ended when h2load did not end by itself.
static int not_ended(struct panther_service *service, int process, int waited)
{
    panther_end(service, process, 0);
    if (waited == PANTHER_CANCELLED)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_CANCELLED, "cancelled while h2load was running");
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "h2load had not finished in time");
}

static uint64_t time_limit_ms(struct panther_service *service)
{
    uint64_t remaining = panther_remaining_ms(service), limit = tester.settings->max_time;
    remaining = remaining > 2 * JUDGING_MS ? remaining - JUDGING_MS : remaining / 2 + 1;
    return limit > 0 && limit < remaining ? limit : remaining;
}

static int run_throughput(struct panther_service *service)
{
    struct panther_arguments argv = {0};
    struct panther_exit ended;
    struct report report;
    const char *log_name = panther_format(service, "requests.%u.log", ++tester.runs), *log = panther_path(service, "%s", log_name);
    make_command(service, &argv, log);
    int process =
        panther_spawn(service, .name = "h2load", .argv = argv.items, .finishes = true, .want_output = true, .clean_on_term = true);
    if (process < 0)
        return process;
    int waited = panther_wait(service, process, time_limit_ms(service), &ended);
    if (waited != PANTHER_OK)
        return not_ended(service, process, waited);
    if (ended.signal != 0)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_KILLED, "h2load was killed by signal %d (%s)", ended.signal,
                              strsignal(ended.signal));
    if (!report_parse(panther_output(service, process, PANTHER_STDOUT, NULL), &report))
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE,
                              "h2load (status %d) printed no summary; see h2load.stdout, h2load.stderr", ended.status);
    tell_metrics(service, &report);
    tell_percentiles(service, log);
    if (tester.settings->keep_log)
        panther_artifact(service, log_name, "log");
    else
        unlink(log);
    return judge(service, &report);
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    if (strcmp(test_case->name, "throughput") == 0)
        return run_throughput(service);
    return panther_fail(service, "h2load has no case \"%s\"", test_case->name);
}

// ---- what is installed

static int get_version(char *text, size_t text_bytes)
{
    char output[256], version[64];
    if (panther_command_output(PANTHER_TEXTS("h2load", "--version"), output, sizeof(output)) != 0 ||
        sscanf(output, "h2load nghttp2/%63[^ \n]", version) != 1)
        return PANTHER_FAILED;
    snprintf(text, text_bytes, "%s", version);
    return PANTHER_OK;
}

// The protocol's version and the server are known when it runs.
static int plan(const void *settings, struct panther_plan *plan)
{
    const struct h2load *wanted = settings;
    char amount[48], warm_up[48], clients[48], streams[64], threads[48], silence[64];
    const char *argv[10] = {"h2load"};
    size_t count = 1;
    if (wanted->duration == 0)
        snprintf(amount, sizeof(amount), "--requests=%" PRId64, wanted->requests);
    else
        snprintf(amount, sizeof(amount), "--duration=%" PRIu64 "ms", wanted->duration);
    argv[count++] = amount;
    snprintf(warm_up, sizeof(warm_up), "--warm-up-time=%" PRIu64 "ms", wanted->warm_up);
    if (wanted->duration != 0 && wanted->warm_up > 0)
        argv[count++] = warm_up;
    snprintf(clients, sizeof(clients), "--clients=%" PRId64, wanted->clients);
    snprintf(streams, sizeof(streams), "--max-concurrent-streams=%" PRId64, wanted->streams);
    snprintf(threads, sizeof(threads), "--threads=%" PRId64, wanted->threads);
    snprintf(silence, sizeof(silence), "--connection-inactivity-timeout=%" PRIu64 "ms", wanted->silence);
    const char *const rest[] = {clients, streams, threads, silence, "--log-file=LOG", "URL"};
    for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
        argv[count++] = rest[i];
    panther_plan_command(plan, argv);
    return PANTHER_OK;
}

static const struct panther_tester h2load = {.cases = cases, .run_test = run_test, .get_tool_version = get_version};

PANTHER_PLUGIN(.name = "h2load", .kind = PANTHER_TESTER, .version = "1.0", .summary = "load on a web server: throughput and latency",
               .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("1.1", "2"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct h2load), .programs = PANTHER_TEXTS("h2load"),
               .drives = PANTHER_DRIVES({"server", "http", "server", true}), .initialize = initialize, .plan = plan, .tester = &h2load);
