// See qlog.h.
#include "common/qlog/qlog.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SEPARATOR '\x1e'
// A record is one event: a program that writes larger ones is not understood.
#define RECORD_MAX_BYTES ((size_t)1024 * 1024)
// Of which the text says the type.
#define FRAMES_SHOWN 8

struct reading {
    qlog_event_fn *tell;
    void *context;
    struct qlog_facts *facts;
    enum { TIME_RELATIVE, TIME_ABSOLUTE, TIME_DELTA } format;
    double unit_ms; // of a time
    double previous_ms;
    bool is_enough;
    const json_t *fields; // names of an event's columns, of old documents
};

// ---- texts

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void append_value(struct text *out, const char *name, const json_t *value)
{
    if (json_is_string(value)) {
        text_printf(out, "%s %s", name, json_string_value(value));
    } else if (json_is_integer(value)) {
        text_printf(out, "%s %lld", name, (long long)json_integer_value(value));
    }
}

static void append_frames(struct text *out, const json_t *frames)
{
    for (size_t i = 0; i < json_array_size(frames) && i < FRAMES_SHOWN; i++) {
        text_printf(out, "%s%.24s", i ? ", " : ": ", text_at(json_array_get(frames, i), "frame_type"));
    }
    if (json_array_size(frames) > FRAMES_SHOWN) {
        text_append(out, ", ...");
    }
}

// "1RTT 17, 1200 bytes: stream, ack"; of other events their data as they stand.
static void append_packet(struct text *out, const json_t *data, const json_t *header)
{
    const json_t *raw = json_object_get(data, "raw"), *length = json_object_get(raw, "length");
    text_append(out, *text_at(header, "packet_type") ? text_at(header, "packet_type") : text_at(data, "packet_type"));
    append_value(out, "", json_object_get(header, "packet_number"));
    append_value(out, " length", length ? length : json_object_get(header, "packet_size"));
    append_value(out, " trigger", json_object_get(data, "trigger"));
    append_frames(out, json_object_get(data, "frames"));
}

static void append_data(struct text *out, const json_t *data)
{
    const json_t *header = json_object_get(data, "header");
    if (json_is_object(header)) {
        append_packet(out, data, header);
        return;
    }
    char *dumped = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    text_append(out, dumped ? dumped : "");
    free(dumped);
}

// ---- events

static const char *packet_type_of(const json_t *data)
{
    const char *type = text_at(json_object_get(data, "header"), "packet_type");
    return *type ? type : text_at(data, "packet_type");
}

static const char *version_of(const json_t *data)
{
    const char *version = text_at(json_object_get(data, "header"), "version");
    return *version ? version : text_at(data, "chosen_version");
}

static int key_phase_of(const json_t *data)
{
    const json_t *phase = json_object_get(json_object_get(data, "header"), "key_phase_bit");
    const char *text = json_string_value(phase);
    const long long number = text                     ? (*text == '0' || *text == '1') && !text[1] ? *text - '0' : -1
                             : json_is_integer(phase) ? json_integer_value(phase)
                                                      : -1;
    return number == 0 || number == 1 ? (int)number : -1;
}

static size_t frames_of(const json_t *data, const char **frames)
{
    const json_t *all = json_object_get(data, "frames");
    size_t count = 0;
    while (count < json_array_size(all) && count < QLOG_FRAMES_MAX) {
        frames[count] = text_at(json_array_get(all, count), "frame_type");
        count++;
    }
    return count;
}

static void tell(struct reading *reading, const json_t *time, const char *name, const json_t *data)
{
    double value = json_is_string(time) ? strtod(json_string_value(time), NULL) : json_number_value(time);
    value *= reading->unit_ms;
    if (reading->format == TIME_DELTA) {
        value = reading->previous_ms += value;
    }
    if (!(json_is_number(time) || json_is_string(time)) || !*name || !(fabs(value) < QLOG_TIME_MAX_MS)) {
        reading->facts->malformed++;
        return;
    }
    struct text text = {0};
    append_data(&text, data);
    if (text.length > QLOG_TEXT_MAX_BYTES) {
        text.data[QLOG_TEXT_MAX_BYTES] = '\0';
    }
    const char *frames[QLOG_FRAMES_MAX];
    struct qlog_event event = {.time_ms = value,
                               .is_absolute = reading->format == TIME_ABSOLUTE,
                               .name = name,
                               .text = text_string(&text),
                               .packet_type = packet_type_of(data),
                               .version = version_of(data),
                               .key_phase = key_phase_of(data),
                               .frames = frames,
                               .frame_count = frames_of(data, frames)};
    reading->facts->events++;
    reading->facts->last_ms = value > reading->facts->last_ms ? value : reading->facts->last_ms;
    reading->is_enough = !reading->tell(reading->context, &event);
    text_free(&text);
}

// Of old documents: ["12.5", "transport", "packet_sent", {...}] with the names of the columns in event_fields.
static void tell_columns(struct reading *reading, const json_t *event)
{
    const json_t *time = NULL, *data = NULL;
    const char *category = "", *name = "";
    for (size_t i = 0; i < json_array_size(event); i++) {
        const char *field = json_string_value(json_array_get(reading->fields, i));
        const json_t *value = json_array_get(event, i);
        if (!field) {
            continue;
        }
        if (strcmp(field, "time") == 0 || strcmp(field, "relative_time") == 0 || strcmp(field, "delta_time") == 0) {
            time = value;
        } else if (strcmp(field, "category") == 0) {
            category = json_is_string(value) ? json_string_value(value) : "";
        } else if (strcmp(field, "event") == 0 || strcmp(field, "name") == 0) {
            name = json_is_string(value) ? json_string_value(value) : "";
        } else if (strcmp(field, "data") == 0) {
            data = value;
        }
    }
    CLEANUP_FREE char *whole = memory_printf("%s%s%s", category, *category && *name ? ":" : "", name);
    tell(reading, time, whole, data);
}

static void take_event(struct reading *reading, const json_t *event)
{
    if (json_is_object(event)) {
        tell(reading, json_object_get(event, "time"), text_at(event, "name"), json_object_get(event, "data"));
    } else if (json_is_array(event) && reading->fields) {
        tell_columns(reading, event);
    } else {
        reading->facts->malformed++;
    }
}

// ---- what stands before them

static double reference_of(const json_t *common)
{
    const json_t *reference = json_object_get(common, "reference_time");
    double value = json_is_string(reference) ? strtod(json_string_value(reference), NULL) : json_number_value(reference);
    return value > 0 && value < QLOG_TIME_MAX_MS ? value : 0;
}

// Old documents and quic-go call it ODCID, too.
static void take_group(struct reading *reading, const json_t *common)
{
    const char *group = text_at(common, "group_id"), *original = text_at(common, "ODCID");
    const char *best = *original ? original : group;
    snprintf(reading->facts->group, sizeof reading->facts->group, "%s", strlen(best) < sizeof reading->facts->group ? best : "");
}

static void take_trace(struct reading *reading, const json_t *trace)
{
    const json_t *common = json_object_get(trace, "common_fields"), *fields = json_object_get(trace, "event_fields");
    const char *format = text_at(common, "time_format"), *units = text_at(json_object_get(trace, "configuration"), "time_units");
    const char *side = text_at(json_object_get(trace, "vantage_point"), "type");
    reading->facts->reference_ms = reference_of(common);
    take_group(reading, common);
    reading->format = strcmp(format, "absolute") == 0                                                    ? TIME_ABSOLUTE
                      : strcmp(format, "delta") == 0 || strncmp(format, "relative_to_previous", 20) == 0 ? TIME_DELTA
                                                                                                         : TIME_RELATIVE;
    reading->unit_ms = strcmp(units, "us") == 0 ? 1e-3 : 1;
    reading->fields = json_is_array(fields) ? fields : NULL;
    snprintf(reading->facts->side, sizeof reading->facts->side, "%s", side);
}

static json_t *load(const char *data, size_t bytes)
{
    json_error_t why;
    return bytes <= RECORD_MAX_BYTES ? json_loadb(data, bytes, 0, &why) : NULL;
}

static bool is_blank(const char *data, size_t bytes)
{
    while (bytes > 0 && memchr(" \t\r\n", data[bytes - 1], 4)) {
        bytes--;
    }
    return bytes == 0;
}

static void take_record(struct reading *reading, const char *data, size_t bytes)
{
    if (is_blank(data, bytes)) {
        return;
    }
    json_t *record = load(data, bytes);
    const json_t *trace = json_object_get(record, "trace");
    if (!record) {
        reading->facts->malformed++;
    } else if (trace) {
        take_trace(reading, trace);
        reading->fields = NULL; // of documents only
    } else {
        take_event(reading, record);
    }
    json_decref(record);
}

static void take_records(struct reading *reading, const char *data, size_t bytes, char separator)
{
    const char *end = data + bytes;
    while (data < end && !reading->is_enough) {
        const char *next = memchr(data, separator, (size_t)(end - data));
        take_record(reading, data, (size_t)((next ? next : end) - data));
        data = next ? next + 1 : end;
    }
}

static const char *take_document(struct reading *reading, const char *data, size_t bytes)
{
    json_error_t why;
    json_t *document = bytes <= QLOG_DOCUMENT_MAX_BYTES ? json_loadb(data, bytes, 0, &why) : NULL;
    const json_t *traces = json_object_get(document, "traces");
    for (size_t i = 0; i < json_array_size(traces) && !reading->is_enough; i++) {
        const json_t *trace = json_array_get(traces, i), *events = json_object_get(trace, "events");
        take_trace(reading, trace);
        for (size_t event = 0; event < json_array_size(events) && !reading->is_enough; event++) {
            take_event(reading, json_array_get(events, event));
        }
    }
    const char *problem = bytes > QLOG_DOCUMENT_MAX_BYTES ? "it is one document of more than 8 MiB"
                          : !document                     ? "it is no JSON"
                          : !json_is_array(traces)        ? "it has no traces"
                                                          : NULL;
    json_decref(document);
    return problem;
}

// The first line says that each line is a record.
static bool is_lines(const char *data, size_t bytes)
{
    const char *end = memchr(data, '\n', bytes);
    json_t *first = end ? load(data, (size_t)(end - data)) : NULL;
    bool is_header = json_is_object(json_object_get(first, "trace"));
    json_decref(first);
    return is_header;
}

const char *qlog_read(const char *data, size_t bytes, qlog_event_fn *told, void *context, struct qlog_facts *facts)
{
    *facts = (struct qlog_facts){0};
    struct reading reading = {.tell = told, .context = context, .facts = facts, .unit_ms = 1};
    if (bytes == 0) {
        return "it is empty";
    }
    if (data[0] == RECORD_SEPARATOR) {
        take_records(&reading, data, bytes, RECORD_SEPARATOR);
        return NULL;
    }
    if (is_lines(data, bytes)) {
        take_records(&reading, data, bytes, '\n');
        return NULL;
    }
    return take_document(&reading, data, bytes);
}
