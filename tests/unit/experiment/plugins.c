// Descriptions of plugins as agents would send them.
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/experiment/fixture.h"

#define LIST_MAX 16

// "a b c" -> three texts
static char **words(struct arena *arena, const char *text, size_t *count)
{
    char **list = ARENA_ARRAY(arena, char *, LIST_MAX);
    *count = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        INVARIANT(*count < LIST_MAX);
        list[(*count)++] = arena_string_bytes(arena, text, length);
        text += length + (text[length] == ' ');
    }
    return list;
}

static Pb__PluginDescription *plugin(struct arena *arena, const char *name, int kind)
{
    Pb__PluginDescription *new = ARENA_NEW(arena, Pb__PluginDescription);
    pb__plugin_description__init(new);
    new->name = arena_string(arena, name);
    new->kind = (Pb__PluginKind)kind;
    new->protocols = ARENA_ARRAY(arena, Pb__ProtocolDescription *, LIST_MAX);
    new->options = ARENA_ARRAY(arena, Pb__OptionDescription *, LIST_MAX);
    new->cases = ARENA_ARRAY(arena, Pb__CaseDescription *, LIST_MAX);
    new->drives = ARENA_ARRAY(arena, Pb__DriveDescription *, LIST_MAX);
    return new;
}

static void speaks(struct arena *arena, Pb__PluginDescription *to, const char *name, const char *versions, const char *roles)
{
    Pb__ProtocolDescription *new = ARENA_NEW(arena, Pb__ProtocolDescription);
    pb__protocol_description__init(new);
    new->name = arena_string(arena, name);
    new->versions = words(arena, versions, &new->n_versions);
    new->roles = words(arena, roles, &new->n_roles);
    to->protocols[to->n_protocols++] = new;
}

static Pb__OptionDescription *option(struct arena *arena, Pb__PluginDescription *to, int type, const char *name, const char *default_value)
{
    Pb__OptionDescription *new = ARENA_NEW(arena, Pb__OptionDescription);
    pb__option_description__init(new);
    new->name = arena_string(arena, name);
    new->type = (Pb__OptionType)type;
    new->default_value = arena_string(arena, default_value);
    to->options[to->n_options++] = new;
    return new;
}
#define OPTION(plugin, TYPE, name, default_value) option(arena, plugin, PB__OPTION_TYPE__OPTION_TYPE_##TYPE, name, default_value)

static void range(Pb__OptionDescription *of, double minimum, double maximum)
{
    of->has_range = true;
    of->minimum = minimum;
    of->maximum = maximum;
}

static void cases(struct arena *arena, Pb__PluginDescription *to, const char *names)
{
    size_t count;
    char **list = words(arena, names, &count);
    for (size_t i = 0; i < count; i++) {
        Pb__CaseDescription *new = ARENA_NEW(arena, Pb__CaseDescription);
        pb__case_description__init(new);
        new->name = list[i];
        to->cases[to->n_cases++] = new;
    }
}

static void drives(struct arena *arena, Pb__PluginDescription *to, const char *name, const char *protocol, const char *role, bool required)
{
    Pb__DriveDescription *new = ARENA_NEW(arena, Pb__DriveDescription);
    pb__drive_description__init(new);
    new->name = arena_string(arena, name);
    new->protocol = arena_string(arena, protocol);
    new->role = arena_string(arena, role);
    new->required = required;
    to->drives[to->n_drives++] = new;
}

static Pb__PluginDescription *http_server(struct arena *arena, const char *name, const char *versions)
{
    Pb__PluginDescription *new = plugin(arena, name, PB__PLUGIN_KIND__PLUGIN_KIND_IUT);
    speaks(arena, new, "http", versions, "server");
    range(OPTION(new, INTEGER, "workers", "1"), 1, 64);
    OPTION(new, FILE, "page", "");
    OPTION(new, DURATION, "keepalive", "60s");
    OPTION(new, STRING, "header", "");
    return new;
}

static Pb__PluginDescription *ngtcp2(struct arena *arena)
{
    Pb__PluginDescription *new = plugin(arena, "ngtcp2", PB__PLUGIN_KIND__PLUGIN_KIND_IUT);
    speaks(arena, new, "quic", "1 2", "server client");
    OPTION(new, LIST, "sizes", "");
    OPTION(new, STRING, "target", "");
    OPTION(new, INTEGER, "target_port", "");
    OPTION(new, BOOLEAN, "retry", "false");
    return new;
}

static Pb__PluginDescription *h2load(struct arena *arena)
{
    Pb__PluginDescription *new = plugin(arena, "h2load", PB__PLUGIN_KIND__PLUGIN_KIND_TESTER);
    range(OPTION(new, INTEGER, "requests", "1000"), 1, 1e9);
    range(OPTION(new, INTEGER, "clients", "1"), 1, 1000);
    range(OPTION(new, INTEGER, "streams", "1"), 1, 1000);
    range(OPTION(new, INTEGER, "seed", "0"), 0, 4294967295.0);
    OPTION(new, STRING, "url", "");
    cases(arena, new, "throughput latency");
    drives(arena, new, "server", "http", "server", true);
    return new;
}

// Shares a case with h2load.
static Pb__PluginDescription *bombardier(struct arena *arena)
{
    Pb__PluginDescription *new = plugin(arena, "bombardier", PB__PLUGIN_KIND__PLUGIN_KIND_TESTER);
    range(OPTION(new, INTEGER, "requests", "1000"), 1, 1e9);
    cases(arena, new, "errors throughput");
    drives(arena, new, "server", "http", "server", true);
    return new;
}

static Pb__PluginDescription *quic_probe(struct arena *arena)
{
    Pb__PluginDescription *new = plugin(arena, "quic_probe", PB__PLUGIN_KIND__PLUGIN_KIND_TESTER);
    speaks(arena, new, "quic", "1 2", "client");
    OPTION(new, SIZE, "size", "1MiB");
    OPTION(new, DURATION, "pause", "0");
    cases(arena, new, "handshake transfer retry");
    drives(arena, new, "server", "quic", "server", true);
    return new;
}

// Needs an option, works on anything or nothing.
static Pb__PluginDescription *fuzz(struct arena *arena)
{
    Pb__PluginDescription *new = plugin(arena, "fuzz", PB__PLUGIN_KIND__PLUGIN_KIND_TESTER);
    OPTION(new, RATIO, "mutate", "")->required = true;
    drives(arena, new, "targets", "", "", false);
    new->executes = true;
    return new;
}

// Judges from evidence: its cases want things of the network.
static Pb__PluginDescription *quic_judge(struct arena *arena)
{
    Pb__PluginDescription *new = plugin(arena, "quic_judge", PB__PLUGIN_KIND__PLUGIN_KIND_TESTER);
    speaks(arena, new, "quic", "1 2", "");
    cases(arena, new, "handshake longrtt");
    drives(arena, new, "server", "quic", "server", true);
    drives(arena, new, "client", "quic", "client", true);
    Pb__CaseDescription *longrtt = new->cases[1];
    longrtt->evidence = words(arena, "capture", &longrtt->n_evidence);
    Pb__Setting *delay = ARENA_NEW(arena, Pb__Setting);
    pb__setting__init(delay);
    delay->name = arena_string(arena, "delay");
    delay->values = words(arena, "750ms", &delay->n_values);
    longrtt->conditions = ARENA_ARRAY(arena, Pb__Setting *, 1);
    longrtt->conditions[longrtt->n_conditions++] = delay;
    return new;
}

struct experiment_plugins fixture_plugins(struct arena *arena)
{
    Pb__PluginDescription **list = ARENA_ARRAY(arena, Pb__PluginDescription *, LIST_MAX);
    size_t count = 0;
    Pb__PluginDescription *nginx = list[count++] = http_server(arena, "nginx", "2 1.1");
    nginx->programs = words(arena, "nginx", &nginx->n_programs);
    list[count++] = http_server(arena, "nghttpd", "2");
    list[count++] = ngtcp2(arena);
    list[count++] = h2load(arena);
    list[count++] = bombardier(arena);
    list[count++] = quic_probe(arena);
    list[count++] = fuzz(arena);
    list[count++] = quic_judge(arena);
    list[count++] = plugin(arena, "emulated", PB__PLUGIN_KIND__PLUGIN_KIND_NETWORK);
    list[count++] = plugin(arena, "lab", PB__PLUGIN_KIND__PLUGIN_KIND_NETWORK);
    list[count] = plugin(arena, "null", PB__PLUGIN_KIND__PLUGIN_KIND_TESTER);
    cases(arena, list[count++], "pass fail");
    return (struct experiment_plugins){(const Pb__PluginDescription *const *)list, count};
}
