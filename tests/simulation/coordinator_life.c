// The coordinator's starts and ends, and what befalls its host. See coordinator_host.h.
#include <string.h>

#include "common/base/identity.h"
#include "tests/simulation/coordinator_inside.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"

#define WHO "coordinator"
#define UNPACK_RECORD_MAX_BYTES (64 * 1024 * 1024)

static struct core *core_made_new(void)
{
    return core_new(&(struct core_options){.version = "simulated", .bulk_port = 7401, .endpoint = "tcp://10.0.0.1:7400", .server_key = ""});
}

// False: a record does not replay.
static bool replay_into(struct coordinator_host *host, struct core *core)
{
    struct arena *arena = arena_new(UNPACK_RECORD_MAX_BYTES);
    bool whole = true;
    for (size_t i = 0; i < host->journal.count && whole; i++) {
        arena_reset(arena);
        const Pb__Record *record = journal_read(&host->journal, i, arena);
        whole = record != NULL;
        const char *why = whole ? core_replay(core, record) : "it is not valid";
        if (why)
            world_fail(host->world, "P7 replaying the journal gives the live state", "record %zu does not replay: %s", i + 1, why);
    }
    arena_free(&arena);
    return whole;
}

// What differs first, for a person to read.
static const char *first_difference(struct world *world, const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return arena_printf(world->arena, "\"%.60s\" and \"%.60s\"", left, right);
}

void coordinator_check_replay(struct coordinator_host *host)
{
    struct core *again = core_made_new();
    struct text live = {0}, replayed = {0};
    if (replay_into(host, again)) {
        core_print(host->core, &live);
        core_print(again, &replayed);
        if (strcmp(text_string(&live), text_string(&replayed)) != 0)
            world_fail(host->world, "P7 replaying the journal gives the live state", "the coordinator's differ from: %s",
                       first_difference(host->world, text_string(&live), text_string(&replayed)));
    }
    text_free(&live);
    text_free(&replayed);
    core_free(&again);
}

void coordinator_start(struct world *world)
{
    struct coordinator_host *host = world->coordinator;
    char store_id[ID128_TEXT_BYTES];
    uint64_t id[2] = {dice_roll(&world->dice.ids), dice_roll(&world->dice.ids)};
    id128_text((const uint8_t *)id, store_id);
    host->up = true;
    host->life++;
    TRACE(world, WHO, "starts, %zu records in the journal", host->journal.count);
    host->core = core_made_new();
    if (!replay_into(host, host->core))
        return;
    oracle_committed(world);
    coordinator_first_step(host, store_id);
    agenda_set(&world->agenda, &host->tick, world->now_ns);
}

static void start_again(void *context)
{
    struct coordinator_host *host = context;
    coordinator_start(host->world);
}

static void drop_volatile(struct coordinator_host *host)
{
    effects_clear(&host->effects);
    core_free(&host->core);
    free(host->inbox);
    host->inbox = NULL;
    host->inbox_count = host->inbox_capacity = 0;
    host->first_held = host->last_held = NULL;
    host->dies_in = 0;
    host->told_full = false;
    host->paused_until_ns = 0;
    agenda_stop(&host->round);
    agenda_stop(&host->commit);
    agenda_stop(&host->tick);
}

static void journal_dies(struct coordinator_host *host)
{
    struct world *world = host->world;
    bool was_made = !host->disk_full && dice_chance(&world->dice.disk, 500);
    size_t count = host->journal.count;
    if (host->journal.committing && was_made)
        world_saw(world, RARITY_COORDINATOR_LATE_COMMIT);
    journal_die(&host->journal, was_made);
    if (host->journal.count < count) {
        world_saw(world, RARITY_COORDINATOR_LOSES_RECORDS);
        TRACE(world, WHO, "lost %zu records that were not synced", count - host->journal.count);
    }
}

void coordinator_crash(struct world *world, const char *why)
{
    struct coordinator_host *host = world->coordinator;
    if (!host->up)
        return;
    TRACE(world, WHO, "%s", why);
    network_coordinator_died(world);
    host->up = false;
    host->life++;
    journal_dies(host);
    drop_volatile(host);
    uint64_t downtime_ns = host->downtime_ns ? host->downtime_ns : dice_between(&world->dice.faults, NS_PER_MS, 3 * NS_PER_S);
    host->downtime_ns = 0;
    agenda_set(&world->agenda, &host->restart, world->now_ns + downtime_ns);
}

void coordinator_downtime(struct world *world, uint64_t ms)
{
    world->coordinator->downtime_ns = ms * NS_PER_MS;
}

void coordinator_crash_in(struct world *world, unsigned effects)
{
    world->coordinator->dies_in = effects;
}

void coordinator_pause(struct world *world, uint64_t until_ns)
{
    TRACE(world, WHO, "is stopped for %.1f s", (double)(until_ns - world->now_ns) / (double)NS_PER_S);
    world->coordinator->paused_until_ns = until_ns;
}

void coordinator_disk_full(struct world *world, bool full)
{
    world->coordinator->disk_full = full;
}

void coordinator_disk_fails(struct world *world, bool fails)
{
    world->coordinator->disk_fails = fails;
}

void coordinator_disk_slow(struct world *world, uint32_t most_us)
{
    world->coordinator->slow_us = most_us;
}

void coordinator_restore(struct world *world, uint64_t backup_records)
{
    struct coordinator_host *host = world->coordinator;
    coordinator_crash(world, "is stopped, and its data folder put back to an older backup");
    if (backup_records < host->journal.count)
        journal_truncate(&host->journal, (size_t)backup_records);
    host->restores++;
    oracle_restored(world);
}

// ---- questions

bool coordinator_is_up(const struct world *world)
{
    return world->coordinator->up;
}

bool coordinator_is_paused(const struct world *world)
{
    return world->now_ns < world->coordinator->paused_until_ns;
}

uint64_t coordinator_life(const struct world *world)
{
    return world->coordinator->life;
}

struct core *coordinator_core(const struct world *world)
{
    return world->coordinator->core;
}

struct journal *coordinator_journal(const struct world *world)
{
    return &world->coordinator->journal;
}

struct host_clock *coordinator_clock(struct world *world)
{
    return &world->coordinator->clock;
}

struct coordinator_host *coordinator_host_new(struct world *world)
{
    struct coordinator_host *host = ARENA_NEW(world->arena, struct coordinator_host);
    host->world = world;
    host->journal.arena = world->arena;
    host->unpacked = arena_new(UNPACK_RECORD_MAX_BYTES);
    host->clock = (struct host_clock){.first_ns = 1000 * NS_PER_S};
    host->restart = (struct timer){.call = start_again, .context = host};
    effects_begin(&host->effects);
    coordinator_set_up(host);
    return host;
}

void coordinator_host_free(struct coordinator_host **address)
{
    struct coordinator_host *host = *address;
    if (host->core && !host->world->broken_property)
        coordinator_check_replay(host);
    core_free(&host->core);
    free(host->inbox);
    journal_end(&host->journal);
    effects_end(&host->effects);
    arena_free(&host->unpacked);
    *address = NULL;
}
