#include "coordinator/cli/evidence.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/system/file.h"
#include "coordinator/cli/save.h"

#define COLUMNS_MAX 64

const char *evidence_table_name(Pb__Table table)
{
    static const char *const names[] = {"",       "runs",      "cells",      "trials",   "cases",    "metrics", "artifacts", "streams",
                                        "events", "instances", "assertions", "findings", "timeline", "gates",   "notes",     "submissions"};
    return (size_t)table < sizeof names / sizeof *names ? names[table] : "";
}

// ---- a bundle

static char *text_of(const json_t *value)
{
    if (json_is_integer(value)) {
        return memory_printf("%lld", (long long)json_integer_value(value));
    }
    if (json_is_real(value)) {
        return memory_printf("%.15g", json_real_value(value));
    }
    return memory_string(json_is_string(value) ? json_string_value(value) : "");
}

static size_t columns_of(json_t *row, const char *columns[COLUMNS_MAX])
{
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(row, key, value)
    {
        if (count < COLUMNS_MAX) {
            columns[count++] = key;
        }
    }
    return count;
}

static void add_row(struct table *table, json_t *row, const char *const *columns, size_t count)
{
    char *values[COLUMNS_MAX];
    for (size_t i = 0; i < count; i++) {
        values[i] = text_of(json_object_get(row, columns[i]));
    }
    table_add(table, (const char *const *)values);
    for (size_t i = 0; i < count; i++) {
        free(values[i]);
    }
}

// An empty table has no columns: there are no rows whose values anybody could ask for.
static int read_table(const char *path, const char *service, struct table **rows)
{
    json_error_t why;
    json_t *array = json_load_file(path, 0, &why);
    if (!json_is_array(array)) {
        fprintf(stderr, "panther-coord: %s: %s\n", path, array ? "it is not a table" : why.text);
        json_decref(array);
        return EXIT_FAIL;
    }
    const char *columns[COLUMNS_MAX] = {"name"};
    size_t count = json_array_size(array) ? columns_of(json_array_get(array, 0), columns) : 1;
    *rows = table_new(columns, count);
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *row = json_array_get(array, i), *of = json_object_get(row, "service");
        if (!*service || !json_is_string(of) || strcmp(json_string_value(of), service) == 0) {
            add_row(*rows, row, columns, count);
        }
    }
    json_decref(array);
    return 0;
}

static int bundle_table(const char *folder, Pb__Table table, const char *scope, struct table **rows)
{
    struct full_name name = {0};
    if (*scope) {
        full_name_parse(scope, &name, NULL);
    }
    CLEANUP_FREE char *path = memory_printf("%s/" EVIDENCE_TABLES "/%s.json", folder, evidence_table_name(table));
    return read_table(path, name.service, rows);
}

static int bundle_read(const char *folder, const char *name, uint64_t offset, size_t limit_bytes, char **data, size_t *bytes)
{
    CLEANUP_FREE char *path = memory_printf("%s/" EVIDENCE_CONTENT "/%s", folder, name);
    FILE *file = save_name_is_safe(name) ? fopen(path, "r") : NULL;
    *data = memory_new(limit_bytes + 1);
    *bytes = 0;
    if (file && fseeko(file, (off_t)offset, SEEK_SET) == 0) {
        *bytes = fread(*data, 1, limit_bytes, file);
    }
    if (file) {
        fclose(file);
    }
    return 0;
}

// ---- the coordinator

static int call_read(struct client *client, const char *name, uint64_t offset, size_t limit_bytes, struct text *text)
{
    struct panther_error error = {0};
    bool end = false;
    int status = client_open(client), result = 0;
    while (!status && !result && !end && text->length < limit_bytes) {
        uint8_t *part = NULL;
        size_t bytes = 0;
        result = bus_call_get(client->call, name, "", offset + text->length, &part, &bytes, &end, &error);
        if (!result) {
            text_append_bytes(text, part, bytes < limit_bytes - text->length ? bytes : limit_bytes - text->length);
        }
        free(part);
        if (!bytes) {
            break; // it still grows
        }
    }
    return status ? status : result && result != PANTHER_ENOTFOUND ? client_problem(&error) : 0;
}

int evidence_table(struct evidence *evidence, Pb__Table table, const char *scope, struct table **rows)
{
    uint64_t cursor = 0;
    return evidence->folder ? bundle_table(evidence->folder, table, scope, rows)
                            : client_query(evidence->client, table, scope, rows, &cursor, false);
}

int evidence_read(struct evidence *evidence, const char *name, uint64_t offset, size_t limit_bytes, char **data, size_t *bytes)
{
    if (evidence->folder) {
        return bundle_read(evidence->folder, name, offset, limit_bytes, data, bytes);
    }
    struct text text = {0};
    int status = call_read(evidence->client, name, offset, limit_bytes, &text);
    *bytes = text.length;
    *data = text.data ? text.data : memory_new(1);
    return status;
}
