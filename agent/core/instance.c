// The instance table: rows, states, tombstones. A row changes at most once in the records of a step.
#include <string.h>

#include "agent/core/state.h"

static const char *const names[] = {"waiting", "fetching", "spawning", "attached", "detached", "sweeping", "ended", "forgotten"};
static const uint32_t next[] = {
    [INSTANCE_WAITING] = LIFECYCLE_TO(INSTANCE_FETCHING) | LIFECYCLE_TO(INSTANCE_SPAWNING) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_FETCHING] = LIFECYCLE_TO(INSTANCE_SPAWNING) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_SPAWNING] = LIFECYCLE_TO(INSTANCE_ATTACHED) | LIFECYCLE_TO(INSTANCE_SWEEPING) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_ATTACHED] = LIFECYCLE_TO(INSTANCE_DETACHED) | LIFECYCLE_TO(INSTANCE_SWEEPING),
    [INSTANCE_DETACHED] =
        LIFECYCLE_TO(INSTANCE_ATTACHED) | LIFECYCLE_TO(INSTANCE_SWEEPING) | LIFECYCLE_TO(INSTANCE_WAITING) | LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_SWEEPING] = LIFECYCLE_TO(INSTANCE_ENDED),
    [INSTANCE_ENDED] = LIFECYCLE_TO(INSTANCE_FORGOTTEN),
    [INSTANCE_FORGOTTEN] = 0,
};
const struct lifecycle agent_instance_table = {
    .noun = "instance", .count = INSTANCE_FORGOTTEN + 1, .names = names, .next = next, .final = LIFECYCLE_TO(INSTANCE_FORGOTTEN)};

const struct lifecycle *agent_instance_lifecycle(void)
{
    return &agent_instance_table;
}

struct key {
    uint64_t part[2]; // no padding: the map compares bytes
};

static struct key key_of(uint64_t instance, uint32_t generation)
{
    return (struct key){{instance, generation}};
}

struct instance *agent_instance_find(const struct agent_core *core, uint64_t instance, uint32_t generation)
{
    struct key key = key_of(instance, generation);
    return map_get(core->instances, &key, sizeof key);
}

static size_t *state_count(struct agent_core *core, unsigned state)
{
    if (state == INSTANCE_FETCHING || state == INSTANCE_WAITING)
        return &core->fetching;
    return state == INSTANCE_ENDED ? &core->ended : NULL;
}

static void count_state(struct agent_core *core, unsigned state, int change)
{
    size_t *count = state_count(core, state);
    if (count)
        *count += (size_t)change;
}

struct instance *agent_instance_add(struct agent_core *core, const struct agent_row *row, unsigned state)
{
    struct instance *instance = NEW(struct instance);
    instance->row = *row;
    instance->spec = message_copy(row->spec, NULL);
    instance->row.spec = instance->spec;
    instance->state = state;
    struct key key = key_of(row->instance, row->generation);
    map_put(core->instances, &key, sizeof key, instance);
    count_state(core, state, 1);
    return instance;
}

void agent_instance_move(struct agent_core *core, struct instance *instance, unsigned state)
{
    count_state(core, instance->state, -1);
    lifecycle_move(&agent_instance_table, &instance->state, state);
    count_state(core, state, 1);
}

void agent_instance_touch(struct agent_core *core, struct instance *instance)
{
    if (instance->dirty)
        return;
    instance->dirty = true;
    APPEND(core->dirty, core->dirty_count, core->dirty_capacity) = instance;
}

void agent_instance_flush(struct agent_core *core)
{
    for (size_t i = 0; i < core->dirty_count; i++) {
        struct instance *instance = core->dirty[i];
        instance->dirty = false;
        struct agent_record *record = agent_record_add(core, AGENT_RECORD_UPDATE);
        record->row = instance->row;
        record->row.spec = NULL;
    }
    core->dirty_count = 0;
}

// Its InstanceEnded said that nothing of it lives: the coordinator may already have given its slot to the next.
bool agent_instance_lives(const struct instance *instance)
{
    return !instance->row.ended && instance->state != INSTANCE_ENDED && instance->state != INSTANCE_WAITING;
}

size_t agent_instance_living(const struct agent_core *core)
{
    size_t living = 0;
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e))
        living += ((const struct instance *)e->value)->state != INSTANCE_ENDED;
    return living;
}

bool agent_instance_predecessor_lives(const struct agent_core *core, const struct instance *instance)
{
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *other = e->value;
        if (other->row.instance == instance->row.instance && other->row.generation < instance->row.generation &&
            other->state != INSTANCE_ENDED)
            return true;
    }
    return false;
}

// ---- forgetting

static void instance_free(struct instance *instance)
{
    for (size_t i = 0; i < instance->waiting_count; i++)
        message_free(instance->waiting[i]);
    message_free(instance->spec);
    free(instance->file_is_there);
    free(instance->gone_why);
    free(instance);
}

static void undirty(struct agent_core *core, const struct instance *instance)
{
    size_t kept = 0;
    for (size_t i = 0; i < core->dirty_count; i++)
        if (core->dirty[i] != instance)
            core->dirty[kept++] = core->dirty[i];
    core->dirty_count = kept;
}

static void drop_oldest_tombstone(struct agent_core *core)
{
    struct agent_tombstone *oldest = map_first(core->tombstones)->value;
    if (oldest->instance > core->facts.tombstone_floor)
        core->facts.tombstone_floor = oldest->instance;
    agent_record_add(core, AGENT_RECORD_TOMBSTONE_DROP)->tombstone = *oldest;
    agent_facts_changed(core);
    map_remove_number(core->tombstones, oldest->instance);
    free(oldest);
}

void agent_tombstone_add(struct agent_core *core, uint64_t instance, uint32_t generation)
{
    struct agent_tombstone *stone = map_get_number(core->tombstones, instance);
    if (!stone) {
        stone = NEW(struct agent_tombstone);
        stone->instance = instance;
        map_put_number(core->tombstones, instance, stone);
    }
    if (generation > stone->generation)
        stone->generation = generation;
}

static void forget(struct agent_core *core, struct instance *instance)
{
    struct agent_tombstone stone = {instance->row.instance, instance->row.generation};
    agent_record_add(core, AGENT_RECORD_FORGET)->tombstone = stone;
    struct agent_effect *effect = agent_effect_later(core, AGENT_EFFECT_REMOVE_FOLDER);
    effect->instance = stone.instance;
    effect->generation = stone.generation;
    agent_instance_move(core, instance, INSTANCE_FORGOTTEN);
    struct key key = key_of(stone.instance, stone.generation);
    map_remove(core->instances, &key, sizeof key);
    undirty(core, instance);
    instance_free(instance);
    agent_tombstone_add(core, stone.instance, stone.generation);
    if (map_count(core->tombstones) > AGENT_TOMBSTONES_MAX)
        drop_oldest_tombstone(core);
}

void agent_instance_forget_if_done(struct agent_core *core, struct instance *instance)
{
    bool acknowledged = instance->row.outbox_last <= core->outbox.acknowledged;
    if (instance->state == INSTANCE_ENDED && acknowledged && (instance->bulk_done || instance->row.discarded))
        forget(core, instance);
}

void agent_instance_forget_done(struct agent_core *core)
{
    if (core->ended == 0)
        return;
    for (struct map_entry *e = map_first(core->instances); e;) {
        struct instance *instance = e->value;
        e = map_next(core->instances, e);
        agent_instance_forget_if_done(core, instance);
    }
}

void agent_instance_free_all(struct agent_core *core)
{
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e))
        instance_free(e->value);
    map_free(&core->instances);
    for (struct map_entry *e = map_first(core->tombstones); e; e = map_next(core->tombstones, e))
        free(e->value);
    map_free(&core->tombstones);
    core->instances = map_new();
    core->tombstones = map_new();
    core->dirty_count = core->adopting = core->fetching = core->ended = 0;
}
