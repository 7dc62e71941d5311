// Ports, certificate, content, readiness, log rules and outputs.
#include "services/sdk/declared/rules.h"

#include <string.h>

#include "common/base/identity.h"
#include "common/base/limits.h"
#include "services/sdk/handle.h"

// ---- ports

static const char *const transport_names[] = {"tcp", "udp", NULL};

static void read_transport(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    unsigned *transports = member;
    const bool is_several = value->kind == VALUE_LIST;
    for (size_t i = 0; i < (is_several ? value->count : 1); i++) {
        const struct key word = {.name = key->name, .words = transport_names};
        int index = -1;
        read_word(reading, is_several ? value->items[i] : value, &word, &index);
        *transports |= index == 0 ? PANTHER_TCP : index == 1 ? PANTHER_UDP : 0;
    }
    if (is_several && value->count == 0) {
        MISTAKE(reading, value, "transport is tcp, udp or [tcp, udp]");
    }
}

static const struct key port_keys[] = {
    KEY("transport", read_transport, offsetof(struct port_rule, transports), .required = true),
    KEY("wanted", read_template, offsetof(struct port_rule, wanted), .allowed = REFERENCES_OPTIONS),
    KEY("when", read_when, offsetof(struct port_rule, when)),
};

void read_ports(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_map(reading, value, key->name)) {
        return;
    }
    document->ports = ARENA_ARRAY(reading->arena, struct port_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct port_rule *port = &document->ports[document->port_count++];
        port->name = value->keys[i];
        if (!name_is_valid(port->name)) {
            MISTAKE(reading, value->key_places[i], "\"%.80s\" is no name: lower case letters, digits, . _ -", port->name);
        }
        KEYS_READ(reading, value->items[i], "a port", port_keys, port);
    }
    if (value->count > PORTS_PER_INSTANCE) {
        MISTAKE(reading, value, "an instance has at most %d ports", PORTS_PER_INSTANCE);
    }
}

// ---- certificate and content

#define CHAIN_MAX 8

static const struct key certificate_keys[] = {
    KEY("key", read_template, offsetof(struct certificate_rule, key), .allowed = REFERENCES_OPTIONS),
    KEY("names", read_templates, offsetof(struct certificate_rule, names), .allowed = REFERENCES_RUN),
    KEY("chain", read_integer, offsetof(struct certificate_rule, chain), .minimum = 0, .maximum = CHAIN_MAX),
    KEY("expired", read_template, offsetof(struct certificate_rule, expired), .allowed = REFERENCES_OPTIONS),
    KEY("wrong_name", read_template, offsetof(struct certificate_rule, wrong_name), .allowed = REFERENCES_OPTIONS),
    KEY("when", read_when, offsetof(struct certificate_rule, when)),
};

// `certificate: {}` asks for one with all as it comes.
void read_certificate(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    document->certificate.is_wanted = KEYS_READ(reading, value, key->name, certificate_keys, &document->certificate);
}

static void read_sizes(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct content_rule *content = member;
    if (value->kind == VALUE_LIST) {
        read_texts(reading, value, key, &content->sizes);
        return;
    }
    const struct template *template = NULL;
    read_template(reading, value, &(const struct key){.name = key->name, .allowed = REFERENCES_OPTIONS}, &template);
    content->sizes_option = template != NULL ? template_list_option(template) : NULL;
    if (template != NULL && content->sizes_option == NULL) {
        MISTAKE(reading, value, "sizes is a list such as [1KiB, 5MiB], or $(option.NAME) of a list");
    }
}

static const struct key content_keys[] = {
    KEY("folder", read_text, offsetof(struct content_rule, folder), .required = true),
    KEY("sizes", read_sizes, 0),
    KEY("page", read_template, offsetof(struct content_rule, page), .allowed = REFERENCES_COMPILE),
    KEY("when", read_when, offsetof(struct content_rule, when)),
};

void read_content(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    KEYS_READ(reading, value, key->name, content_keys, &document->content);
    if (document->content.folder != NULL && !path_stays(document->content.folder)) {
        MISTAKE(reading, value_get(value, "folder"), "the folder lies in the work folder");
    }
}

// ---- readiness

static void read_ready_port(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const struct document *document = reading->document;
    struct ready_rule *ready = member;
    const char *name = text_of(reading, value, key->name);
    const char **names = ARENA_ARRAY(reading->arena, const char *, document->port_count + 1);
    for (size_t i = 0; name != NULL && i < document->port_count; i++) {
        names[i] = document->ports[i].name;
        if (strcmp(names[i], name) == 0) {
            ready->port = i;
            return;
        }
    }
    if (name != NULL) {
        unknown(reading, value, "port", name, names, document->port_count);
    }
}

#define READY_WHEN KEY("when", read_when, offsetof(struct ready_rule, when))
static const struct key tcp_keys[] = {KEY("tcp", read_ready_port, 0), READY_WHEN};
static const struct key udp_keys[] = {KEY("udp", read_ready_port, 0), READY_WHEN};
static const struct key http_keys[] = {
    KEY("http", read_ready_port, 0),
    KEY("path", read_template, offsetof(struct ready_rule, text), .allowed = REFERENCES_RUN),
    KEY("status", read_integer, offsetof(struct ready_rule, status), .minimum = 100, .maximum = 599),
    READY_WHEN,
};
static const struct key line_keys[] = {
    KEY("line", read_template, offsetof(struct ready_rule, text), .allowed = REFERENCES_RUN),
    KEY("stream", read_text, offsetof(struct ready_rule, stream)),
    READY_WHEN,
};
static const struct key match_keys[] = {
    KEY("match", read_pattern, offsetof(struct ready_rule, text), .allowed = REFERENCES_RUN),
    KEY("stream", read_text, offsetof(struct ready_rule, stream)),
    READY_WHEN,
};
static const struct key ready_file_keys[] = {
    KEY("file", read_template, offsetof(struct ready_rule, text), .allowed = REFERENCES_RUN),
    READY_WHEN,
};

#define READY_KIND(KIND, NAME, KEYS)                                                                                                       \
    {                                                                                                                                      \
        KIND, NAME, KEYS, sizeof(KEYS) / sizeof(*(KEYS))                                                                                   \
    }
static const struct {
    enum ready_kind kind;
    const char *name;
    const struct key *keys;
    size_t key_count;
} ready_kinds[] = {
    READY_KIND(READY_TCP, "tcp", tcp_keys),       READY_KIND(READY_UDP, "udp", udp_keys),
    READY_KIND(READY_HTTP, "http", http_keys),    READY_KIND(READY_LINE, "line", line_keys),
    READY_KIND(READY_MATCH, "match", match_keys), READY_KIND(READY_FILE, "file", ready_file_keys),
};

static void read_one_ready(struct reading *reading, const struct value *value, struct ready_rule *ready)
{
    for (size_t i = 0; i < sizeof ready_kinds / sizeof *ready_kinds; i++) {
        if (value_get(value, ready_kinds[i].name) != NULL) {
            ready->kind = ready_kinds[i].kind;
            keys_read(reading, value, "a readiness", ready_kinds[i].keys, ready_kinds[i].key_count, ready);
            return;
        }
    }
    MISTAKE(reading, value, "a readiness is one of tcp, udp, http, line, match, file");
}

void read_ready(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    document->ready = ARENA_ARRAY(reading->arena, struct ready_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        read_one_ready(reading, value->items[i], &document->ready[document->ready_count++]);
    }
    if (value->count > READINESS_MAX) {
        MISTAKE(reading, value, "more than %d readiness conditions", READINESS_MAX);
    }
}

// ---- log rules

static void read_log_text(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct log_rule *rule = member;
    read_template(reading, value, key, &rule->pattern);
}

static void read_log_match(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct log_rule *rule = member;
    rule->is_regex = true;
    read_pattern(reading, value, key, &rule->pattern);
}

static const char *const meanings[] = {"ready", "crash", "infrastructure", "warning", NULL};
static const struct key log_keys[] = {
    KEY("text", read_log_text, 0, .allowed = REFERENCES_RUN),
    KEY("match", read_log_match, 0, .allowed = REFERENCES_RUN),
    KEY("stream", read_text, offsetof(struct log_rule, stream)),
    KEY("means", read_word, offsetof(struct log_rule, means), .required = true, .words = meanings),
    KEY("when", read_when, offsetof(struct log_rule, when)),
};

// Each is a watch of the instance (agent/host/host.h has 64), and some stay for readiness.
#define LOG_RULES_MAX 40

void read_log(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    document->log = ARENA_ARRAY(reading->arena, struct log_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        const struct value *item = value->items[i];
        KEYS_READ(reading, item, "a log rule", log_keys, &document->log[document->log_count++]);
        if (item->kind == VALUE_MAP && (value_get(item, "text") == NULL) == (value_get(item, "match") == NULL)) {
            MISTAKE(reading, item, "a log rule has either text or match");
        }
    }
    if (value->count > LOG_RULES_MAX) {
        MISTAKE(reading, value, "more than %d log rules", LOG_RULES_MAX);
    }
}

// ---- outputs

static const char *const output_kinds[] = {"qlog", "keylog", "pcap", "core", "config", "log", "file", NULL};

static void read_kind(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    int index = -1;
    read_word(reading, value, key, &index);
    if (index >= 0) {
        *(const char **)member = output_kinds[index];
    }
}

static const struct key output_keys[] = {
    KEY("path", read_template, offsetof(struct output_rule, path), .required = true, .allowed = REFERENCES_RUN),
    KEY("kind", read_kind, offsetof(struct output_rule, kind), .required = true, .words = output_kinds),
    KEY("when", read_when, offsetof(struct output_rule, when)),
};

void read_outputs(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    document->outputs = ARENA_ARRAY(reading->arena, struct output_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        KEYS_READ(reading, value->items[i], "an output", output_keys, &document->outputs[document->output_count++]);
    }
}
