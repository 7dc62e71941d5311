// The outbox: sequences that count inside an epoch, what is committed, sent and acknowledged. The events themselves are on disk
// (and in the shell's memory); here are only their sizes, by which frames are cut.
#include <stdio.h>
#include <string.h>

#include "agent/core/state.h"

static size_t outbox_count(const struct outbox *outbox)
{
    return (size_t)(outbox->last - outbox->acknowledged);
}

static void push_size(struct outbox *outbox, uint32_t bytes)
{
    size_t count = outbox_count(outbox);
    if (count == outbox->capacity) {
        size_t capacity = outbox->capacity ? outbox->capacity * 2 : 256;
        uint32_t *grown = memory_grow(NULL, capacity, sizeof *grown);
        for (size_t i = 0; i < count; i++)
            grown[i] = outbox->bytes[(outbox->first + i) % outbox->capacity];
        free(outbox->bytes);
        outbox->bytes = grown;
        outbox->first = 0;
        outbox->capacity = capacity;
    }
    outbox->bytes[(outbox->first + count) % outbox->capacity] = bytes;
    outbox->held_bytes += bytes;
    outbox->last++;
}

static uint32_t size_of(const struct outbox *outbox, uint64_t sequence)
{
    return outbox->bytes[(outbox->first + (size_t)(sequence - outbox->acknowledged - 1)) % outbox->capacity];
}

void agent_outbox_load(struct outbox *outbox, uint64_t acknowledged, const uint32_t *bytes, size_t count)
{
    outbox->acknowledged = outbox->last = outbox->sent = acknowledged;
    for (size_t i = 0; i < count; i++)
        push_size(outbox, bytes[i]);
    outbox->committed = outbox->last;
}

void agent_outbox_clear(struct outbox *outbox)
{
    free(outbox->bytes);
    *outbox = (struct outbox){.life = outbox->life + 1};
}

void agent_outbox_append(struct agent_core *core, struct instance *instance, const Pb__Event *event, const void *packed, size_t bytes)
{
    push_size(&core->outbox, (uint32_t)bytes);
    struct agent_record *record = agent_record_add(core, AGENT_RECORD_APPEND);
    record->append.sequence = core->outbox.last;
    record->append.event = event;
    record->append.packed = packed;
    record->append.bytes = bytes;
    core->out->outbox_last = core->outbox.last;
    core->out->outbox_life = core->outbox.life;
    core->out->urgent = true;
    instance->row.outbox_last = core->outbox.last;
    agent_instance_touch(core, instance);
}

Pb__Event *agent_outbox_event(struct agent_core *core, struct instance *instance, Pb__Event__BodyCase body)
{
    Pb__Event *event = ARENA_NEW(core->out->arena, Pb__Event);
    pb__event__init(event);
    event->instance = instance->row.instance;
    event->generation = instance->row.generation;
    event->sequence = ++instance->row.spool_sequence;
    event->boottime_ns = core->input->now_ns;
    event->wall_ns = core->input->wall_ns;
    event->service = arena_string(core->out->arena, instance->spec->initialize ? instance->spec->initialize->service : "");
    event->body_case = body;
    return event;
}

void agent_outbox_append_own(struct agent_core *core, struct instance *instance, const Pb__Event *event, const char *text)
{
    agent_outbox_append(core, instance, event, NULL, AGENT_EVENT_BYTES + strlen(text));
}

// ---- sending

void agent_outbox_rewind(struct agent_core *core, uint64_t sent)
{
    core->outbox.sent = sent;
    core->outbox.frame_first = core->outbox.frame_count = 0;
}

static uint32_t next_frame(const struct outbox *outbox)
{
    uint64_t window = outbox->acknowledged + AGENT_WINDOW_EVENTS;
    uint64_t last = outbox->committed < window ? outbox->committed : window;
    uint32_t count = 0;
    size_t bytes = 0;
    while (count < EVENTS_PER_FRAME_MAX && outbox->sent + count < last) {
        bytes += size_of(outbox, outbox->sent + count + 1);
        if (count > 0 && bytes > AGENT_EVENTS_FRAME_BYTES)
            break;
        count++;
    }
    return count;
}

void agent_outbox_send(struct agent_core *core)
{
    struct outbox *outbox = &core->outbox;
    if (core->session.state != SESSION_LIVE)
        return;
    while (outbox->frame_count < AGENT_WINDOW_FRAMES) {
        uint32_t count = next_frame(outbox);
        if (count == 0)
            return;
        struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_SEND_EVENTS);
        effect->events.first = outbox->sent + 1;
        effect->events.count = count;
        outbox->sent += count;
        outbox->frames[(outbox->frame_first + outbox->frame_count++) % AGENT_WINDOW_FRAMES] = outbox->sent;
        core->counters.events_sent += count;
    }
}

void agent_outbox_committed(struct agent_core *core, uint64_t last, uint32_t life)
{
    if (life == core->outbox.life && last > core->outbox.committed)
        core->outbox.committed = last;
    agent_outbox_send(core);
}

// ---- acknowledged

static void drop_frames(struct outbox *outbox)
{
    while (outbox->frame_count > 0 && outbox->frames[outbox->frame_first] <= outbox->acknowledged) {
        outbox->frame_first = (outbox->frame_first + 1) % AGENT_WINDOW_FRAMES;
        outbox->frame_count--;
    }
}

void agent_outbox_free(struct agent_core *core, uint64_t last)
{
    struct outbox *outbox = &core->outbox;
    if (last <= outbox->acknowledged)
        return;
    size_t freed = (size_t)(last - outbox->acknowledged);
    core->counters.events_acknowledged += freed;
    for (uint64_t sequence = outbox->acknowledged + 1; sequence <= last; sequence++)
        outbox->held_bytes -= size_of(outbox, sequence);
    outbox->first = (outbox->first + freed) % outbox->capacity;
    outbox->acknowledged = last;
    if (outbox->sent < last)
        outbox->sent = last;
    drop_frames(outbox);
    core->facts.acknowledged = last;
    agent_record_add(core, AGENT_RECORD_FREE)->freed = last;
    agent_instance_forget_done(core);
}

void agent_outbox_acknowledged(struct agent_core *core, const Pb__EventsAcknowledged *acknowledged)
{
    if (strcmp(acknowledged->epoch, core->facts.epoch) != 0) {
        core->counters.messages_stale++;
        return;
    }
    if (acknowledged->last > core->outbox.sent) {
        agent_session_fail(core, "it acknowledged events that were never sent");
        return;
    }
    agent_outbox_free(core, acknowledged->last);
    agent_outbox_send(core);
}

// The coordinator has seen more of this epoch than this disk holds: the disk was set back, and sequences that are given out from
// here on would be taken for repeats. A new epoch starts the count afresh; what the coordinator has seen needs no sending.
void agent_outbox_renew(struct agent_core *core)
{
    agent_outbox_free(core, core->outbox.last);
    agent_outbox_clear(&core->outbox);
    uint8_t bytes[16];
    uint64_t first = core->input->random, second = core->input->random ^ core->input->now_ns;
    memcpy(bytes, &first, sizeof first);
    memcpy(bytes + sizeof first, &second, sizeof second);
    id128_text(bytes, core->facts.epoch);
    core->facts.acknowledged = 0;
    agent_facts_changed(core);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        struct instance *instance = e->value;
        instance->row.outbox_last = 0;
        agent_instance_touch(core, instance);
    }
}
