// The arguments of a test's program: name=value, from the options, the driven endpoints and the own address. Addresses are decimal
// numbers, as Ivy's models want them.
#include "ivy.h"

#include <inttypes.h>
#include <string.h>

// Seeds are ints there.
#define SEED_BITS 31

static const char *number(struct panther_service *service, int value)
{
    return value > 0 ? panther_format(service, "%d", value) : NULL;
}

static const char *decimal(struct panther_service *service, const char *address)
{
    return address ? panther_address_decimal(service, address) : NULL;
}

// `given` is the option: "auto" takes what is known (NULL: nothing, it is left out), "none" leaves it out, the rest is passed as it is.
static void add(struct panther_service *service, struct panther_arguments *argv, const char *name, const char *given, const char *known)
{
    const char *value = strcmp(given, "auto") == 0 ? known : strcmp(given, "none") == 0 ? NULL : given;
    if (value)
        panther_argument(service, argv, "%s=%s", name, value);
}

int parameters_add(struct panther_service *service, const struct test *test, struct panther_arguments *argv)
{
    const struct ivy *settings = test->settings;
    bool is_quic = strcmp(panther_protocol_name(service), "quic") == 0, plays_server = test->tested == TESTS_CLIENT;
    const char *own = panther_own_address(service);
    const struct panther_endpoint *server = test->server, *client = test->client;
    if (!decimal(service, own) || (server && !decimal(service, server->address)))
        return panther_fail(service, "Ivy's models know IPv4 addresses only, not %s", decimal(service, own) ? server->address : own);
    add(service, argv, "seed", settings->seed,
        panther_format(service, "%" PRIu64, panther_seed(service) & ((UINT64_C(1) << SEED_BITS) - 1)));
    add(service, argv, "the_cid", settings->the_cid, is_quic ? "0" : NULL);
    add(service, argv, "server_port", settings->server_port, number(service, plays_server ? test->port : server->port));
    add(service, argv, "iversion", settings->iversion, is_quic ? "1" : NULL);
    add(service, argv, "server_addr", settings->server_addr, decimal(service, plays_server ? own : server->address));
    add(service, argv, "server_cid", settings->server_cid, NULL);
    add(service, argv, "client_port", settings->client_port, number(service, !plays_server ? test->port : client ? client->port : 0));
    add(service, argv, "client_port_alt", settings->client_port_alt, number(service, test->port_alt));
    add(service, argv, "client_addr", settings->client_addr,
        plays_server && !client ? NULL : decimal(service, plays_server ? client->address : own));
    if (settings->iterations > 0)
        panther_argument(service, argv, "iters=%" PRId64, settings->iterations);
    for (size_t i = 0; i < settings->parameters.count; i++)
        panther_argument(service, argv, "%s", settings->parameters.items[i]);
    return PANTHER_OK;
}
