#include "tests/unit/agent_core/story.h"

#include <stdio.h>
#include <string.h>

struct agent_input story_input(enum agent_input_kind kind, uint64_t instance, uint32_t generation)
{
    return (struct agent_input){.kind = kind, .instance = instance, .generation = generation};
}

// ---- disk

static struct agent_row *row_of(struct disk *disk, uint64_t instance, uint32_t generation)
{
    for (size_t i = 0; i < disk->row_count; i++)
        if (disk->rows[i].instance == instance && disk->rows[i].generation == generation)
            return &disk->rows[i];
    return NULL;
}

static void put_row(struct story *story, const struct agent_row *row)
{
    struct agent_row *kept = row_of(&story->disk, row->instance, row->generation);
    if (!kept) {
        assert_non_null(row->spec);
        assert_true(story->disk.row_count < STORY_ROWS_MAX);
        kept = &story->disk.rows[story->disk.row_count++];
        *kept = (struct agent_row){0};
    }
    const Pb__GuardSpec *spec = row->spec ? message_copy(row->spec, story->arena) : kept->spec;
    *kept = *row;
    kept->spec = spec;
}

static void forget_row(struct disk *disk, const struct agent_tombstone *stone)
{
    struct agent_row *row = row_of(disk, stone->instance, stone->generation);
    assert_non_null(row);
    size_t index = (size_t)(row - disk->rows);
    memmove(row, row + 1, (--disk->row_count - index) * sizeof *row);
    assert_true(disk->tombstone_count < STORY_ROWS_MAX);
    for (size_t i = 0; i < disk->tombstone_count; i++)
        if (disk->tombstones[i].instance == stone->instance) {
            disk->tombstones[i] = *stone;
            return;
        }
    disk->tombstones[disk->tombstone_count++] = *stone;
}

static void free_events(struct disk *disk, uint64_t last)
{
    size_t freed = (size_t)(last - disk->facts.acknowledged);
    assert_true(freed <= disk->size_count);
    disk->size_count -= freed;
    memmove(disk->sizes, disk->sizes + freed, disk->size_count * sizeof *disk->sizes);
    disk->facts.acknowledged = last;
}

static void reset(struct disk *disk)
{
    disk->row_count = disk->tombstone_count = disk->size_count = 0;
}

static void keep(struct story *story, const struct agent_record *record)
{
    struct disk *disk = &story->disk;
    switch (record->kind) {
    case AGENT_RECORD_FACTS:
        disk->facts = record->facts;
        break;
    case AGENT_RECORD_INTENT:
    case AGENT_RECORD_UPDATE:
        put_row(story, &record->row);
        break;
    case AGENT_RECORD_FORGET:
        forget_row(disk, &record->tombstone);
        break;
    case AGENT_RECORD_TOMBSTONE_DROP:
        break;
    case AGENT_RECORD_APPEND:
        assert_int_equal(record->append.sequence, disk->facts.acknowledged + disk->size_count + 1);
        APPEND(disk->sizes, disk->size_count, disk->size_capacity) = (uint32_t)record->append.bytes;
        break;
    case AGENT_RECORD_FREE:
        free_events(disk, record->freed);
        break;
    case AGENT_RECORD_RESET:
        reset(disk);
        break;
    }
}

// ---- feeding

static const char *const effect_names[] = {
    [AGENT_EFFECT_OPEN_LINK] = "open link",
    [AGENT_EFFECT_CLOSE_LINK] = "close link",
    [AGENT_EFFECT_SEND] = "send",
    [AGENT_EFFECT_SEND_EVENTS] = "events",
    [AGENT_EFFECT_PROBE] = "probe",
    [AGENT_EFFECT_FETCH_FILE] = "fetch",
    [AGENT_EFFECT_SPAWN] = "spawn",
    [AGENT_EFFECT_ADOPT] = "adopt",
    [AGENT_EFFECT_GUARD] = "guard",
    [AGENT_EFFECT_SWEEP] = "sweep",
    [AGENT_EFFECT_REMOVE_FOLDER] = "remove folder",
    [AGENT_EFFECT_LOG] = "log",
    [AGENT_EFFECT_STOPPED] = "stopped",
    [AGENT_EFFECT_KILL_GUARD] = "kill guard",
    [AGENT_EFFECT_SURVEY] = "survey",
    [AGENT_EFFECT_READ_CAPTURE] = "read capture",
    [AGENT_EFFECT_PLAN] = "plan",
    [AGENT_EFFECT_PLACE_PLUGIN] = "place plugin",
};

static void perform(struct story *story, const struct agent_effect *effect)
{
    struct agent_effect *kept = &APPEND(story->effects, story->count, story->capacity);
    *kept = *effect;
    if (effect->kind == AGENT_EFFECT_SEND)
        kept->envelope = message_copy(effect->envelope, story->arena);
    if (effect->kind == AGENT_EFFECT_LOG)
        text_printf(&story->trace, "log: %s\n", effect->log.text);
    else if (effect->kind == AGENT_EFFECT_SEND)
        text_printf(&story->trace, "send %d\n", (int)effect->envelope->body_case);
    else
        text_printf(&story->trace, "%s %llu.%u\n", effect_names[effect->kind], (unsigned long long)effect->instance, effect->generation);
}

void story_feed(struct story *story, struct agent_input *input)
{
    input->now_ns = story->now_ns;
    input->wall_ns = (int64_t)story->now_ns;
    input->random = ++story->random * UINT64_C(0x9e3779b97f4a7c15);
    agent_core_step(story->core, input, &story->batch);
    for (; story->performed < story->batch.effect_count; story->performed++)
        if (!story->batch.effects[story->performed].after_commit)
            perform(story, &story->batch.effects[story->performed]);
}

void story_commit(struct story *story)
{
    struct agent_output batch = story->batch;
    story->batch = (struct agent_output){.arena = story->arena};
    story->performed = 0;
    for (size_t i = 0; i < batch.record_count; i++)
        keep(story, &batch.records[i]);
    if (batch.outbox_last) {
        struct agent_input input = story_input(AGENT_INPUT_COMMITTED, 0, 0);
        input.committed.outbox_last = batch.outbox_last;
        input.committed.outbox_life = batch.outbox_life;
        story_feed(story, &input);
    }
    for (size_t i = 0; i < batch.effect_count; i++)
        if (batch.effects[i].after_commit)
            perform(story, &batch.effects[i]);
    agent_output_clear(&batch);
}

void story_later(struct story *story, uint64_t ms)
{
    uint64_t until_ns = story->now_ns + ms * MS, due_ns;
    while ((due_ns = agent_core_deadline(story->core)) != 0 && due_ns <= until_ns) {
        struct agent_input input = story_input(AGENT_INPUT_TICK, 0, 0);
        story->now_ns = due_ns > story->now_ns ? due_ns : story->now_ns;
        story_feed(story, &input);
    }
    story->now_ns = until_ns;
}

// ---- looking

const struct agent_effect *story_next(struct story *story, enum agent_effect_kind kind)
{
    for (size_t i = story->seen; i < story->count; i++)
        if (story->effects[i].kind == kind) {
            story->seen = i + 1;
            return &story->effects[i];
        }
    return NULL;
}

const Pb__Envelope *story_sent(struct story *story, Pb__Envelope__BodyCase body)
{
    for (size_t i = story->seen; i < story->count; i++)
        if (story->effects[i].kind == AGENT_EFFECT_SEND && story->effects[i].envelope->body_case == body) {
            story->seen = i + 1;
            return story->effects[i].envelope;
        }
    return NULL;
}

const Pb__GuardRequest *story_asked(struct story *story, Pb__GuardRequest__BodyCase body)
{
    for (size_t i = story->seen; i < story->count; i++)
        if (story->effects[i].kind == AGENT_EFFECT_GUARD && story->effects[i].request->body_case == body) {
            story->seen = i + 1;
            return story->effects[i].request;
        }
    return NULL;
}

size_t story_count(struct story *story, enum agent_effect_kind kind)
{
    size_t count = 0;
    for (size_t i = story->seen; i < story->count; i++)
        count += story->effects[i].kind == kind;
    return count;
}

void story_skip(struct story *story)
{
    story->seen = story->count;
}

// ---- life

static char name[] = "lab-a", host[] = "11111111111111111111111111111111", boot[] = "boot", plugin_name[] = "null", hash[] = STORY_HASH,
            plugin_path[] = "/plugins/null.so", network[] = "default", address[] = "127.0.0.1";

static void start(struct story *story)
{
    Pb__Hello self = PB__HELLO__INIT;
    Pb__TestAddress own = PB__TEST_ADDRESS__INIT, *addresses[] = {&own};
    self.name = name;
    self.host_id = host;
    self.boot_id = boot;
    self.slots = story->slots;
    own.network = network;
    own.address = address;
    self.addresses = addresses;
    self.n_addresses = 1;
    struct agent_input input = story_input(AGENT_INPUT_START, 0, 0);
    input.start.self = &self;
    input.start.port_first = 20000;
    input.start.port_count = story->port_count;
    input.start.takes_no_shells = story->takes_no_shells;
    input.start.facts = story->disk.facts;
    input.start.rows = story->disk.rows;
    input.start.row_count = story->disk.row_count;
    input.start.tombstones = story->disk.tombstones;
    input.start.tombstone_count = story->disk.tombstone_count;
    input.start.outbox_bytes = story->disk.sizes;
    input.start.outbox_count = story->disk.size_count;
    story->core = agent_core_new();
    story_feed(story, &input);
}

int story_begin(void **state)
{
    struct story *story = NEW(struct story);
    *state = story;
    story->arena = arena_new(0);
    story->batch.arena = story->arena;
    story->now_ns = 1000 * 1000 * MS;
    story->slots = 4;
    story->port_count = 8 * PORTS_PER_INSTANCE;
    story->store_id = "22222222222222222222222222222222";
    story->incarnation = 1;
    start(story);
    return 0;
}

int story_end(void **state)
{
    struct story *story = *state;
    agent_core_free(&story->core);
    agent_output_clear(&story->batch);
    arena_free(&story->arena);
    free(story->effects);
    free(story->disk.sizes);
    text_free(&story->trace);
    free(story);
    return 0;
}

void story_crash(struct story *story)
{
    agent_core_free(&story->core);
    agent_output_clear(&story->batch);
    story->performed = 0;
    story_skip(story);
    start(story);
}

// ---- the usual ways

void story_catalogue(struct story *story)
{
    Pb__PluginPresence presence = PB__PLUGIN_PRESENCE__INIT;
    Pb__PluginDescription description = PB__PLUGIN_DESCRIPTION__INIT;
    presence.name = description.name = plugin_name;
    presence.description_hash = hash;
    presence.path = plugin_path;
    presence.usable = true;
    const struct agent_plugin plugin = {&presence, &description};
    struct agent_input input = story_input(AGENT_INPUT_CATALOGUE, 0, 0);
    input.catalogue.plugins = &plugin;
    input.catalogue.count = 1;
    input.catalogue.probed = true;
    story_feed(story, &input);
}

void story_message(struct story *story, Pb__Envelope *envelope)
{
    struct agent_input input = story_input(AGENT_INPUT_MESSAGE, 0, 0);
    input.message.envelope = envelope;
    story_feed(story, &input);
}

void story_welcome(struct story *story, uint64_t last_seen)
{
    Pb__Welcome welcome = PB__WELCOME__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    welcome.session = envelope.session = ++story->session;
    welcome.store_id = arena_string(story->arena, story->store_id);
    welcome.incarnation = story->incarnation;
    welcome.last_seen = last_seen;
    welcome.heartbeat_ms = 1000;
    envelope.body_case = PB__ENVELOPE__BODY_WELCOME;
    envelope.welcome = &welcome;
    story_message(story, &envelope);
}

void story_live(struct story *story)
{
    struct agent_input up = story_input(AGENT_INPUT_LINK_UP, 0, 0);
    if (agent_core_deadline(story->core) == 0 && story_count(story, AGENT_EFFECT_OPEN_LINK) == 0)
        story_catalogue(story);
    story_later(story, AGENT_BACKOFF_MOST_MS);
    assert_non_null(story_next(story, AGENT_EFFECT_OPEN_LINK));
    story_feed(story, &up);
    const Pb__Envelope *hello = story_sent(story, PB__ENVELOPE__BODY_HELLO);
    assert_non_null(hello);
    story_welcome(story, story->disk.facts.acknowledged);
    assert_true(agent_core_is_live(story->core));
}

void story_acknowledge(struct story *story, uint64_t last)
{
    Pb__EventsAcknowledged acknowledged = PB__EVENTS_ACKNOWLEDGED__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    acknowledged.epoch = arena_string(story->arena, agent_core_epoch(story->core));
    acknowledged.last = last;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED;
    envelope.events_acknowledged = &acknowledged;
    story_message(story, &envelope);
}

static void send(struct story *story, Pb__Command *command)
{
    Pb__Commands commands = PB__COMMANDS__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    commands.commands = &command;
    commands.n_commands = 1;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_COMMANDS;
    envelope.commands = &commands;
    story_message(story, &envelope);
}

Pb__Initialize *story_initialize_message(struct story *story)
{
    Pb__Initialize *initialize = ARENA_NEW(story->arena, Pb__Initialize);
    pb__initialize__init(initialize);
    initialize->plugin = plugin_name;
    initialize->description_hash = hash;
    initialize->service = arena_string(story->arena, "load");
    initialize->lease_ms = 30000;
    return initialize;
}

static void send_initialize(struct story *story, uint64_t instance, uint32_t generation, Pb__Initialize *initialize)
{
    Pb__Command command = PB__COMMAND__INIT;
    command.instance = instance;
    command.generation = generation;
    command.number = 1;
    command.body_case = PB__COMMAND__BODY_INITIALIZE;
    command.initialize = initialize;
    send(story, &command);
}

void story_initialize(struct story *story, uint64_t instance, uint32_t generation)
{
    send_initialize(story, instance, generation, story_initialize_message(story));
}

void story_command(struct story *story, uint64_t instance, uint32_t generation, uint32_t number, Pb__Command__BodyCase body)
{
    Pb__Command command = PB__COMMAND__INIT;
    Pb__Start begin = PB__START__INIT;
    command.instance = instance;
    command.generation = generation;
    command.number = number;
    command.body_case = body;
    command.start = &begin;
    Pb__RunCase run_case = PB__RUN_CASE__INIT;
    char case_name[] = "noop";
    run_case.name = case_name;
    run_case.timeout_ms = 1000;
    if (body == PB__COMMAND__BODY_RUN_CASE)
        command.run_case = &run_case;
    if (body == PB__COMMAND__BODY_INITIALIZE)
        command.initialize = story_initialize_message(story);
    send(story, &command);
}

void story_attached(struct story *story, uint64_t instance, uint32_t generation, uint32_t last_command)
{
    Pb__GuardState guard = PB__GUARD_STATE__INIT;
    struct agent_input input = story_input(AGENT_INPUT_GUARD_ATTACHED, instance, generation);
    guard.version = GUARD_PROTOCOL_VERSION;
    guard.instance = instance;
    guard.generation = generation;
    guard.last_command = last_command;
    guard.lease_expires_ns = story->now_ns + 1000 * MS;
    input.attached.state = &guard;
    story_feed(story, &input);
}

void story_run(struct story *story, uint64_t instance)
{
    story_initialize(story, instance, 1);
    story_commit(story);
    assert_non_null(story_next(story, AGENT_EFFECT_SPAWN));
    story_attached(story, instance, 1, 1);
}

void story_spool(struct story *story, uint64_t instance, uint32_t generation, uint64_t from, uint64_t to, size_t bytes, bool ends)
{
    size_t count = (size_t)(to - from + 1);
    struct agent_spooled *spooled = ARENA_ARRAY(story->arena, struct agent_spooled, count);
    for (size_t i = 0; i < count; i++) {
        Pb__Event *event = ARENA_NEW(story->arena, Pb__Event);
        pb__event__init(event);
        event->instance = instance;
        event->generation = generation;
        event->sequence = from + i;
        bool is_end = ends && i + 1 == count;
        event->body_case = is_end ? PB__EVENT__BODY_INSTANCE_ENDED : PB__EVENT__BODY_NOTE;
        spooled[i] = (struct agent_spooled){event, event, bytes};
    }
    struct agent_input input = story_input(AGENT_INPUT_SPOOL, instance, generation);
    input.spool.events = spooled;
    input.spool.count = count;
    input.spool.offset = to * 100;
    story_feed(story, &input);
}
