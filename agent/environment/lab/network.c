// See lab.h.
#include <arpa/inet.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "agent/environment/lab/lab.h"
#include "common/base/limits.h"
#include "common/system/file.h"

#define DOCUMENT_MAX_BYTES (4 * 1024 * 1024)
#define LAYERS_MAX 65
#define RULES_MAX (SERVICES_PER_TEST_MAX * SERVICES_PER_TEST_MAX)
#define CONDITION_VALUES_MAX CONDITION_DROPS_MAX

struct lab_layer {
    const char *name;
    struct arena *arena;
    Pb__LinkRule **rules;
    size_t rule_count;
};

// ---- rules

static char *text_of(struct arena *arena, const json_t *value)
{
    const char *text = json_string_value(value);
    return arena_string(arena, text ? text : "");
}

static Pb__PlacedSetting *read_condition(struct arena *arena, const char *name, const json_t *value)
{
    Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    pb__placed_setting__init(setting);
    setting->name = arena_string(arena, name);
    setting->n_values = count > CONDITION_VALUES_MAX ? CONDITION_VALUES_MAX : count;
    setting->values = ARENA_ARRAY(arena, char *, setting->n_values);
    for (size_t i = 0; i < setting->n_values; i++)
        setting->values[i] = text_of(arena, json_is_array(value) ? json_array_get(value, i) : value);
    return setting;
}

static Pb__LinkRule *read_rule(struct arena *arena, const json_t *value)
{
    const char *name;
    json_t *condition, *conditions = json_object_get(value, "conditions");
    Pb__LinkRule *rule = ARENA_NEW(arena, Pb__LinkRule);
    pb__link_rule__init(rule);
    rule->from = text_of(arena, json_object_get(value, "from"));
    rule->to = text_of(arena, json_object_get(value, "to"));
    rule->conditions = ARENA_ARRAY(arena, Pb__PlacedSetting *, json_object_size(conditions));
    json_object_foreach(conditions, name, condition) rule->conditions[rule->n_conditions++] = read_condition(arena, name, condition);
    return rule;
}

static void layer_free(struct lab_layer *layer)
{
    arena_free(&layer->arena);
}

static struct lab_layer read_layer(const char *name, const json_t *links)
{
    struct lab_layer layer = {.arena = arena_new(0)};
    size_t count = json_array_size(links);
    layer.name = arena_string(layer.arena, name);
    layer.rules = ARENA_ARRAY(layer.arena, Pb__LinkRule *, count);
    for (size_t i = 0; i < count; i++)
        layer.rules[layer.rule_count++] = read_rule(layer.arena, json_array_get(links, i));
    return layer;
}

// ---- what holds

static int between(const struct lab_network *network, const char *from, const char *to, struct conditions *out, struct panther_error *error)
{
    *out = (struct conditions){0};
    for (size_t i = 0; i < network->layer_count; i++) {
        const struct lab_layer *layer = &network->layers[i];
        struct conditions more = *out;
        int problem = conditions_between((const Pb__LinkRule *const *)layer->rules, layer->rule_count, from, to, &more, error);
        if (problem < 0)
            return problem;
        *out = more;
    }
    return 0;
}

static int is_possible(const struct conditions *conditions, struct panther_error *error)
{
    const char *what = conditions->drop_count > 0              ? "drop_nth"
                       : conditions->down_for_ms > 0           ? "down_for"
                       : conditions->shared                    ? "shared"
                       : conditions->nat != CONDITION_NAT_NONE ? "nat_rebind"
                       : conditions->ecn != CONDITION_ECN_KEEP ? "ecn"
                                                               : NULL;
    if (what)
        return error_set(error, PANTHER_EINVALID, "a lab cannot do %s: `type: emulated` can", what);
    if (conditions->reorder > 0 && conditions->delay_ms == 0)
        return error_set(error, PANTHER_EINVALID, "a lab can reorder packets only where they have a delay");
    return 0;
}

int lab_network_conditions(const struct lab_network *network, size_t peer, struct conditions *out, bool *is_cut,
                           struct panther_error *error)
{
    struct conditions back;
    const char *other = network->peers[peer].service;
    int problem = between(network, network->service, other, out, error);
    if (problem == 0)
        problem = between(network, other, network->service, &back, error);
    if (problem == 0)
        problem = is_possible(out, error);
    if (problem == 0)
        *is_cut = back.down;
    return problem;
}

static int check_all(const struct lab_network *network, struct panther_error *error)
{
    int problem = 0;
    for (size_t i = 0; i < network->peer_count && problem == 0; i++) {
        struct conditions conditions;
        bool is_cut;
        problem = lab_network_conditions(network, i, &conditions, &is_cut, error);
        bool is_here = strcmp(network->peers[i].address, network->address) == 0;
        if (problem == 0 && is_here && (conditions.given != 0 || is_cut))
            problem =
                error_set(error, PANTHER_EINVALID, "%s is on the same host: a lab has no wire between them", network->peers[i].service);
    }
    return problem;
}

static size_t find_layer(const struct lab_network *network, const char *name)
{
    size_t i = 0;
    while (i < network->layer_count && strcmp(network->layers[i].name, name) != 0)
        i++;
    return i;
}

// A layer that is refused leaves all as it was.
int lab_network_lay(struct lab_network *network, const char *name, const json_t *links, struct panther_error *error)
{
    size_t index = find_layer(network, name);
    bool is_new = index == network->layer_count;
    if (!json_is_array(links) || json_array_size(links) > RULES_MAX)
        return error_set(error, PANTHER_EPROTOCOL, "links are no list, or a list that is too long");
    if (is_new && network->layer_count == LAYERS_MAX)
        return error_set(error, PANTHER_ELIMIT, "too many conditions are laid over each other");
    struct lab_layer layer = read_layer(name, links), old = {0};
    if (is_new) {
        APPEND(network->layers, network->layer_count, network->layer_capacity) = layer;
    } else {
        old = network->layers[index];
        network->layers[index] = layer;
    }
    int problem = check_all(network, error);
    if (problem == 0) {
        layer_free(&old);
        return 0;
    }
    layer_free(&layer);
    if (is_new)
        network->layer_count--;
    else
        network->layers[index] = old;
    return problem;
}

void lab_network_lift(struct lab_network *network, const char *name)
{
    size_t index = find_layer(network, name);
    if (index == 0 || index == network->layer_count)
        return; // the trial's own stays
    layer_free(&network->layers[index]);
    memmove(&network->layers[index], &network->layers[index + 1], (--network->layer_count - index) * sizeof *network->layers);
}

// ---- the document

static int read_peers(struct lab_network *network, const json_t *peers, struct panther_error *error)
{
    size_t count = json_array_size(peers);
    network->peers = ARENA_ARRAY(network->arena, struct lab_peer, count);
    for (size_t i = 0; i < count && i < SERVICES_PER_TEST_MAX; i++) {
        unsigned char binary[16];
        struct lab_peer *peer = &network->peers[network->peer_count++];
        peer->service = text_of(network->arena, json_object_get(json_array_get(peers, i), "service"));
        peer->address = text_of(network->arena, json_object_get(json_array_get(peers, i), "address"));
        peer->is_ipv6 = strchr(peer->address, ':') != NULL;
        if (inet_pton(peer->is_ipv6 ? AF_INET6 : AF_INET, peer->address, binary) != 1)
            return error_set(error, PANTHER_EINVALID, "%s has no address", peer->service);
    }
    return 0;
}

static int read_document(struct lab_network *network, const json_t *root, struct panther_error *error)
{
    network->service = text_of(network->arena, json_object_get(root, "service"));
    // "network.client" stands for client
    if (strncmp(network->service, "network.", 8) == 0)
        network->service += 8;
    network->address = text_of(network->arena, json_object_get(root, "address"));
    network->control = text_of(network->arena, json_object_get(root, "control"));
    network->captures = json_is_true(json_object_get(root, "capture"));
    network->snaplen = (uint32_t)json_integer_value(json_object_get(root, "snaplen"));
    network->capture_limit_bytes = (uint64_t)json_integer_value(json_object_get(root, "capture_limit_bytes"));
    int problem = read_peers(network, json_object_get(root, "peers"), error);
    return problem < 0 ? problem : lab_network_lay(network, "", json_object_get(root, "links"), error);
}

int lab_network_read(struct lab_network *network, const char *text, size_t bytes, struct panther_error *error)
{
    json_error_t where;
    *network = (struct lab_network){.arena = arena_new(0)};
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return error_set(error, PANTHER_EPROTOCOL, "what the network shall be is no JSON: line %d: %s", where.line, where.text);
    int problem = read_document(network, root, error);
    json_decref(root);
    return problem;
}

int lab_network_load(struct lab_network *network, const char *path, struct panther_error *error)
{
    CLEANUP_FREE char *data = NULL;
    size_t bytes;
    *network = (struct lab_network){0};
    int problem = file_read(path, DOCUMENT_MAX_BYTES, &data, &bytes, error);
    return problem < 0 ? problem : lab_network_read(network, data, bytes, error);
}

void lab_network_free(struct lab_network *network)
{
    for (size_t i = 0; i < network->layer_count; i++)
        layer_free(&network->layers[i]);
    free(network->layers);
    arena_free(&network->arena);
}

// ---- control

static bool is_among_peers(const struct lab_network *network, const struct addrinfo *address)
{
    for (size_t i = 0; i < network->peer_count; i++) {
        char text[INET6_ADDRSTRLEN] = "";
        getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
        if (strcmp(text, network->peers[i].address) == 0)
            return true;
    }
    return false;
}

// "tcp://host:port", "tcp://[::1]:port"
static void host_of(const char *endpoint, char *host, size_t bytes)
{
    const char *begin = strstr(endpoint, "://");
    begin = begin ? begin + 3 : endpoint;
    const char *end = strrchr(begin, ':');
    if (*begin == '[') {
        begin++;
        end = strchr(begin, ']');
    }
    size_t length = end ? (size_t)(end - begin) : strlen(begin);
    snprintf(host, bytes, "%.*s", (int)length, begin);
}

int lab_network_spares_control(const struct lab_network *network, struct panther_error *error)
{
    char host[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (!*network->control)
        return error_set(error, PANTHER_EUNAVAILABLE, "the coordinator's address is not known: the control path could be shaped");
    host_of(network->control, host, sizeof host);
    int problem = getaddrinfo(host, NULL, &hints, &found);
    if (problem != 0)
        return error_set(error, PANTHER_EUNAVAILABLE, "the coordinator's address %s is not known here: %s", host, gai_strerror(problem));
    bool is_hit = false;
    for (const struct addrinfo *address = found; address && !is_hit; address = address->ai_next)
        is_hit = is_among_peers(network, address);
    freeaddrinfo(found);
    return is_hit ? error_set(error, PANTHER_EDENIED, "a service has the coordinator's address %s: the control path would be shaped", host)
                  : 0;
}
