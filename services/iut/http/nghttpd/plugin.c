// nghttpd (nghttp2's server) as the implementation under test: HTTP/2 only, with TLS or with prior knowledge. It has no
// configuration file; everything is in its arguments.
#include <panther/content.h>
#include <panther/plugin.h>

#include <stdio.h>
#include <string.h>

struct nghttpd {
    int64_t workers;
    uint16_t port;
    bool tls;
    struct panther_list sizes;
    const char *page;
    int64_t max_streams;
    int64_t padding;
    bool verbose;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_INTEGER(struct nghttpd, workers, "1", 1, 64, "", "worker threads"),
    PANTHER_OPTION_PORT(struct nghttpd, port, "0", "TCP port; 0: a free one"),
    PANTHER_OPTION_BOOLEAN(struct nghttpd, tls, "true", "TLS with a test certificate; false: HTTP/2 with prior knowledge"),
    PANTHER_OPTION_LIST(struct nghttpd, sizes, "1KiB", "generated files to serve, each as /BYTES.bin"),
    PANTHER_OPTION_FILE(struct nghttpd, page, "", "a file to serve as /index.html instead of the default page, or a folder to serve"),
    PANTHER_OPTION_INTEGER(struct nghttpd, max_streams, "100", 1, 1000000, "", "concurrent streams per connection"),
    PANTHER_OPTION_INTEGER(struct nghttpd, padding, "0", 0, 256, "B", "padding of frames at the most"),
    PANTHER_OPTION_BOOLEAN(struct nghttpd, verbose, "false", "print every frame"),
    PANTHER_OPTIONS_END,
};

static struct {
    int port;
    struct panther_arguments argv;
} server;

static int add_tls(struct panther_service *service, const struct nghttpd *nghttpd)
{
    if (!nghttpd->tls)
        return PANTHER_OK;
    const struct panther_certificate *certificate = panther_certificate(service, .name = "server");
    if (!certificate)
        return PANTHER_FAILED;
    panther_argument(service, &server.argv, "%s", certificate->key_path);
    panther_argument(service, &server.argv, "%s", certificate->certificate_path);
    return PANTHER_OK;
}

static int initialize(struct panther_service *service, const void *settings)
{
    const struct nghttpd *nghttpd = settings;
    // the name tells testers how to speak to it
    server.port = panther_port_wanted(service, nghttpd->tls ? "https" : "http", PANTHER_TCP, nghttpd->port);
    if (server.port < 0)
        return server.port;
    const char *site = panther_site(service, "www", &nghttpd->sizes, nghttpd->page);
    if (!site)
        return PANTHER_FAILED;
    panther_argument(service, &server.argv, "nghttpd");
    panther_argument(service, &server.argv, "--address=%s", panther_own_address(service));
    panther_argument(service, &server.argv, "--htdocs=%s", site);
    panther_argument(service, &server.argv, "--workers=%lld", (long long)nghttpd->workers);
    panther_argument(service, &server.argv, "--max-concurrent-streams=%lld", (long long)nghttpd->max_streams);
    if (nghttpd->padding > 0)
        panther_argument(service, &server.argv, "--padding=%lld", (long long)nghttpd->padding);
    if (nghttpd->verbose)
        panther_argument(service, &server.argv, "--verbose");
    if (!nghttpd->tls)
        panther_argument(service, &server.argv, "--no-tls");
    panther_argument(service, &server.argv, "%d", server.port);
    return add_tls(service, nghttpd);
}

static int start(struct panther_service *service)
{
    // it does not catch TERM
    int process = panther_spawn(service, .name = "nghttpd", .argv = server.argv.items, .clean_on_term = true);
    if (process < 0)
        return process;
    // it answers HTTP/2 only, which the HTTP probe does not speak
    panther_ready_tcp(service, server.port);
    return PANTHER_OK;
}

static int plan(const void *settings, struct panther_plan *plan)
{
    const struct nghttpd *nghttpd = settings;
    if (nghttpd->tls)
        panther_plan_command(plan, PANTHER_TEXTS("nghttpd", "--address=ADDRESS", "--htdocs=WORK/www", "PORT", "KEY", "CERTIFICATE"));
    else
        panther_plan_command(plan, PANTHER_TEXTS("nghttpd", "--address=ADDRESS", "--htdocs=WORK/www", "--no-tls", "PORT"));
    return PANTHER_OK;
}

static int get_version(char *text, size_t text_bytes)
{
    char output[256], version[64];
    if (panther_command_output(PANTHER_TEXTS("nghttpd", "--version"), output, sizeof(output)) != 0 ||
        sscanf(output, "nghttpd nghttp2/%63[^ \n]", version) != 1)
        return PANTHER_FAILED;
    snprintf(text, text_bytes, "%s", version);
    return PANTHER_OK;
}

static int get_capabilities(struct panther_capabilities *capabilities)
{
    panther_capability(capabilities, "http/2");
    panther_capability(capabilities, "tls");
    return PANTHER_OK;
}

static const struct panther_iut iut = {
    .get_implementation_version = get_version,
    .get_implementation_capabilities = get_capabilities,
};

PANTHER_PLUGIN(.name = "nghttpd", .kind = PANTHER_IUT, .version = "1.0", .summary = "nghttp2's web server (HTTP/2 only)",
               .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("2"), PANTHER_TEXTS("server")}), .options = options,
               .settings_bytes = sizeof(struct nghttpd), .programs = PANTHER_TEXTS("nghttpd"), .initialize = initialize, .start = start,
               .plan = plan, .iut = &iut);
