#include "coordinator/report/report_hosts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/units.h"

#define US_PER_MS 1000.0
// What makes two of its instances two rows.
static const char *const settings[] = {"agent",    "kernel",       "architecture", "distribution", "cpus",    "memory_bytes",
                                       "governor", "clock_source", "clock_sync",   "interface",    "offloads"};
#define SETTINGS (sizeof settings / sizeof *settings)

struct setting_of_host {
    size_t row; // of the first instance
    uint64_t instances, error_us;
};

static const char *value_of(const struct table *table, size_t row, const char *column)
{
    const char *value = table_value(table, row, column);
    return value ? value : "";
}

static void gather(struct map *hosts, const struct table *instances, size_t row)
{
    struct text key = {0};
    int64_t error_us = 0;
    for (size_t i = 0; i < SETTINGS; i++) {
        text_printf(&key, "%s\n", value_of(instances, row, settings[i]));
    }
    struct setting_of_host *host = map_get_text(hosts, text_string(&key));
    if (!host) {
        host = NEW(struct setting_of_host);
        host->row = row;
        map_put_text(hosts, text_string(&key), host);
    }
    host->instances++;
    if (integer_parse(value_of(instances, row, "clock_error_us"), &error_us) && error_us > 0 && (uint64_t)error_us > host->error_us) {
        host->error_us = (uint64_t)error_us;
    }
    text_free(&key);
}

static void add_row(struct table *table, const struct table *instances, const struct setting_of_host *host)
{
    const char *values[SETTINGS + 2];
    char count[24], error_us[24];
    snprintf(count, sizeof count, "%llu", (unsigned long long)host->instances);
    snprintf(error_us, sizeof error_us, "%llu", (unsigned long long)host->error_us);
    for (size_t i = 0; i < SETTINGS; i++) {
        values[i] = value_of(instances, host->row, settings[i]);
    }
    values[SETTINGS] = error_us;
    values[SETTINGS + 1] = count;
    table_add(table, values);
}

struct table *report_hosts(const struct table *instances)
{
    const char *columns[SETTINGS + 2];
    memcpy(columns, settings, sizeof settings);
    columns[0] = "host";
    columns[SETTINGS] = "clock_error_us";
    columns[SETTINGS + 1] = "instances_count";
    struct table *table = table_new(columns, SETTINGS + 2);
    struct map *hosts = map_new();
    for (size_t row = 0; row < table_count(instances); row++) {
        if (*value_of(instances, row, "kernel")) {
            gather(hosts, instances, row);
        }
    }
    for (struct map_entry *entry = map_first(hosts); entry; entry = map_next(hosts, entry)) {
        add_row(table, instances, entry->value);
        free(entry->value);
    }
    map_free(&hosts);
    return table;
}

void report_host_line(const struct table *hosts, size_t row, struct text *out)
{
    int64_t bytes = 0, error_us = 0;
    char memory[32] = "memory not known";
    const char *governor = value_of(hosts, row, "governor"), *interface = value_of(hosts, row, "interface"),
               *offloads = value_of(hosts, row, "offloads");
    if (integer_parse(value_of(hosts, row, "memory_bytes"), &bytes) && bytes > 0) {
        size_format((uint64_t)bytes, memory, sizeof memory);
    }
    integer_parse(value_of(hosts, row, "clock_error_us"), &error_us);
    text_printf(out, "%s %s, %s, %s cpus, %s, %s%s; ", value_of(hosts, row, "kernel"), value_of(hosts, row, "architecture"),
                value_of(hosts, row, "distribution"), value_of(hosts, row, "cpus"), memory, *governor ? "governor " : "no governor",
                governor);
    text_printf(out, "clock %s, ", value_of(hosts, row, "clock_source"));
    if (strcmp(value_of(hosts, row, "clock_sync"), "yes") == 0) {
        text_printf(out, "synchronised (at most %.3g ms off)", (double)error_us / US_PER_MS);
    } else {
        text_append(out, "not synchronised");
    }
    if (*interface) {
        text_printf(out, "; %s: %s", interface, *offloads ? offloads : "no offloads");
    }
}
