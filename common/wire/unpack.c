// Unpacking into an arena with a hard cap. protobuf-c asks its allocator for everything, and takes NULL for "give up": so the cap
// strikes in the middle of a bomb (one megabyte of empty submessages would become 44 MB), before memory is touched.
#include "common/wire/unpack.h"

#include <string.h>

#include "common/base/limits.h"

struct budget {
    struct arena *arena;
    size_t left_bytes;
    bool is_over;
};

static void *budget_allocate(void *context, size_t bytes)
{
    struct budget *budget = context;
    void *memory = NULL;
    if (bytes <= budget->left_bytes)
        memory = arena_allocate(budget->arena, bytes);
    if (memory == NULL) {
        budget->is_over = true;
        budget->left_bytes = 0; // protobuf-c may go on and ask for less: the message is lost already
        return NULL;
    }
    budget->left_bytes -= bytes;
    return memory;
}

static void budget_release(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

void drop_unknown_fields(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    message->unknown_fields = NULL;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *place = (const char *)message + field->offset;
        uint32_t chosen = field->id;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count;
            ProtobufCMessage **items;
            memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
            memcpy(&items, place, sizeof items);
            for (size_t item = 0; item < count; item++)
                drop_unknown_fields(items[item]);
            continue;
        }
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            memcpy(&chosen, (const char *)message + field->quantifier_offset, sizeof chosen);
        ProtobufCMessage *nested;
        memcpy(&nested, place, sizeof nested);
        if (chosen == field->id && nested != NULL)
            drop_unknown_fields(nested);
    }
}

void *unpack_within(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t bytes, struct arena *arena, size_t budget_bytes,
                    bool *over_budget)
{
    struct budget budget = {.arena = arena, .left_bytes = budget_bytes};
    ProtobufCAllocator allocator = {.alloc = budget_allocate, .free = budget_release, .allocator_data = &budget};
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, bytes, data);
    *over_budget = budget.is_over;
    return budget.is_over ? NULL : message;
}

void *wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t bytes, struct arena *arena)
{
    bool over_budget;
    void *message = unpack_within(descriptor, data, bytes, arena, SIZE_MAX, &over_budget);
    if (message != NULL)
        drop_unknown_fields(message);
    return message;
}
