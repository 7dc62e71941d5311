// Fills, walks and lists messages by their descriptors.
#include "tests/messages/fill.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

struct filler {
    struct arena *arena;
    unsigned choice;
    uint32_t next;
};

static void *fill_message(struct filler *filler, const ProtobufCMessageDescriptor *descriptor);

static void fill_value(struct filler *filler, const ProtobufCFieldDescriptor *field, void *place)
{
    uint32_t narrow = ++filler->next;
    uint64_t wide = narrow;
    double real = narrow + 0.5;
    protobuf_c_boolean truth = 1;
    void *pointer = NULL;
    const ProtobufCEnumDescriptor *names = field->descriptor;
    ProtobufCBinaryData data;
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        pointer = fill_message(filler, field->descriptor);
        memcpy(place, &pointer, sizeof pointer);
        break;
    case PROTOBUF_C_TYPE_STRING:
        pointer = arena_printf(filler->arena, "text-%u", narrow);
        memcpy(place, &pointer, sizeof pointer);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        data = (ProtobufCBinaryData){.len = 4, .data = arena_allocate(filler->arena, 4)};
        memcpy(data.data, &narrow, sizeof narrow);
        memcpy(place, &data, sizeof data);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        memcpy(place, &names->values[names->n_values - 1].value, sizeof(int));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(place, &truth, sizeof truth);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(place, &real, sizeof real);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        memcpy(place, &wide, sizeof wide);
        break;
    default:
        memcpy(place, &narrow, sizeof narrow);
        break;
    }
}

static size_t item_bytes(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(uint32_t);
    default:
        return sizeof(void *);
    }
}

static void fill_list(struct filler *filler, const ProtobufCFieldDescriptor *field, char *message)
{
    const size_t count = 2;
    char *items = arena_allocate_array(filler->arena, count, item_bytes(field));
    for (size_t i = 0; i < count; i++)
        fill_value(filler, field, items + i * item_bytes(field));
    memcpy(message + field->quantifier_offset, &count, sizeof count);
    memcpy(message + field->offset, &items, sizeof items);
}

static unsigned oneof_members(const ProtobufCMessageDescriptor *descriptor)
{
    unsigned count = 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        count += (descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    return count;
}

static void *fill_message(struct filler *filler, const ProtobufCMessageDescriptor *descriptor)
{
    char *message = arena_allocate(filler->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    unsigned members = oneof_members(descriptor), member = 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool is_member = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (is_member && member++ != filler->choice % members)
            continue;
        if (is_member)
            memcpy(message + field->quantifier_offset, &field->id, sizeof field->id);
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            fill_list(filler, field, message);
        else
            fill_value(filler, field, message + field->offset);
    }
    return message;
}

void *message_fill(const ProtobufCMessageDescriptor *descriptor, unsigned choice, struct arena *arena)
{
    struct filler filler = {.arena = arena, .choice = choice};
    return fill_message(&filler, descriptor);
}

static bool has_value(const char *message, const ProtobufCFieldDescriptor *field)
{
    uint32_t chosen;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    memcpy(&chosen, message + field->quantifier_offset, sizeof chosen);
    return chosen == field->id;
}

void message_walk(void *message, void (*visit)(ProtobufCMessage *owner, const ProtobufCFieldDescriptor *field, void *context),
                  void *context)
{
    ProtobufCMessage *base = message;
    for (unsigned i = 0; i < base->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &base->descriptor->fields[i];
        if (!has_value(message, field))
            continue;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            size_t count = 1;
            void **items = (void **)((char *)message + field->offset);
            if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                memcpy(&count, (char *)message + field->quantifier_offset, sizeof count);
                items = *(void ***)items;
            }
            for (size_t item = 0; item < count; item++) {
                if (items[item] != NULL)
                    message_walk(items[item], visit, context);
            }
        }
        visit(base, field, context);
    }
}

static bool is_listed(const ProtobufCMessageDescriptor *type, const ProtobufCMessageDescriptor **types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (types[i] == type)
            return true;
    }
    return false;
}

size_t message_types(const ProtobufCMessageDescriptor *root, const ProtobufCMessageDescriptor **types, size_t max)
{
    size_t count = 0;
    INVARIANT(max > 0);
    types[count++] = root;
    for (size_t next = 0; next < count; next++) {
        for (unsigned i = 0; i < types[next]->n_fields; i++) {
            const ProtobufCFieldDescriptor *field = &types[next]->fields[i];
            if (field->type != PROTOBUF_C_TYPE_MESSAGE || is_listed(field->descriptor, types, count))
                continue;
            INVARIANT(count < max);
            types[count++] = field->descriptor;
        }
    }
    return count;
}
