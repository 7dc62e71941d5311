// python3's http.server as an implementation under test: the shortest plugin that is whole.
#include <panther/plugin.h>
#include <string.h>

struct python_http {
    const char *greeting;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct python_http, greeting, "hello", "what index.html says"),
    PANTHER_OPTIONS_END,
};

static int port;

// Files and ports, no process yet.
static int initialize(struct panther_service *service, const void *settings)
{
    const struct python_http *wanted = settings;
    port = panther_port(service, "http", PANTHER_TCP);
    if (port < 0) {
        return port;
    }
    return panther_write_file(service, "www/index.html", "%s\n", wanted->greeting) != NULL ? 0 : PANTHER_FAILED;
}

// Spawn, and say what ready means; the host waits for it.
static int start(struct panther_service *service)
{
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "python3");
    panther_argument(service, &argv, "-m");
    panther_argument(service, &argv, "http.server");
    panther_argument(service, &argv, "--bind=%s", panther_own_address(service));
    panther_argument(service, &argv, "--directory=%s", panther_path(service, "www"));
    panther_argument(service, &argv, "%d", port);
    panther_ready_http(service, port, "/", 200);
    const int process = panther_spawn(service, .name = "python", .argv = argv.items, .clean_on_term = true);
    return process < 0 ? process : 0;
}

static int version(char *text, size_t text_bytes)
{
    // "Python 3.11.2\n"
    if (panther_command_output(PANTHER_TEXTS("python3", "--version"), text, text_bytes) != 0) {
        return PANTHER_FAILED;
    }
    const char *number = text + strcspn(text, " ") + 1;
    const size_t length = strcspn(number, "\n");
    memmove(text, number, length);
    text[length] = '\0';
    return 0;
}

static const struct panther_iut iut = {.get_implementation_version = version};

// What is NULL has a sensible meaning: stop ends the process, cleanup has nothing to do.
PANTHER_PLUGIN(.name = "python_http", .kind = PANTHER_IUT, .version = "1.0", .summary = "python3 -m http.server",
               .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("1.1"), PANTHER_TEXTS("server")}),
               .programs = PANTHER_TEXTS("python3"), .options = options, .settings_bytes = sizeof(struct python_http),
               .initialize = initialize, .start = start, .iut = &iut);
