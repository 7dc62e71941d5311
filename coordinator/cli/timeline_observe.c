// What stands beside the journal on a timeline: read from streams and artifacts, in bounded pieces.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/map.h"
#include "common/system/file.h"
#include "coordinator/cli/captures.h"
#include "coordinator/cli/timeline.h"
#include "coordinator/report/timeline_observed.h"

// Of one stream: many times what a page shows.
#define LOG_MAX_BYTES ((size_t)8 * 1024 * 1024)
// Of one qlog: a connection of some hundred thousand packets.
#define QLOG_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct observing {
    struct evidence *evidence;
    const struct timeline_wish *wish;
    struct timeline *timeline;
    const struct table *rows;
    struct map *told;                // what is about a stream or file: row + 1
    char trial[FULL_NAME_MAX_BYTES]; // empty: the one of a bundle
    char service[FULL_NAME_MAX_BYTES];
    char folder[32]; // scratch; empty: none yet
};

// ---- the rows that say when and where

static char *key_of(const char *kind, const struct table *table, size_t row, const char *name)
{
    return memory_printf("%s %s.%s %s", kind, table_value(table, row, "instance"), table_value(table, row, "generation"),
                         table_value(table, row, name));
}

static void index_rows(struct observing *observing)
{
    const struct table *rows = observing->rows;
    for (size_t row = 0; row < table_count(rows) && table_value(rows, row, "subject"); row++) {
        const char *kind = table_value(rows, row, "kind");
        if (strcmp(kind, "stream_end") == 0 || strcmp(kind, "artifact_ready") == 0) {
            CLEANUP_FREE char *key = key_of(kind, rows, row, "subject");
            map_put_text(observing->told, key, (void *)(uintptr_t)(row + 1));
        }
    }
}

// false: the journal does not know it (yet).
static bool find_row(const struct observing *observing, const char *kind, const struct table *table, size_t at, const char *name,
                     size_t *row)
{
    CLEANUP_FREE char *key = key_of(kind, table, at, name);
    uintptr_t found = (uintptr_t)map_get_text(observing->told, key);
    *row = found - 1;
    return found != 0;
}

// ---- logs

static int add_log(struct observing *observing, const struct table *streams, size_t at, size_t *room)
{
    size_t row, bytes;
    bool is_told = find_row(observing, "stream_end", streams, at, "stream", &row);
    CLEANUP_FREE char *data = NULL;
    int status = evidence_read(observing->evidence, table_value(streams, at, "name"), 0, LOG_MAX_BYTES, &data, &bytes);
    struct timeline_origin stream = {.agent = is_told ? table_value(observing->rows, row, "agent") : "",
                                     .service = table_value(streams, at, "service"),
                                     .name = table_value(streams, at, "stream")};
    if (!status) {
        timeline_add_log(observing->timeline, &stream, is_told ? table_value(observing->rows, row, "times") : "", data, bytes, room);
    }
    return status;
}

static int add_logs(struct observing *observing, const char *scope)
{
    struct table *streams = NULL;
    int status = evidence_table(observing->evidence, PB__TABLE__TABLE_STREAMS, scope, &streams);
    size_t count = status ? 0 : table_count(streams), left = observing->wish->most;
    for (size_t at = 0; !status && at < count; at++) {
        size_t share = left / (count - at), room = share; // one that says little leaves its share to the others
        status = add_log(observing, streams, at, &room);
        left -= share - room;
    }
    table_free(&streams);
    return status;
}

// ---- files

static bool have_folder(struct observing *observing)
{
    if (*observing->folder) {
        return true;
    }
    snprintf(observing->folder, sizeof observing->folder, "/tmp/panther-timeline-XXXXXX");
    if (mkdtemp(observing->folder)) {
        return true;
    }
    fprintf(stderr, "panther-coord: %s: %s\n", observing->folder, strerror(errno));
    observing->folder[0] = '\0';
    return false;
}

static bool is_of_kind(const struct table *artifacts, size_t at, const char *kind)
{
    return strcmp(table_value(artifacts, at, "kind"), kind) == 0;
}

static bool is_network(const char *service)
{
    return strncmp(service, "network", 7) == 0 && (service[7] == '\0' || service[7] == '.');
}

// What a network captured is whole and has both ends; what a tester captured for itself is the same once more.
static bool is_wanted_capture(const struct observing *observing, const struct table *artifacts, size_t at)
{
    bool has_network = false;
    const char *service = table_value(artifacts, at, "service");
    for (size_t i = 0; i < table_count(artifacts); i++) {
        has_network |= is_of_kind(artifacts, i, "pcap") && is_network(table_value(artifacts, i, "service"));
    }
    if (*observing->service && strcmp(service, observing->service) == 0) {
        return true;
    }
    bool is_other = *observing->service && (!is_network(service) || (service[7] && strcmp(service + 8, observing->service) != 0));
    return !is_other && (is_network(service) || !has_network);
}

struct packets {
    struct timeline *timeline;
    struct timeline_origin origin;
    size_t *room;
};

static bool take_packet(void *context, const char *line)
{
    struct packets *packets = context;
    timeline_add_packet(packets->timeline, &packets->origin, line, packets->room);
    return true;
}

static int add_packets(struct observing *observing, const struct table *artifacts, size_t at, const char *keys, size_t *room)
{
    size_t row;
    if (!find_row(observing, "artifact_ready", artifacts, at, "artifact", &row)) {
        return 0;
    }
    CLEANUP_FREE char *path = captures_file(observing->evidence, observing->folder, artifacts, at);
    struct packets packets = {.timeline = observing->timeline,
                              .origin = {.agent = table_value(observing->rows, row, "agent"),
                                         .service = table_value(artifacts, at, "service"),
                                         .name = table_value(artifacts, at, "artifact"),
                                         .only = observing->service},
                              .room = room};
    // One more than there is room for: whether something is left out is known then.
    return path ? captures_read(path, keys, *room + 1, timeline_packet_fields, TIMELINE_PACKET_FIELDS, take_packet, &packets) : EXIT_FAIL;
}

static int add_captures(struct observing *observing, const struct table *artifacts)
{
    CLEANUP_FREE char *keys = NULL;
    size_t room = observing->wish->most;
    int worst = have_folder(observing) ? captures_keys(observing->evidence, observing->folder, artifacts, &keys) : EXIT_FAIL;
    for (size_t at = 0; *observing->folder && at < table_count(artifacts); at++) {
        if (is_of_kind(artifacts, at, "pcap") && is_wanted_capture(observing, artifacts, at)) {
            int status = add_packets(observing, artifacts, at, keys, &room);
            worst = worst ? worst : status;
        }
    }
    return worst;
}

static int add_qlog(struct observing *observing, const struct table *artifacts, size_t at, size_t *room)
{
    size_t row, bytes;
    const char *name = table_value(artifacts, at, "name");
    if (!find_row(observing, "artifact_ready", artifacts, at, "artifact", &row)) {
        return 0;
    }
    CLEANUP_FREE char *data = NULL;
    int status = evidence_read(observing->evidence, name, 0, QLOG_MAX_BYTES, &data, &bytes);
    if (status) {
        return status;
    }
    int64_t times[2] = {0, 0};
    sscanf(table_value(observing->rows, row, "times"), "%" SCNd64 " %" SCNd64, &times[0], &times[1]);
    struct timeline_origin file = {.agent = table_value(observing->rows, row, "agent"),
                                   .service = table_value(artifacts, at, "service"),
                                   .name = table_value(artifacts, at, "artifact")};
    const char *problem = bytes ? timeline_add_qlog(observing->timeline, &file, times[0], times[1], data, bytes, room) : NULL;
    if (problem) {
        fprintf(stderr, "panther-coord: %s is no qlog: %s\n", name, problem);
    }
    return problem ? EXIT_FAIL : 0;
}

static int add_qlogs(struct observing *observing, const struct table *artifacts)
{
    size_t room = observing->wish->most;
    int worst = 0;
    for (size_t at = 0; at < table_count(artifacts); at++) {
        bool is_other = *observing->service && strcmp(table_value(artifacts, at, "service"), observing->service) != 0;
        if (is_of_kind(artifacts, at, "qlog") && !is_other) {
            int status = add_qlog(observing, artifacts, at, &room);
            worst = worst ? worst : status;
        }
    }
    return worst;
}

// Keys and captures of the whole trial are looked at, also for one service.
static int add_files(struct observing *observing)
{
    const struct timeline_wish *wish = observing->wish;
    struct table *artifacts = NULL;
    int status = evidence_table(observing->evidence, PB__TABLE__TABLE_ARTIFACTS, observing->trial, &artifacts), other;
    if (!status && wish->with[TIMELINE_PACKETS]) {
        status = add_captures(observing, artifacts);
    }
    if (artifacts && wish->with[TIMELINE_QLOG]) {
        other = add_qlogs(observing, artifacts);
        status = status ? status : other;
    }
    table_free(&artifacts);
    return status;
}

int timeline_observe(struct evidence *evidence, const char *scope, const struct timeline_wish *wish, const struct table *rows,
                     struct timeline *timeline)
{
    struct observing observing = {.evidence = evidence, .wish = wish, .timeline = timeline, .rows = rows, .told = map_new()};
    struct full_name name = {0};
    CLEANUP_FREE char *trial = captures_trial(scope);
    int status = 0, other;
    snprintf(observing.trial, sizeof observing.trial, "%s", trial);
    if (*scope && full_name_parse(scope, &name, NULL) == 0) {
        snprintf(observing.service, sizeof observing.service, "%s", name.service);
    }
    index_rows(&observing);
    if (wish->with[TIMELINE_LOGS]) {
        status = add_logs(&observing, scope);
    }
    if (wish->with[TIMELINE_PACKETS] || wish->with[TIMELINE_QLOG]) {
        other = add_files(&observing);
        status = status ? status : other;
    }
    if (*observing.folder) {
        folder_remove(observing.folder, NULL);
    }
    map_free(&observing.told);
    return status;
}
