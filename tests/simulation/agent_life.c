// The agent's starts and ends, and what befalls its host. See agent_host.h.
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "tests/simulation/agent_inside.h"

#define PORT_FIRST 20000
#define PORTS 2000
#define CATALOGUE_LEAST_US 5000
#define CATALOGUE_MOST_US 200000
#define DRIFT_MOST_PPM 100

static void new_boot(struct agent_host *host)
{
    uint64_t a = dice_roll(&host->world->dice.ids), b = dice_roll(&host->world->dice.ids);
    host->boot++;
    snprintf(host->boot_id, sizeof host->boot_id, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff,
             (unsigned)a & 0xffff, (unsigned)(b >> 48), (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

// ---- start

struct errand {
    struct agent_host *host;
    uint64_t life;
};

static void scanned(void *context)
{
    const struct errand *errand = context;
    if (errand->host->life == errand->life)
        catalogue_found(errand->host, false);
}

void agent_start(struct agent_host *host)
{
    struct world *world = host->world;
    struct agent_input input = {0};
    if (host->is_gone || host->up)
        return;
    host->up = true;
    host->life++;
    host->started_ns = world->now_ns;
    TRACE(world, host->name, "starts, %zu rows and %zu events on its disk", host->disk.row_count, host->disk.event_count);
    host->core = agent_core_new();
    agent_start_gathering(host);
    wards_leftovers(host);
    agent_disk_load(&host->disk, &input, world->scratch);
    input.start.self = catalogue_self(host, world->scratch);
    input.start.port_first = PORT_FIRST;
    input.start.port_count = PORTS;
    agent_feed(host, &input);
    struct errand *errand = ARENA_NEW(world->arena, struct errand);
    *errand = (struct errand){host, host->life};
    agenda_add(&world->agenda, world->now_ns + world_delay_ns(&world->dice.work, CATALOGUE_LEAST_US, CATALOGUE_MOST_US), scanned, errand);
}

static void start_again(void *context)
{
    agent_start(context);
}

// ---- end

// A commit that ran may have been made, all of it, without a word.
static void disk_dies(struct agent_host *host)
{
    struct world *world = host->world;
    if (!host->committing)
        return;
    if (!host->disk_full && dice_chance(&world->dice.disk, 500)) {
        world_saw(world, RARITY_AGENT_LATE_COMMIT);
        const char *problem = agent_disk_apply(&host->disk, &host->committing->output);
        if (problem)
            world_fail(world, "P2 what an agent keeps makes sense", "%s: %s", host->name, problem);
        oracle_agent_committed(host, &host->committing->output);
    } else {
        world_saw(world, RARITY_AGENT_LOSES_BATCH);
    }
}

static void drop_volatile(struct agent_host *host)
{
    agent_batch_free(&host->gathering);
    agent_batch_free(&host->committing);
    agent_core_free(&host->core);
    host->link = NULL;
    host->later_count = host->waiting_count = 0;
    host->dies_in = 0;
    host->told_full = host->feeding = false;
    host->paused_until_ns = 0;
    host->settle_ns = 0;
    agenda_stop(&host->tick);
    agenda_stop(&host->settle);
    agenda_stop(&host->commit);
}

static void die(struct agent_host *host, const char *why, bool without_a_word)
{
    TRACE(host->world, host->name, "%s", why);
    oracle_agent_dies(host);
    network_agent_died(host, without_a_word);
    host->up = false;
    host->life++;
    disk_dies(host);
    drop_volatile(host);
    for (size_t i = 0; i < host->guard_count; i++)
        host->guards[i]->attachment = 0;
    host->ward_count = 0;
}

static void restart_later(struct agent_host *host)
{
    struct world *world = host->world;
    uint64_t downtime_ns = host->downtime_ns ? host->downtime_ns
                                             : dice_between(&world->dice.faults, NS_PER_MS,
                                                            dice_chance(&world->dice.faults, 300) ? 20 * NS_PER_MS : 4 * NS_PER_S);
    host->downtime_ns = 0;
    if (!host->is_gone)
        agenda_set(&world->agenda, &host->restart, world->now_ns + downtime_ns);
}

void agent_crash(struct agent_host *host, const char *why)
{
    if (!host->up)
        return;
    die(host, why, false);
    restart_later(host);
}

void agent_reboot(struct agent_host *host)
{
    struct world *world = host->world;
    world_saw(world, RARITY_HOST_REBOOTED);
    if (host->up)
        die(host, "loses its power", true);
    for (size_t i = 0; i < host->guard_count; i++)
        guard_power_off(host->guards[i]);
    new_boot(host);
    host->clock.booted_ns = world->now_ns;
    host->clock.first_ns = NS_PER_S;
    restart_later(host);
}

void agent_power_off(struct agent_host *host)
{
    host->is_gone = true;
    agent_reboot(host);
    agenda_stop(&host->restart);
}

void agent_wipe(struct agent_host *host, bool folders)
{
    TRACE(host->world, host->name, folders ? "its state folder is wiped" : "its database is wiped");
    INVARIANT(!host->up);
    world_saw(host->world, folders ? RARITY_STATE_WIPED : RARITY_OUTBOX_WIPED);
    oracle_agent_wiped(host);
    agent_disk_wipe(&host->disk);
    for (size_t i = 0; i < host->guard_count && folders; i++) {
        host->guards[i]->has_folder = false;
        if (!guard_runs(host->guards[i]))
            guard_sweep(host->guards[i]); // nobody would know it any more: who wipes all of it has looked
    }
}

void agent_leave(struct agent_host *host, uint64_t back_ns)
{
    if (!host->up)
        return;
    world_saw(host->world, RARITY_AGENT_LEAVES);
    host->downtime_ns = back_ns;
    agent_feed(host, &(struct agent_input){.kind = AGENT_INPUT_STOP, .stop.why = "the agent is stopped"});
}

void agent_crash_in(struct agent_host *host, unsigned effects)
{
    host->dies_in = effects;
}

void agent_downtime(struct agent_host *host, uint64_t ms)
{
    host->downtime_ns = ms * NS_PER_MS;
}

static void goes_on(void *context)
{
    struct agent_host *host = context;
    if (host->up && host->world->now_ns >= host->paused_until_ns)
        agent_read_waiting(host);
}

void agent_pause(struct agent_host *host, uint64_t until_ns)
{
    struct world *world = host->world;
    TRACE(world, host->name, "is stopped for %.1f s", (double)(until_ns - world->now_ns) / (double)NS_PER_S);
    host->paused_until_ns = until_ns;
    agenda_add(&world->agenda, until_ns, goes_on, host);
}

void agent_set_disk_full(struct agent_host *host, bool full)
{
    host->disk_full = full;
}

void agent_disk_fails(struct agent_host *host, bool fails)
{
    host->disk_fails = fails;
}

void agent_set_disk_slow(struct agent_host *host, uint32_t most_us)
{
    host->slow_us = most_us;
}

// ---- questions

struct world *agent_world(const struct agent_host *host)
{
    return host->world;
}

const char *agent_name(const struct agent_host *host)
{
    return host->name;
}

size_t agent_index(const struct agent_host *host)
{
    return host->index;
}

struct path *agent_path(struct agent_host *host)
{
    return &host->path;
}

struct host_clock *agent_clock(struct agent_host *host)
{
    return &host->clock;
}

const struct agent_core *agent_host_core(const struct agent_host *host)
{
    return host->core;
}

const struct agent_disk *agent_host_disk(const struct agent_host *host)
{
    return &host->disk;
}

uint64_t agent_life(const struct agent_host *host)
{
    return host->life;
}

uint64_t agent_boot(const struct agent_host *host)
{
    return host->boot;
}

bool agent_is_up(const struct agent_host *host)
{
    return host->up;
}

uint32_t agent_slots(const struct agent_host *host)
{
    return host->slots;
}

uint64_t agent_has_been_up_ns(const struct agent_host *host)
{
    uint64_t since_ns = host->started_ns > host->paused_until_ns ? host->started_ns : host->paused_until_ns;
    return host->up && host->world->now_ns > since_ns ? host->world->now_ns - since_ns : 0;
}

bool agent_is_refused(const struct agent_host *host)
{
    return host->core && strcmp(agent_core_session_state(host->core), "refused") == 0;
}

bool agent_is_gone(const struct agent_host *host)
{
    return host->is_gone;
}

bool agent_disk_is_full(const struct agent_host *host)
{
    return host->disk_full;
}

uint32_t agent_disk_slow_us(const struct agent_host *host)
{
    return host->slow_us;
}

size_t agent_guards(const struct agent_host *host, struct guard *const **guards)
{
    *guards = host->guards;
    return host->guard_count;
}

struct guard *agent_find_guard(const struct agent_host *host, uint64_t instance, uint32_t generation)
{
    for (size_t i = host->guard_count; i > 0; i--) {
        struct guard *guard = host->guards[i - 1];
        if (guard->has_folder && guard->instance == instance && guard->generation == generation)
            return guard;
    }
    return NULL;
}

// ---- life

struct agent_host *agent_host_new(struct world *world, const char *name, uint32_t slots)
{
    struct agent_host *host = ARENA_NEW(world->arena, struct agent_host);
    uint64_t id[2] = {dice_roll(&world->dice.ids), dice_roll(&world->dice.ids)};
    host->world = world;
    host->index = world->agent_count;
    host->name = name;
    host->slots = slots;
    id128_text((const uint8_t *)id, host->host_id);
    host->disk.arena = world->arena;
    host->clock = (struct host_clock){.first_ns = dice_between(&world->dice.shape, 10, 100000) * NS_PER_S};
    host->clock.drift_ppm = (int64_t)dice_below(&world->dice.shape, 2 * DRIFT_MOST_PPM + 1) - DRIFT_MOST_PPM;
    host->unpacked = arena_new(UNPACK_MAX_BYTES);
    host->restart = (struct timer){.call = start_again, .context = host};
    agent_set_up(host);
    new_boot(host);
    world->agents[world->agent_count++] = host;
    return host;
}

void agent_host_free(struct agent_host **address)
{
    struct agent_host *host = *address;
    for (size_t i = 0; i < host->guard_count; i++)
        guard_free(host->guards[i]);
    agent_batch_free(&host->gathering);
    agent_batch_free(&host->committing);
    agent_core_free(&host->core);
    agent_disk_end(&host->disk);
    arena_free(&host->unpacked);
    free(host->later);
    free(host->waiting);
    free(host->guards);
    free(host->wards);
    *address = NULL;
}
