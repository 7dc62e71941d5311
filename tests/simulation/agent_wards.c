// The guards as an agent's shell sees them: spawned, looked for, attached, read, swept. A model of agent/shell/guards.c and its neighbours.
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/wire.h"
#include "tests/simulation/agent_inside.h"

#define CONNECT_NS (500 * NS_PER_US)
#define NOTICE_NS (100 * NS_PER_US)
#define LOOK_AGAIN_NS (20 * NS_PER_MS)
#define LOOK_NS (2 * NS_PER_S)
#define READ_AGAIN_NS (20 * NS_PER_MS)
#define SWEEP_NS (20 * NS_PER_MS)
#define DETACHED_MOST_NS (500 * NS_PER_MS)

// Something that happens to a ward, unless its agent has died or it is stopped.
struct news {
    struct ward *ward;
    void (*call)(struct ward *ward, uint64_t argument);
    uint64_t argument;
};

static bool ward_counts(const struct ward *ward)
{
    return ward->host->up && ward->host->life == ward->life && ward->stage != WARD_GONE;
}

static void news_come(void *context)
{
    const struct news *news = context;
    struct agent_host *host = news->ward->host;
    if (!ward_counts(news->ward))
        return;
    if (host->world->now_ns < host->paused_until_ns)
        agenda_add(&host->world->agenda, host->paused_until_ns, news_come, context);
    else
        news->call(news->ward, news->argument);
}

static void ward_later(struct ward *ward, uint64_t in_ns, void (*call)(struct ward *, uint64_t), uint64_t argument)
{
    struct news *news = ARENA_NEW(ward->host->world->arena, struct news);
    *news = (struct news){ward, call, argument};
    agenda_add(&ward->host->world->agenda, ward->host->world->now_ns + in_ns, news_come, news);
}

struct ward *ward_find(struct agent_host *host, uint64_t instance, uint32_t generation)
{
    for (size_t i = host->ward_count; i > 0; i--)
        if (host->wards[i - 1]->guard->instance == instance && host->wards[i - 1]->guard->generation == generation)
            return host->wards[i - 1];
    return NULL;
}

static struct ward *ward_of(struct agent_host *host, const struct guard *guard)
{
    for (size_t i = host->ward_count; i > 0; i--)
        if (host->wards[i - 1]->guard == guard)
            return host->wards[i - 1];
    return NULL;
}

static struct ward *ward_new(struct agent_host *host, struct guard *guard)
{
    struct ward *ward = ARENA_NEW(host->world->arena, struct ward);
    *ward = (struct ward){.host = host, .guard = guard, .life = host->life, .why = ""};
    APPEND(host->wards, host->ward_count, host->ward_capacity) = ward;
    return ward;
}

static struct agent_input input_of(const struct ward *ward, enum agent_input_kind kind)
{
    return (struct agent_input){.kind = kind, .instance = ward->guard->instance, .generation = ward->guard->generation};
}

// ---- reading the spool

// False: there is no room for more now.
static bool read_group(struct ward *ward)
{
    struct agent_host *host = ward->host;
    const struct guard *guard = ward->guard;
    struct arena *arena = host->gathering->arena;
    size_t room = agent_core_event_room(host->core), most = room < EVENTS_PER_FRAME_MAX ? room : EVENTS_PER_FRAME_MAX;
    size_t end = ward->limit < guard->spool_count ? ward->limit : guard->spool_count;
    size_t count = end > ward->read ? end - ward->read : 0;
    if (count == 0)
        return true;
    if (room == 0)
        return false;
    count = count < most ? count : most;
    struct agent_spooled *events = ARENA_ARRAY(arena, struct agent_spooled, count);
    for (size_t i = 0; i < count; i++) {
        const struct spooled *spooled = &guard->spool[ward->read + i];
        events[i] = (struct agent_spooled){wire_event(spooled->data, spooled->bytes, arena, NULL), spooled->data, spooled->bytes};
    }
    struct agent_input input = input_of(ward, AGENT_INPUT_SPOOL);
    ward->read += count;
    input.spool.events = events;
    input.spool.count = count;
    input.spool.offset = guard->spool[ward->read - 1].end;
    agent_feed(host, &input);
    if (ward_counts(ward))
        files_of_events(ward);
    return true;
}

static void tell_gone(struct ward *ward)
{
    ward->stage = WARD_GONE;
    files_of_gone(ward);
    struct agent_input input = input_of(ward, AGENT_INPUT_GUARD_GONE);
    input.gone.rebooted = ward->rebooted;
    input.gone.why = ward->why;
    agent_feed_later(ward->host, &input);
}

static void read_on(struct ward *ward, uint64_t argument)
{
    (void)argument;
    bool is_rest = ward->stage == WARD_READING_REST;
    if (!is_rest && ward->stage != WARD_ATTACHED)
        return;
    if (is_rest)
        ward->limit = ward->guard->spool_count;
    bool had_room = read_group(ward);
    if (!ward_counts(ward))
        return;
    if (ward->read < ward->limit && ward->read < ward->guard->spool_count)
        ward_later(ward, had_room ? 0 : READ_AGAIN_NS, read_on, 0);
    else if (is_rest)
        tell_gone(ward);
}

static void ended(struct ward *ward, const char *why)
{
    if (ward->stage == WARD_READING_REST || ward->stage == WARD_GONE)
        return;
    ward->why = why;
    ward->stage = WARD_READING_REST;
    read_on(ward, 0);
}

// ---- attaching

static void attached(struct ward *ward, uint64_t argument)
{
    (void)argument;
    struct guard *guard = ward->guard;
    Pb__GuardState state;
    if (ward->stage != WARD_CONNECTING || !guard_runs(guard) || guard->stage == GUARD_STARTING)
        return;
    ward->stage = WARD_ATTACHED;
    ward->attachment = guard_attach(guard);
    guard_state(guard, &state);
    TRACE(ward->host->world, ward->host->name, "attaches guard %llu.%u, its last command is %u", (unsigned long long)guard->instance,
          guard->generation, state.last_command);
    if (ward->was_looked_for)
        world_saw(ward->host->world, RARITY_READOPTED);
    ward->was_looked_for = false;
    struct agent_input input = input_of(ward, AGENT_INPUT_GUARD_ATTACHED);
    input.attached.state = &state;
    ward->limit = guard->told;
    agent_feed(ward->host, &input);
    if (ward_counts(ward))
        read_on(ward, 0);
}

static void connect_to(struct ward *ward)
{
    ward->stage = WARD_CONNECTING;
    if (ward->guard->stage != GUARD_STARTING)
        ward_later(ward, CONNECT_NS, attached, 0);
}

void agent_guard_started(struct agent_host *host, struct guard *guard)
{
    struct ward *ward = ward_of(host, guard);
    if (ward && ward->stage == WARD_CONNECTING)
        ward_later(ward, CONNECT_NS, attached, 0);
}

static void grown(struct ward *ward, uint64_t events)
{
    if (ward->stage == WARD_ATTACHED && ward->limit < events)
        ward->limit = (size_t)events;
    read_on(ward, 0);
}

void agent_spool_grown(struct agent_host *host, struct guard *guard, uint64_t attachment, uint64_t bytes)
{
    struct ward *ward = ward_of(host, guard);
    (void)bytes;
    if (ward && ward->attachment == attachment)
        ward_later(ward, NOTICE_NS, grown, guard->told);
}

static void has_ended(struct ward *ward, uint64_t was_killed)
{
    if (ward->stage != WARD_LOOKING)
        ended(ward, was_killed ? "its guard was killed by signal 9" : "its guard ended with status 0");
}

void agent_guard_ended(struct agent_host *host, struct guard *guard, const char *why)
{
    struct ward *ward = ward_of(host, guard);
    (void)why;
    if (ward)
        ward_later(ward, NOTICE_NS, has_ended, guard->stage == GUARD_KILLED);
}

static void connect_again(struct ward *ward, uint64_t argument)
{
    (void)argument;
    if (ward->stage == WARD_CONNECTING && guard_runs(ward->guard))
        attached(ward, 0);
}

static void detached(struct ward *ward, uint64_t attachment)
{
    if (ward->stage != WARD_ATTACHED || ward->attachment != attachment)
        return;
    ward->stage = WARD_CONNECTING;
    struct agent_input input = input_of(ward, AGENT_INPUT_GUARD_DETACHED);
    agent_feed_later(ward->host, &input);
    ward_later(ward, dice_between(&ward->host->world->dice.work, NS_PER_MS, DETACHED_MOST_NS), connect_again, 0);
}

void agent_detach_guard(struct agent_host *host, struct guard *guard)
{
    struct ward *ward = ward_of(host, guard);
    if (!ward || ward->stage != WARD_ATTACHED)
        return;
    world_saw(host->world, RARITY_GUARD_DETACHED);
    TRACE(host->world, host->name, "loses its socket to guard %llu.%u", (unsigned long long)guard->instance, guard->generation);
    guard->attachment = 0;
    ward_later(ward, NOTICE_NS, detached, ward->attachment);
}

// ---- looking for one after a restart

static void look(struct ward *ward, uint64_t argument)
{
    (void)argument;
    struct guard *guard = ward->guard;
    if (guard->stage == GUARD_STARTING && ward->host->world->now_ns < ward->give_up_ns) {
        world_saw(ward->host->world, RARITY_GUARD_STARTING);
        ward_later(ward, LOOK_AGAIN_NS, look, 0);
        return;
    }
    ward->was_looked_for = true;
    ward->rebooted = guard->boot != ward->host->boot;
    if (!guard_runs(guard) || guard->stage == GUARD_STARTING)
        ended(ward, ward->rebooted ? "the host was rebooted" : "its guard was killed");
    else
        connect_to(ward);
}

static void adopt(struct agent_host *host, const struct agent_row *row)
{
    struct guard *guard = agent_find_guard(host, row->instance, row->generation);
    if (!guard) {
        world_saw(host->world, RARITY_NEVER_SPAWNED);
        struct agent_input input = {.kind = AGENT_INPUT_NEVER_SPAWNED, .instance = row->instance, .generation = row->generation};
        agent_feed_later(host, &input);
        return;
    }
    struct ward *ward = ward_new(host, guard);
    ward->give_up_ns = host->world->now_ns + LOOK_NS;
    while (ward->read < guard->spool_count && guard->spool[ward->read].end <= row->spool_offset)
        ward->read++;
    files_of_events(ward);
    ward_later(ward, 0, look, 0);
}

// ---- effects

static void spawn(struct agent_host *host, const Pb__GuardSpec *spec)
{
    if (faults_strike(host->world, RARITY_SPAWN_FAILED)) {
        struct agent_input input = {.kind = AGENT_INPUT_NOT_SPAWNED, .instance = spec->instance, .generation = spec->generation};
        input.gone.why = "cannot spawn: too many open files";
        agent_feed_later(host, &input);
        return;
    }
    TRACE(host->world, host->name, "spawns guard %llu.%u (%s)", (unsigned long long)spec->instance, spec->generation,
          spec->initialize->service);
    oracle_agent_spawns(host, spec);
    struct guard *guard = guard_spawn(host, spec);
    APPEND(host->guards, host->guard_count, host->guard_capacity) = guard;
    connect_to(ward_new(host, guard));
}

static void swept(struct ward *ward)
{
    struct agent_input input = input_of(ward, AGENT_INPUT_SWEPT);
    input.swept.killed = guard_sweep(ward->guard);
    agent_feed(ward->host, &input);
}

// A ward that is gone is swept all the same.
static void sweep_is_done(void *context)
{
    struct ward *ward = context;
    struct agent_host *host = ward->host;
    if (!host->up || host->life != ward->life)
        return;
    if (host->world->now_ns < host->paused_until_ns)
        agenda_add(&host->world->agenda, host->paused_until_ns, sweep_is_done, context);
    else
        swept(ward);
}

static void sweep(struct agent_host *host, uint64_t instance, uint32_t generation)
{
    struct ward *ward = ward_find(host, instance, generation);
    if (ward)
        agenda_add(&host->world->agenda, host->world->now_ns + SWEEP_NS, sweep_is_done, ward);
}

static void tell_guard(struct agent_host *host, const struct agent_effect *effect)
{
    const struct ward *ward = ward_find(host, effect->instance, effect->generation);
    const char *why = guard_request_invalid(effect->request);
    if (why)
        world_fail(host->world, "frames are valid", "%s tells a guard what it refuses: %s", host->name, why);
    oracle_agent_tells_guard(host, effect->instance, effect->generation, effect->request);
    if (ward && ward->stage == WARD_ATTACHED && ward->guard->attachment == ward->attachment)
        guard_hears(ward->guard, ward->attachment, effect->request);
}

static void forget(struct agent_host *host, uint64_t instance, uint32_t generation)
{
    struct guard *guard = agent_find_guard(host, instance, generation);
    struct ward *ward = ward_find(host, instance, generation);
    if (agent_disk_row(&host->disk, instance, generation)) // one that dies now would find an instance without its folder
        world_fail(host->world, "P2 a folder goes after its instance is forgotten", "%s removes that of %llu.%u", host->name,
                   (unsigned long long)instance, generation);
    if (ward)
        ward->stage = WARD_GONE;
    if (guard)
        guard->has_folder = false;
}

void wards_perform(struct agent_host *host, const struct agent_effect *effect)
{
    struct ward *ward;
    switch (effect->kind) {
    case AGENT_EFFECT_SPAWN:
        spawn(host, effect->spec);
        break;
    case AGENT_EFFECT_ADOPT:
        adopt(host, effect->row);
        break;
    case AGENT_EFFECT_GUARD:
        tell_guard(host, effect);
        break;
    case AGENT_EFFECT_KILL_GUARD:
        ward = ward_find(host, effect->instance, effect->generation);
        if (ward)
            guard_kill(ward->guard);
        break;
    case AGENT_EFFECT_SWEEP:
        sweep(host, effect->instance, effect->generation);
        break;
    case AGENT_EFFECT_REMOVE_FOLDER:
        forget(host, effect->instance, effect->generation);
        break;
    default:
        PANIC("effect %d is no guard's", (int)effect->kind);
    }
}

void wards_leftovers(struct agent_host *host)
{
    for (size_t i = 0; i < host->guard_count; i++) {
        struct guard *guard = host->guards[i];
        if (!guard->has_folder || agent_disk_row(&host->disk, guard->instance, guard->generation))
            continue;
        guard_sweep(guard);
        guard->has_folder = false;
    }
}
