#include "agent/shell/recent.h"

#include <string.h>

struct slot {
    void *data;
    size_t bytes;
};

struct recent {
    struct slot *slots; // ring
    size_t start, count, capacity;
    uint64_t first; // sequence of the slot at start
    size_t bytes;
};

struct recent *recent_new(void)
{
    return NEW(struct recent);
}

static void drop_oldest(struct recent *recent)
{
    struct slot *slot = &recent->slots[recent->start];
    recent->bytes -= slot->bytes;
    free(slot->data);
    recent->start = (recent->start + 1) % recent->capacity;
    recent->count--;
    recent->first++;
}

static void clear(struct recent *recent)
{
    while (recent->count > 0)
        drop_oldest(recent);
}

void recent_free(struct recent **recent)
{
    if (!*recent)
        return;
    clear(*recent);
    free((*recent)->slots);
    free(*recent);
    *recent = NULL;
}

static void grow(struct recent *recent)
{
    size_t capacity = recent->capacity ? recent->capacity * 2 : 1024;
    struct slot *slots = memory_new(capacity * sizeof *slots);
    for (size_t i = 0; i < recent->count; i++)
        slots[i] = recent->slots[(recent->start + i) % recent->capacity];
    free(recent->slots);
    recent->slots = slots;
    recent->start = 0;
    recent->capacity = capacity;
}

static void add(struct recent *recent, uint64_t sequence, const void *data, size_t bytes)
{
    if (recent->count > 0 && sequence != recent->first + recent->count)
        clear(recent);
    if (recent->count == 0)
        recent->first = sequence;
    if (recent->count == recent->capacity)
        grow(recent);
    struct slot *slot = &recent->slots[(recent->start + recent->count++) % recent->capacity];
    slot->data = memory_new(bytes + 1);
    memcpy(slot->data, data, bytes);
    slot->bytes = bytes;
    recent->bytes += bytes;
    while (recent->bytes > RECENT_MAX_BYTES)
        drop_oldest(recent);
}

void recent_apply(struct recent *recent, const struct batch *batch)
{
    for (size_t i = 0; i < batch->output.record_count; i++) {
        const struct agent_record *record = &batch->output.records[i];
        if (record->kind == AGENT_RECORD_APPEND)
            add(recent, record->append.sequence, record->append.packed, record->append.bytes);
        else if (record->kind == AGENT_RECORD_RESET)
            clear(recent);
        else if (record->kind == AGENT_RECORD_FREE)
            while (recent->count > 0 && recent->first <= record->freed)
                drop_oldest(recent);
    }
}

bool recent_get(const struct recent *recent, uint64_t first, size_t count, struct wire_bytes *events)
{
    if (recent->count == 0 || first < recent->first || first + count > recent->first + recent->count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &recent->slots[(recent->start + (size_t)(first - recent->first) + i) % recent->capacity];
        events[i] = (struct wire_bytes){slot->data, slot->bytes};
    }
    return true;
}
