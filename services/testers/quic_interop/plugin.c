// quic_interop: a server and a client of different stacks in one case after the other. The coordinator restarts both with the profiles
// that a case names and executes the client; then this judges from the capture (tshark with both sides' key logs) and the bytes on disk,
// never from an exit code alone.
#include <panther/plugin.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "evidence.h"
#include "judge.h"
#include "qlogs.h"
#include "rival.h"

#define CLOCK_TRIES 16 // one of them is not interrupted

struct quic_interop {
    const char *interface;
    bool keep;
    const char *qlog;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct quic_interop, interface, "", "capture here (lo) instead of taking the network environment's capture"),
    PANTHER_OPTION_BOOLEAN(struct quic_interop, keep, "true", "keep tshark's reading and the secrets of each case as artifacts"),
    PANTHER_OPTION_CHOICE(struct quic_interop, qlog, "use", "qlogs of both sides beside the capture; demand: no pass without whole ones",
                          "use", "demand", "ignore"),
    PANTHER_OPTIONS_END,
};

static const struct panther_case cases[] = {
    {"handshake", "a handshake is completed and confirmed", 0, NULL},
    {"transfer", "a file arrives with all its bytes", 0, NULL},
    {"http3", "HTTP/3 is chosen and answers", 0, NULL},
    {"multiplexing", "several requests in one connection", 0, NULL},
    {"retry", "the server validates the address with a Retry", 0, NULL},
    {"resumption", "a second connection resumes the first one's session", 0, NULL},
    {"zerortt", "a second connection sends its request in 0-RTT", 0, NULL},
    {"chacha20", "ChaCha20-Poly1305 is negotiated", 0, NULL},
    {"keyupdate", "the client updates its keys, the server follows", 0, NULL},
    {"versionnegotiation", "an unknown version is answered by Version Negotiation", 0, NULL},
    {"v2", "compatible version negotiation to version 2", 0, NULL},
    {"ipv6", "a transfer over IPv6", 0, NULL},
    {"longrtt", "a handshake over a path of 1.5 seconds", 0, NULL},
    {"handshakeloss", "handshakes with 30 % of packets lost", 0, NULL},
    {"transferloss", "a transfer with 2 % of packets lost", 0, NULL},
    {"handshakecorruption", "handshakes with 30 % of packets corrupted", 0, NULL},
    {"transfercorruption", "a transfer with 2 % of packets corrupted", 0, NULL},
    {"blackhole", "a transfer that goes on after two seconds in which nothing arrives", 0, NULL},
    {"goodput", "a transfer at the rate of a path of 10 Mbit/s", 0, NULL},
    {"crosstraffic", "a transfer that shares the path of goodput with a TCP flow", 0, NULL},
    {"rebind-port", "a NAT gives the client another port", 0, NULL},
    {"rebind-addr", "a NAT gives the client another address", 0, NULL},
    {"connectionmigration", "the client goes on from another address", 0, NULL},
    {"ecn", "both sides mark and count ECN", 0, NULL},
    {"amplificationlimit", "before it knows the address the server sends three times at most", 0, NULL},
    {NULL, NULL, 0, NULL},
};

#define BOTH(CASE, SERVER_PROFILE, CLIENT_PROFILE)                                                                                         \
    {.name = (CASE), .drive = "server", .profile = (SERVER_PROFILE)},                                                                      \
    {                                                                                                                                      \
        .name = (CASE), .drive = "client", .profile = (CLIENT_PROFILE), .execute = true, .fresh = true                                     \
    }
static const struct panther_case_setup setups[] = {
    BOTH("handshake", NULL, NULL),
    BOTH("transfer", NULL, "transfer"),
    BOTH("http3", NULL, NULL),
    BOTH("multiplexing", NULL, "multiplexing"),
    BOTH("retry", "retry", NULL),
    BOTH("resumption", NULL, "resumption"),
    BOTH("zerortt", NULL, "zerortt"),
    BOTH("chacha20", NULL, "chacha20"),
    BOTH("keyupdate", NULL, "keyupdate"),
    BOTH("versionnegotiation", NULL, "versionnegotiation"),
    BOTH("v2", "v2", "v2"),
    BOTH("ipv6", NULL, "transfer"),
    BOTH("longrtt", NULL, NULL),
    BOTH("handshakeloss", NULL, "handshakes"),
    BOTH("transferloss", NULL, "transfer"),
    BOTH("handshakecorruption", NULL, "handshakes"),
    BOTH("transfercorruption", NULL, "transfer"),
    BOTH("blackhole", NULL, "transfer"),
    BOTH("goodput", NULL, "transfer"),
    BOTH("crosstraffic", NULL, "transfer"),
    {.name = "crosstraffic", .drive = "rival_client", .execute = true, .fresh = true},
    BOTH("rebind-port", NULL, "transfer"),
    BOTH("rebind-addr", NULL, "transfer"),
    BOTH("connectionmigration", NULL, "connectionmigration"),
    BOTH("ecn", "ecn", "ecn"),
    BOTH("amplificationlimit", NULL, NULL),
    {NULL, NULL, NULL, false, false},
};

static const struct panther_case_condition conditions[] = {
    {"longrtt", "delay", "750ms"},
    {"handshakeloss", "loss", "30%"},
    {"transferloss", "loss", "2%"},
    {"transferloss", "delay", "15ms"},
    {"handshakecorruption", "corrupt", "30%"},
    {"transfercorruption", "corrupt", "2%"},
    {"transfercorruption", "delay", "15ms"},
    {"blackhole", "down_after", "500ms"},
    {"blackhole", "down_for", "2s"},
    {"blackhole", "rate", "5Mbit"},
    {"goodput", "rate", "10Mbit"},
    {"goodput", "delay", "15ms"},
    // quic-interop-runner's path: all flows go through one queue of 25 packets
    {"crosstraffic", "rate", "10Mbit"},
    {"crosstraffic", "delay", "15ms"},
    {"crosstraffic", "queue", "25"},
    {"crosstraffic", "shared", "yes"},
    // as long as the transfer lasts after it, both sides can answer
    {"rebind-port", "nat_rebind", "port"},
    {"rebind-port", "nat_after", "100ms"},
    {"rebind-port", "rate", "5Mbit"},
    {"rebind-addr", "nat_rebind", "address"},
    {"rebind-addr", "nat_after", "100ms"},
    {"rebind-addr", "rate", "5Mbit"},
    {NULL, NULL, NULL},
};

static const struct quic_interop *settings_now;

static int initialize(struct panther_service *service, const void *settings)
{
    (void)service;
    settings_now = settings;
    return PANTHER_OK;
}

static int start(struct panther_service *service)
{
    // the server's port stays what it is through its generations
    const struct panther_peer *server = panther_driven(service, "server", 0);
    const struct panther_endpoint *endpoint = server != NULL ? panther_endpoint(server, NULL, PANTHER_UDP) : NULL;
    const unsigned port = endpoint != NULL ? endpoint->port : 0;
    const int process = *settings_now->interface != '\0' ? capture_begin(service, settings_now->interface, port) : 0;
    return process < 0 ? process : PANTHER_OK;
}

// ---- the capture of a case

struct capture {
    const char *path;
    const char *interface[SIDES]; // of the network's capture; "": it has one
    const char *rival;            // where the competing flow arrives; "": there is none
};

static int find_capture(struct panther_service *service, const struct panther_case_peer *server, const struct panther_case_peer *client,
                        struct capture *capture, char *problem)
{
    if (*settings_now->interface != '\0') {
        *capture = (struct capture){panther_path(service, "interop.pcapng"), {"", ""}, ""};
        return capture_settle(service, problem);
    }
    const struct panther_case_peer *network = panther_case_peer(service, "network");
    if (network == NULL || network->folder == NULL) {
        snprintf(problem, EVIDENCE_PROBLEM_BYTES,
                 "there is no capture: the test needs a network_environment of type emulated, or this tester the option interface");
        return PANTHER_MISSING;
    }
    const struct panther_case_peer *rival = panther_case_peer(service, "rival_client");
    *capture = (struct capture){panther_format(service, "%s/network.pcapng", network->folder),
                                {[CLIENT] = client->peer->service, [SERVER] = server->peer->service},
                                rival != NULL && rival->executed ? rival->peer->service : ""};
    return network_flush(network->folder, problem);
}

static double seconds_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// The moment of a boottime stamp of this host on the clock of captures. Who is put aside between two looks at a clock sees them apart: of
// several tries the narrowest counts.
static double wall_seconds(uint64_t boottime_ns)
{
    double narrowest = -1, offset = 0;
    for (unsigned try = 0; try < CLOCK_TRIES; try++) {
        const double before = seconds_now(CLOCK_BOOTTIME), wall = seconds_now(CLOCK_REALTIME);
        const double width = seconds_now(CLOCK_BOOTTIME) - before;
        if (narrowest < 0 || width < narrowest) {
            narrowest = width;
            offset = wall - before - width;
        }
    }
    return offset + (double)boottime_ns * 1e-9;
}

static void add_fields(struct panther_service *service, struct panther_arguments *argv)
{
    static const char *const fields[] = {TRANSCRIPT_FIELDS};
    static const char *const how[] = {"-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,"};
    for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        panther_argument(service, argv, "%s", how[i]);
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        panther_argument(service, argv, "-e");
        panther_argument(service, argv, "%s", fields[i]);
    }
}

// Runs tshark with these arguments; its output, when it is wanted. False: problem says why.
static bool run_tshark(struct panther_service *service, const struct panther_arguments *argv, const char *name, bool want_output,
                       int *process, char *problem)
{
    struct panther_exit exit;
    *process = panther_spawn(service, .name = name, .argv = argv->items, .finishes = true, .want_output = want_output,
                             .environment = PANTHER_TEXTS("LC_ALL=C"));
    const int waited = *process < 0 ? *process : panther_wait(service, *process, 0, &exit);
    if (waited < 0 || exit.signal != 0 || exit.status != 0) {
        snprintf(problem, EVIDENCE_PROBLEM_BYTES, "tshark did not read the capture to its end: %s",
                 waited < 0         ? "it was not done in time"
                 : exit.signal != 0 ? "a signal ended it"
                                    : "see cut.stderr and tshark.stderr");
        return false;
    }
    return true;
}

// The case's own packets into a file: from when the client was executed on. What the network corrupted on its way is left out where it
// arrived. Nobody can read it there, and to tshark it is a packet of the connection: it would follow a key update that never was.
// before: what was read of it first, or NULL. What a client sent between a Retry and its answer is left out then: tshark takes it for the
// begin of another connection, and reads nothing of this one.
static const char *cut_capture(struct panther_service *service, const struct capture *capture, unsigned port, double began_s,
                               const struct transcript *before, char *problem)
{
    struct panther_arguments argv = {0};
    const char *into = panther_path(service, "case.pcapng");
    const char *without = "";
    int process;
    for (size_t i = 0; before != NULL && i < before->retryings; i++) {
        const struct retrying *span = &before->retrying[i];
        without = panther_format(service, "%s && !(udp.dstport == %u && frame.time_epoch > %.9f && frame.time_epoch < %.9f)", without, port,
                                 span->from_s, span->until_s);
    }
    panther_argument(service, &argv, "tshark");
    panther_argument(service, &argv, "-n");
    panther_argument(service, &argv, "-r");
    panther_argument(service, &argv, "%s", capture->path);
    panther_argument(service, &argv, "-w");
    panther_argument(service, &argv, "%s", into);
    panther_argument(service, &argv, "--disable-protocol");
    panther_argument(service, &argv, "quic");
    panther_argument(service, &argv, "-Y");
    panther_argument(service, &argv,
                     "(udp.port == %u%s) && frame.time_epoch >= %.6f && !(frame.comment contains \"corrupted\" && "
                     "((frame.interface_name == \"%s\" && udp.srcport == %u) || (frame.interface_name == \"%s\" && udp.dstport == %u)))%s",
                     port, *capture->rival != '\0' ? " || tcp.len > 0" : "", began_s, capture->interface[CLIENT], port,
                     capture->interface[SERVER], port, without);
    return run_tshark(service, &argv, "cut", false, &process, problem) ? into : NULL;
}

static const char *read_capture(struct panther_service *service, const char *path, const char *secrets, unsigned port, size_t *bytes,
                                char *problem)
{
    struct panther_arguments argv = {0};
    int process;
    panther_argument(service, &argv, "tshark");
    panther_argument(service, &argv, "-n");
    panther_argument(service, &argv, "-r");
    panther_argument(service, &argv, "%s", path);
    panther_argument(service, &argv, "-o");
    panther_argument(service, &argv, "tls.keylog_file:%s", secrets);
    panther_argument(service, &argv, "-d");
    panther_argument(service, &argv, "udp.port==%u,quic", port);
    add_fields(service, &argv);
    if (!run_tshark(service, &argv, "tshark", true, &process, problem)) {
        return NULL;
    }
    const char *text = panther_output(service, process, PANTHER_STDOUT, bytes);
    if (text == NULL || *bytes >= PANTHER_OUTPUT_MAX_BYTES) {
        snprintf(problem, EVIDENCE_PROBLEM_BYTES, "tshark said more than fits: a smaller file will do");
        return NULL;
    }
    return text;
}

static void tell_metrics(struct panther_service *service, const struct transcript *transcript)
{
    panther_metric(service, "packets_client", (double)transcript->datagrams[CLIENT], "", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "packets_server", (double)transcript->datagrams[SERVER], "", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "packets_dropped", (double)transcript->dropped, "", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "duration", (transcript->last_s - transcript->first_s) * 1e3, "ms", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "packets_corrupted", (double)transcript->corrupted, "", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "packets_unread", (double)(transcript->unread[CLIENT] + transcript->unread[SERVER]), "",
                   PANTHER_NEITHER_IS_BETTER);
    if (transcript->last_s > transcript->first_s) {
        panther_metric(service, "goodput", (double)transcript->bytes_heard * 8e-3 / (transcript->last_s - transcript->first_s), "kbit/s",
                       PANTHER_HIGHER_IS_BETTER);
    }
    if (transcript->rival_bytes > 0) {
        panther_metric(service, "goodput_rival", rival_kbits(transcript), "kbit/s", PANTHER_NEITHER_IS_BETTER);
    }
    if (transcript->answer_s >= 0) {
        panther_metric(service, "first_answer", transcript->answer_s * 1e3, "ms", PANTHER_LOWER_IS_BETTER);
    }
}

static int incomplete(struct panther_service *service, const char *problem)
{
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "%s", problem);
}

static void weigh_qlogs(struct panther_service *service, const struct qlog_files files[SIDES], const struct transcript *transcript,
                        const struct endings *endings, struct judgement *judgement)
{
    struct testimony testimony[SIDES];
    if (strcmp(settings_now->qlog, "ignore") == 0) {
        return;
    }
    qlogs_sum(&files[CLIENT], transcript, &testimony[CLIENT]);
    qlogs_sum(&files[SERVER], transcript, &testimony[SERVER]);
    panther_metric(service, "qlogs_client", (double)testimony[CLIENT].qlogs, "", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "qlogs_server", (double)testimony[SERVER].qlogs, "", PANTHER_NEITHER_IS_BETTER);
    testimony_weigh(testimony, transcript, endings, strcmp(settings_now->qlog, "demand") == 0, judgement);
}

// What the capture shows of the case. False: problem says why it cannot be told.
static bool read_case(struct panther_service *service, const struct capture *capture, const char *secrets, unsigned port, double began_s,
                      struct transcript *transcript, char *problem)
{
    static struct transcript first;
    const struct vantage vantage = {port, {capture->interface[CLIENT], capture->interface[SERVER]}, capture->rival};
    const struct transcript *before = NULL;
    for (;;) {
        size_t bytes = 0;
        const char *own = cut_capture(service, capture, port, began_s, before, problem);
        const char *text = own != NULL ? read_capture(service, own, secrets, port, &bytes, problem) : NULL;
        if (text == NULL || !transcript_read(text, bytes, &vantage, transcript, problem, EVIDENCE_PROBLEM_BYTES)) {
            return false;
        }
        if (before != NULL || transcript->retryings == 0 || transcript->unread[CLIENT] + transcript->unread[SERVER] == 0) {
            return true;
        }
        first = *transcript;
        before = &first;
    }
}

static int judge_case(struct panther_service *service, const char *name, const struct panther_case_peer *server,
                      const struct panther_case_peer *client, unsigned port)
{
    char problem[EVIDENCE_PROBLEM_BYTES] = "";
    struct capture capture;
    struct transcript transcript;
    struct judgement judgement;
    const char *secrets = panther_path(service, "secrets.%s.keys", name);
    const double began_s = client->began_ns > 0 ? wall_seconds(client->began_ns) : 0;
    static struct qlog_files qlogs[SIDES];
    if (strcmp(settings_now->qlog, "ignore") != 0) {
        qlogs_read(service, client, began_s, &qlogs[CLIENT]);
        qlogs_read(service, server, began_s, &qlogs[SERVER]);
    }
    if (find_capture(service, server, client, &capture, problem) < 0) {
        return incomplete(service, problem);
    }
    if (secrets_collect(service, server, client, secrets) == 0) {
        return incomplete(service, "neither side left a key log: the capture cannot be decrypted");
    }
    if (!read_case(service, &capture, secrets, port, began_s, &transcript, problem)) {
        return incomplete(service, problem);
    }
    struct endings endings = {.client_passed = client->verdict == PANTHER_PASS, .client_text = client->text};
    downloads_compare(service, server, client, &endings);
    tell_metrics(service, &transcript);
    if (settings_now->keep) {
        panther_artifact(service, panther_format(service, "secrets.%s.keys", name), "keylog");
    }
    judge(name, &transcript, &endings, &judgement);
    weigh_qlogs(service, qlogs, &transcript, &endings, &judgement);
    return panther_result(service, judgement.verdict, judgement.reason, "%s", judgement.text);
}

static int run_test(struct panther_service *service, const struct panther_case *test_case)
{
    const struct panther_case_peer *server = panther_case_peer(service, "server"), *client = panther_case_peer(service, "client");
    size_t known = 0;
    while (cases[known].name != NULL && strcmp(cases[known].name, test_case->name) != 0) {
        known++;
    }
    if (cases[known].name == NULL) {
        return panther_fail(service, "quic_interop has no case \"%s\"", test_case->name);
    }
    if (server == NULL || client == NULL) {
        return incomplete(service, "the case was given no server and client: they are driven, and brought to their profiles before it");
    }
    const struct panther_endpoint *endpoint = panther_endpoint(server->peer, NULL, PANTHER_UDP);
    if (endpoint == NULL) {
        return incomplete(service, "the server has no UDP endpoint");
    }
    if (server->folder == NULL || client->folder == NULL) {
        return incomplete(service, "server and client must run on the judge's host: `host: {with: [server, client]}`");
    }
    if (strcmp(test_case->name, "crosstraffic") == 0 && panther_case_peer(service, "rival_client") == NULL) {
        return panther_result(service, PANTHER_NONE, PANTHER_REASON_UNSUPPORTED,
                              "no flow competes: drive a rival_server and a rival_client, too");
    }
    if (!client->executed) {
        return incomplete(service, "the client was not executed");
    }
    return judge_case(service, test_case->name, server, client, endpoint->port);
}

static int get_tool_version(char *text, size_t text_bytes)
{
    char output[4096], version[64];
    if (panther_command_output(PANTHER_TEXTS("tshark", "--version"), output, sizeof(output)) != 0) {
        return PANTHER_FAILED;
    }
    const char *at = strstr(output, "TShark (Wireshark) ");
    if (at == NULL || sscanf(at, "TShark (Wireshark) %63[0-9.]", version) != 1) {
        return PANTHER_FAILED;
    }
    version[strcspn(version, "\n")] = '\0';
    snprintf(text, text_bytes, "%s", version);
    return PANTHER_OK;
}

static const struct panther_tester tester = {
    .cases = cases,
    .run_test = run_test,
    .get_tool_version = get_tool_version,
    .setups = setups,
    .conditions = conditions,
    .evidence = PANTHER_TEXTS("capture", "keylog", "qlog"),
};

PANTHER_PLUGIN(.name = "quic_interop", .kind = PANTHER_TESTER, .version = "1.0",
               .summary = "QUIC interoperability of a server and a client, judged from the capture",
               .protocols = PANTHER_PROTOCOLS({"quic", PANTHER_TEXTS("1"), PANTHER_TEXTS("server", "client")}), .options = options,
               .settings_bytes = sizeof(struct quic_interop), .programs = PANTHER_TEXTS("tshark", "dumpcap"),
               .drives = PANTHER_DRIVES({"server", "quic", "server", true}, {"client", "quic", "client", true},
                                        {"rival_server", "quic", "rival_server", false}, {"rival_client", "quic", "rival_client", false}),
               .initialize = initialize, .start = start, .tester = &tester);
