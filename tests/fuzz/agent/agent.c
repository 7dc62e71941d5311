// What happens to an agent's core: envelopes of a coordinator that says anything that passes common/wire, guards that come, go and spool
// anything, files, time, a full disk, crashes between any two commits. Nothing brings it down, what the disk model of the unit tests
// checks holds (outbox without a hole, rows before updates), and a loaded agent is the one that was committed.
#include <string.h>

#include "common/base/error.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"
#include "tests/unit/agent_core/story.h"

#define PARTS_MAX 48 // fewer than rows of the model's disk
#define INSTANCES 4

enum happening {
    FROM_COORDINATOR,
    SPOOLED,
    GUARD_ATTACHES,
    GUARD_DETACHES,
    GUARD_IS_GONE,
    GUARD_NOT_SPAWNED,
    GUARD_NEVER_SPAWNED,
    SWEPT,
    FILE_CAME,
    BULK_DONE,
    DISK_FULL,
    LINK_UP,
    LINK_LOST,
    COMES_LIVE,
    INSTANCE_WANTED,
    COMMAND_WANTED,
    ACKNOWLEDGED,
    TIME_PASSES,
    COMMITTED,
    CRASHED,
    SURVEYED,
    HAPPENINGS
};

static uint64_t spool_offset;

static void coordinator_says(struct story *story, const struct part *part)
{
    Pb__Envelope *envelope = wire_envelope(part->data, part->bytes, story->arena, NULL);
    if (!envelope)
        return;
    if (!(part->kind & 0x80))
        envelope->session = agent_core_session(story->core);
    story_message(story, envelope);
}

static void spooled(struct story *story, const struct part *part, uint64_t instance)
{
    if (part->bytes < 2 || agent_core_event_room(story->core) == 0)
        return;
    struct agent_spooled spooled = {.packed = part->data + 1, .bytes = part->bytes - 1};
    Pb__Event *event = wire_event(spooled.packed, spooled.bytes, story->arena, NULL);
    if (event && !(part->kind & 0x80)) { // a guard is not expected to speak for another
        event->instance = instance;
        event->generation = 1;
    }
    spooled.event = event;
    struct agent_input input = story_input(AGENT_INPUT_SPOOL, instance, 1);
    input.spool.events = &spooled;
    input.spool.count = event != NULL;
    input.spool.offset = spool_offset += spooled.bytes;
    if (event)
        story_feed(story, &input);
}

static void guard_end(struct story *story, enum agent_input_kind kind, uint64_t instance, uint8_t number)
{
    struct agent_input input = story_input(kind, instance, 1);
    input.gone.rebooted = number & 0x40;
    input.gone.why = "it is gone";
    story_feed(story, &input);
}

static void file_came(struct story *story, uint8_t number)
{
    struct agent_input input = story_input(AGENT_INPUT_FILE, 0, 0);
    input.file.hash = STORY_FILE;
    input.file.path = number & 1 ? "/files/x" : NULL;
    input.file.why = "no such blob";
    story_feed(story, &input);
}

static void surveyed(struct story *story, uint64_t number)
{
    struct agent_input input = story_input(AGENT_INPUT_SURVEYED, 0, 0);
    input.survey.session = agent_core_session(story->core);
    input.survey.number = number;
    story_feed(story, &input);
}

static void plain(struct story *story, enum agent_input_kind kind, uint64_t instance)
{
    struct agent_input input = story_input(kind, instance, 1);
    story_feed(story, &input);
}

static void link_lost(struct story *story)
{
    struct agent_input input = story_input(AGENT_INPUT_LINK_LOST, 0, 0);
    input.link_lost.why = "closed by the peer";
    story_feed(story, &input);
}

static void disk_full(struct story *story, bool full)
{
    struct agent_input input = story_input(AGENT_INPUT_STORAGE_FULL, 0, 0);
    input.storage.full = full;
    story_feed(story, &input);
}

static void come_live(struct story *story)
{
    if (agent_core_is_live(story->core))
        return;
    story_catalogue(story);
    story_later(story, AGENT_BACKOFF_MOST_MS);
    plain(story, AGENT_INPUT_LINK_UP, 0);
    if (story_sent(story, PB__ENVELOPE__BODY_HELLO))
        story_welcome(story, story->disk.facts.acknowledged);
}

static void command_wanted(struct story *story, uint64_t instance, uint8_t number)
{
    static const Pb__Command__BodyCase kinds[] = {PB__COMMAND__BODY_START, PB__COMMAND__BODY_RUN_CASE, PB__COMMAND__BODY_START};
    story_command(story, instance, 1, 2 + number % 6, kinds[number % 3]);
}

// What the restart loads is what was committed.
static void crash(struct story *story)
{
    struct text first = {0}, second = {0};
    story_crash(story);
    story_commit(story); // a new epoch, when there was none yet
    agent_core_print(story->core, &first);
    story_crash(story);
    agent_core_print(story->core, &second);
    INVARIANT(strcmp(text_string(&first), text_string(&second)) == 0);
    text_free(&first);
    text_free(&second);
}

static void happen(struct story *story, const struct part *part)
{
    uint8_t number = part->bytes ? part->data[0] : 0;
    uint64_t instance = 1 + number % INSTANCES;
    switch ((enum happening)((part->kind & 0x7f) % HAPPENINGS)) {
    case FROM_COORDINATOR:
        coordinator_says(story, part);
        break;
    case SPOOLED:
        spooled(story, part, instance);
        break;
    case GUARD_ATTACHES:
        story_attached(story, instance, 1, number / INSTANCES % 8);
        break;
    case GUARD_DETACHES:
        plain(story, AGENT_INPUT_GUARD_DETACHED, instance);
        break;
    case GUARD_IS_GONE:
        guard_end(story, AGENT_INPUT_GUARD_GONE, instance, number);
        break;
    case GUARD_NOT_SPAWNED:
        guard_end(story, AGENT_INPUT_NOT_SPAWNED, instance, number);
        break;
    case GUARD_NEVER_SPAWNED:
        plain(story, AGENT_INPUT_NEVER_SPAWNED, instance);
        break;
    case SWEPT:
        plain(story, AGENT_INPUT_SWEPT, instance);
        break;
    case FILE_CAME:
        file_came(story, number);
        break;
    case BULK_DONE:
        plain(story, AGENT_INPUT_BULK_DONE, instance);
        break;
    case DISK_FULL:
        disk_full(story, number & 1);
        break;
    case LINK_UP:
        plain(story, AGENT_INPUT_LINK_UP, 0);
        break;
    case LINK_LOST:
        link_lost(story);
        break;
    case COMES_LIVE:
        come_live(story);
        break;
    case INSTANCE_WANTED:
        story_initialize(story, instance, 1 + number / 128);
        break;
    case COMMAND_WANTED:
        command_wanted(story, instance, number);
        break;
    case ACKNOWLEDGED:
        story_acknowledge(story, story->disk.facts.acknowledged + number % 5);
        break;
    case TIME_PASSES:
        story_later(story, 1 + 100 * (uint64_t)number);
        break;
    case COMMITTED:
        story_commit(story);
        break;
    case SURVEYED:
        surveyed(story, number);
        break;
    default:
        crash(story);
        break;
    }
    if (!(part->kind & 0x40))
        story_commit(story);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part part;
    void *state = NULL;
    spool_offset = 0;
    story_begin(&state);
    struct story *story = state;
    for (size_t i = 0; i < PARTS_MAX && part_next(&data, &size, &part); i++)
        happen(story, &part);
    story_later(story, 60000);
    story_commit(story);
    crash(story);
    story_end(&state);
    return 0;
}
