// Peers of the coordinator that say anything that passes common/wire, in any order, among honest ones, while runs go on and it is
// restarted. Nothing brings it down; replaying its journal, with or without a snapshot, gives its live state (P7); and when all is said
// and every agent is gone, each accepted cell still ends in one verdict (P1). Each part of the input is one thing that happens.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "common/base/error.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"
#include "tests/unit/coordinator_core/lab.h"

#define PARTS_MAX 64
#define RUNS_MAX 4
#define CELLS_MAX 3
// Longer than a cell may wait in a queue, a trial may run, and a lease may last, one after the other, for each of the cells.
#define LIVENESS_S 600

enum happening {
    FROM_AGENT_A,
    FROM_AGENT_B,
    FROM_OPERATOR,
    FROM_VIEWER,
    FROM_ENROLLER,
    EVENT_OF_A, // into the outbox of an agent: it has a sequence, and is sent again
    EVENT_OF_B,
    TIME_PASSES,
    AGENT_WORKS,
    AGENT_COMES,
    AGENT_GOES,
    SUBMITTED,
    RESTARTED,
    HAPPENINGS
};

struct story {
    struct lab lab;
    size_t runs, cells;
};

static void say(struct lab *lab, const struct part *part, uint64_t route, const char *name, int role, uint64_t session)
{
    struct arena *arena = arena_new(0);
    Pb__Envelope *envelope = wire_envelope(part->data, part->bytes, arena, NULL);
    if (envelope) {
        // Every number of a session but the right one is dropped at once: mostly the right one is tried.
        if (!(part->kind & 0x80))
            envelope->session = session;
        lab_step(lab, &(struct core_event){.kind = CORE_MESSAGE,
                                           .route = route,
                                           .peer_name = name,
                                           .role = role,
                                           .public_key = "vD7zNs6pY7p#0}BEvY*PqYlsp9SsFhBZT^7m>B{E",
                                           .envelope = envelope});
    }
    arena_free(&arena);
}

static void agent_says(struct lab *lab, const struct part *part, size_t index)
{
    const struct lab_agent *agent = &lab->agents[index];
    say(lab, part, agent->route, agent->name, PB__ROLE__ROLE_AGENT, agent->session);
}

static void agent_observes(struct lab *lab, const struct part *part, size_t index)
{
    struct arena *arena = arena_new(0);
    Pb__Event *event = wire_event(part->data, part->bytes, arena, NULL);
    if (event) {
        if (!(part->kind & 0x80)) {
            event->instance = 1 + event->instance % 8;
            event->generation = 1;
        }
        lab_event(lab, index, event);
        lab_agent_flush(lab, index);
    }
    arena_free(&arena);
}

static void submit(struct story *story, size_t number)
{
    uint32_t cells = 1 + (uint32_t)number % CELLS_MAX;
    if (story->runs == RUNS_MAX)
        return;
    story->runs++;
    lab_submit(&story->lab, lab_experiment(&story->lab, cells), "", "hash", PB__ROLE__ROLE_OPERATOR);
    const Pb__Reply *reply = story->lab.reply;
    if (reply && reply->body_case == PB__REPLY__BODY_SUBMITTED && reply->submitted->accepted)
        story->cells += cells;
}

static void happen(struct story *story, const struct part *part)
{
    struct lab *lab = &story->lab;
    size_t number = part->bytes ? part->data[0] : 0, agent = number % 2, kind = (part->kind & 0x7f) % HAPPENINGS;
    switch ((enum happening)kind) {
    case FROM_AGENT_A:
    case FROM_AGENT_B:
        agent_says(lab, part, kind - FROM_AGENT_A);
        break;
    case FROM_OPERATOR:
        say(lab, part, OPERATOR_ROUTE, "ann", PB__ROLE__ROLE_OPERATOR, 0);
        break;
    case FROM_VIEWER:
        say(lab, part, OPERATOR_ROUTE + 1, "bob", PB__ROLE__ROLE_VIEWER, 0);
        break;
    case FROM_ENROLLER:
        say(lab, part, OPERATOR_ROUTE + 2, "enroll-1", PB__ROLE__ROLE_ENROLL, 0);
        break;
    case EVENT_OF_A:
    case EVENT_OF_B:
        agent_observes(lab, part, kind - EVENT_OF_A);
        break;
    case TIME_PASSES:
        lab_pass_ms(lab, 100 * (1 + number), number % 3 != 0);
        break;
    case AGENT_WORKS:
        lab_agent_work(lab, agent, 1 + number % 5);
        lab_agent_flush(lab, agent);
        break;
    case AGENT_COMES:
        lab_agent_hello(lab, agent);
        break;
    case AGENT_GOES:
        lab_agent_gone(lab, agent);
        break;
    case SUBMITTED:
        submit(story, number);
        break;
    default:
        lab_restart(lab);
        break;
    }
}

// Nobody is there any more: leases and patience bring every end.
static void end(struct story *story)
{
    struct lab *lab = &story->lab;
    for (size_t i = 0; i < lab->agent_count; i++)
        lab_agent_gone(lab, i);
    for (size_t i = 0; i < LIVENESS_S && !core_is_idle(lab->core); i++) {
        lab->now_ns += 1000 * NS_PER_MS;
        lab_tick(lab);
    }
    INVARIANT(core_is_idle(lab->core));
    INVARIANT(lab->cell_count == story->cells);
    lab_end(lab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct story story = {0};
    struct part part;
    lab_begin(&story.lab);
    story.lab.is_async = true;
    for (size_t i = 0; i < PARTS_MAX && part_next(&data, &size, &part); i++)
        happen(&story, &part);
    end(&story);
    return 0;
}
