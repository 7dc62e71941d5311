#include "agent/shell/bulk.h"

#include <stdio.h>
#include <string.h>

#include "agent/shell/bulk_window.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/system/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define IDLE_MS 10000
#define BACKOFF_FIRST_MS 200
#define BACKOFF_MOST_MS 5000
// A request that is not answered by then was lost with a coordinator that hangs; committing a content takes far less.
#define ANSWER_MS 30000

struct bulk {
    struct loop *loop;
    const struct bus_peer_file *peer;
    char endpoint[320];
    struct bus_link *link;
    bool is_up;
    struct loop_source *timer;
    struct map *waiting[BULK_CLASSES]; // job address -> job, in order
    struct map *sent;                  // number -> job
    uint64_t last_number;
    size_t window;     // requests that may be on their way
    uint64_t retry_ns; // no link before
    uint32_t backoff_ms;
    uint64_t active_ns; // the last request or answer
    struct arena *arena;
};

static void pump(struct bulk *bulk);

static struct map *queue_of(const struct bulk *bulk, const struct bulk_job *job)
{
    return bulk->waiting[job->class];
}

static void enqueue(struct bulk *bulk, struct bulk_job *job)
{
    job->wanted = true;
    map_put_number(queue_of(bulk, job), (uint64_t)(uintptr_t)job, job);
}

static void dequeue(struct bulk *bulk, struct bulk_job *job)
{
    job->wanted = false;
    map_remove_number(queue_of(bulk, job), (uint64_t)(uintptr_t)job);
}

static bool is_idle(const struct bulk *bulk)
{
    return map_count(bulk->sent) == 0 && map_count(bulk->waiting[BULK_STREAMS]) == 0 && map_count(bulk->waiting[BULK_ARTIFACTS]) == 0;
}

// ---- link

static void give_back(struct bulk *bulk)
{
    struct map_entry *entry;
    while ((entry = map_first(bulk->sent))) {
        struct bulk_job *job = entry->value;
        map_remove_number(bulk->sent, job->number);
        job->number = 0;
        enqueue(bulk, job);
    }
}

static void lose(struct bulk *bulk, const char *why)
{
    log_debug("bulk link: %s", why);
    bus_link_free(&bulk->link);
    bulk->is_up = false;
    give_back(bulk);
    uint64_t half_ns = bulk->backoff_ms * NS_PER_MS / 2;
    bulk->retry_ns = clock_boottime_ns() + half_ns + random_u64() % (half_ns + 1);
    bulk->backoff_ms = bulk->backoff_ms * 2 < BACKOFF_MOST_MS ? bulk->backoff_ms * 2 : BACKOFF_MOST_MS;
    loop_timer_set(bulk->timer, bulk->retry_ns);
}

static void on_up(void *context)
{
    struct bulk *bulk = context;
    bulk->is_up = true;
    bulk->backoff_ms = BACKOFF_FIRST_MS;
    pump(bulk);
}

static void on_lost(void *context, const char *why)
{
    lose(context, why);
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct bulk *bulk = context;
    struct panther_error error = {0};
    arena_reset(bulk->arena);
    const Pb__BulkEnvelope *answer = wire_bulk(data, bytes, bulk->arena, &error);
    if (!answer) {
        log_error("an answer on the bulk link is refused: %s", error.message);
        lose(bulk, error.message);
        return;
    }
    struct bulk_job *job = map_remove_number(bulk->sent, answer->number);
    if (!job)
        return; // of a job that was forgotten
    job->number = 0;
    bulk->window = bulk_window_fit(bulk->window, (clock_boottime_ns() - job->sent_ns) / NS_PER_MS);
    bulk->active_ns = clock_boottime_ns();
    job->answered(job->context, answer, payload, payload_bytes);
    pump(bulk);
}

static void open_link(struct bulk *bulk)
{
    const struct bus_link_options options = {
        .endpoint = bulk->endpoint,
        .server_key = bulk->peer->server_key,
        .secret_key = bulk->peer->secret_key,
        .pipe_messages = BUS_PIPE_MESSAGES_BULK,
    };
    static const struct bus_link_callbacks callbacks = {on_up, on_message, on_lost};
    struct panther_error error = {0};
    if (bus_link_new(&bulk->link, bulk->loop, &options, &callbacks, bulk, &error) < 0)
        lose(bulk, error.message);
}

// ---- sending

static bool send(struct bulk *bulk, struct bulk_job *job)
{
    struct arena *arena = arena_new(0);
    Pb__BulkEnvelope request;
    pb__bulk_envelope__init(&request);
    request.version = PROTOCOL_VERSION;
    request.number = ++bulk->last_number;
    const void *payload = NULL;
    size_t payload_bytes = 0, bytes;
    int result = 0;
    dequeue(bulk, job);
    if (job->build(job->context, &request, arena, &payload, &payload_bytes)) {
        const uint8_t *data = wire_pack(&request, arena, &bytes);
        result = bus_link_send(bulk->link, data, bytes, payload, payload_bytes);
        job->number = request.number;
        job->sent_ns = clock_boottime_ns();
        map_put_number(bulk->sent, job->number, job);
        bulk->active_ns = clock_boottime_ns();
    }
    arena_free(&arena);
    if (result < 0)
        lose(bulk, "it takes nothing more");
    return result == 0;
}

static struct bulk_job *next_job(const struct bulk *bulk, uint64_t now_ns, uint64_t *earliest_ns)
{
    for (unsigned class = 0; class < BULK_CLASSES; class ++)
        for (struct map_entry *e = map_first(bulk->waiting[class]); e; e = map_next(bulk->waiting[class], e)) {
            struct bulk_job *job = e->value;
            if (job->not_before_ns <= now_ns)
                return job;
            if (*earliest_ns == 0 || job->not_before_ns < *earliest_ns)
                *earliest_ns = job->not_before_ns;
        }
    return NULL;
}

static void pump(struct bulk *bulk)
{
    uint64_t now_ns = clock_boottime_ns(), earliest_ns = 0;
    struct bulk_job *job = NULL;
    while (bulk->is_up && map_count(bulk->sent) < bulk->window && (job = next_job(bulk, now_ns, &earliest_ns)))
        if (!send(bulk, job))
            return;
    if (!bulk->link)
        job = next_job(bulk, now_ns, &earliest_ns);
    if (job && !bulk->link && bulk->endpoint[0] && now_ns >= bulk->retry_ns) {
        open_link(bulk);
        return;
    }
    uint64_t wake_ns = bulk->link ? now_ns + IDLE_MS * NS_PER_MS : job ? bulk->retry_ns : 0;
    if (earliest_ns && (wake_ns == 0 || earliest_ns < wake_ns))
        wake_ns = earliest_ns;
    loop_timer_set(bulk->timer, wake_ns);
}

static void on_timer(void *context)
{
    struct bulk *bulk = context;
    uint64_t now_ns = clock_boottime_ns();
    if (bulk->link && is_idle(bulk) && now_ns >= bulk->active_ns + IDLE_MS * NS_PER_MS) {
        bus_link_free(&bulk->link);
        bulk->is_up = false;
    } else if (map_count(bulk->sent) > 0 && now_ns >= bulk->active_ns + ANSWER_MS * NS_PER_MS) {
        lose(bulk, "no answer");
        return;
    }
    pump(bulk);
}

// ---- owners

void bulk_want(struct bulk *bulk, struct bulk_job *job, uint64_t not_before_ns)
{
    if (job->number)
        return; // its answer decides
    if (!job->wanted || not_before_ns < job->not_before_ns)
        job->not_before_ns = not_before_ns;
    enqueue(bulk, job);
    // From the loop, so that an owner is never called back from within its own call.
    loop_timer_set(bulk->timer, clock_boottime_ns());
}

void bulk_forget(struct bulk *bulk, struct bulk_job *job)
{
    if (job->number)
        map_remove_number(bulk->sent, job->number);
    job->number = 0;
    dequeue(bulk, job);
}

void bulk_set_port(struct bulk *bulk, uint32_t port)
{
    char endpoint[sizeof bulk->endpoint];
    const char *coordinator = bulk->peer->coordinator;
    const char *colon = strrchr(coordinator, ':');
    if (bulk->peer->bulk[0])
        snprintf(endpoint, sizeof endpoint, "%s", bulk->peer->bulk);
    else if (colon && port)
        snprintf(endpoint, sizeof endpoint, "%.*s:%u", (int)(colon - coordinator), coordinator, port);
    else
        return;
    memcpy(bulk->endpoint, endpoint, sizeof endpoint);
    // What took the session away (a coordinator that hung, a network that was cut) has taken this link, too, and a link that waits for an
    // answer learns it late.
    if (bulk->link)
        lose(bulk, "a new session begins");
    bulk->retry_ns = 0;
    bulk->backoff_ms = BACKOFF_FIRST_MS;
    loop_timer_set(bulk->timer, clock_boottime_ns());
}

struct bulk *bulk_new(struct loop *loop, const struct bus_peer_file *peer)
{
    struct bulk *bulk = NEW(struct bulk);
    bulk->loop = loop;
    bulk->peer = peer;
    bulk->backoff_ms = BACKOFF_FIRST_MS;
    bulk->window = BULK_WINDOW_FIRST;
    bulk->timer = loop_timer(loop, on_timer, bulk);
    bulk->sent = map_new();
    for (unsigned class = 0; class < BULK_CLASSES; class ++)
        bulk->waiting[class] = map_new();
    bulk->arena = arena_new(UNPACK_MAX_BYTES);
    return bulk;
}

void bulk_free(struct bulk **address)
{
    struct bulk *bulk = *address;
    if (!bulk)
        return;
    *address = NULL;
    bus_link_free(&bulk->link);
    loop_remove(&bulk->timer);
    map_free(&bulk->sent);
    for (unsigned class = 0; class < BULK_CLASSES; class ++)
        map_free(&bulk->waiting[class]);
    arena_free(&bulk->arena);
    free(bulk);
}
