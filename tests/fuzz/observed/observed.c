// What `timeline --with` reads beside the journal, in parts: stamps of a stream, the stream, lines of tshark, a qlog and the times of its
// file, a capture that is drawn. What a host says of its clocks is honest here, what programs wrote is not: all of it finds its place
// between the events of its host, in the order of the host's clock, or is counted.
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "coordinator/report/throughput.h"
#include "coordinator/report/timeline_observed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"

enum kind { KIND_STAMPS, KIND_LOG, KIND_PACKETS, KIND_FILE_TIMES, KIND_QLOG, KIND_CAPTURE, KINDS };
#define ROOM 64
#define COLUMNS 15
static const char *const columns[COLUMNS] = {"sequence",       "wall_ns",  "agent",       "trial",       "service",
                                             "kind",           "text",     "boottime_ns", "received_ns", "clock_offset_ns",
                                             "clock_error_ns", "instance", "generation",  "number",      "host_wall_ns"};
static const char *const happened[][COLUMNS] = {
    {"1", "900000000", "a", "r1/t/1#1", "s", "note", "started", "15000000", "90000000", "5000000", "7000", "1", "1", "0", "1015000000"},
    {"2", "900000000", "a", "r1/t/1#1", "s", "note", "ended", "45000000", "90000000", "5000000", "7000", "1", "1", "0", "1045000000"}};

struct reading {
    struct timeline timeline;
    char *stamps;
    int64_t file_times[2];
    size_t room;
};

// A line a packet, as captures_read hands them over.
static void add_packets(struct reading *reading, const struct timeline_origin *origin, const struct part *part)
{
    const char *at = (const char *)part->data, *end = at + part->bytes;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);
        CLEANUP_FREE char *line = memory_printf("%.*s", (int)length, at);
        timeline_add_packet(&reading->timeline, origin, line, &reading->room);
        at += length + 1;
    }
}

static void draw(const struct part *part)
{
    struct throughput throughput;
    struct text svg = {0};
    if (throughput_read((const char *)part->data, part->bytes, &throughput)) {
        throughput_plot(&throughput, "fuzz", false, &svg);
        INVARIANT(!strstr(text_string(&svg), "nan") && !strstr(text_string(&svg), "inf"));
    }
    text_free(&svg);
}

static void take(struct reading *reading, const struct part *part)
{
    const struct timeline_origin stream = {.agent = "a", .service = "s", .name = "s.stdout"};
    const struct timeline_origin network = {
        .agent = "a", .service = "network", .name = "network.pcapng", .only = part->kind & 0x80 ? "s" : NULL};
    const char *data = (const char *)part->data;
    switch ((part->kind & 0x7f) % KINDS) {
    case KIND_STAMPS:
        free(reading->stamps);
        reading->stamps = memory_printf("%.*s", (int)part->bytes, data);
        return;
    case KIND_LOG:
        timeline_add_log(&reading->timeline, &stream, reading->stamps, data, part->bytes, &reading->room);
        return;
    case KIND_PACKETS:
        add_packets(reading, &network, part);
        return;
    case KIND_FILE_TIMES:
        memcpy(reading->file_times, data, part->bytes < sizeof reading->file_times ? part->bytes : sizeof reading->file_times);
        return;
    case KIND_CAPTURE:
        draw(part);
        return;
    default:
        timeline_add_qlog(&reading->timeline, &stream, reading->file_times[0], reading->file_times[1], data, part->bytes, &reading->room);
    }
}

static size_t count_of(const char *text, const char *wanted)
{
    size_t count = 0;
    while ((text = strstr(text, wanted))) {
        text++;
        count++;
    }
    return count;
}

// Who stands after an event of the host in its order stands there on the axis, and the other way round.
static void check(const struct timeline *timeline, size_t room)
{
    INVARIANT(timeline->count == sizeof happened / sizeof *happened + (ROOM - room));
    uint64_t sequence = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_entry *entry = &timeline->entries[i];
        INVARIANT(i == 0 || timeline->entries[i - 1].time_ns <= entry->time_ns);
        INVARIANT(entry->sequence >= sequence && strlen(entry->text) < 2 * TIMELINE_TEXT_MAX_BYTES);
        sequence = entry->sequence;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table *rows = table_new(columns, COLUMNS), *table;
    struct reading reading = {.room = ROOM};
    struct text page = {0};
    struct part part;
    for (size_t row = 0; row < sizeof happened / sizeof *happened; row++)
        table_add(rows, happened[row]);
    timeline_make(rows, &reading.timeline);
    while (part_next(&data, &size, &part))
        take(&reading, &part);
    timeline_finish(&reading.timeline);
    check(&reading.timeline, reading.room);
    timeline_html(&reading.timeline, "fuzz", &page);
    INVARIANT(count_of(text_string(&page), "</script") == 2); // nothing that was read ends a script of the page
    table = timeline_table(&reading.timeline);
    INVARIANT(table_count(table) == reading.timeline.count);
    table_free(&table);
    text_free(&page);
    timeline_free(&reading.timeline);
    table_free(&rows);
    free(reading.stamps);
    return 0;
}
