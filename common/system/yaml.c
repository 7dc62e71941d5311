// Reads YAML by libyaml's events, so that every value keeps its place, and refuses what makes a file mean something else than
// it seems to: duplicate keys, merge keys, tags, several documents, bombs of aliases.
#include "common/system/yaml.h"

#include <string.h>
#include <yaml.h>

#include "common/base/error.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/system/yaml_syntax.h"

#define YAML_DEPTH_MAX 32         // people nest 8 deep; what walks a value may recurse
#define YAML_NODES_MAX 200000     // counted after aliases are put in, so that a bomb of aliases ends early
#define YAML_BYTES_MAX (4U << 20) // an experiment is at most 1 MiB, a configuration some KiB

// A map or list that is being read.
struct frame {
    struct value *value;
    const char *anchor; // to be known when the value is complete; NULL: none
    bool is_key;        // it stands where a key belongs: refused, read to its end and forgotten
    bool has_key;       // map: the next node is a value
    const char *key;    // of that value; NULL: the key was refused, the value is forgotten
    struct value *key_place;
};

struct reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct map *anchors; // name -> the complete value
    struct frame stack[YAML_DEPTH_MAX];
    size_t depth;
    size_t nodes;
    size_t documents;
    struct value *root;
    bool stopped; // over a limit: one message is enough
};

#define REPORT(reader, mark, ...)                                                                                                          \
    diagnostics_error((reader)->diagnostics, (unsigned)(mark).line + 1, (unsigned)(mark).column + 1, __VA_ARGS__)

static struct frame *top(struct reader *reader)
{
    return reader->depth ? &reader->stack[reader->depth - 1] : NULL;
}

static bool wants_key(struct reader *reader)
{
    const struct frame *frame = top(reader);
    return frame && frame->value->kind == VALUE_MAP && !frame->has_key;
}

static bool may_add_node(struct reader *reader, yaml_mark_t mark)
{
    if (++reader->nodes <= YAML_NODES_MAX)
        return true;
    if (!reader->stopped)
        REPORT(reader, mark, "more than %d values (aliases counted by what they stand for)", YAML_NODES_MAX);
    reader->stopped = true;
    return false;
}

static void set_key_place(struct value *map, const char *key, struct value *place)
{
    for (size_t i = map->count; i-- > 0;)
        if (strcmp(map->keys[i], key) == 0) {
            map->key_places[i] = place;
            return;
        }
}

// A complete value goes where its parent waits for it.
static void place(struct reader *reader, struct value *value)
{
    struct frame *parent = top(reader);
    if (!parent) {
        if (!reader->root)
            reader->root = value;
    } else if (parent->value->kind == VALUE_LIST) {
        value_list_add(reader->arena, parent->value, value);
    } else {
        if (parent->key) {
            value_map_put(reader->arena, parent->value, parent->key, value);
            set_key_place(parent->value, parent->key, parent->key_place);
        }
        parent->has_key = false;
    }
}

static void name_anchor(struct reader *reader, const char *anchor, struct value *value, yaml_mark_t mark)
{
    if (!anchor)
        return;
    if (map_get_text(reader->anchors, anchor))
        REPORT(reader, mark, "the anchor \"%.80s\" is given twice", anchor);
    else
        map_put_text(reader->anchors, anchor, value);
}

static void refuse_tag(struct reader *reader, const yaml_char_t *tag, yaml_mark_t mark)
{
    if (tag)
        REPORT(reader, mark, "tags (%.80s) are not used here; if this is a text, put it in quotes", (const char *)tag);
}

// Two maps may hold the same aliased value and be changed apart (--set), so an alias is a copy; texts are shared.
static struct value *copy(struct reader *reader, const struct value *original, size_t depth, yaml_mark_t mark)
{
    if (!may_add_node(reader, mark))
        return NULL;
    if (depth > YAML_DEPTH_MAX) {
        REPORT(reader, mark, "nested more than %d deep", YAML_DEPTH_MAX);
        reader->stopped = true;
        return NULL;
    }
    if (original->kind == VALUE_SCALAR) {
        struct value *scalar = value_scalar(reader->arena, "", original->line, original->column);
        scalar->text = original->text;
        scalar->quoted = original->quoted;
        return scalar;
    }
    bool is_map = original->kind == VALUE_MAP;
    struct value *whole =
        is_map ? value_map(reader->arena, original->line, original->column) : value_list(reader->arena, original->line, original->column);
    for (size_t i = 0; i < original->count; i++) {
        struct value *item = copy(reader, original->items[i], depth + 1, mark);
        if (!item)
            return NULL;
        if (is_map) {
            value_map_put(reader->arena, whole, original->keys[i], item);
            whole->key_places[i] = original->key_places[i];
        } else {
            value_list_add(reader->arena, whole, item);
        }
    }
    return whole;
}

static void read_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct frame *frame = top(reader);
    if (wants_key(reader)) {
        REPORT(reader, event->start_mark, "an alias (*%.80s) cannot be a key", name);
        frame->has_key = true;
        frame->key = NULL;
        return;
    }
    const struct value *original = map_get_text(reader->anchors, name);
    struct value *value;
    if (original) {
        value = copy(reader, original, reader->depth + 1, event->start_mark);
    } else {
        REPORT(reader, event->start_mark, "there is no anchor \"%.80s\" before this alias; if \"*%.80s\" is a text, put it in quotes", name,
               name);
        value = value_scalar(reader->arena, "", (unsigned)event->start_mark.line + 1, (unsigned)event->start_mark.column + 1);
    }
    if (value)
        place(reader, value);
}

static void read_key(struct reader *reader, const yaml_event_t *event, struct value *scalar)
{
    struct frame *frame = top(reader);
    frame->has_key = true;
    frame->key = NULL;
    const struct value *earlier = value_get(frame->value, scalar->text);
    if (event->data.scalar.anchor)
        REPORT(reader, event->start_mark, "an anchor cannot stand at a key");
    else if (!scalar->quoted && strcmp(scalar->text, "<<") == 0)
        REPORT(reader, event->start_mark, "merge keys (<<) are not used here; write the keys out");
    else if (scalar->text[0] == '\0')
        REPORT(reader, event->start_mark, "the key before \":\" is empty");
    else if (earlier)
        REPORT(reader, event->start_mark, "the key \"%.80s\" is given twice", scalar->text);
    else {
        frame->key = scalar->text;
        frame->key_place = scalar;
    }
}

static void read_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (!may_add_node(reader, event->start_mark))
        return;
    refuse_tag(reader, event->data.scalar.tag, event->start_mark);
    if (strlen(text) != event->data.scalar.length)
        REPORT(reader, event->start_mark, "a text cannot contain the character NUL");
    struct value *scalar = value_scalar(reader->arena, text, (unsigned)event->start_mark.line + 1, (unsigned)event->start_mark.column + 1);
    scalar->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (wants_key(reader)) {
        read_key(reader, event, scalar);
        return;
    }
    name_anchor(reader, (const char *)event->data.scalar.anchor, scalar, event->start_mark);
    place(reader, scalar);
}

static void open_collection(struct reader *reader, const yaml_event_t *event, bool is_map)
{
    const yaml_char_t *anchor = is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    unsigned line = (unsigned)event->start_mark.line + 1, column = (unsigned)event->start_mark.column + 1;
    if (!may_add_node(reader, event->start_mark))
        return;
    if (reader->depth == YAML_DEPTH_MAX) {
        REPORT(reader, event->start_mark, "nested more than %d deep", YAML_DEPTH_MAX);
        reader->stopped = true;
        return;
    }
    refuse_tag(reader, tag, event->start_mark);
    bool is_key = wants_key(reader);
    if (is_key) {
        REPORT(reader, event->start_mark, "a key must be text, this is a %s", is_map ? "map" : "list");
        top(reader)->has_key = true;
        top(reader)->key = NULL;
    }
    reader->stack[reader->depth++] = (struct frame){
        .value = is_map ? value_map(reader->arena, line, column) : value_list(reader->arena, line, column),
        .anchor = anchor ? arena_string(reader->arena, (const char *)anchor) : NULL,
        .is_key = is_key,
    };
}

// An anchor is known only from here on, so a value cannot contain itself.
static void close_collection(struct reader *reader, const yaml_event_t *event)
{
    struct frame closed = *top(reader);
    reader->depth--;
    if (closed.is_key)
        return;
    name_anchor(reader, closed.anchor, closed.value, event->start_mark);
    place(reader, closed.value);
}

static void open_document(struct reader *reader, const yaml_event_t *event)
{
    if (event->data.document_start.version_directive ||
        event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
        REPORT(reader, event->start_mark, "directives (%%YAML, %%TAG) are not used here");
    if (++reader->documents > 1) {
        REPORT(reader, event->start_mark, "a second document (---) in one file; put it in a file of its own");
        reader->stopped = true;
    }
}

static void take(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        open_document(reader, event);
        break;
    case YAML_ALIAS_EVENT:
        read_alias(reader, event);
        break;
    case YAML_SCALAR_EVENT:
        read_scalar(reader, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        open_collection(reader, event, event->type == YAML_MAPPING_START_EVENT);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_collection(reader, event);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

static void read_events(struct reader *reader, const char *text, size_t bytes)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        PANIC("no memory for the YAML parser");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
    for (bool more = true; more && !reader->stopped;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            if (parser.error == YAML_MEMORY_ERROR)
                PANIC("no memory for the YAML parser");
            yaml_syntax_report(&parser, text, bytes, reader->diagnostics);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        take(reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

struct value *yaml_read(const char *text, size_t bytes, struct arena *arena, struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics->errors;
    if (bytes > YAML_BYTES_MAX) {
        diagnostics_error(diagnostics, 1, 1, "the file has %zu bytes, more than %u", bytes, YAML_BYTES_MAX);
        return NULL;
    }
    struct reader reader = {.arena = arena, .diagnostics = diagnostics, .anchors = map_new()};
    read_events(&reader, text, bytes);
    map_free(&reader.anchors);
    if (!reader.root && diagnostics->errors == errors_before)
        diagnostics_error(diagnostics, 1, 1, "the file is empty");
    return diagnostics->errors == errors_before ? reader.root : NULL;
}
