// The coordinator's side of the lab: steps, delivery after the commit, crashes, replay.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/coordinator_core/lab.h"

#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "common/wire/wire.h"

static void keep_records(struct lab *lab)
{
    for (size_t i = 0; i < lab->effects.record_count; i++) {
        Pb__Record *record = MESSAGE_COPY(lab->effects.records[i], lab->arena);
        APPEND(lab->records, lab->record_count, lab->record_capacity) = record;
        if (record->body_case == PB__RECORD__BODY_CELL_ENDED) {
            lab->cells[lab->cell_count++ % 64] = record->cell_ended;
        } else if (record->body_case == PB__RECORD__BODY_TRIAL_ENDED) {
            lab->trials[lab->trial_count++ % 64] = record->trial_ended;
        } else if (record->body_case == PB__RECORD__BODY_RUN_ENDED) {
            lab->run_ended = record->run_ended;
        }
    }
}

static void keep_gated(struct lab *lab)
{
    for (size_t i = 0; i < lab->effects.gated_count; i++) {
        lab->gated = lab->effects.gated[i].run;
        lab->gated_count++;
    }
}

struct delivery {
    struct core_send *sends;
    size_t send_count;
    uint64_t *closed;
    size_t closed_count;
};

// Messages of one step, out of its effects: what agents do with them makes steps of its own.
static struct delivery take_effects(struct lab *lab)
{
    const struct core_effects *effects = &lab->effects;
    keep_gated(lab);
    struct delivery delivery = {.send_count = effects->send_count, .closed_count = effects->closed_count};
    delivery.sends = ARENA_ARRAY(lab->arena, struct core_send, effects->send_count + 1);
    delivery.closed = ARENA_ARRAY(lab->arena, uint64_t, effects->closed_count + 1);
    for (size_t i = 0; i < effects->send_count; i++) {
        delivery.sends[i] = effects->sends[i];
        delivery.sends[i].envelope = MESSAGE_COPY(effects->sends[i].envelope, lab->arena);
    }
    for (size_t i = 0; i < effects->closed_count; i++) {
        delivery.closed[i] = effects->closed[i];
    }
    effects_clear(&lab->effects);
    return delivery;
}

static void deliver_one(struct lab *lab, const struct core_send *send)
{
    if (send->envelope->body_case == PB__ENVELOPE__BODY_REPLY) {
        lab->reply = send->envelope->reply;
        if (lab->reply->body_case == PB__REPLY__BODY_REFUSED) {
            lab->refused = lab->reply->refused;
        }
    }
    for (size_t a = 0; a < lab->agent_count; a++) {
        if (lab->agents[a].connected && lab->agents[a].route == send->route) {
            lab->agents[a].placing_keeps_its_place |= send->envelope->body_case == PB__ENVELOPE__BODY_PLACE_PLUGIN && !send->urgent;
            lab_agent_receive(lab, a, send->envelope);
        }
    }
}

static void deliver(struct lab *lab)
{
    static int depth;
    struct delivery delivery = take_effects(lab);
    for (size_t i = 0; i < delivery.send_count; i++) {
        deliver_one(lab, &delivery.sends[i]);
    }
    for (size_t i = 0; i < delivery.closed_count; i++) {
        for (size_t a = 0; a < lab->agent_count; a++) {
            lab->agents[a].connected &= lab->agents[a].route != delivery.closed[i];
        }
    }
    if (depth || lab->is_async) {
        return; // the outermost call pumps
    }
    depth++;
    for (bool again = true; again;) {
        again = false;
        for (size_t a = 0; a < lab->agent_count; a++) {
            again |= lab_agent_flush(lab, a);
        }
    }
    depth--;
}

// As the reactor sends before a commit: what is urgent, and what is prompt unless a command to the same agent waits.
static bool leaves_before_commit(const struct delivery *delivery, size_t index)
{
    const struct core_send *sends = delivery->sends;
    for (size_t i = 0; i < index && sends[index].prompt; i++) {
        if (!sends[i].urgent && !sends[i].prompt && sends[i].route == sends[index].route) {
            return false;
        }
    }
    return sends[index].urgent || sends[index].prompt;
}

// A case that leaves before the commit has its number from a record that was committed before.
static void check_released(const struct lab *lab, const Pb__Command *command)
{
    for (size_t i = 0; i < lab->record_count; i++) {
        const Pb__CasesReleased *released = lab->records[i]->cases_released;
        if (lab->records[i]->body_case == PB__RECORD__BODY_CASES_RELEASED && released->instance == command->instance &&
            command->number >= released->first_number && command->number < released->first_number + released->n_cases) {
            return;
        }
    }
    fail_msg("command %u of instance %u follows from nothing that is committed", command->number, (unsigned)command->instance);
}

static void check_early(const struct lab *lab, const struct core_send *send)
{
    const bool commands = send->prompt && send->envelope->body_case == PB__ENVELOPE__BODY_COMMANDS;
    for (size_t i = 0; commands && i < send->envelope->commands->n_commands; i++) {
        check_released(lab, send->envelope->commands->commands[i]);
    }
}

static void crash(struct lab *lab)
{
    lab->crash_next = false;
    struct delivery delivery = take_effects(lab);
    for (size_t i = 0; i < delivery.send_count; i++) {
        if (leaves_before_commit(&delivery, i)) {
            check_early(lab, &delivery.sends[i]);
            deliver_one(lab, &delivery.sends[i]);
        }
    }
    for (size_t i = 0; i < lab->agent_count; i++) { // before its session ends, an agent may have done what it was told
        lab_agent_work(lab, i, lab->random++ % 3);
    }
    lab_restart(lab);
}

void lab_step(struct lab *lab, struct core_event *event)
{
    event->now_ns = lab->now_ns;
    event->wall_ns = (int64_t)lab->now_ns;
    event->random = ++lab->random;
    core_step(lab->core, event, &lab->effects);
    if (lab->crash_next) {
        crash(lab);
        return;
    }
    keep_records(lab); // commit before you speak
    deliver(lab);
}

// ---- the test's side

void lab_begin(struct lab *lab)
{
    lab_begin_with(lab, 2);
}

void lab_begin_with(struct lab *lab, size_t agents)
{
    *lab = (struct lab){.now_ns = 1000000000, .home = "first", .case_verdict = VERDICT_PASS};
    lab->arena = arena_new(0);
    effects_begin(&lab->effects);
    lab->core = core_new(&(struct core_options){.version = "test"});
    lab_step(lab, &(struct core_event){.kind = CORE_STORE_OPENED, .store_id = LAB_STORE_ID, .home = lab->home});
    lab_agents_begin(lab, agents);
}

static char *print_core(const struct core *core)
{
    struct text text = {0};
    core_print(core, &text);
    return text.data;
}

static struct core *replayed(const struct lab *lab, size_t count)
{
    struct core *core = core_new(&(struct core_options){.version = "test"});
    for (size_t i = 0; i < count; i++) {
        assert_null(core_replay(core, lab->records[i]));
    }
    return core;
}

// ---- snapshots: packed as a shell keeps them

struct packed_parts {
    struct text bytes;
    size_t ends[4096]; // of each part
    size_t count;
};

static void pack_part(void *context, const Pb__SnapshotPart *part)
{
    struct packed_parts *packed = context;
    size_t bytes;
    uint8_t *data = wire_pack(part, NULL, &bytes);
    text_append_bytes(&packed->bytes, data, bytes);
    free(data);
    assert_in_range(packed->count, 0, sizeof packed->ends / sizeof *packed->ends - 1);
    packed->ends[packed->count++] = packed->bytes.length;
}

static struct packed_parts *save(const struct core *core)
{
    struct packed_parts *packed = NEW(struct packed_parts);
    core_save(core, pack_part, packed);
    return packed;
}

static void parts_free(struct packed_parts *packed)
{
    text_free(&packed->bytes);
    free(packed);
}

static struct core *load(const struct packed_parts *packed)
{
    struct core *core = core_new(&(struct core_options){.version = "test"});
    size_t from = 0;
    for (size_t i = 0; i < packed->count; i++) {
        struct arena *arena = arena_new(0);
        Pb__SnapshotPart *part = wire_unpack(&pb__snapshot_part__descriptor, packed->bytes.data + from, packed->ends[i] - from, arena);
        assert_non_null(part);
        const char *why = core_load(core, part);
        if (why) {
            fail_msg("part %zu of a snapshot: %s", i, why);
        }
        from = packed->ends[i];
        arena_free(&arena);
    }
    return core;
}

// As after a restart: a snapshot of some moment, which the records chose, and what came after it.
static struct core *recovered(const struct lab *lab)
{
    size_t moment = lab->record_count * 7919 % 101 * lab->record_count / 100;
    struct core *then = replayed(lab, moment);
    struct packed_parts *parts = save(then);
    core_free(&then);
    struct core *core = load(parts);
    parts_free(parts);
    for (size_t i = moment; i < lab->record_count; i++) {
        assert_null(core_replay(core, lab->records[i]));
    }
    return core;
}

static void assert_same(const struct core *live, struct core *copy)
{
    char *live_text = print_core(live), *copy_text = print_core(copy);
    assert_string_equal(live_text, copy_text);
    free(live_text);
    free(copy_text);
    struct packed_parts *live_parts = save(live), *copy_parts = save(copy);
    assert_int_equal(live_parts->bytes.length, copy_parts->bytes.length);
    assert_memory_equal(live_parts->bytes.data, copy_parts->bytes.data, live_parts->bytes.length);
    parts_free(live_parts);
    parts_free(copy_parts);
    core_free(&copy);
}

void lab_check_replay(struct lab *lab)
{
    assert_same(lab->core, replayed(lab, lab->record_count));
    assert_same(lab->core, recovered(lab));
}

// ---- a journal in disorder: a core takes it, or says why not

#define DISORDERS 8

enum disorder { DISORDER_LEFT_OUT, DISORDER_TWICE, DISORDER_SWAPPED, DISORDER_KINDS };

// Which record stands at this place.
static size_t disordered(size_t i, size_t place, enum disorder disorder)
{
    switch (disorder) {
    case DISORDER_LEFT_OUT:
        return i < place ? i : i + 1;
    case DISORDER_TWICE:
        return i <= place ? i : i - 1;
    default:
        return i == place ? place + 1 : i == place + 1 ? place : i;
    }
}

static void check_disorder(const struct lab *lab, size_t place, enum disorder disorder)
{
    const char *why = NULL;
    struct core *core = core_new(&(struct core_options){.version = "test"});
    size_t count = lab->record_count + (disorder == DISORDER_TWICE) - (disorder == DISORDER_LEFT_OUT);
    for (size_t i = 0; i < count && !why; i++) {
        why = core_replay(core, lab->records[disordered(i, place, disorder)]);
    }
    if (why) {
        assert_int_not_equal(*why, '\0');
    } else {
        struct packed_parts *parts = save(core);
        struct core *again = load(parts);
        parts_free(parts);
        core_free(&again);
    }
    core_free(&core);
}

static void check_disorders(const struct lab *lab)
{
    for (size_t i = 0; i < DISORDERS && lab->record_count > 1; i++) {
        size_t place = lab->record_count * (i * 7919 + 4973) % (lab->record_count - 1); // wherever: the stories differ
        check_disorder(lab, (place + i * 104729) % (lab->record_count - 1), (enum disorder)(i % DISORDER_KINDS));
    }
}

void lab_end(struct lab *lab)
{
    lab_check_replay(lab);
    check_disorders(lab);
    core_free(&lab->core);
    effects_end(&lab->effects);
    lab_agents_end(lab);
    free(lab->records);
    arena_free(&lab->arena);
}

void lab_restart(struct lab *lab)
{
    core_free(&lab->core);
    lab->core = recovered(lab);
    effects_clear(&lab->effects);
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab->agents[i].connected = false;
    }
    lab_step(lab, &(struct core_event){.kind = CORE_STORE_OPENED, .store_id = LAB_STORE_ID, .home = lab->home});
}

void lab_tick(struct lab *lab)
{
    lab_step(lab, &(struct core_event){.kind = CORE_TICK});
}

void lab_pass_ms(struct lab *lab, uint64_t ms, bool beating)
{
    for (uint64_t passed = 0; passed < ms; passed += 100) {
        lab->now_ns += 100 * NS_PER_MS;
        for (size_t i = 0; i < lab->agent_count; i++) {
            lab_agent_expire(lab, i);
            lab_agent_faults(lab, i);
            if (beating && lab->agents[i].connected && passed % 1000 == 0) {
                lab_agent_beat(lab, i);
            }
        }
        lab_tick(lab);
    }
}

void lab_submit(struct lab *lab, const Pb__Experiment *experiment, const char *key, const char *hash, int role)
{
    Pb__Submit submit = PB__SUBMIT__INIT;
    submit.key = (char *)(uintptr_t)key;
    struct core_event event = {.kind = CORE_SUBMIT,
                               .route = OPERATOR_ROUTE,
                               .peer_name = "ann",
                               .role = role,
                               .request = 1,
                               .submit = &submit,
                               .experiment = experiment,
                               .content_hash = hash};
    lab->reply = NULL;
    lab->refused = NULL;
    lab_step(lab, &event);
}

void lab_request(struct lab *lab, Pb__Request *request, int role)
{
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_REQUEST;
    envelope.request = request;
    request->number = 2;
    struct core_event event = {
        .kind = CORE_MESSAGE, .route = OPERATOR_ROUTE, .peer_name = "ann", .role = role, .public_key = "", .envelope = &envelope};
    lab->reply = NULL;
    lab->refused = NULL;
    lab_step(lab, &event);
}

void lab_cancel(struct lab *lab, const char *run, const char *why)
{
    Pb__Cancel cancel = PB__CANCEL__INIT;
    cancel.run = arena_string(lab->arena, run);
    cancel.why = arena_string(lab->arena, why);
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_CANCEL;
    request.cancel = &cancel;
    lab_request(lab, &request, PB__ROLE__ROLE_OPERATOR);
}
