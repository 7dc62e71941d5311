// See network_file.h. Read by agent/environment/link and agent/environment/lab.
#include "agent/guard/network_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define NETWORK_FILE "network.json"
#define CONTROL_NAME "PANTHER_CONTROL" // the agent's word for where its coordinator is

// "20ms"; of several ["3", "5"]
static json_t *values_json(const Pb__PlacedSetting *setting)
{
    if (setting->n_values == 1)
        return json_string(setting->values[0]);
    json_t *values = json_array();
    for (size_t i = 0; i < setting->n_values; i++)
        json_array_append_new(values, json_string(setting->values[i]));
    return values;
}

static json_t *rule_json(const Pb__LinkRule *rule)
{
    json_t *conditions = json_object();
    for (size_t i = 0; i < rule->n_conditions; i++)
        json_object_set_new(conditions, rule->conditions[i]->name, values_json(rule->conditions[i]));
    return json_pack("{s:s, s:s, s:o}", "from", rule->from, "to", rule->to, "conditions", conditions);
}

json_t *network_links_json(Pb__LinkRule *const *links, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, rule_json(links[i]));
    return list;
}

static json_t *services_json(const Pb__Initialize *initialize)
{
    json_t *list = json_array();
    for (size_t i = 0; i < initialize->n_network_services; i++)
        json_array_append_new(list, json_string(initialize->network_services[i]));
    return list;
}

// The other services with the test addresses of their hosts: what a lab shapes the way to.
static json_t *peers_json(const Pb__Initialize *initialize)
{
    json_t *list = json_array();
    for (size_t i = 0; i < initialize->n_peers; i++) {
        const Pb__Peer *peer = initialize->peers[i];
        if (peer->n_endpoints > 0)
            json_array_append_new(list, json_pack("{s:s, s:s}", "service", peer->service, "address", peer->endpoints[0]->address));
    }
    return list;
}

static json_t *document(const Pb__GuardSpec *spec)
{
    const Pb__Initialize *initialize = spec->initialize;
    const Pb__Network *network = initialize->network;
    const char *control = getenv(CONTROL_NAME);
    CLEANUP_FREE char *seed = memory_printf("%llu", (unsigned long long)initialize->seed); // JSON's numbers would round it
    json_t *root = json_object();
    json_object_set_new(root, "service", json_string(initialize->service));
    json_object_set_new(root, "address", json_string(spec->address));
    json_object_set_new(root, "control", json_string(control ? control : ""));
    json_object_set_new(root, "services", services_json(initialize));
    json_object_set_new(root, "peers", peers_json(initialize));
    json_object_set_new(root, "seed", json_string(seed));
    json_object_set_new(root, "family", json_string(network->family));
    json_object_set_new(root, "capture", json_boolean(!network->no_capture));
    json_object_set_new(root, "snaplen", json_integer(network->snaplen));
    json_object_set_new(root, "capture_limit_bytes", json_integer((json_int_t)network->capture_limit_bytes));
    json_object_set_new(root, "links", network_links_json(network->links, network->n_links));
    return root;
}

int network_file_write(const Pb__GuardSpec *spec, struct panther_error *error)
{
    if (!spec->initialize->network)
        return 0;
    json_t *root = document(spec);
    char *text = json_dumps(root, JSON_INDENT(2));
    CLEANUP_FREE char *path = path_join(spec->work_path, NETWORK_FILE);
    int problem = text ? file_write_atomic(path, text, strlen(text), 0644, error)
                       : error_set(error, PANTHER_EINVALID, "what the network shall be is no text");
    free(text);
    json_decref(root);
    return problem;
}
