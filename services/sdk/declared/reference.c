// The references of the language, one line each in a table; those with parts (options, ports, peers) are taken apart when they are read.
#include "services/sdk/declared/reference.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "services/sdk/declared/document.h"
#include "services/sdk/declared/evidence.h"
#include "services/sdk/declared/peer_reference.h"
#include "services/sdk/declared/scope.h"

struct reference_kind;
struct reference {
    const struct reference_kind *kind;
    const char *name; // whole, for messages
    const struct panther_option *option;
    double divisor;        // of an option's number; 0: as it is
    bool rounds_up;        // else decimals
    size_t index;          // port
    struct peer_part part; // drive, need
};

struct reference_kind {
    const char *name; // ends with a dot when something follows
    unsigned needs;   // one of REFERENCES_...
    bool (*parse)(struct reading *reading, struct reference *reference, const char *rest, const struct value *place);
    const char *(*text)(const struct reference *reference, struct scope *scope);
};

static const char *no_value(struct scope *scope, const struct reference *reference, const char *why)
{
    snprintf(scope->problem, sizeof(scope->problem), "$(%.200s) has no value here: %s", reference->name, why);
    return NULL;
}

// ---- options

static const struct {
    const char *suffix;
    enum panther_option_type type;
    double divisor;
    bool rounds_up;
} scales[] = {
    {".seconds", PANTHER_OPTION_TYPE_DURATION, 1000, false},
    {".kib", PANTHER_OPTION_TYPE_SIZE, 1024, true},
    {".mib", PANTHER_OPTION_TYPE_SIZE, 1024 * 1024, true},
};

static const struct panther_option *find_option(const struct document *document, const char *name, size_t bytes)
{
    for (size_t i = 0; i < document->option_count; i++) {
        if (strlen(document->options[i].name) == bytes && strncmp(document->options[i].name, name, bytes) == 0) {
            return &document->options[i];
        }
    }
    return NULL;
}

static void unknown_option(struct reading *reading, const char *name, const struct value *place)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->option_count + 1);
    for (size_t i = 0; i < document->option_count; i++) {
        names[i] = document->options[i].name;
    }
    unknown(reading, place, "option", name, names, document->option_count);
}

static bool parse_option(struct reading *reading, struct reference *reference, const char *rest, const struct value *place)
{
    const size_t bytes = strlen(rest);
    reference->option = find_option(reading->document, rest, bytes);
    for (size_t i = 0; reference->option == NULL && i < sizeof scales / sizeof *scales; i++) {
        const size_t suffix_bytes = strlen(scales[i].suffix);
        if (bytes <= suffix_bytes || strcmp(rest + bytes - suffix_bytes, scales[i].suffix) != 0) {
            continue;
        }
        reference->option = find_option(reading->document, rest, bytes - suffix_bytes);
        reference->divisor = scales[i].divisor;
        reference->rounds_up = scales[i].rounds_up;
        if (reference->option != NULL && reference->option->type != scales[i].type) {
            MISTAKE(reading, place, "$(%s): %s is of a %s, option %s is none", reference->name, scales[i].suffix,
                    scales[i].type == PANTHER_OPTION_TYPE_DURATION ? "duration" : "size", reference->option->name);
            return false;
        }
    }
    if (reference->option == NULL) {
        unknown_option(reading, rest, place);
    }
    return reference->option != NULL;
}

static const char *option_text(const struct reference *reference, struct scope *scope)
{
    if (reference->divisor == 0) {
        return scope_option_text(scope, reference->option);
    }
    const uint64_t number = *(const uint64_t *)scope_slot(scope, reference->option);
    const uint64_t divisor = (uint64_t)reference->divisor;
    if (reference->rounds_up) {
        return arena_printf(scope->arena, "%" PRIu64, number / divisor + (number % divisor != 0));
    }
    return arena_printf(scope->arena, "%.10g", (double)number / reference->divisor);
}

// ---- ports and certificate

static bool parse_port(struct reading *reading, struct reference *reference, const char *rest, const struct value *place)
{
    const struct document *document = reading->document;
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->port_count + 1);
    for (size_t i = 0; i < document->port_count; i++) {
        names[i] = document->ports[i].name;
        if (strcmp(names[i], rest) == 0) {
            reference->index = i;
            return true;
        }
    }
    unknown(reading, place, "port", rest, names, document->port_count);
    return false;
}

static const char *port_text(const struct reference *reference, struct scope *scope)
{
    const int port = scope->ports[reference->index];
    return port > 0 ? arena_printf(scope->arena, "%d", port) : no_value(scope, reference, "the condition of this port does not hold");
}

static const char *endpoint_text(const struct reference *reference, struct scope *scope)
{
    const int port = scope->ports[reference->index];
    const char *address = panther_own_address(scope->service);
    if (port <= 0) {
        return no_value(scope, reference, "the condition of this port does not hold");
    }
    return arena_printf(scope->arena, strchr(address, ':') != NULL ? "[%s]:%d" : "%s:%d", address, port);
}

static bool parse_certificate(struct reading *reading, struct reference *reference, const char *rest, const struct value *place)
{
    static const char *const parts[] = {"key", "certificate", "authority"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(rest, parts[i]) == 0) {
            reference->index = i;
            if (!reading->document->certificate.is_wanted) {
                MISTAKE(reading, place, "$(%s): there is no key \"certificate\" in this file", reference->name);
            }
            return true;
        }
    }
    unknown(reading, place, "part of the certificate", rest, parts, 3);
    return false;
}

static const char *certificate_text(const struct reference *reference, struct scope *scope)
{
    const struct panther_certificate *certificate = scope->certificate;
    if (certificate == NULL) {
        return no_value(scope, reference, "the condition of the certificate does not hold");
    }
    const char *const paths[] = {certificate->key_path, certificate->certificate_path, certificate->authority_path};
    return paths[reference->index];
}

// ---- peers

static bool parse_drive(struct reading *reading, struct reference *reference, const char *rest, const struct value *place)
{
    return peer_part_of_drive(reading, rest, place, &reference->part);
}

static bool parse_need(struct reading *reading, struct reference *reference, const char *rest, const struct value *place)
{
    return peer_part_of_need(reading, rest, place, &reference->part);
}

static const char *peer_text(const struct reference *reference, struct scope *scope)
{
    const char *why = "";
    const char *text = peer_part_text(&reference->part, scope, &why);
    return text != NULL ? text : no_value(scope, reference, why);
}

// ---- of the instance

static const char *work_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_work_folder(scope->service);
}

static const char *plugin_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return scope->document->folder;
}

static const char *build_text(const struct reference *reference, struct scope *scope)
{
    return scope->build != NULL ? scope->build : no_value(scope, reference, "nothing was built yet");
}

static const char *address_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_own_address(scope->service);
}

static const char *seed_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return arena_printf(scope->arena, "%" PRIu64, panther_seed(scope->service));
}

static const char *service_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_service_name(scope->service);
}

static const char *trial_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_trial_name(scope->service);
}

static const char *role_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_role(scope->service);
}

static const char *protocol_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_protocol_name(scope->service);
}

static const char *version_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return panther_protocol_version(scope->service);
}

static const char *case_text(const struct reference *reference, struct scope *scope)
{
    return scope->case_name != NULL ? scope->case_name : no_value(scope, reference, "no case runs");
}

static const char *item_text(const struct reference *reference, struct scope *scope)
{
    return scope->item != NULL ? scope->item : no_value(scope, reference, "it stands outside of each");
}

static const char *remaining_ms_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return arena_printf(scope->arena, "%" PRIu64, panther_remaining_ms(scope->service));
}

// Rounded down: a tool that is told to work for so long shall be done in time.
static const char *remaining_seconds_text(const struct reference *reference, struct scope *scope)
{
    (void)reference;
    return arena_printf(scope->arena, "%" PRIu64, panther_remaining_ms(scope->service) / 1000);
}

// ---- metrics

static bool parse_metric(struct reading *reading, struct reference *reference, const char *rest, const struct value *place)
{
    reference->name = arena_printf(reading->arena, "metric.%s", rest);
    if (!metric_is_known(reading->document, rest)) {
        MISTAKE(reading, place, "there is no metric \"%.80s\"", rest);
        return false;
    }
    return true;
}

static const char *metric_text(const struct reference *reference, struct scope *scope)
{
    const char *name = reference->name + strlen("metric.");
    const char *text = scope->metric != NULL ? scope->metric(name, scope->arena, scope->metric_context) : NULL;
    return text != NULL ? text : no_value(scope, reference, "the metric did not appear");
}

// ---- the table

static const struct reference_kind kinds[] = {
    {"option.", REFERENCES_OPTIONS, parse_option, option_text},
    {"plugin", REFERENCES_PLUGIN, NULL, plugin_text},
    {"build", REFERENCES_BUILD, NULL, build_text},
    {"port.", REFERENCES_INSTANCE, parse_port, port_text},
    {"endpoint.", REFERENCES_INSTANCE, parse_port, endpoint_text},
    {"address", REFERENCES_INSTANCE, NULL, address_text},
    {"certificate.", REFERENCES_INSTANCE, parse_certificate, certificate_text},
    {"work", REFERENCES_INSTANCE, NULL, work_text},
    {"seed", REFERENCES_INSTANCE, NULL, seed_text},
    {"service", REFERENCES_INSTANCE, NULL, service_text},
    {"trial", REFERENCES_INSTANCE, NULL, trial_text},
    {"role", REFERENCES_INSTANCE, NULL, role_text},
    {"protocol", REFERENCES_INSTANCE, NULL, protocol_text},
    {"protocol.version", REFERENCES_INSTANCE, NULL, version_text},
    {"remaining.ms", REFERENCES_INSTANCE, NULL, remaining_ms_text},
    {"remaining.seconds", REFERENCES_INSTANCE, NULL, remaining_seconds_text},
    {"drive.", REFERENCES_INSTANCE, parse_drive, peer_text},
    {"need.", REFERENCES_INSTANCE, parse_need, peer_text},
    {"case", REFERENCES_CASE, NULL, case_text},
    {"item", REFERENCES_ITEM, NULL, item_text},
    {"metric.", REFERENCES_METRIC, parse_metric, metric_text},
};

static const struct reference_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const bool is_whole = kinds[i].parse == NULL;
        if (is_whole ? strcmp(kinds[i].name, name) == 0 : strncmp(kinds[i].name, name, strlen(kinds[i].name)) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static void unknown_reference(struct reading *reading, const char *name, const struct value *place)
{
    const char *names[sizeof kinds / sizeof *kinds];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        names[i] = kinds[i].name;
    }
    unknown(reading, place, "reference", name, names, sizeof kinds / sizeof *kinds);
}

const struct reference *reference_parse(struct reading *reading, const char *name, const struct value *place, unsigned allowed)
{
    const struct reference_kind *kind = find_kind(name);
    if (kind == NULL && strchr(name, '.') != NULL) {
        unknown_reference(reading, name, place);
    }
    if (kind == NULL) {
        return NULL;
    }
    if ((kind->needs & allowed) == 0) {
        MISTAKE(reading, place, "$(%.200s) has no value here", name);
        return NULL;
    }
    if (kind->text == build_text && reading->document->build.inputs.items == NULL) {
        MISTAKE(reading, place, "$(build): there is no key \"build\" in this file");
        return NULL;
    }
    struct reference *reference = ARENA_NEW(reading->arena, struct reference);
    reference->kind = kind;
    reference->name = name;
    const bool is_good = kind->parse == NULL || kind->parse(reading, reference, name + strlen(kind->name), place);
    return is_good ? reference : NULL;
}

// A dry run shows what only an instance has as it is written.
const char *reference_text(const struct reference *reference, struct scope *scope)
{
    const unsigned of_plan = REFERENCES_OPTIONS | REFERENCES_PLUGIN | REFERENCES_ITEM;
    if (scope->service == NULL && (reference->kind->needs & of_plan) == 0) {
        return arena_printf(scope->arena, "$(%s)", reference->name);
    }
    return reference->kind->text(reference, scope);
}

const struct panther_option *reference_list_option(const struct reference *reference)
{
    const struct panther_option *option = reference->option;
    return option != NULL && option->type == PANTHER_OPTION_TYPE_LIST && reference->divisor == 0 ? option : NULL;
}
