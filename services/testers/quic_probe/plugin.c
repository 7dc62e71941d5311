// quic_probe: a QUIC client (ngtcp2's gtlsclient) as a tester. gtlsclient exits with 0 whatever happened, and prints ERR_ lines on the way
// to a success, too: the verdict comes from the lines that mean success, from the bytes that were downloaded and from their hash.
#include <panther/content.h>
#include <panther/plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

struct quic_probe {
    uint64_t size;
    const char *path;
    const char *hash;
    uint64_t handshake_timeout;
    uint64_t idle_timeout;
    double tx_loss;
    double rx_loss;
    bool qlog;
    bool keylog;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_SIZE(struct quic_probe, size, "1MiB", 1, 4294967296, "transfer requests the generated file of this size, /BYTES.bin"),
    PANTHER_OPTION_STRING(struct quic_probe, path, "", "request this instead of a generated file"),
    PANTHER_OPTION_STRING(struct quic_probe, hash, "", "expected SHA-256 in hex; default: that of the generated file, none with path"),
    PANTHER_OPTION_DURATION(struct quic_probe, handshake_timeout, "5s", 10, 600000, "no handshake within this is a fail (timeout)"),
    PANTHER_OPTION_DURATION(struct quic_probe, idle_timeout, "10s", 100, 600000, "a connection that is silent for so long has failed"),
    PANTHER_OPTION_RATIO(struct quic_probe, tx_loss, "0", "share of outgoing packets that the client drops itself"),
    PANTHER_OPTION_RATIO(struct quic_probe, rx_loss, "0", "share of incoming packets that the client drops itself"),
    PANTHER_OPTION_BOOLEAN(struct quic_probe, qlog, "true", "keep a qlog of every case as an artifact"),
    PANTHER_OPTION_BOOLEAN(struct quic_probe, keylog, "true", "keep the TLS secrets as an artifact, to decrypt captures"),
    PANTHER_OPTIONS_END,
};

static const struct panther_case cases[] = {
    {"handshake", "the QUIC handshake completes", 0, NULL},
    {"transfer", "a file arrives over HTTP/3 with all its bytes", 0, NULL},
    {NULL, NULL, 0, NULL},
};

// gtlsclient ends a failed handshake by itself; so long after its own timeout it is taken for stuck.
#define STUCK_MS 2000
// How often it is looked whether the client still lives while a line is waited for.
#define SLICE_MS 50

static struct {
    const struct quic_probe *settings;
    const struct panther_endpoint *endpoint;
    unsigned runs;
} tester;

// One run of gtlsclient.
struct probe {
    int process;
    int handshake_line, status_line, error_line; // watches
    const char *folder;                          // of what it downloads
    uint64_t started_ns, shaken_ns;
    bool ended; // exit is known
    struct panther_exit exit;
};

static int initialize(struct panther_service *service, const void *settings)
{
    const struct panther_peer *server = panther_driven(service, "server", 0);
    tester.settings = settings;
    tester.endpoint = server ? panther_endpoint(server, NULL, PANTHER_UDP) : NULL;
    if (!tester.endpoint)
        return panther_fail(service, "the driven server has no UDP port");
    if (panther_driven(service, "server", 1))
        return panther_fail(service, "quic_probe drives one server at a time; give each server a probe of its own");
    size_t length = strlen(tester.settings->hash);
    if (length != 0 && (length != 64 || strspn(tester.settings->hash, "0123456789abcdef") != length))
        return panther_fail(service, "hash: \"%s\" is not a SHA-256 of 64 lower-case hex digits", tester.settings->hash);
    return PANTHER_OK;
}

// ---- the client

static const char *requested_path(struct panther_service *service)
{
    const struct quic_probe *settings = tester.settings;
    if (settings->path[0] == '\0')
        return panther_format(service, "/%" PRIu64 ".bin", settings->size);
    return settings->path[0] == '/' ? settings->path : panther_format(service, "/%s", settings->path);
}

static void add_logs(struct panther_service *service, struct panther_arguments *argv, const char *environment[2])
{
    if (tester.settings->qlog) {
        const char *name = panther_format(service, "client.%u.sqlog", tester.runs);
        panther_argument(service, argv, "--qlog-file=%s", panther_path(service, "%s", name));
        panther_artifact(service, name, "qlog");
    }
    if (tester.settings->keylog) {
        const char *name = panther_format(service, "client.%u.keylog", tester.runs);
        environment[0] = panther_format(service, "SSLKEYLOGFILE=%s", panther_path(service, "%s", name));
        panther_artifact(service, name, "keylog");
    }
}

static void add_behaviour(struct panther_service *service, struct panther_arguments *argv)
{
    const struct quic_probe *settings = tester.settings;
    panther_argument(service, argv, "--no-quic-dump");
    panther_argument(service, argv, "--no-http-dump");
    panther_argument(service, argv, "--handshake-timeout=%" PRIu64 "ms", settings->handshake_timeout);
    panther_argument(service, argv, "--timeout=%" PRIu64 "ms", settings->idle_timeout);
    if (settings->tx_loss > 0)
        panther_argument(service, argv, "--tx-loss=%g", settings->tx_loss);
    if (settings->rx_loss > 0)
        panther_argument(service, argv, "--rx-loss=%g", settings->rx_loss);
}

// uri NULL: only connect
static int launch(struct panther_service *service, struct probe *probe, const char *uri)
{
    struct panther_arguments argv = {0};
    const char *environment[2] = {NULL, NULL};
    tester.runs++;
    panther_argument(service, &argv, "gtlsclient");
    add_behaviour(service, &argv);
    add_logs(service, &argv, environment);
    if (uri) {
        probe->folder = panther_make_folder(service, panther_format(service, "download.%u", tester.runs));
        if (!probe->folder)
            return PANTHER_FAILED;
        panther_argument(service, &argv, "--exit-on-all-streams-close");
        panther_argument(service, &argv, "--download=%s", probe->folder);
    }
    panther_argument(service, &argv, "%s", tester.endpoint->address);
    panther_argument(service, &argv, "%u", tester.endpoint->port);
    if (uri)
        panther_argument(service, &argv, "%s", uri);
    probe->handshake_line = panther_watch_line(service, NULL, PANTHER_SUBSTRING, "QUIC handshake has completed");
    probe->status_line = panther_watch_line(service, NULL, PANTHER_SUBSTRING, "[:status: ");
    probe->error_line = panther_watch_line(service, NULL, PANTHER_REGEX, "ERR_[A-Z_]+|error=0x");
    probe->started_ns = panther_now_ns(service);
    probe->process = panther_spawn(service, .name = "gtlsclient", .argv = argv.items, .environment = environment, .finishes = true,
                                   .clean_on_term = true);
    return probe->process < 0 ? probe->process : PANTHER_OK;
}

static double milliseconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return (double)(to_ns - from_ns) / 1e6;
}

// Waits for the handshake's line or the client's end. PANTHER_OK: see shaken_ns and ended for which.
static int wait_for_handshake(struct panther_service *service, struct probe *probe)
{
    uint64_t limit_ns = probe->started_ns + (tester.settings->handshake_timeout + STUCK_MS) * 1000000;
    while (panther_now_ns(service) < limit_ns && panther_remaining_ms(service) > 0) {
        // asked before the line is: what an ended client printed is all there
        bool running = panther_is_running(service, probe->process);
        int waited = panther_wait_line(service, probe->handshake_line, SLICE_MS, NULL);
        if (waited == PANTHER_OK) {
            probe->shaken_ns = panther_now_ns(service);
            return PANTHER_OK;
        }
        if (waited == PANTHER_CANCELLED)
            return waited;
        if (!running) {
            probe->ended = true;
            return panther_wait(service, probe->process, 0, &probe->exit);
        }
    }
    return PANTHER_TIMED_OUT;
}

// ---- verdicts

// The text of a watched line that was seen already; NULL: it was not.
static const char *seen(struct panther_service *service, int watch)
{
    const char *line;
    return panther_wait_line(service, watch, 1, &line) == PANTHER_OK ? line : NULL;
}

static int not_ended(struct panther_service *service, int waited)
{
    if (waited == PANTHER_CANCELLED)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_CANCELLED, "cancelled while gtlsclient was running");
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "gtlsclient had not finished in time");
}

static int ended_by_signal(struct panther_service *service, const struct probe *probe)
{
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_KILLED, "gtlsclient was killed by signal %d (%s)", probe->exit.signal,
                          strsignal(probe->exit.signal));
}

// The client has ended, by itself, before a handshake.
static int no_handshake(struct panther_service *service, const struct probe *probe)
{
    double elapsed_ms = milliseconds_between(probe->started_ns, panther_now_ns(service));
    const char *line = seen(service, probe->error_line);
    if (probe->exit.status != 0)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE,
                              "gtlsclient could not work (status %d); see gtlsclient.stderr", probe->exit.status);
    if (elapsed_ms >= (double)tester.settings->handshake_timeout)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_TIMEOUT, "no handshake with %s within %" PRIu64 " ms",
                              panther_endpoint_text(service, tester.endpoint), tester.settings->handshake_timeout);
    return panther_result(service, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "the handshake failed: %s",
                          line ? line : "the connection was closed; see gtlsclient.stderr");
}

// The first half of every case. True: the handshake is done; else the case has its result, and *result is what run_test returns.
static bool has_shaken_hands(struct panther_service *service, struct probe *probe, int *result)
{
    int waited = wait_for_handshake(service, probe);
    if (waited != PANTHER_OK) {
        panther_end(service, probe->process, 0);
        *result = not_ended(service, waited);
    } else if (probe->shaken_ns != 0) {
        panther_metric(service, "handshake_time", milliseconds_between(probe->started_ns, probe->shaken_ns), "ms", PANTHER_LOWER_IS_BETTER);
        return true;
    } else {
        *result = probe->exit.signal != 0 ? ended_by_signal(service, probe) : no_handshake(service, probe);
    }
    return false;
}

static int run_handshake(struct panther_service *service)
{
    struct probe probe = {0};
    int result = launch(service, &probe, NULL);
    if (result != PANTHER_OK || !has_shaken_hands(service, &probe, &result))
        return result;
    panther_end(service, probe.process, 0);
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "handshake with %s", panther_endpoint_text(service, tester.endpoint));
}

// ---- transfer

// "http: stream 0x0 [:status: 200]" -> 200; 0: there was none
static int http_status(struct panther_service *service, const struct probe *probe)
{
    int status = 0;
    const char *line = seen(service, probe->status_line);
    const char *field = line ? strstr(line, "[:status: ") : NULL;
    return field && sscanf(field, "[:status: %d", &status) == 1 ? status : 0;
}

// What must arrive; NULL: whatever there is.
static const char *expected_hash(struct panther_service *service)
{
    char hash[PANTHER_HASH_TEXT_BYTES];
    if (tester.settings->hash[0] != '\0')
        return tester.settings->hash;
    if (tester.settings->path[0] != '\0')
        return NULL;
    panther_hash_content(panther_seed(service), tester.settings->size, hash);
    return panther_format(service, "%s", hash);
}

// gtlsclient goes on when it cannot write, and says nothing: what is not there may have arrived.
static bool disk_is_full(const struct probe *probe, uint64_t missing_bytes)
{
    struct statvfs disk;
    return statvfs(probe->folder, &disk) == 0 && disk.f_bavail * disk.f_frsize < missing_bytes + disk.f_frsize;
}

static int judge_bytes(struct panther_service *service, const struct probe *probe, uint64_t bytes, const char *hash)
{
    bool is_generated = tester.settings->path[0] == '\0';
    const char *expected = expected_hash(service);
    panther_log(service, PANTHER_INFO, "%s: %" PRIu64 " bytes, SHA-256 %s", requested_path(service), bytes, hash);
    if (is_generated && bytes < tester.settings->size && disk_is_full(probe, tester.settings->size - bytes))
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INFRASTRUCTURE,
                              "%" PRIu64 " of %" PRIu64 " bytes are in the file, and the disk of the client's host is full", bytes,
                              tester.settings->size);
    if (is_generated && bytes != tester.settings->size)
        return panther_result(service, PANTHER_FAIL, bytes < tester.settings->size ? PANTHER_REASON_ASSERTION : PANTHER_REASON_VIOLATION,
                              "%" PRIu64 " of %" PRIu64 " bytes arrived", bytes, tester.settings->size);
    if (expected && strcmp(expected, hash) != 0)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_VIOLATION,
                              "%" PRIu64 " bytes arrived with a wrong hash: %.16s... instead of %.16s...", bytes, hash, expected);
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%" PRIu64 " bytes%s", bytes, expected ? ", hash as expected" : "");
}

static int judge_download(struct panther_service *service, const struct probe *probe, double elapsed_ms)
{
    char hash[PANTHER_HASH_TEXT_BYTES];
    uint64_t bytes;
    const char *path = requested_path(service);
    int status = http_status(service, probe);
    if (status == 0)
        return panther_result(service, PANTHER_FAIL,
                              elapsed_ms >= (double)tester.settings->idle_timeout ? PANTHER_REASON_TIMEOUT : PANTHER_REASON_VIOLATION,
                              "the server did not answer the request for %s", path);
    if (status != 200)
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "the server answered %s with status %d", path, status);
    if (panther_hash_file(service, panther_format(service, "%s/%s", probe->folder, strrchr(path, '/') + 1), hash, &bytes) != PANTHER_OK)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "gtlsclient left no file in %s", probe->folder);
    panther_metric(service, "transfer_time", elapsed_ms, "ms", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "throughput", (double)bytes / (elapsed_ms / 1000), "B/s", PANTHER_HIGHER_IS_BETTER);
    return judge_bytes(service, probe, bytes, hash);
}

static int run_transfer(struct panther_service *service)
{
    struct probe probe = {0};
    const char *uri = panther_format(service, "https://%s%s", panther_endpoint_text(service, tester.endpoint), requested_path(service));
    int result = launch(service, &probe, uri);
    if (result != PANTHER_OK || !has_shaken_hands(service, &probe, &result))
        return result;
    int waited = panther_wait(service, probe.process, 0, &probe.exit);
    if (waited != PANTHER_OK) {
        panther_end(service, probe.process, 0);
        return not_ended(service, waited);
    }
    if (probe.exit.signal != 0)
        return ended_by_signal(service, &probe);
    return judge_download(service, &probe, milliseconds_between(probe.shaken_ns, panther_now_ns(service)));
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    if (strcmp(test_case->name, "handshake") == 0)
        return run_handshake(service);
    if (strcmp(test_case->name, "transfer") == 0)
        return run_transfer(service);
    return panther_fail(service, "quic_probe has no case \"%s\"", test_case->name);
}

// ---- what is installed

// gtlsclient has no --version: the package that it came with knows.
static int get_version(char *text, size_t text_bytes)
{
    char output[256], version[64];
    if (panther_command_output(PANTHER_TEXTS("dpkg-query", "-W", "-f=${Version}", "ngtcp2-client"), output, sizeof(output)) != 0 ||
        sscanf(output, "%63[^+ \n-]", version) != 1)
        return PANTHER_FAILED;
    snprintf(text, text_bytes, "%s", version);
    return PANTHER_OK;
}

static const struct panther_tester quic_probe = {.cases = cases, .run_test = run_test, .get_tool_version = get_version};

PANTHER_PLUGIN(.name = "quic_probe", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "QUIC handshake and HTTP/3 transfer with hash check",
               .protocols = PANTHER_PROTOCOLS({"quic", PANTHER_TEXTS("1"), PANTHER_TEXTS("client")}), .options = options,
               .settings_bytes = sizeof(struct quic_probe), .programs = PANTHER_TEXTS("gtlsclient"),
               .drives = PANTHER_DRIVES({"server", "quic", "server", true}), .initialize = initialize, .tester = &quic_probe);
