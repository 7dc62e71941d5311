// external: a device or a service that no agent runs on, as the implementation under test. Peers get endpoints at its address; commands
// of the experiment turn it on, reset it and turn it off.
#include "device.h"

#include <panther/plugin.h>

#include <stdio.h>
#include <string.h>

struct external {
    const char *address;
    struct panther_list ports;
    const char *probe;
    struct panther_list power_on, reset, power_off, version_command;
    uint64_t command_timeout;
    const char *version;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct external, address, PANTHER_REQUIRED, "of the device: a number, or a name that its agent's host resolves"),
    PANTHER_OPTION_LIST(struct external, ports, "", "its ports: NAME=NUMBER/tcp, /udp or /tcp+udp; at least one"),
    PANTHER_OPTION_STRING(struct external, probe, "auto",
                          "port whose TCP connection means that it is ready, and at the end that it lives; auto: the first with tcp; none: "
                          "it is not asked"),
    PANTHER_OPTION_LIST(struct external, power_on, "", "command of start, program and arguments"),
    PANTHER_OPTION_LIST(struct external, reset, "", "command of start, after power_on: to a known state"),
    PANTHER_OPTION_LIST(struct external, power_off, "", "command of stop"),
    PANTHER_OPTION_LIST(struct external, version_command, "", "command that prints the device's version in its first line"),
    PANTHER_OPTION_DURATION(struct external, command_timeout, "30s", 10, 3600000, "that each command may take"),
    PANTHER_OPTION_STRING(struct external, version, "", "the device's version, as it is to be kept with the verdicts"),
    PANTHER_OPTIONS_END,
};

// A device in a lab answers a connection in milliseconds; a lost packet is sent again after a second.
#define KNOCK_MS 200
#define LAST_KNOCK_MS 3000

static struct {
    const struct external *settings;
    struct device device;
    const struct device_port *probe; // NULL: it is not asked
    bool was_ready;
    char version[128];
} external;

// ---- where it is

static int choose_probe(struct panther_service *service)
{
    const char *probe = external.settings->probe;
    if (strcmp(probe, "none") == 0)
        return PANTHER_OK;
    bool is_auto = strcmp(probe, "auto") == 0;
    external.probe = is_auto ? device_first_tcp(&external.device) : device_port_named(&external.device, probe);
    if (!is_auto && (!external.probe || !(external.probe->transports & PANTHER_TCP)))
        return panther_fail(service, "probe: \"%s\" is none of the ports with tcp", probe);
    return PANTHER_OK;
}

static int ask_version(struct panther_service *service)
{
    const struct panther_list *command = &external.settings->version_command;
    snprintf(external.version, sizeof(external.version), "%s", external.settings->version);
    if (command->count == 0)
        return PANTHER_OK;
    struct panther_arguments argv = {0};
    for (size_t i = 0; i < command->count; i++)
        panther_argument(service, &argv, "%s", command->items[i]);
    int status = panther_command_output(argv.items, external.version, sizeof(external.version));
    external.version[strcspn(external.version, "\r\n")] = '\0';
    return status == 0 ? PANTHER_OK : panther_fail(service, "version_command ended with status %d: %s", status, external.version);
}

static int initialize(struct panther_service *service, const void *settings)
{
    external.settings = settings;
    int result = device_read(service, external.settings->address, &external.settings->ports, &external.device);
    if (result == PANTHER_OK)
        result = choose_probe(service);
    for (size_t i = 0; i < external.device.port_count && result == PANTHER_OK; i++) {
        const struct device_port *port = &external.device.ports[i];
        result = panther_endpoint_external(service, port->name, external.device.address, port->number, port->transports);
    }
    return result == PANTHER_OK ? ask_version(service) : result;
}

// ---- power

static int run_command(struct panther_service *service, const char *name, const struct panther_list *command)
{
    struct panther_arguments argv = {0};
    struct panther_exit ended;
    if (command->count == 0)
        return PANTHER_OK;
    for (size_t i = 0; i < command->count; i++)
        panther_argument(service, &argv, "%s", command->items[i]);
    int process = panther_spawn(service, .name = name, .argv = argv.items, .finishes = true);
    if (process < 0)
        return process;
    int waited = panther_wait(service, process, external.settings->command_timeout, &ended);
    if (waited != PANTHER_OK)
        return panther_fail(service, "the command %s was not done in time", name);
    if (ended.signal != 0)
        return panther_fail(service, "the command %s was ended by signal %d", name, ended.signal);
    return ended.status == 0 ? PANTHER_OK
                             : panther_fail(service, "the command %s ended with status %d; see its streams", name, ended.status);
}

static bool is_ready(struct panther_service *service)
{
    (void)service;
    external.was_ready = device_accepts(&external.device, external.probe, KNOCK_MS);
    return external.was_ready;
}

static int start(struct panther_service *service)
{
    int result = run_command(service, "power_on", &external.settings->power_on);
    if (result == PANTHER_OK)
        result = run_command(service, "reset", &external.settings->reset);
    if (result == PANTHER_OK && external.probe)
        panther_ready_when(service,
                           panther_format(service, "the device accepts no connection at port %s, %s:%u", external.probe->name,
                                          external.device.address, external.probe->number),
                           is_ready);
    return result;
}

// No guard watches a device: that it still answers is all that can be said of its fate.
static int stop(struct panther_service *service)
{
    if (external.was_ready && !device_accepts(&external.device, external.probe, LAST_KNOCK_MS))
        panther_result(service, PANTHER_FAIL, PANTHER_REASON_CRASH, "the device accepts no connection any more at port %s, %s:%u",
                       external.probe->name, external.device.address, external.probe->number);
    return run_command(service, "power_off", &external.settings->power_off);
}

// ---- what it is

static int get_version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "%s", external.version);
    return external.version[0] != '\0' ? PANTHER_OK : PANTHER_FAILED;
}

static const struct panther_iut iut = {.get_implementation_version = get_version};

#define ROLES PANTHER_TEXTS("server", "client", "peer")
#define SPEAKS(NAME)                                                                                                                       \
    {                                                                                                                                      \
        NAME, NULL, ROLES                                                                                                                  \
    }

PANTHER_PLUGIN(.name = "external", .kind = PANTHER_IUT, .version = "1.0", .summary = "a device or service that no agent runs on",
               .protocols = PANTHER_PROTOCOLS(SPEAKS("http"), SPEAKS("quic"), SPEAKS("tls"), SPEAKS("dns"), SPEAKS("mqtt"), SPEAKS("coap"),
                                              SPEAKS("tftp"), SPEAKS("minip"), SPEAKS("tcp"), SPEAKS("udp"), SPEAKS("ssh"), SPEAKS("ftp"),
                                              SPEAKS("smtp"), SPEAKS("ntp"), SPEAKS("sip"), SPEAKS("bgp"), SPEAKS("modbus"),
                                              SPEAKS("opcua")),
               .options = options, .settings_bytes = sizeof(struct external), .initialize = initialize, .start = start, .stop = stop,
               .iut = &iut);
