#include "agent/shell/reactor.h"

#include "agent/shell/recent.h"
#include "agent/shell/room.h"
#include "common/base/limits.h"
#include "common/system/descriptors.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/space.h"

#define NS_PER_MS UINT64_C(1000000)

struct reactor {
    struct loop *loop;
    const char *state;
    struct space space; // of its disk
    bool has_room;
    bool is_out_of_descriptors;
    struct reactor_callbacks callbacks;
    void *context;
    struct agent_core *core;
    struct storage *storage;
    struct recent *recent;
    struct batch *gathering;
    struct loop_source *settle_timer, *tick_timer;
    struct agent_input *later;
    size_t later_count, later_capacity;
    uint64_t settle_ns;   // when the settle timer is due; 0: idle
    uint64_t gathered_ns; // since when records wait that nobody waits for; 0: none do
    bool feeding;
    struct arena *load_arena;
    struct storage_loaded loaded;
};

// ---- feeding

static void settle_at(struct reactor *reactor, uint64_t when_ns)
{
    if (reactor->settle_ns != 0 && reactor->settle_ns <= when_ns)
        return;
    reactor->settle_ns = when_ns;
    loop_timer_set(reactor->settle_timer, when_ns);
}

// By copy and index: performing may not add effects (that is why _feed is refused meanwhile), but this stays right if it did.
static void perform_now(struct reactor *reactor, size_t first)
{
    struct agent_output *output = &reactor->gathering->output;
    for (size_t i = first; i < output->effect_count; i++) {
        struct agent_effect effect = output->effects[i];
        if (!effect.after_commit)
            reactor->callbacks.perform(reactor->context, &effect);
    }
}

// Nothing to keep and nothing held: an agent that only beats its heart must not grow.
static void forget_performed(struct agent_output *output)
{
    output->effect_count = 0;
    arena_reset(output->arena);
}

void reactor_feed(struct reactor *reactor, struct agent_input *input)
{
    INVARIANT(!reactor->feeding);
    reactor->feeding = true;
    input->now_ns = clock_boottime_ns();
    input->wall_ns = clock_wall_ns();
    input->random = random_u64();
    struct agent_output *output = &reactor->gathering->output;
    size_t first = output->effect_count;
    agent_core_step(reactor->core, input, output);
    perform_now(reactor, first);
    reactor->feeding = false;
    loop_timer_set(reactor->tick_timer, agent_core_deadline(reactor->core));
    if (output->record_count > 0 && reactor->gathered_ns == 0)
        reactor->gathered_ns = input->now_ns;
    if (output->record_count == 0 && !output->urgent && reactor->later_count == 0)
        forget_performed(output);
    else if (!storage_is_busy(reactor->storage)) // else the commit settles
        settle_at(reactor, output->urgent ? input->now_ns : reactor->gathered_ns + REACTOR_GATHER_MS * NS_PER_MS);
}

void reactor_later(struct reactor *reactor, const struct agent_input *input)
{
    APPEND(reactor->later, reactor->later_count, reactor->later_capacity) = *input;
    settle_at(reactor, clock_boottime_ns());
}

// ---- batches

static void feed_later(struct reactor *reactor)
{
    for (size_t i = 0; i < reactor->later_count; i++) {
        struct agent_input input = reactor->later[i];
        reactor_feed(reactor, &input);
    }
    reactor->later_count = 0;
}

static void start_gathering(struct reactor *reactor)
{
    reactor->gathering = batch_new();
    reactor->gathered_ns = 0;
}

// A batch without records has nothing to wait for: what is held goes with the next records, or, without any, is done here.
static void submit(struct reactor *reactor)
{
    if (storage_is_busy(reactor->storage))
        return; // on_committed settles again
    struct agent_output *output = &reactor->gathering->output;
    bool due = output->urgent || (output->record_count > 0 && clock_boottime_ns() >= reactor->gathered_ns + REACTOR_GATHER_MS * NS_PER_MS);
    if (!due)
        return;
    struct batch *batch = reactor->gathering;
    start_gathering(reactor);
    storage_submit(reactor->storage, &batch);
}

static void settle(void *context)
{
    struct reactor *reactor = context;
    reactor->settle_ns = 0;
    feed_later(reactor);
    submit(reactor);
    if (reactor->gathered_ns && !storage_is_busy(reactor->storage))
        settle_at(reactor, reactor->gathered_ns + REACTOR_GATHER_MS * NS_PER_MS);
}

static void perform_held(struct reactor *reactor, const struct batch *batch)
{
    reactor->feeding = true;
    for (size_t i = 0; i < batch->output.effect_count; i++)
        if (batch->output.effects[i].after_commit)
            reactor->callbacks.perform(reactor->context, &batch->output.effects[i]);
    reactor->feeding = false;
}

static void on_committed(void *context, struct batch *batch)
{
    struct reactor *reactor = context;
    recent_apply(reactor->recent, batch);
    if (batch->output.outbox_last) {
        struct agent_input input = {.kind = AGENT_INPUT_COMMITTED};
        input.committed.outbox_last = batch->output.outbox_last;
        input.committed.outbox_life = batch->output.outbox_life;
        reactor_feed(reactor, &input);
    }
    perform_held(reactor, batch);
    batch_free(&batch);
    settle(reactor);
}

static void on_full(void *context, bool full, const char *why)
{
    struct reactor *reactor = context;
    if (full)
        log_error("the disk of the state folder is full, nothing new is taken until there is room: %s", why);
    else
        log_info("the disk of the state folder has room again");
    if (full && room_give(reactor->state)) {
        log_warning("the room that was kept on it is given to what runs, to say how it ended");
        reactor->has_room = false;
    }
    struct agent_input input = {.kind = AGENT_INPUT_STORAGE_FULL};
    input.storage.full = full;
    reactor_feed(reactor, &input);
}

static void on_broken(void *context, const struct panther_error *error)
{
    struct reactor *reactor = context;
    reactor->callbacks.on_broken(reactor->context, error);
}

static void look_at_space(struct reactor *reactor)
{
    char why[PANTHER_ERROR_MESSAGE_BYTES];
    bool has_changed = space_look(&reactor->space, reactor->state);
    if (!reactor->has_room && reactor->space.total_bytes > 0 && reactor->space.level < SPACE_RESERVE)
        reactor->has_room = room_take(reactor->state, reactor->space.floors_bytes[SPACE_RESERVE]);
    if (!has_changed)
        return;
    space_why(&reactor->space, why, sizeof why);
    if (reactor->space.level == SPACE_AMPLE)
        log_info("the state folder's disk has room for everything again");
    else
        log_warning("state folder: %s", why);
}

// Said once; what has its files open goes on.
static void look_at_descriptors(struct reactor *reactor)
{
    bool has_some = descriptors_have(DESCRIPTORS_TO_LOOK);
    if (!has_some && !reactor->is_out_of_descriptors)
        log_error("too many open files: nothing new begins until there are descriptors again");
    else if (has_some && reactor->is_out_of_descriptors)
        log_info("there are descriptors again");
    reactor->is_out_of_descriptors = !has_some;
}

static void tick(void *context)
{
    struct reactor *reactor = context;
    struct agent_input input = {.kind = AGENT_INPUT_TICK};
    look_at_space(reactor);
    look_at_descriptors(reactor);
    input.tick.disk_free_bytes = reactor->space.free_bytes;
    input.tick.disk_is_short = reactor->space.level == SPACE_RESERVE;
    reactor_feed(reactor, &input);
}

// ---- life

int reactor_new(struct reactor **out, struct loop *loop, const char *state, uint64_t reserve_bytes,
                const struct reactor_callbacks *callbacks, void *context, struct panther_error *error)
{
    const struct storage_callbacks storage_callbacks = {on_committed, on_full, on_broken};
    struct reactor *reactor = NEW(struct reactor);
    reactor->load_arena = arena_new(0);
    int result = storage_open(&reactor->storage, loop, state, &storage_callbacks, reactor, reactor->load_arena, &reactor->loaded, error);
    if (result < 0) {
        arena_free(&reactor->load_arena);
        free(reactor);
        return result;
    }
    reactor->loop = loop;
    reactor->state = state;
    reactor->space.reserve_bytes = reserve_bytes;
    reactor->callbacks = *callbacks;
    reactor->context = context;
    reactor->core = agent_core_new();
    reactor->recent = recent_new();
    reactor->settle_timer = loop_timer(loop, settle, reactor);
    reactor->tick_timer = loop_timer(loop, tick, reactor);
    start_gathering(reactor);
    *out = reactor;
    return 0;
}

void reactor_start(struct reactor *reactor, struct agent_input *start)
{
    const struct storage_loaded *loaded = &reactor->loaded;
    look_at_space(reactor);
    start->kind = AGENT_INPUT_START;
    start->start.facts = loaded->facts;
    start->start.rows = loaded->rows;
    start->start.row_count = loaded->row_count;
    start->start.tombstones = loaded->tombstones;
    start->start.tombstone_count = loaded->tombstone_count;
    start->start.outbox_bytes = loaded->outbox_bytes;
    start->start.outbox_count = loaded->outbox_count;
    reactor_feed(reactor, start);
    arena_free(&reactor->load_arena);
    reactor->loaded = (struct storage_loaded){0};
}

void reactor_free(struct reactor **address)
{
    struct reactor *reactor = *address;
    if (!reactor)
        return;
    *address = NULL;
    loop_remove(&reactor->settle_timer);
    loop_remove(&reactor->tick_timer);
    if (!storage_is_busy(reactor->storage) && reactor->gathering->output.record_count > 0)
        storage_submit(reactor->storage, &reactor->gathering); // its effects are for the next life
    storage_close(&reactor->storage);
    batch_free(&reactor->gathering);
    recent_free(&reactor->recent);
    agent_core_free(&reactor->core);
    arena_free(&reactor->load_arena);
    free(reactor->later);
    free(reactor);
}

// ---- questions

struct arena *reactor_arena(struct reactor *reactor)
{
    return reactor->gathering->arena;
}

const struct agent_core *reactor_core(const struct reactor *reactor)
{
    return reactor->core;
}

struct storage *reactor_storage(struct reactor *reactor)
{
    return reactor->storage;
}

const struct storage_loaded *reactor_loaded(const struct reactor *reactor)
{
    return &reactor->loaded;
}

bool reactor_events(struct reactor *reactor, uint64_t first, size_t count, struct arena *arena, struct wire_bytes *events)
{
    return recent_get(reactor->recent, first, count, events) || storage_events(reactor->storage, first, count, arena, events) == count;
}
