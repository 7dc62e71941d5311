// A reader of protobuf's text format, as much as tests need.
#include "tests/messages/text_format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

struct reader {
    const char *text, *cursor;
    struct arena *arena;
};

static _Noreturn void stop(const struct reader *reader, const char *what)
{
    PANIC("test message: %s at byte %zu: %.60s", what, (size_t)(reader->cursor - reader->text), reader->cursor);
}

static void skip_space(struct reader *reader)
{
    reader->cursor += strspn(reader->cursor, " \t\n,");
}

static bool accept(struct reader *reader, char wanted)
{
    skip_space(reader);
    if (*reader->cursor != wanted)
        return false;
    reader->cursor++;
    return true;
}

static char *read_word(struct reader *reader)
{
    skip_space(reader);
    size_t length = 0;
    while (isalnum((unsigned char)reader->cursor[length]) || strchr("_+-.", reader->cursor[length]) != NULL) {
        if (reader->cursor[length] == '\0')
            break;
        length++;
    }
    if (length == 0)
        stop(reader, "a word or number is missing");
    char *word = arena_string_bytes(reader->arena, reader->cursor, length);
    reader->cursor += length;
    return word;
}

static char *read_string(struct reader *reader)
{
    if (!accept(reader, '"'))
        stop(reader, "a string is missing");
    struct text string = {0};
    for (; *reader->cursor != '"'; reader->cursor++) {
        if (*reader->cursor == '\0')
            stop(reader, "a string does not end");
        if (*reader->cursor == '\\')
            reader->cursor++;
        text_append_bytes(&string, *reader->cursor == 'n' && reader->cursor[-1] == '\\' ? "\n" : reader->cursor, 1);
    }
    reader->cursor++;
    struct text whole = {0};
    unsigned long times = 1;
    if (*reader->cursor == '*') {
        char *end;
        times = strtoul(reader->cursor + 1, &end, 10);
        reader->cursor = end;
    }
    while (times-- > 0)
        text_append_bytes(&whole, text_string(&string), string.length);
    char *copy = arena_string(reader->arena, text_string(&whole));
    text_free(&string);
    text_free(&whole);
    return copy;
}

static void *read_message(struct reader *reader, const ProtobufCMessageDescriptor *descriptor, char end);

static void read_enum(struct reader *reader, const ProtobufCFieldDescriptor *field, void *place)
{
    const char *word = read_word(reader);
    char *rest;
    int value = (int)strtol(word, &rest, 10);
    if (*rest != '\0') {
        const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, word);
        if (named == NULL)
            stop(reader, "unknown enum value");
        value = named->value;
    }
    memcpy(place, &value, sizeof value);
}

static void read_bool(struct reader *reader, void *place)
{
    protobuf_c_boolean value = strcmp(read_word(reader), "true") == 0;
    memcpy(place, &value, sizeof value);
}

static void read_bytes(struct reader *reader, void *place)
{
    char *string = read_string(reader);
    ProtobufCBinaryData data = {.len = strlen(string), .data = (uint8_t *)string};
    memcpy(place, &data, sizeof data);
}

static void read_number(struct reader *reader, const ProtobufCFieldDescriptor *field, void *place)
{
    const char *word = read_word(reader);
    if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
        double number = strtod(word, NULL);
        memcpy(place, &number, sizeof number);
        return;
    }
    bool is_wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64;
    unsigned long long wide = word[0] == '-' ? (unsigned long long)strtoll(word, NULL, 10) : strtoull(word, NULL, 10);
    uint32_t narrow = (uint32_t)wide;
    memcpy(place, is_wide ? (void *)&wide : (void *)&narrow, is_wide ? sizeof wide : sizeof narrow);
}

static void read_value(struct reader *reader, const ProtobufCFieldDescriptor *field, void *place)
{
    void *pointer = NULL;
    if (accept(reader, '~')) { // a hole
        memcpy(place, &pointer, sizeof pointer);
        return;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        if (!accept(reader, '{'))
            stop(reader, "'{' is missing");
        pointer = read_message(reader, field->descriptor, '}');
        memcpy(place, &pointer, sizeof pointer);
        break;
    case PROTOBUF_C_TYPE_STRING:
        pointer = read_string(reader);
        memcpy(place, &pointer, sizeof pointer);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        read_enum(reader, field, place);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        read_bool(reader, place);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        read_bytes(reader, place);
        break;
    default:
        read_number(reader, field, place);
        break;
    }
}

// The array is as long as the text is: tests' lists are short, and it saves a capacity.
#define LIST_ROOM 3000

static void read_item(struct reader *reader, const ProtobufCFieldDescriptor *field, char *message)
{
    size_t count;
    char *items;
    memcpy(&count, message + field->quantifier_offset, sizeof count);
    memcpy(&items, message + field->offset, sizeof items);
    bool is_narrow = field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_ENUM;
    size_t item_bytes = is_narrow ? sizeof(uint32_t) : sizeof(void *);
    if (count == 0) {
        items = arena_allocate_array(reader->arena, LIST_ROOM, item_bytes);
        memcpy(message + field->offset, &items, sizeof items);
    }
    if (count == LIST_ROOM)
        stop(reader, "a list is too long for this reader");
    read_value(reader, field, items + count * item_bytes);
    count++;
    memcpy(message + field->quantifier_offset, &count, sizeof count);
}

static void read_field(struct reader *reader, char *message, const ProtobufCMessageDescriptor *descriptor)
{
    const char *name = read_word(reader);
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
    if (field == NULL)
        stop(reader, "no such field before this place");
    accept(reader, ':');
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        read_item(reader, field, message);
        return;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        memcpy(message + field->quantifier_offset, &field->id, sizeof field->id);
    read_value(reader, field, message + field->offset);
}

static void *read_message(struct reader *reader, const ProtobufCMessageDescriptor *descriptor, char end)
{
    char *message = arena_allocate(reader->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    for (;;) {
        skip_space(reader);
        if (*reader->cursor == end)
            break;
        read_field(reader, message, descriptor);
    }
    if (end != '\0')
        reader->cursor++;
    return message;
}

void *message_parse(const ProtobufCMessageDescriptor *descriptor, const char *text, struct arena *arena)
{
    struct reader reader = {.text = text, .cursor = text, .arena = arena};
    return read_message(&reader, descriptor, '\0');
}
