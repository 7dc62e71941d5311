// ngtcp2's example server (Debian's gtlsserver) as the implementation under test: HTTP/3 over QUIC. It serves generated files whose
// bytes a tester can compute; `corrupt` serves them with one wrong byte each, to test the tester.
#include <panther/content.h>
#include <panther/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ngtcp2 {
    uint16_t port;
    struct panther_list sizes;
    const char *page;
    bool corrupt;
    bool retry;
    const char *congestion_control;
    uint64_t idle_timeout;
    double tx_loss;
    double rx_loss;
    int64_t gso_datagrams;
    bool qlog;
    bool keylog;
    bool verbose;
    const char *profile;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_PORT(struct ngtcp2, port, "0", "UDP port; 0: a free one"),
    PANTHER_OPTION_LIST(struct ngtcp2, sizes, "1MiB", "generated files to serve, each as /BYTES.bin"),
    PANTHER_OPTION_FILE(struct ngtcp2, page, "", "a file to serve as /index.html instead of the default page, or a folder to serve"),
    PANTHER_OPTION_BOOLEAN(struct ngtcp2, corrupt, "false",
                           "serve the generated files with one wrong byte in the middle (to test a tester)"),
    PANTHER_OPTION_BOOLEAN(struct ngtcp2, retry, "false", "validate addresses with Retry packets"),
    PANTHER_OPTION_CHOICE(struct ngtcp2, congestion_control, "cubic", "congestion control", "cubic", "reno", "bbr", "bbr2"),
    PANTHER_OPTION_DURATION(struct ngtcp2, idle_timeout, "30s", 100, 3600000, "idle timeout of a connection"),
    PANTHER_OPTION_RATIO(struct ngtcp2, tx_loss, "0", "share of outgoing packets that the server drops itself"),
    PANTHER_OPTION_RATIO(struct ngtcp2, rx_loss, "0", "share of incoming packets that the server drops itself"),
    PANTHER_OPTION_INTEGER(struct ngtcp2, gso_datagrams, "64", 1, 64, "",
                           "datagrams that the kernel is given at once; a capture on lo shows them as one, which cannot be read: 1 there"),
    PANTHER_OPTION_BOOLEAN(struct ngtcp2, qlog, "true", "keep a qlog of every connection as an artifact"),
    PANTHER_OPTION_BOOLEAN(struct ngtcp2, keylog, "true", "keep the TLS secrets as an artifact, to decrypt captures"),
    PANTHER_OPTION_BOOLEAN(struct ngtcp2, verbose, "false", "print every packet and frame (about 400 bytes per packet)"),
    PANTHER_OPTION_CHOICE(struct ngtcp2, profile, "",
                          "what a tester's case asks of it: retry: validate addresses with Retry packets; v2: prefer QUIC version 2; "
                          "ecn: nothing more, it always marks and counts",
                          "retry", "v2", "ecn"),
    PANTHER_OPTIONS_END,
};

static struct {
    int port;
    struct panther_arguments argv;
    const char *environment[2];
} server;

// ---- content

static bool flip_middle_byte(int file)
{
    struct stat status;
    char byte;
    if (fstat(file, &status) != 0 || pread(file, &byte, 1, status.st_size / 2) != 1)
        return false;
    byte = (char)~byte;
    return pwrite(file, &byte, 1, status.st_size / 2) == 1;
}

static int corrupt_file(struct panther_service *service, const char *path)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return panther_fail(service, "%s: %s", path, strerror(errno));
    bool flipped = flip_middle_byte(file);
    close(file);
    return flipped ? PANTHER_OK : panther_fail(service, "%s has no byte to corrupt", path);
}

static int corrupt_site(struct panther_service *service, const char *site)
{
    int result = PANTHER_OK;
    DIR *folder = opendir(site);
    if (!folder)
        return panther_fail(service, "%s: %s", site, strerror(errno));
    for (struct dirent *entry; result == PANTHER_OK && (entry = readdir(folder));)
        if (strstr(entry->d_name, ".bin"))
            result = corrupt_file(service, panther_format(service, "%s/%s", site, entry->d_name));
    closedir(folder);
    panther_log(service, PANTHER_WARNING, "corrupt: the generated files are served with a wrong byte each");
    return result;
}

// ---- lifecycle

static int add_logs(struct panther_service *service, const struct ngtcp2 *ngtcp2)
{
    if (!ngtcp2->verbose)
        panther_argument(service, &server.argv, "--quiet");
    if (ngtcp2->qlog) {
        const char *folder = panther_make_folder(service, "qlog");
        if (!folder)
            return PANTHER_FAILED;
        panther_argument(service, &server.argv, "--qlog-dir=%s", folder);
        panther_artifact(service, "qlog/*.sqlog", "qlog");
    }
    if (ngtcp2->keylog) {
        server.environment[0] = panther_format(service, "SSLKEYLOGFILE=%s", panther_path(service, "server.keylog"));
        panther_artifact(service, "server.keylog", "keylog");
    }
    return PANTHER_OK;
}

static void add_behaviour(struct panther_service *service, const struct ngtcp2 *ngtcp2)
{
    panther_argument(service, &server.argv, "--no-quic-dump");
    panther_argument(service, &server.argv, "--no-http-dump");
    panther_argument(service, &server.argv, "--cc=%s", ngtcp2->congestion_control);
    panther_argument(service, &server.argv, "--timeout=%llums", (unsigned long long)ngtcp2->idle_timeout);
    panther_argument(service, &server.argv, "--max-gso-dgrams=%lld", (long long)ngtcp2->gso_datagrams);
    if (strcmp(ngtcp2->profile, "v2") == 0)
        panther_argument(service, &server.argv, "--preferred-versions=v2draft,v1");
    if (ngtcp2->retry || strcmp(ngtcp2->profile, "retry") == 0)
        panther_argument(service, &server.argv, "--validate-addr");
    if (ngtcp2->tx_loss > 0)
        panther_argument(service, &server.argv, "--tx-loss=%g", ngtcp2->tx_loss);
    if (ngtcp2->rx_loss > 0)
        panther_argument(service, &server.argv, "--rx-loss=%g", ngtcp2->rx_loss);
}

static int initialize(struct panther_service *service, const void *settings)
{
    const struct ngtcp2 *ngtcp2 = settings;
    // gtlsserver binds with address reuse, so a clash would not show at its start: the port is checked by the host
    server.port = panther_port_wanted(service, "quic", PANTHER_UDP, ngtcp2->port);
    if (server.port < 0)
        return server.port;
    const char *site = panther_site(service, "www", &ngtcp2->sizes, ngtcp2->page);
    if (!site || (ngtcp2->corrupt && corrupt_site(service, site) != PANTHER_OK))
        return PANTHER_FAILED;
    const struct panther_certificate *certificate = panther_certificate(service, .name = "server");
    if (!certificate)
        return PANTHER_FAILED;
    panther_argument(service, &server.argv, "gtlsserver");
    panther_argument(service, &server.argv, "--htdocs=%s", site);
    add_behaviour(service, ngtcp2);
    if (add_logs(service, ngtcp2) != PANTHER_OK)
        return PANTHER_FAILED;
    panther_argument(service, &server.argv, "%s", panther_own_address(service));
    panther_argument(service, &server.argv, "%d", server.port);
    panther_argument(service, &server.argv, "%s", certificate->key_path);
    panther_argument(service, &server.argv, "%s", certificate->certificate_path);
    return PANTHER_OK;
}

static int start(struct panther_service *service)
{
    // it does not catch TERM
    int process =
        panther_spawn(service, .name = "gtlsserver", .argv = server.argv.items, .environment = server.environment, .clean_on_term = true);
    if (process < 0)
        return process;
    // it prints nothing that means "bound"
    panther_ready_udp(service, server.port);
    return PANTHER_OK;
}

static int plan(const void *settings, struct panther_plan *plan)
{
    (void)settings;
    panther_plan_command(plan, PANTHER_TEXTS("gtlsserver", "--htdocs=WORK/www", "ADDRESS", "PORT", "KEY", "CERTIFICATE"));
    return PANTHER_OK;
}

// ---- what is installed

// gtlsserver has no --version: the package that it came with knows.
static int get_version(char *text, size_t text_bytes)
{
    char output[256], version[64];
    if (panther_command_output(PANTHER_TEXTS("dpkg-query", "-W", "-f=${Version}", "ngtcp2-server"), output, sizeof(output)) != 0 ||
        sscanf(output, "%63[^+ \n-]", version) != 1)
        return PANTHER_FAILED;
    snprintf(text, text_bytes, "%s", version);
    return PANTHER_OK;
}

static int get_capabilities(struct panther_capabilities *capabilities)
{
    static const struct {
        const char *option, *capability;
    } known[] = {{"--validate-addr", "retry"}, {"--qlog-dir", "qlog"}, {"--preferred-versions", "compatible-version-negotiation"}};
    char output[16384];
    if (panther_command_output(PANTHER_TEXTS("gtlsserver", "--help"), output, sizeof(output)) != 0)
        return PANTHER_FAILED;
    panther_capability(capabilities, "quic/1");
    panther_capability(capabilities, "http/3");
    panther_capability(capabilities, "keylog");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strstr(output, known[i].option))
            panther_capability(capabilities, known[i].capability);
    return PANTHER_OK;
}

static const struct panther_iut iut = {
    .get_implementation_version = get_version,
    .get_implementation_capabilities = get_capabilities,
};

PANTHER_PLUGIN(.name = "ngtcp2", .kind = PANTHER_IUT, .version = "1.0", .summary = "ngtcp2's HTTP/3 server over QUIC (gtlsserver)",
               .protocols = PANTHER_PROTOCOLS({"quic", PANTHER_TEXTS("1"), PANTHER_TEXTS("server")},
                                              {"http", PANTHER_TEXTS("3"), PANTHER_TEXTS("server")}),
               .options = options, .settings_bytes = sizeof(struct ngtcp2), .programs = PANTHER_TEXTS("gtlsserver"),
               .initialize = initialize, .start = start, .plan = plan, .iut = &iut);
