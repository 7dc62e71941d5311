#include "coordinator/shell/outbound.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/wire/wire.h"

struct outbound {
    struct outbound_batch *first, *last;
    size_t count;
    struct map *leading; // route -> how many messages wait that commands may not overtake
};

struct outbound *outbound_new(void)
{
    struct outbound *outbound = NEW(struct outbound);
    outbound->leading = map_new();
    return outbound;
}

void outbound_batch_free(struct outbound_batch **pointer)
{
    struct outbound_batch *batch = *pointer;
    if (!batch) {
        return;
    }
    for (size_t i = 0; i < batch->message_count; i++) {
        free(batch->messages[i].data);
    }
    for (size_t i = 0; i < batch->key_count; i++) {
        free(batch->keys[i].public_key);
        free(batch->keys[i].name);
    }
    free(batch->messages);
    free(batch->closed);
    free(batch->tickets);
    free(batch->keys);
    free(batch);
    *pointer = NULL;
}

void outbound_free(struct outbound **pointer)
{
    struct outbound *outbound = *pointer;
    if (!outbound) {
        return;
    }
    while (outbound->first) {
        struct outbound_batch *batch = outbound->first;
        outbound->first = batch->next;
        outbound_batch_free(&batch);
    }
    map_free(&outbound->leading);
    free(outbound);
    *pointer = NULL;
}

bool outbound_leads(const struct core_send *send)
{
    return send->envelope->body_case == PB__ENVELOPE__BODY_COMMANDS || send->envelope->body_case == PB__ENVELOPE__BODY_WELCOME;
}

static void *as_value(uintptr_t count)
{
    return (void *)count;
}

void outbound_note(struct outbound *outbound, uint64_t route)
{
    map_put_number(outbound->leading, route, as_value((uintptr_t)map_get_number(outbound->leading, route) + 1));
}

bool outbound_holds_back(const struct outbound *outbound, uint64_t route)
{
    return map_get_number(outbound->leading, route) != NULL;
}

static void forget_notes(struct outbound *outbound, const struct outbound_batch *batch)
{
    for (size_t i = 0; i < batch->message_count; i++) {
        if (!batch->messages[i].leads) {
            continue;
        }
        uintptr_t left = (uintptr_t)map_get_number(outbound->leading, batch->messages[i].route) - 1;
        if (left) {
            map_put_number(outbound->leading, batch->messages[i].route, as_value(left));
        } else {
            map_remove_number(outbound->leading, batch->messages[i].route);
        }
    }
}

static void hold_key(struct outbound_batch *batch, const Pb__Record *record)
{
    struct outbound_key *key = &batch->keys[batch->key_count++];
    if (record->body_case == PB__RECORD__BODY_KEY_ADDED) {
        *key = (struct outbound_key){true, memory_string(record->key_added->public_key), memory_string(record->key_added->name),
                                     (int)record->key_added->role};
    } else {
        *key = (struct outbound_key){false, memory_string(record->key_revoked->public_key), memory_string(record->key_revoked->name), 0};
    }
}

static void *copy_numbers(const uint64_t *numbers, size_t count)
{
    uint64_t *copy = memory_new(sizeof *copy * (count + 1));
    if (count) {
        memcpy(copy, numbers, sizeof *copy * count);
    }
    return copy;
}

// Of a round that only answered heartbeats nothing is held, so that a disk that stays full costs no memory.
static bool has_something(const struct core_effects *effects, uint64_t number)
{
    bool any = number || effects->closed_count || effects->ticket_count;
    for (size_t i = 0; i < effects->send_count && !any; i++) {
        any = !effects->sends[i].urgent;
    }
    return any;
}

void outbound_hold(struct outbound *outbound, const struct core_effects *effects, uint64_t number)
{
    if (!has_something(effects, number)) {
        return;
    }
    struct outbound_batch *batch = NEW(struct outbound_batch);
    batch->number = number;
    batch->messages = memory_new(sizeof *batch->messages * (effects->send_count + 1));
    for (size_t i = 0; i < effects->send_count; i++) {
        if (!effects->sends[i].urgent) {
            struct outbound_message *message = &batch->messages[batch->message_count++];
            message->route = effects->sends[i].route;
            message->data = wire_pack(effects->sends[i].envelope, NULL, &message->bytes);
            message->leads = outbound_leads(&effects->sends[i]);
        }
    }
    batch->keys = memory_new(sizeof *batch->keys * (effects->record_count + 1));
    for (size_t i = 0; i < effects->record_count; i++) {
        int kind = (int)effects->records[i]->body_case;
        if (kind == PB__RECORD__BODY_KEY_ADDED || kind == PB__RECORD__BODY_KEY_REVOKED) {
            hold_key(batch, effects->records[i]);
        }
    }
    batch->closed = copy_numbers(effects->closed, effects->closed_count);
    batch->closed_count = effects->closed_count;
    batch->tickets = copy_numbers(effects->tickets, effects->ticket_count);
    batch->ticket_count = effects->ticket_count;
    if (outbound->last) {
        outbound->last->next = batch;
    } else {
        outbound->first = batch;
    }
    outbound->last = batch;
    outbound->count++;
}

struct outbound_batch *outbound_next(struct outbound *outbound, uint64_t committed)
{
    struct outbound_batch *batch = outbound->first;
    if (!batch || batch->number > committed) {
        return NULL;
    }
    outbound->first = batch->next;
    if (!outbound->first) {
        outbound->last = NULL;
    }
    outbound->count--;
    batch->next = NULL;
    forget_notes(outbound, batch);
    return batch;
}

size_t outbound_count(const struct outbound *outbound)
{
    return outbound->count;
}
