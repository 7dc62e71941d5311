// Reads the network of a test. A network with nothing to do is none: the services talk over the wire as it is.
#include "coordinator/experiment/network.h"

#include <string.h>

#include "common/base/units.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/links.h"
#include "coordinator/experiment/plugins.h"

const char *const network_types[] = {NETWORK_LAB, NETWORK_EMULATED, NULL};
const char *const network_families[] = {"ipv4", "ipv6", "both", NULL};
const struct document_key network_capture_keys[] = {DOCUMENT_KEY("snaplen", NUMBER, .help = "bytes kept of each packet; default: all"),
                                                    DOCUMENT_KEY("limit", SIZE, .help = "of the capture; the oldest packets go first"),
                                                    DOCUMENT_END};
const struct document_key network_keys[] = {
    DOCUMENT_KEY("type", CHOICE, .choices = network_types, .help = "default: lab, the wire between the hosts"),
    DOCUMENT_KEY("links", LIST, .keys = links_keys, .help = "conditions of some directions; later ones win, key by key"),
    DOCUMENT_KEY("capture", MAP, .keys = network_capture_keys, .or_text = true, .help = "on, off, or how"),
    DOCUMENT_KEY("family", CHOICE, .choices = network_families, .help = "addresses that services have"), DOCUMENT_END};

static bool is_listed(const char *const *texts, const char *text)
{
    while (*texts && strcmp(*texts, text) != 0)
        texts++;
    return *texts != NULL;
}

static size_t length(const char *const *texts)
{
    size_t count = 0;
    while (texts[count])
        count++;
    return count;
}

bool network_is_emulated(const Pb__Network *network)
{
    return network && strcmp(network->type, NETWORK_EMULATED) == 0;
}

static Pb__Network *new_network(const struct document *document, const struct value *place)
{
    Pb__Network *network = ARENA_NEW(document->arena, Pb__Network);
    pb__network__init(network);
    network->type = arena_string(document->arena, NETWORK_LAB);
    network->no_capture = true;
    network->line = place ? place->line : 0;
    network->column = place ? place->column : 0;
    return network;
}

// ---- capture: on | off | {snaplen, limit}

static void read_capture_rule(const struct document *document, const struct value *capture, Pb__Network *network)
{
    uint64_t snaplen = 0;
    const struct value *limit = document_get(capture, "limit");
    const char *text = document_constant(document, limit, "limit");
    document_check_keys(document, capture, network_capture_keys, "capture");
    document_number(document, document_get(capture, "snaplen"), "snaplen", SNAPLEN_MIN, SNAPLEN_MAX, &snaplen);
    network->snaplen = (uint32_t)snaplen;
    if (text && (!size_parse_bytes(text, &network->capture_limit_bytes) || network->capture_limit_bytes < CAPTURE_MIN_BYTES))
        document_error(document, limit, "limit: \"%.80s\" is not a size of at least 64kiB, such as 256MiB", text);
}

static void read_capture(const struct document *document, const struct value *capture, Pb__Network *network)
{
    bool on = true;
    if (!capture) {
        network->no_capture = !network_is_emulated(network);
        return;
    }
    if (capture->kind == VALUE_MAP)
        read_capture_rule(document, capture, network);
    else if (capture->kind != VALUE_SCALAR || !boolean_parse(capture->text, &on))
        document_error(document, capture, "capture is on, off, or a map such as {snaplen: 128, limit: 256MiB}");
    network->no_capture = !on;
}

// ---- the network

static void read_type(const struct document *document, const struct value *type, Pb__Network *network)
{
    const char *text = document_constant(document, type, "the type of network_environment");
    if (!text)
        return;
    if (!is_listed(network_types, text))
        document_error(document, type, "there is no network_environment \"%.80s\"%s", text,
                       document_hint(document, text, network_types, length(network_types)));
    else
        network->type = arena_string(document->arena, text);
}

static void check_family(const struct document *document, const struct value *place, const char *text)
{
    if (!is_listed(network_families, text))
        document_error(document, place, "family must be ipv4, ipv6 or both, not \"%.80s\"%s", text,
                       document_hint(document, text, network_families, length(network_families)));
}

static void read_family(struct scope *scope, const struct value *family, Pb__Network *network)
{
    const char *text = document_text(&scope->document, family, "family");
    if (!text)
        return;
    scope_check(scope, text, family, SCOPE_AXES);
    if (!reference_is_in(text))
        check_family(&scope->document, family, text);
    network->family = arena_string(scope->document.arena, text);
}

void network_read(struct scope *scope, const struct value *map)
{
    const struct document *document = &scope->document;
    struct links links = {0};
    Pb__PlacedSetting **conditions;
    if (!document_is_map(document, map, "network_environment"))
        return;
    Pb__Network *network = new_network(document, map);
    read_type(document, document_get(map, "type"), network);
    read_capture(document, document_get(map, "capture"), network);
    read_family(scope, document_get(map, "family"), network);
    size_t count = links_read_conditions(scope, map, network_keys, "network_environment", &conditions);
    if (count > 0) {
        Pb__LinkRule *rule = links_add(scope, &links, "", "", map);
        rule->conditions = conditions;
        rule->n_conditions = count;
    }
    links_read(scope, document_get(map, "links"), &links);
    network->links = links.items;
    network->n_links = links.count;
    if (network_is_emulated(network) || network->n_links > 0 || !network->no_capture || network->family[0])
        scope->test->network = network;
}

void network_check_values(const struct document *document, const Pb__Network *network)
{
    const struct value place = scope_place(network->line, network->column);
    if (network->family[0])
        check_family(document, &place, network->family);
    links_check(document, network->links, network->n_links, "network_environment");
}

// ---- what needs a network

static const Pb__CaseDescription *find_case(const Pb__PluginDescription *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->n_cases; i++)
        if (strcmp(plugin->cases[i]->name, name) == 0)
            return plugin->cases[i];
    return NULL;
}

struct wants {
    bool conditions, evidence;
};

static void add_wants_of(const Pb__PluginDescription *plugin, const Pb__ServiceTemplate *service, struct wants *wants)
{
    bool has_any = false;
    for (size_t i = 0; plugin && i < plugin->n_cases && !has_any; i++)
        has_any = plugin->cases[i]->n_conditions > 0 || plugin->cases[i]->n_evidence > 0;
    for (size_t i = 0; has_any && i < service->n_cases; i++) {
        const Pb__CaseDescription *of = find_case(plugin, service->cases[i]);
        wants->conditions = wants->conditions || (of && of->n_conditions > 0);
        wants->evidence = wants->evidence || (of && of->n_evidence > 0);
    }
}

// What one tester of an axis wants, all cells have.
static void add_wants(const struct scope *scope, const Pb__ServiceTemplate *service, struct wants *wants)
{
    for (size_t i = 0; service->tester[0] && i < axes_texts(scope->test, service->tester); i++)
        add_wants_of(plugins_get(scope->plugins, axes_text(scope->test, service->tester, i)), service, wants);
}

static struct wants cases_want(const struct scope *scope)
{
    struct wants wants = {0};
    for (size_t i = 0; i < scope->test->n_services; i++)
        add_wants(scope, scope->test->services[i], &wants);
    return wants;
}

static bool timeline_wants(const Pb__Test *test)
{
    for (size_t i = 0; i < test->n_timeline; i++) {
        const Pb__TimelineEntry *entry = test->timeline[i];
        if (entry->body_case == PB__TIMELINE_ENTRY__BODY_FAULT && entry->service[0] == '\0')
            return true;
    }
    return false;
}

static const Pb__Assertion *capture_assertion(const Pb__Test *test)
{
    for (size_t i = 0; i < test->n_assertions; i++)
        if (test->assertions[i]->body_case == PB__ASSERTION__BODY_CAPTURE)
            return test->assertions[i];
    return NULL;
}

// ---- places of services

static void check_emulated(const struct scope *scope)
{
    const Pb__ServiceTemplate *named = NULL;
    for (size_t i = 0; i < scope->test->n_services; i++) {
        const Pb__ServiceTemplate *service = scope->test->services[i];
        const struct value place = scope_place(service->line, service->column);
        if (service->host->n_apart_from > 0)
            document_error(&scope->document, &place, "an emulated network is on one host: \"%s\" cannot be apart from \"%s\" there",
                           service->name, service->host->apart_from[0]);
        if (!service->host->name[0])
            continue;
        if (named && strcmp(named->host->name, service->host->name) != 0)
            document_error(&scope->document, &place, "an emulated network is on one host, but \"%s\" wants %s and \"%s\" wants %s",
                           named->name, named->host->name, service->name, service->host->name);
        named = service;
    }
}

static void add_name(struct scope *scope, const char *name, char ***names, size_t *count)
{
    if (plugins_is_listed(*names, *count, name))
        return;
    char **more = ARENA_ARRAY(scope->document.arena, char *, *count + 1);
    for (size_t i = 0; i < *count; i++)
        more[i] = (*names)[i];
    more[*count] = arena_string(scope->document.arena, name);
    *names = more;
    ++*count;
}

// Who judges from files of the services that it drives runs where these are.
static void keep_judge_with(struct scope *scope, Pb__ServiceTemplate *service)
{
    struct wants wants = {0};
    add_wants(scope, service, &wants);
    for (size_t i = 0; wants.evidence && i < service->n_drives; i++)
        for (size_t j = 0; j < service->drives[i]->n_services; j++)
            add_name(scope, service->drives[i]->services[j], &service->host->with, &service->host->n_with);
}

static void keep_apart(struct scope *scope, Pb__ServiceTemplate *service, const char *other)
{
    if (strcmp(service->name, other) != 0)
        add_name(scope, other, &service->host->apart_from, &service->host->n_apart_from);
}

// Packets that stay on a host pass no shaped interface: services that a rule is about are on two hosts. A rule for all is about those
// that need each other.
static void keep_shaped_apart(struct scope *scope)
{
    const Pb__Test *test = scope->test;
    for (size_t i = 0; i < test->network->n_links; i++) {
        const Pb__LinkRule *rule = test->network->links[i];
        for (size_t j = 0; j < test->n_services; j++) {
            Pb__ServiceTemplate *service = test->services[j];
            bool is_from = strcmp(rule->from, service->name) == 0, is_to = strcmp(rule->to, service->name) == 0;
            if (is_from && rule->to[0])
                keep_apart(scope, service, rule->to);
            for (size_t k = 0; k < service->n_needs; k++) {
                const char *other = service->needs[k];
                bool is_other = strcmp(rule->from, other) == 0 || strcmp(rule->to, other) == 0;
                bool is_open = !rule->from[0] || !rule->to[0];
                if (is_open && ((!rule->from[0] && !rule->to[0]) || is_from || is_to || is_other))
                    keep_apart(scope, service, other);
            }
        }
    }
}

// Parts of the network are instances themselves.
static void check_room(const struct document *document, const struct value *map, const Pb__Test *test)
{
    if (network_is_emulated(test->network) && test->n_services == SERVICES_PER_TEST_MAX)
        document_error(document, map, "an emulated network has at most %d services: it is one itself", SERVICES_PER_TEST_MAX - 1);
    if (!network_is_emulated(test->network) && test->n_services > SERVICES_PER_TEST_MAX / 2)
        document_error(document, map, "a lab with conditions or capture has at most %d services: each has a part of the network beside it",
                       SERVICES_PER_TEST_MAX / 2);
}

// A service needs its part of the network, on its host.
static void join(struct scope *scope, const struct value *map, Pb__ServiceTemplate *service)
{
    const char *part = NETWORK_SERVICE;
    if (!network_is_emulated(scope->test->network))
        part = arena_printf(scope->document.arena, NETWORK_SERVICE ".%s", service->name);
    else
        add_name(scope, part, &service->host->with, &service->host->n_with);
    if (!name_is_valid(part))
        document_error(&scope->document, map, "the name \"%s\" is too long for a service of a lab with conditions or capture",
                       service->name);
    add_name(scope, part, &service->needs, &service->n_needs);
}

void network_complete(struct scope *scope, const struct value *map)
{
    const struct document *document = &scope->document;
    Pb__Test *test = scope->test;
    struct wants wants = cases_want(scope);
    const Pb__Assertion *asserted = capture_assertion(test);
    if (!test->network && (wants.conditions || timeline_wants(test)))
        test->network = new_network(document, map);
    if (asserted && !asserted->capture->absent && (!test->network || test->network->no_capture)) {
        const struct value place = scope_place(asserted->line, asserted->column);
        document_error(document, &place, "nothing is captured in this test; write `network_environment: {capture: on}`");
    }
    if (strcmp(test->case_conditions, "refuse") == 0 && wants.conditions && test->network && test->network->n_links > 0)
        document_error(document, map, "`case_conditions: refuse`: cases of this test have conditions of their own");
    for (size_t i = 0; i < test->n_services; i++)
        keep_judge_with(scope, test->services[i]);
    if (!test->network)
        return;
    if (!plugins_get(scope->plugins, test->network->type))
        document_error(document, map, "no agent has the plugin \"%s\" that makes this network", test->network->type);
    if (network_is_emulated(test->network))
        check_emulated(scope);
    else
        keep_shaped_apart(scope);
    check_room(document, map, test);
    for (size_t i = 0; i < test->n_services; i++)
        join(scope, map, test->services[i]);
}
