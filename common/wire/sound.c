// What must hold for any message before its own check reads it, walked by descriptor: a check can then use every pointer.
#include <string.h>

#include "common/wire/check.h"

static const char *value_unsound(const ProtobufCFieldDescriptor *field, const void *place)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        int value;
        memcpy(&value, place, sizeof value);
        REFUSE(protobuf_c_enum_descriptor_get_value(field->descriptor, value) == NULL, "a value of an enum is not known");
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage *nested;
        memcpy(&nested, place, sizeof nested);
        return nested == NULL ? NULL : unsound(nested);
    }
    return NULL;
}

static bool is_hole(const ProtobufCFieldDescriptor *field, const void *place)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
        return false;
    const void *item;
    memcpy(&item, place, sizeof item);
    return item == NULL;
}

static size_t item_bytes(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);
}

static const char *list_unsound(const ProtobufCFieldDescriptor *field, const char *message)
{
    size_t count;
    const char *items;
    memcpy(&count, message + field->quantifier_offset, sizeof count);
    memcpy(&items, message + field->offset, sizeof items);
    REFUSE(count > LIST_MAX, "a list is too long");
    if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_ENUM)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *place = items + i * item_bytes(field);
        REFUSE(is_hole(field, place), "a list has a hole");
        NESTED(value_unsound(field, place));
    }
    return NULL;
}

const char *unsound(const void *message)
{
    const ProtobufCMessageDescriptor *descriptor = ((const ProtobufCMessage *)message)->descriptor;
    bool has_oneof = false, has_body = false;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const char *place = (const char *)message + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            NESTED(list_unsound(field, message));
            continue;
        }
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            uint32_t chosen;
            memcpy(&chosen, (const char *)message + field->quantifier_offset, sizeof chosen);
            has_oneof = true;
            if (chosen != field->id)
                continue;
            has_body = true;
            REFUSE(is_hole(field, place), "the body is missing");
        }
        NESTED(value_unsound(field, place));
    }
    REFUSE(has_oneof && !has_body, "there is no body, or one of a newer version");
    return NULL;
}
