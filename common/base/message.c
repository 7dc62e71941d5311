// Copy, release and compare any protobuf-c message by its descriptor. The generated structs are the vocabulary of the cores, and
// this is all that the cores may do to them without common/wire.
#include "common/base/message.h"

#include <math.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

static const ProtobufCMessageDescriptor *descriptor_of(const void *message)
{
    const ProtobufCMessage *base = message;
    INVARIANT(base->descriptor != NULL && base->descriptor->magic == PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC);
    return base->descriptor;
}

static size_t item_bytes(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(char *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(ProtobufCMessage *);
    }
    PANIC("field %s has a type that protobuf-c does not know", field->name);
}

// A member of a oneof that is not the one in use has no value: its bytes belong to another member.
static bool is_used(const void *message, const ProtobufCFieldDescriptor *field)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    uint32_t chosen;
    memcpy(&chosen, (const char *)message + field->quantifier_offset, sizeof chosen);
    return chosen == field->id;
}

static bool is_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static size_t repeated_count(const void *message, const ProtobufCFieldDescriptor *field)
{
    size_t count;
    memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
    return count;
}

static void *repeated_items(const void *message, const ProtobufCFieldDescriptor *field)
{
    void *items;
    memcpy(&items, (const char *)message + field->offset, sizeof items);
    return items;
}

// ---- copy

static void *take(struct arena *arena, size_t bytes)
{
    void *memory = arena == NULL ? memory_new(bytes) : arena_allocate(arena, bytes);
    if (memory == NULL)
        PANIC("a message of %zu bytes is copied into an arena with too small a cap", bytes);
    return memory;
}

static char *copy_string(char *string, struct arena *arena)
{
    if (string == NULL || string == protobuf_c_empty_string)
        return string;
    size_t bytes = strlen(string) + 1;
    return memcpy(take(arena, bytes), string, bytes);
}

static void copy_bytes(ProtobufCBinaryData *data, struct arena *arena)
{
    if (data->data == NULL || data->len == 0) {
        *data = (ProtobufCBinaryData){0};
        return;
    }
    data->data = memcpy(take(arena, data->len), data->data, data->len);
}

// Replaces what the item (already copied bit by bit) points to by a copy.
static void deepen(void *item, const ProtobufCFieldDescriptor *field, struct arena *arena)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char **string = item;
        *string = copy_string(*string, arena);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        copy_bytes(item, arena);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage **message = item;
        *message = *message == NULL ? NULL : message_copy(*message, arena);
    }
}

static void deepen_repeated(void *copy, const ProtobufCFieldDescriptor *field, struct arena *arena)
{
    size_t count = repeated_count(copy, field), bytes = item_bytes(field);
    char *items = NULL;
    if (count > 0) {
        items = take(arena, count * bytes);
        memcpy(items, repeated_items(copy, field), count * bytes);
        for (size_t i = 0; is_pointer(field) && i < count; i++)
            deepen(items + i * bytes, field, arena);
    }
    memcpy((char *)copy + field->offset, &items, sizeof items);
}

void *message_copy(const void *message, struct arena *arena)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(message);
    void *copy = take(arena, descriptor->sizeof_message);
    memcpy(copy, message, descriptor->sizeof_message);
    ProtobufCMessage *base = copy;
    base->n_unknown_fields = 0;
    base->unknown_fields = NULL;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            deepen_repeated(copy, field, arena);
        else if (is_pointer(field) && is_used(copy, field))
            deepen((char *)copy + field->offset, field, arena);
    }
    return copy;
}

// ---- release

static void release(void *item, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *string = *(char **)item;
        if (string != protobuf_c_empty_string)
            free(string);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        free(((ProtobufCBinaryData *)item)->data);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        message_free(*(ProtobufCMessage **)item);
    }
}

void message_free(void *message)
{
    if (message == NULL)
        return;
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(message);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            char *items = repeated_items(message, field);
            size_t count = repeated_count(message, field), bytes = item_bytes(field);
            for (size_t item = 0; is_pointer(field) && item < count; item++)
                release(items + item * bytes, field);
            free(items);
        } else if (is_pointer(field) && is_used(message, field)) {
            release((char *)message + field->offset, field);
        }
    }
    free(message);
}

// ---- compare

static bool equal_strings(const char *left, const char *right)
{
    return strcmp(left == NULL ? "" : left, right == NULL ? "" : right) == 0;
}

static bool equal_bytes(const ProtobufCBinaryData *left, const ProtobufCBinaryData *right)
{
    return left->len == right->len && (left->len == 0 || memcmp(left->data, right->data, left->len) == 0);
}

// By value, because -0 is packed as nothing and read back as 0; a NaN equals a NaN: what was written is what is read.
static bool equal_doubles(const double *left, const double *right)
{
    return (*left >= *right && *left <= *right) || (isnan(*left) && isnan(*right));
}

static bool equal_items(const void *left, const void *right, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return equal_strings(*(char *const *)left, *(char *const *)right);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return equal_bytes(left, right);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return message_equal(*(ProtobufCMessage *const *)left, *(ProtobufCMessage *const *)right);
    if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        return equal_doubles(left, right);
    return memcmp(left, right, item_bytes(field)) == 0;
}

static bool equal_repeated(const void *left, const void *right, const ProtobufCFieldDescriptor *field)
{
    size_t count = repeated_count(left, field), bytes = item_bytes(field);
    if (count != repeated_count(right, field))
        return false;
    const char *left_items = repeated_items(left, field), *right_items = repeated_items(right, field);
    for (size_t i = 0; i < count; i++) {
        if (!equal_items(left_items + i * bytes, right_items + i * bytes, field))
            return false;
    }
    return true;
}

bool message_equal(const void *left, const void *right)
{
    if (left == NULL || right == NULL)
        return left == right;
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(left);
    if (descriptor != descriptor_of(right))
        return false;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const char *left_item = (const char *)left + field->offset, *right_item = (const char *)right + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            if (!equal_repeated(left, right, field))
                return false;
        } else if (is_used(left, field) != is_used(right, field)) {
            return false;
        } else if (is_used(left, field) && !equal_items(left_item, right_item, field)) {
            return false;
        }
    }
    return true;
}

// ---- size: a tag and a length of five bytes each, a number of ten

#define PREFIX_MAX_BYTES 10
#define NUMBER_MAX_BYTES 10

static size_t item_bytes_at_most(const void *item, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *const *string = item;
        return PREFIX_MAX_BYTES + (*string == NULL ? 0 : strlen(*string));
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return PREFIX_MAX_BYTES + ((const ProtobufCBinaryData *)item)->len;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *const *message = item;
        return PREFIX_MAX_BYTES + (*message == NULL ? 0 : message_bytes_at_most(*message));
    }
    return PREFIX_MAX_BYTES + NUMBER_MAX_BYTES;
}

size_t message_bytes_at_most(const void *message)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(message);
    size_t bytes = 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
        const char *items = is_repeated ? repeated_items(message, field) : (const char *)message + field->offset;
        size_t count = is_repeated ? repeated_count(message, field) : is_used(message, field) ? 1 : 0;
        for (size_t item = 0; item < count; item++)
            bytes += item_bytes_at_most(items + item * item_bytes(field), field);
    }
    return bytes;
}
