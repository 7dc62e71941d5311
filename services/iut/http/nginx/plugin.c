// nginx as the implementation under test: a web server over HTTP/1.1 and HTTP/2, plain or with TLS. This plugin writes the
// configuration, has `nginx -t` check it, starts nginx in the foreground and waits until it answers.
#include <panther/content.h>
#include <panther/plugin.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct nginx {
    int64_t workers;
    int64_t connections;
    uint16_t port;
    bool tls;
    const char *http2;
    struct panther_list sizes;
    const char *page;
    int64_t keepalive_requests;
    const char *log_level;
    bool access_log;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_INTEGER(struct nginx, workers, "1", 1, 64, "", "worker processes"),
    PANTHER_OPTION_INTEGER(struct nginx, connections, "1024", 16, 65536, "", "connections per worker"),
    PANTHER_OPTION_PORT(struct nginx, port, "0", "TCP port; 0: a free one"),
    PANTHER_OPTION_BOOLEAN(struct nginx, tls, "true", "TLS 1.2 and 1.3 with a test certificate"),
    PANTHER_OPTION_CHOICE(struct nginx, http2, "auto", "HTTP/2; auto: when the protocol version of the test is 2", "auto", "on", "off"),
    PANTHER_OPTION_LIST(struct nginx, sizes, "1KiB", "generated files to serve, each as /BYTES.bin"),
    PANTHER_OPTION_FILE(struct nginx, page, "", "a file to serve as /index.html instead of the default page, or a folder to serve"),
    PANTHER_OPTION_INTEGER(struct nginx, keepalive_requests, "1000000", 1, 1000000000, "",
                           "requests per connection; nginx's own default of 1000 ends load tests early"),
    PANTHER_OPTION_CHOICE(struct nginx, log_level, "warn", "what nginx logs on stderr", "debug", "info", "notice", "warn", "error"),
    PANTHER_OPTION_BOOLEAN(struct nginx, access_log, "false", "keep an access log as an artifact"),
    PANTHER_OPTIONS_END,
};

static struct {
    int port;       // what peers use
    int probe_port; // plain HTTP/1.1, for readiness; the same where that is what peers get
    bool http2;
    const char *configuration;
} server;

// ---- configuration

static bool wants_http2(struct panther_service *service, const struct nginx *nginx)
{
    if (strcmp(nginx->http2, "auto") == 0)
        return strcmp(panther_protocol_version(service), "2") == 0;
    return strcmp(nginx->http2, "on") == 0;
}

// An address as `listen` wants it: IPv6 in brackets.
static const char *listen_address(struct panther_service *service)
{
    const char *address = panther_own_address(service);
    return strchr(address, ':') ? panther_format(service, "[%s]", address) : address;
}

static const char *tls_lines(struct panther_service *service, const struct nginx *nginx)
{
    if (!nginx->tls)
        return "";
    const struct panther_certificate *certificate = panther_certificate(service, .name = "server");
    if (!certificate)
        return NULL;
    return panther_format(service, "    ssl_certificate \"%s\";\n    ssl_certificate_key \"%s\";\n    ssl_protocols TLSv1.2 TLSv1.3;\n",
                          certificate->certificate_path, certificate->key_path);
}

// nginx speaks either HTTP/2 or HTTP/1.1 on a port without TLS, and the readiness probe speaks HTTP/1.1: then it gets a port of its own.
static const char *probe_lines(struct panther_service *service)
{
    if (server.probe_port == server.port)
        return "";
    return panther_format(service, "    listen %s:%d;\n", listen_address(service), server.probe_port);
}

// Temporary folders are its own: the compiled-in ones belong to the system's nginx. A master that runs as root would hand its workers
// to www-data, who may not read the work folder.
static const char *write_configuration(struct panther_service *service, const struct nginx *nginx, const char *site)
{
    const char *work = panther_work_folder(service);
    const char *tls = tls_lines(service, nginx);
    if (!tls)
        return NULL;
    const char *access_log = nginx->access_log ? panther_format(service, "\"%s/access.log\"", work) : "off";
    return panther_write_file(service, "nginx.conf",
                              "daemon off;\n"
                              "master_process on;\n"
                              "worker_processes %lld;\n"
                              "pid \"%s/nginx.pid\";\n"
                              "error_log stderr %s;\n"
                              "%s"
                              "events { worker_connections %lld; }\n"
                              "http {\n"
                              "  access_log %s;\n"
                              "  client_body_temp_path \"%s/body\";\n"
                              "  proxy_temp_path \"%s/proxy\";\n"
                              "  fastcgi_temp_path \"%s/fastcgi\";\n"
                              "  uwsgi_temp_path \"%s/uwsgi\";\n"
                              "  scgi_temp_path \"%s/scgi\";\n"
                              "  types { text/html html; }\n"
                              "  default_type application/octet-stream;\n"
                              "  keepalive_requests %lld;\n"
                              "  server {\n"
                              "    listen %s:%d%s%s;\n"
                              "%s%s"
                              "    root \"%s\";\n"
                              "  }\n"
                              "}\n",
                              (long long)nginx->workers, work, nginx->log_level, geteuid() == 0 ? "user root;\n" : "",
                              (long long)nginx->connections, access_log, work, work, work, work, work, (long long)nginx->keepalive_requests,
                              listen_address(service), server.port, nginx->tls ? " ssl" : "", server.http2 ? " http2" : "",
                              probe_lines(service), tls, site);
}

// nginx says what is wrong with a configuration, and where; better now than as a start that fails.
static int check_configuration(struct panther_service *service)
{
    char text[2048];
    const char *const argv[] = {"nginx", "-t", "-q", "-e", "stderr", "-p", panther_work_folder(service), "-c", server.configuration, NULL};
    int status = panther_command_output(argv, text, sizeof(text));
    return status == 0 ? PANTHER_OK : panther_fail(service, "nginx refuses its configuration (status %d): %s", status, text);
}

// ---- lifecycle

static int allocate_ports(struct panther_service *service, const struct nginx *nginx)
{
    // the name tells testers how to speak to it
    server.port = panther_port_wanted(service, nginx->tls ? "https" : "http", PANTHER_TCP, nginx->port);
    if (server.port < 0)
        return server.port;
    server.probe_port = server.port;
    if (nginx->tls || server.http2)
        server.probe_port = panther_port(service, "probe", PANTHER_TCP);
    return server.probe_port < 0 ? server.probe_port : PANTHER_OK;
}

static int initialize(struct panther_service *service, const void *settings)
{
    const struct nginx *nginx = settings;
    server.http2 = wants_http2(service, nginx);
    int result = allocate_ports(service, nginx);
    if (result != PANTHER_OK)
        return result;
    const char *site = panther_site(service, "www", &nginx->sizes, nginx->page);
    if (!site)
        return PANTHER_FAILED;
    server.configuration = write_configuration(service, nginx, site);
    if (!server.configuration)
        return PANTHER_FAILED;
    panther_artifact(service, "nginx.conf", "config");
    if (nginx->access_log)
        panther_artifact(service, "access.log", "log");
    return check_configuration(service);
}

static int start(struct panther_service *service)
{
    const char *const argv[] = {"nginx", "-e", "stderr", "-p", panther_work_folder(service), "-c", server.configuration, NULL};
    int process = panther_spawn(service, .name = "nginx", .argv = argv);
    if (process < 0)
        return process;
    panther_ready_tcp(service, server.port);
    panther_ready_http(service, server.probe_port, "/index.html", 200);
    return PANTHER_OK;
}

static int plan(const void *settings, struct panther_plan *plan)
{
    (void)settings;
    panther_plan_command(plan, PANTHER_TEXTS("nginx", "-e", "stderr", "-p", "WORK", "-c", "WORK/nginx.conf"));
    return PANTHER_OK;
}

// ---- what is installed

static int get_version(char *text, size_t text_bytes)
{
    char output[256], version[64];
    if (panther_command_output(PANTHER_TEXTS("nginx", "-v"), output, sizeof(output)) != 0 ||
        sscanf(output, "nginx version: nginx/%63[^ \n]", version) != 1)
        return PANTHER_FAILED;
    snprintf(text, text_bytes, "%s", version);
    return PANTHER_OK;
}

static int get_capabilities(struct panther_capabilities *capabilities)
{
    char output[8192];
    if (panther_command_output(PANTHER_TEXTS("nginx", "-V"), output, sizeof(output)) != 0)
        return PANTHER_FAILED;
    panther_capability(capabilities, "http/1.1");
    if (strstr(output, "--with-http_v2_module"))
        panther_capability(capabilities, "http/2");
    if (strstr(output, "--with-http_ssl_module"))
        panther_capability(capabilities, "tls");
    return PANTHER_OK;
}

static const struct panther_iut iut = {
    .get_implementation_version = get_version,
    .get_implementation_capabilities = get_capabilities,
};

PANTHER_PLUGIN(.name = "nginx", .kind = PANTHER_IUT, .version = "1.0", .summary = "nginx web server (HTTP/1.1, HTTP/2, TLS)",
               .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("1.1", "2"), PANTHER_TEXTS("server")}), .options = options,
               .settings_bytes = sizeof(struct nginx), .programs = PANTHER_TEXTS("nginx"), .initialize = initialize, .start = start,
               .plan = plan, .iut = &iut);
