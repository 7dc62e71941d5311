// Files that people or other programs write: configuration with its environment and flags, key files, a guard's identity, tables of
// the kernel, a log of h2load. The parts of the input become one configuration; its first part alone also each of the other files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/shell/folder.h"
#include "agent/shell/settings.h"
#include "common/base/error.h"
#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/bus/bus.h"
#include "common/system/configuration.h"
#include "common/system/file.h"
#include "common/system/net_tables.h"
#include "services/testers/h2load/report.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"

#define FLAGS_MAX 16

static int file_fd = -1;
static char file_path[128], folder[64], key_path[128];

static void remove_folder(void)
{
    folder_remove(folder, NULL);
}

// A key that is good, so that reading goes on behind it.
static void make_key(void)
{
    struct panther_error error = {0};
    struct bus_peer_file peer = {.name = "lab-a", .role = "agent", .coordinator = "tcp://127.0.0.1:7400"};
    bus_key_new(peer.public_key, peer.secret_key);
    memcpy(peer.server_key, peer.public_key, sizeof peer.server_key);
    snprintf(key_path, sizeof key_path, "%s/key", folder);
    if (bus_peer_file_write(key_path, &peer, &error) < 0)
        PANIC("%s", error.message);
}

static void make_programs(void)
{
    static const char *const names[] = {"panther-guard", "panther-service"};
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        INVARIANT(file_write_atomic(path, "", 0, 0600, NULL) == 0);
    }
}

static void begin(void)
{
    snprintf(folder, sizeof folder, "/dev/shm/panther-fuzz-XXXXXX");
    INVARIANT(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    snprintf(file_path, sizeof file_path, "%s/guard.pid", folder);
    FILE *made = fopen(file_path, "w");
    INVARIANT(made != NULL);
    file_fd = fileno(made);
    INVARIANT(fchmod(file_fd, 0600) == 0);
    make_key();
    make_programs();
}

static void fill_file(const void *data, size_t bytes)
{
    INVARIANT(ftruncate(file_fd, 0) == 0 && pwrite(file_fd, data, bytes, 0) == (ssize_t)bytes);
}

// ---- configuration

static const struct configuration_option options[] = {
    {"text", PB__OPTION_TYPE__OPTION_TYPE_STRING, NULL, ""},      {"number", PB__OPTION_TYPE__OPTION_TYPE_INTEGER, "7", ""},
    {"time", PB__OPTION_TYPE__OPTION_TYPE_DURATION, "10s", ""},   {"size", PB__OPTION_TYPE__OPTION_TYPE_SIZE, "64MiB", ""},
    {"list", PB__OPTION_TYPE__OPTION_TYPE_LIST, NULL, ""},        {"share", PB__OPTION_TYPE__OPTION_TYPE_RATIO, "0", ""},
    {"truth", PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN, "false", ""},
};
#define OPTIONS (sizeof options / sizeof *options)

static void set_environment(const char *prefix, const char *name, const char *value)
{
    char variable[128];
    snprintf(variable, sizeof variable, "%s_%s", prefix, name);
    for (char *c = variable; *c; c++)
        *c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    if (value)
        setenv(variable, value, 1);
    else
        unsetenv(variable);
}

static void check_configuration(const struct configuration *configuration)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const char *const *values;
        const char *text = configuration_text(configuration, options[i].name);
        size_t count = configuration_list(configuration, options[i].name, &values);
        INVARIANT((text != NULL) == (count > 0));
        INVARIANT(!text || configuration_source(configuration, options[i].name));
        configuration_number(configuration, options[i].name);
        configuration_flag_is_set(configuration, options[i].name);
    }
}

static void load_configuration(const struct configuration_flag *flags, size_t count)
{
    struct configuration *configuration = NULL;
    struct panther_error error = {0};
    if (configuration_load(&configuration, file_path, "FUZZ", options, OPTIONS, flags, count, &error) < 0) {
        INVARIANT(configuration == NULL && error.message[0] != '\0');
        return;
    }
    check_configuration(configuration);
    configuration_free(&configuration);
}

// The agent's own, with its state and key where nothing else can be hit.
static void load_settings(void)
{
    struct settings settings;
    struct panther_error error = {0};
    char state[128];
    snprintf(state, sizeof state, "%s/state", folder);
    const struct configuration_flag flags[] = {{"state", state}, {"key", key_path}, {"programs", folder}};
    if (settings_load(&settings, file_path, flags, 3, &error) < 0) {
        INVARIANT(error.message[0] != '\0');
        return;
    }
    INVARIANT(settings.slots > 0 && settings.port_count / PORTS_PER_INSTANCE >= settings.slots);
    INVARIANT(settings.port_first > 0 && settings.port_first + settings.port_count - 1 <= UINT16_MAX);
    for (size_t i = 0; i < settings.label_count; i++)
        INVARIANT(name_is_valid(settings.labels[i]->name) && settings.labels[i]->value);
    settings_free(&settings);
}

// kind: where it comes from, and which option; the rest is the value.
static void configuration(const uint8_t *data, size_t size)
{
    struct part part;
    struct configuration_flag flags[FLAGS_MAX];
    char *values[FLAGS_MAX];
    size_t count = 0;
    while (part_next(&data, &size, &part) && count < FLAGS_MAX) {
        const char *name = options[part.kind % OPTIONS].name;
        values[count] = memory_new(part.bytes + 1);
        memcpy(values[count], part.data, part.bytes);
        if (part.kind & 0x80)
            set_environment("FUZZ", name, values[count]);
        flags[count] = (struct configuration_flag){part.kind & 0x40 ? values[count] : name, part.kind & 0x20 ? NULL : values[count]};
        count++;
    }
    load_configuration(flags, count);
    for (size_t i = 0; i < OPTIONS; i++)
        set_environment("FUZZ", options[i].name, NULL);
    while (count > 0)
        free(values[--count]);
}

// ---- the other files

static void key_file(void)
{
    struct bus_peer_file file, again;
    struct panther_error error = {0};
    char copy[160];
    if (bus_peer_file_read(file_path, &file, &error) < 0)
        return;
    snprintf(copy, sizeof copy, "%s/copy", folder);
    if (bus_peer_file_write(copy, &file, &error) < 0) // what YAML can hold and we do not write: control characters
        return;
    INVARIANT(bus_peer_file_read(copy, &again, &error) == 0 && strcmp(file.secret_key, again.secret_key) == 0);
    INVARIANT(strcmp(file.name, again.name) == 0 && strcmp(file.coordinator, again.coordinator) == 0);
}

static void latencies(void)
{
    struct latencies read;
    bool complete;
    if (!latencies_read(file_path, &read, &complete))
        return;
    for (size_t i = 1; i < read.count; i++)
        INVARIANT(read.us[i - 1] <= read.us[i]);
    if (read.count > 0)
        INVARIANT(latencies_percentile_ms(&read, 0.5) <= latencies_percentile_ms(&read, 1));
    free(read.us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part part;
    struct folder_guard guard;
    if (file_fd < 0)
        begin();
    if (!part_next(&data, &size, &part))
        return 0;
    fill_file(part.data, part.bytes);
    configuration(data, size);
    switch (part.kind % 5) {
    case 0:
        load_settings();
        break;
    case 1:
        key_file();
        break;
    case 2:
        folder_guard_read(folder, &guard, NULL);
        break;
    case 3:
        net_table_has(file_path, NET_TCP, "127.0.0.1", 8080, NULL);
        net_table_has(file_path, NET_UDP, "::1", 8080, NULL);
        break;
    default:
        latencies();
        break;
    }
    return 0;
}
