// Streams, artifacts and files between an agent and the coordinator, without their bytes: what was put is told to the coordinator's core,
// and is complete once that is committed. A model of agent/shell/uploads.c, files.c and coordinator/shell/bulk.c.
#include <string.h>

#include "common/wire/wire.h"
#include "tests/simulation/agent_inside.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/journal.h"

#define RETRY_NS (2 * NS_PER_S)
#define WAY_NS (2 * NS_PER_MS)
#define FETCH_LEAST_US 1000
#define FETCH_MOST_US 60000

struct upload {
    struct ward *ward;
    uint64_t ticket;
    const Pb__ContentStored *content;
    bool is_complete;
    struct upload *next; // of the world's
};

static bool is_wanted(const struct upload *upload)
{
    return upload->ward->host->up && upload->ward->host->life == upload->ward->life && !upload->is_complete;
}

static void tell_when_done(struct ward *ward)
{
    if (ward->stage != WARD_GONE || ward->files_told || ward->files_complete < ward->files_seen || ward->host->life != ward->life)
        return;
    ward->files_told = true;
    struct agent_input input = {.kind = AGENT_INPUT_BULK_DONE, .instance = ward->guard->instance, .generation = ward->guard->generation};
    agent_feed_later(ward->host, &input);
}

static void complete(struct upload *upload)
{
    if (!is_wanted(upload))
        return;
    upload->is_complete = true;
    upload->ward->files_complete++;
    tell_when_done(upload->ward);
}

static void put(void *context)
{
    struct upload *upload = context;
    struct agent_host *host = upload->ward->host;
    struct world *world = host->world;
    if (!is_wanted(upload))
        return;
    agenda_add(&world->agenda, world->now_ns + RETRY_NS, put, upload);
    if (host->path.cut[TO_AGENT] || host->path.cut[TO_COORDINATOR] || !coordinator_is_up(world))
        return;
    if (oracle_content_is_stored(world, upload->content))
        complete(upload);
    else
        coordinator_content(world, upload->content, upload->ticket);
}

void content_committed(struct world *world, uint64_t ticket)
{
    for (struct upload *upload = world->uploads; upload; upload = upload->next)
        if (upload->ticket == ticket)
            complete(upload);
}

static const Pb__ContentStored *content_of(struct world *world, const Pb__Event *event)
{
    Pb__ContentStored *content = ARENA_NEW(world->arena, Pb__ContentStored);
    pb__content_stored__init(content);
    content->instance = event->instance;
    content->generation = event->generation;
    content->is_stream = event->body_case == PB__EVENT__BODY_STREAM_END;
    content->name = arena_string(world->arena, content->is_stream ? event->stream_end->stream : event->artifact_ready->path);
    content->hash = arena_string(world->arena, content->is_stream ? event->stream_end->hash : event->artifact_ready->hash);
    return content;
}

void files_of_events(struct ward *ward)
{
    struct world *world = ward->host->world;
    for (; ward->events_looked_at < ward->read; ward->events_looked_at++) {
        const struct spooled *spooled = &ward->guard->spool[ward->events_looked_at];
        const Pb__Event *event = wire_event(spooled->data, spooled->bytes, world->scratch, NULL);
        if (event->body_case != PB__EVENT__BODY_STREAM_END && event->body_case != PB__EVENT__BODY_ARTIFACT_READY)
            continue;
        struct upload *upload = ARENA_NEW(world->arena, struct upload);
        upload->ward = ward;
        upload->ticket = ++world->tickets;
        upload->content = content_of(world, event);
        upload->next = world->uploads;
        world->uploads = upload;
        ward->files_seen++;
        agenda_add(&world->agenda, world->now_ns + WAY_NS, put, upload);
    }
}

void files_of_gone(struct ward *ward)
{
    tell_when_done(ward);
}

// ---- files of an experiment

struct fetch {
    struct agent_host *host;
    uint64_t life;
    const char *hash;
};

static void fetched(void *context)
{
    const struct fetch *fetch = context;
    struct world *world = fetch->host->world;
    if (!fetch->host->up || fetch->host->life != fetch->life)
        return;
    struct agent_input input = {.kind = AGENT_INPUT_FILE};
    bool is_missing = faults_strike(world, RARITY_FILE_MISSING);
    input.file.hash = fetch->hash;
    input.file.path = is_missing ? NULL : arena_printf(world->arena, "/var/lib/panther/files/%.8s", fetch->hash);
    input.file.why = is_missing ? "the coordinator does not have it" : NULL;
    agent_feed_later(fetch->host, &input);
}

void files_fetch(struct agent_host *host, const char *hash)
{
    struct world *world = host->world;
    struct fetch *fetch = ARENA_NEW(world->arena, struct fetch);
    *fetch = (struct fetch){host, host->life, arena_string(world->arena, hash)};
    agenda_add(&world->agenda, world->now_ns + world_delay_ns(&world->dice.work, FETCH_LEAST_US, FETCH_MOST_US), fetched, fetch);
}
