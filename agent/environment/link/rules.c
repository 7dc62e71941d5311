// See rules.h. Rules are kept as the messages that conditions_between reads.
#include "agent/environment/link/rules.h"

#include <jansson.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/units.h"

struct layer {
    char *name; // "": what the network began with
    struct arena *arena;
    Pb__LinkRule **rules;
    size_t count;
};

struct rules {
    char **services; // the plan's
    size_t service_count;
    struct layer layers[RULES_LAYERS_MAX];
    size_t layer_count;
    struct layer before, after; // of the last request
};

static void layer_free(struct layer *layer)
{
    free(layer->name);
    if (layer->arena)
        arena_free(&layer->arena);
    *layer = (struct layer){0};
}

static void rules_free(struct rules **pointer)
{
    struct rules *rules = *pointer;
    if (!rules)
        return;
    for (size_t i = 0; i < rules->layer_count; i++)
        layer_free(&rules->layers[i]);
    layer_free(&rules->before);
    free(rules);
    *pointer = NULL;
}

// ---- from JSON

static bool is_service(const struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->service_count; i++)
        if (strcmp(rules->services[i], name) == 0)
            return true;
    return *name == '\0';
}

static int read_end(const struct rules *rules, const json_t *object, const char *key, struct arena *arena, char **end,
                    struct panther_error *error)
{
    const json_t *value = json_object_get(object, key);
    const char *text = value ? json_string_value(value) : "";
    if (!text || !is_service(rules, text))
        return error_set(error, PANTHER_EINVALID, "%s: \"%.64s\" is no service of this network", key, text ? text : "?");
    *end = arena_string(arena, text);
    return 0;
}

static int read_values(const char *name, const json_t *value, struct arena *arena, Pb__PlacedSetting **out, struct panther_error *error)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    if (count > CONDITION_DROPS_MAX)
        return error_set(error, PANTHER_EINVALID, "%.64s: more than %d values", name, CONDITION_DROPS_MAX);
    Pb__PlacedSetting *setting = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = arena_string(arena, name);
    setting->values = ARENA_ARRAY(arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
        if (!text)
            return error_set(error, PANTHER_EINVALID, "%.64s: a value is no text", name);
        setting->values[setting->n_values++] = arena_string(arena, text);
    }
    *out = setting;
    return 0;
}

static int read_rule(const struct rules *rules, json_t *object, struct arena *arena, Pb__LinkRule **out, struct panther_error *error)
{
    json_t *conditions = json_object_get(object, "conditions"), *value;
    const char *name;
    if (!json_is_object(conditions) || json_object_size(conditions) > CONDITION_COUNT)
        return error_set(error, PANTHER_EINVALID, "a link without conditions, or with too many");
    Pb__LinkRule *rule = ARENA_NEW(arena, Pb__LinkRule);
    pb__link_rule__init(rule);
    rule->conditions = ARENA_ARRAY(arena, Pb__PlacedSetting *, CONDITION_COUNT);
    int result = read_end(rules, object, "from", arena, &rule->from, error);
    if (result == 0)
        result = read_end(rules, object, "to", arena, &rule->to, error);
    json_object_foreach(conditions, name, value)
    {
        if (result == 0)
            result = read_values(name, value, arena, &rule->conditions[rule->n_conditions], error);
        rule->n_conditions += result == 0;
    }
    struct conditions trial = {0};
    if (result == 0)
        result = conditions_read_placed((const Pb__PlacedSetting *const *)rule->conditions, rule->n_conditions, &trial, error);
    *out = rule;
    return result;
}

static int read_layer(const struct rules *rules, const char *name, json_t *links, struct layer *layer, struct panther_error *error)
{
    size_t count = json_array_size(links);
    if (!json_is_array(links) || count > RULES_PER_LAYER_MAX)
        return error_set(error, PANTHER_EINVALID, "links is not a list, or one of more than %d", RULES_PER_LAYER_MAX);
    struct layer read = {.name = memory_string(name), .arena = arena_new(0)};
    read.rules = ARENA_ARRAY(read.arena, Pb__LinkRule *, count + 1);
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = read_rule(rules, json_array_get(links, i), read.arena, &read.rules[i], error);
        read.count += result == 0;
    }
    if (result < 0)
        layer_free(&read);
    else
        *layer = read;
    return result;
}

// ---- the plan

static int read_services(const json_t *root, struct network_plan *plan, struct panther_error *error)
{
    const json_t *list = json_object_get(root, "services");
    size_t count = json_array_size(list);
    if (count == 0 || count > SERVICES_PER_TEST_MAX)
        return error_set(error, PANTHER_EINVALID, "services: between 1 and %d names", SERVICES_PER_TEST_MAX);
    plan->services = memory_new(count * sizeof *plan->services);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || !name_is_valid(name))
            return error_set(error, PANTHER_EINVALID, "services: one is no name");
        for (size_t j = 0; j < i; j++)
            if (strcmp(plan->services[j], name) == 0)
                return error_set(error, PANTHER_EINVALID, "services: %s stands there twice", name);
        plan->services[plan->service_count++] = memory_string(name);
    }
    return 0;
}

static int read_family(const json_t *root, struct network_plan *plan, struct panther_error *error)
{
    const char *family = json_string_value(json_object_get(root, "family"));
    bool both = !family || *family == '\0' || strcmp(family, "both") == 0;
    plan->ipv4 = both || strcmp(family, "ipv4") == 0;
    plan->ipv6 = both || strcmp(family, "ipv6") == 0;
    return plan->ipv4 || plan->ipv6 ? 0 : error_set(error, PANTHER_EINVALID, "family: ipv4, ipv6 or both");
}

// Numbers that JSON would round are texts.
static int read_numbers(const json_t *root, struct network_plan *plan, struct panther_error *error)
{
    const char *seed = json_string_value(json_object_get(root, "seed"));
    json_int_t snaplen = json_integer_value(json_object_get(root, "snaplen"));
    json_int_t limit = json_integer_value(json_object_get(root, "capture_limit_bytes"));
    if (seed && !unsigned_parse(seed, &plan->seed))
        return error_set(error, PANTHER_EINVALID, "seed: not a number");
    if (snaplen < 0 || snaplen > UINT32_MAX || limit < 0)
        return error_set(error, PANTHER_EINVALID, "snaplen or capture_limit_bytes: out of range");
    plan->snaplen = (uint32_t)snaplen;
    plan->capture_limit_bytes = (uint64_t)limit;
    plan->capture = !json_is_false(json_object_get(root, "capture"));
    return 0;
}

static int read_plan(json_t *root, struct network_plan *plan, struct panther_error *error)
{
    int result = read_services(root, plan, error);
    if (result == 0)
        result = read_family(root, plan, error);
    if (result == 0)
        result = read_numbers(root, plan, error);
    if (result < 0)
        return result;
    plan->rules = NEW(struct rules);
    plan->rules->services = plan->services;
    plan->rules->service_count = plan->service_count;
    json_t *links = json_object_get(root, "links");
    json_t *none = json_array();
    result = read_layer(plan->rules, "", links ? links : none, &plan->rules->layers[0], error);
    json_decref(none);
    plan->rules->layer_count = result == 0;
    return result;
}

void network_plan_free(struct network_plan *plan)
{
    for (size_t i = 0; i < plan->service_count; i++)
        free(plan->services[i]);
    free(plan->services);
    rules_free(&plan->rules);
    *plan = (struct network_plan){0};
}

static json_t *load(const char *text, size_t bytes, struct panther_error *error)
{
    json_error_t problem;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &problem);
    if (json_is_object(root))
        return root;
    error_set(error, PANTHER_EINVALID, "not a JSON object: %.100s", root ? "something else" : problem.text);
    json_decref(root);
    return NULL;
}

int network_plan_read(const char *text, size_t bytes, struct network_plan *plan, struct panther_error *error)
{
    json_t *root = load(text, bytes, error);
    *plan = (struct network_plan){0};
    if (!root)
        return PANTHER_EINVALID;
    int result = read_plan(root, plan, error);
    if (result < 0)
        network_plan_free(plan);
    json_decref(root);
    return result;
}

// ---- requests

static struct layer *find_layer(struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->layer_count; i++)
        if (strcmp(rules->layers[i].name, name) == 0)
            return &rules->layers[i];
    return NULL;
}

// The layer leaves the pile and is kept for rules_touched.
static void take_away(struct rules *rules, struct layer *layer)
{
    rules->before = *layer;
    size_t behind = (size_t)(&rules->layers[rules->layer_count] - layer) - 1;
    memmove(layer, layer + 1, behind * sizeof *layer);
    rules->layer_count--;
}

// One of the same name gives its place: it stands above the others now.
static int lay(struct rules *rules, const char *name, json_t *links, struct panther_error *error)
{
    struct layer laid, *old = find_layer(rules, name);
    if (!old && rules->layer_count == RULES_LAYERS_MAX)
        return error_set(error, PANTHER_ELIMIT, "%d faults hold already", RULES_LAYERS_MAX - 1);
    int result = read_layer(rules, name, links, &laid, error);
    if (result < 0)
        return result;
    layer_free(&rules->before);
    if (old)
        take_away(rules, old);
    rules->layers[rules->layer_count++] = rules->after = laid;
    return 0;
}

static int end(struct rules *rules, const char *name, struct panther_error *error)
{
    struct layer *layer = find_layer(rules, name);
    if (!layer || *name == '\0')
        return error_set(error, PANTHER_ENOTFOUND, "no fault \"%.64s\" holds", name);
    layer_free(&rules->before);
    rules->after = (struct layer){0};
    take_away(rules, layer);
    return 0;
}

static int answer(struct rules *rules, json_t *root, enum request_kind *kind, struct panther_error *error)
{
    const char *name = json_string_value(json_object_get(root, "fault"));
    json_t *links = json_object_get(root, "links");
    if (json_is_true(json_object_get(root, "flush"))) {
        *kind = REQUEST_FLUSH;
        return 0;
    }
    if (!name || *name == '\0' || strlen(name) > TEXT_MAX_BYTES)
        return error_set(error, PANTHER_EINVALID, "neither a fault with a name nor {\"flush\": true}");
    *kind = links ? REQUEST_LAYER : REQUEST_END;
    if (links)
        return lay(rules, name, links, error);
    if (!json_is_true(json_object_get(root, "end")))
        return error_set(error, PANTHER_EINVALID, "a fault has links, or it ends");
    return end(rules, name, error);
}

int rules_request(struct rules *rules, const char *line, size_t bytes, enum request_kind *kind, struct panther_error *error)
{
    json_t *root = load(line, bytes, error);
    int result = root ? answer(rules, root, kind, error) : PANTHER_EINVALID;
    json_decref(root);
    return result;
}

static bool is_end(const char *end, const char *service)
{
    return *end == '\0' || strcmp(end, service) == 0;
}

static bool touches(const struct layer *layer, const char *from, const char *to)
{
    for (size_t i = 0; i < layer->count; i++)
        if (is_end(layer->rules[i]->from, from) && is_end(layer->rules[i]->to, to))
            return true;
    return false;
}

bool rules_touched(const struct rules *rules, const char *from, const char *to)
{
    return touches(&rules->before, from, to) || touches(&rules->after, from, to);
}

void rules_conditions(const struct rules *rules, const char *from, const char *to, struct conditions *conditions)
{
    *conditions = (struct conditions){0};
    for (size_t i = 0; i < rules->layer_count; i++) {
        const struct layer *layer = &rules->layers[i];
        int result = conditions_between((const Pb__LinkRule *const *)layer->rules, layer->count, from, to, conditions, NULL);
        INVARIANT(result == 0); // each rule was read when it came
    }
}
