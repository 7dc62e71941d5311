// See agent_disk.h.
#include "tests/simulation/agent_disk.h"

#include <string.h>

#include "common/base/message.h"
#include "common/wire/wire.h"

void agent_disk_wipe(struct agent_disk *disk)
{
    disk->facts = (struct agent_facts){0};
    disk->row_count = disk->tombstone_count = disk->event_count = 0;
}

void agent_disk_end(struct agent_disk *disk)
{
    free(disk->rows);
    free(disk->tombstones);
    free(disk->events);
}

// ---- rows

static size_t row_place(const struct agent_disk *disk, uint64_t instance, uint32_t generation)
{
    size_t at = 0;
    while (at < disk->row_count &&
           (disk->rows[at].instance < instance || (disk->rows[at].instance == instance && disk->rows[at].generation < generation)))
        at++;
    return at;
}

static bool row_is_at(const struct agent_disk *disk, size_t at, uint64_t instance, uint32_t generation)
{
    return at < disk->row_count && disk->rows[at].instance == instance && disk->rows[at].generation == generation;
}

const struct agent_row *agent_disk_row(const struct agent_disk *disk, uint64_t instance, uint32_t generation)
{
    size_t at = row_place(disk, instance, generation);
    return row_is_at(disk, at, instance, generation) ? &disk->rows[at] : NULL;
}

static void put_row(struct agent_disk *disk, const struct agent_row *row, const Pb__GuardSpec *spec)
{
    size_t at = row_place(disk, row->instance, row->generation);
    if (!row_is_at(disk, at, row->instance, row->generation)) {
        APPEND(disk->rows, disk->row_count, disk->row_capacity) = (struct agent_row){0};
        memmove(&disk->rows[at + 1], &disk->rows[at], (disk->row_count - 1 - at) * sizeof *disk->rows);
        disk->rows[at] = (struct agent_row){0};
    }
    const Pb__GuardSpec *kept = spec ? MESSAGE_COPY(spec, disk->arena) : disk->rows[at].spec;
    disk->rows[at] = *row;
    disk->rows[at].spec = kept;
}

static void delete_row(struct agent_disk *disk, const struct agent_tombstone *stone)
{
    size_t at = row_place(disk, stone->instance, stone->generation);
    if (!row_is_at(disk, at, stone->instance, stone->generation))
        return;
    memmove(&disk->rows[at], &disk->rows[at + 1], (disk->row_count - 1 - at) * sizeof *disk->rows);
    disk->row_count--;
}

static void put_tombstone(struct agent_disk *disk, const struct agent_tombstone *stone)
{
    size_t at = 0;
    while (at < disk->tombstone_count && disk->tombstones[at].instance < stone->instance)
        at++;
    if (at < disk->tombstone_count && disk->tombstones[at].instance == stone->instance) {
        if (disk->tombstones[at].generation < stone->generation)
            disk->tombstones[at].generation = stone->generation;
        return;
    }
    APPEND(disk->tombstones, disk->tombstone_count, disk->tombstone_capacity) = *stone;
    memmove(&disk->tombstones[at + 1], &disk->tombstones[at], (disk->tombstone_count - 1 - at) * sizeof *disk->tombstones);
    disk->tombstones[at] = *stone;
}

static void drop_tombstone(struct agent_disk *disk, uint64_t instance)
{
    for (size_t i = 0; i < disk->tombstone_count; i++)
        if (disk->tombstones[i].instance == instance) {
            memmove(&disk->tombstones[i], &disk->tombstones[i + 1], (disk->tombstone_count - 1 - i) * sizeof *disk->tombstones);
            disk->tombstone_count--;
            return;
        }
}

// ---- outbox

static const char *append(struct agent_disk *disk, const struct agent_record *record)
{
    struct disk_event event = {.sequence = record->append.sequence};
    if (disk->event_count > 0 && disk->events[disk->event_count - 1].sequence >= event.sequence)
        return "an event has the sequence of one that is there";
    if (record->append.packed) {
        uint8_t *copy = arena_allocate(disk->arena, record->append.bytes + 1);
        memcpy(copy, record->append.packed, record->append.bytes);
        event.data = copy;
        event.bytes = record->append.bytes;
    } else {
        event.data = wire_pack(record->append.event, disk->arena, &event.bytes);
    }
    APPEND(disk->events, disk->event_count, disk->event_capacity) = event;
    return NULL;
}

static void free_events(struct agent_disk *disk, uint64_t last)
{
    size_t freed = 0;
    while (freed < disk->event_count && disk->events[freed].sequence <= last)
        freed++;
    memmove(disk->events, disk->events + freed, (disk->event_count - freed) * sizeof *disk->events);
    disk->event_count -= freed;
    disk->facts.acknowledged = last;
}

const struct disk_event *agent_disk_events(const struct agent_disk *disk, uint64_t first, size_t count)
{
    if (disk->event_count == 0 || first < disk->events[0].sequence)
        return NULL;
    size_t at = (size_t)(first - disk->events[0].sequence);
    return at + count <= disk->event_count && disk->events[at].sequence == first ? &disk->events[at] : NULL;
}

// ---- batches

static const char *apply(struct agent_disk *disk, const struct agent_record *record)
{
    switch (record->kind) {
    case AGENT_RECORD_FACTS:
        disk->facts = record->facts;
        return NULL;
    case AGENT_RECORD_INTENT:
        put_row(disk, &record->row, record->row.spec);
        return NULL;
    case AGENT_RECORD_UPDATE:
        if (!agent_disk_row(disk, record->row.instance, record->row.generation))
            return "a row is changed that was never written";
        put_row(disk, &record->row, NULL);
        return NULL;
    case AGENT_RECORD_FORGET:
        delete_row(disk, &record->tombstone);
        put_tombstone(disk, &record->tombstone);
        return NULL;
    case AGENT_RECORD_TOMBSTONE_DROP:
        drop_tombstone(disk, record->tombstone.instance);
        return NULL;
    case AGENT_RECORD_APPEND:
        return append(disk, record);
    case AGENT_RECORD_FREE:
        free_events(disk, record->freed);
        return NULL;
    case AGENT_RECORD_RESET:
        disk->row_count = disk->tombstone_count = disk->event_count = 0;
        return NULL;
    }
    return "an unknown record";
}

const char *agent_disk_apply(struct agent_disk *disk, const struct agent_output *output)
{
    const char *problem = NULL;
    for (size_t i = 0; i < output->record_count && !problem; i++)
        problem = apply(disk, &output->records[i]);
    return problem;
}

void agent_disk_load(const struct agent_disk *disk, struct agent_input *start, struct arena *arena)
{
    uint32_t *sizes = ARENA_ARRAY(arena, uint32_t, disk->event_count + 1);
    for (size_t i = 0; i < disk->event_count; i++)
        sizes[i] = (uint32_t)disk->events[i].bytes;
    start->kind = AGENT_INPUT_START;
    start->start.facts = disk->facts;
    start->start.rows = disk->rows;
    start->start.row_count = disk->row_count;
    start->start.tombstones = disk->tombstones;
    start->start.tombstone_count = disk->tombstone_count;
    start->start.outbox_bytes = sizes;
    start->start.outbox_count = disk->event_count;
}
