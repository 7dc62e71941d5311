// What is committed: the books are kept from it, record by record. See oracle.h.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "common/wire/wire.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/journal.h"
#include "tests/simulation/oracle_inside.h"

// ---- books

struct life_key {
    uint64_t part[2];
};

struct life_book *oracle_life(struct oracle *oracle, uint64_t instance, uint32_t generation)
{
    struct life_key key = {{instance, generation}};
    struct life_book *life = map_get(oracle->lives, &key, sizeof key);
    if (!life) {
        life = ARENA_NEW(oracle->arena, struct life_book);
        map_put(oracle->lives, &key, sizeof key, life);
    }
    return life;
}

struct agent_book *oracle_agent(struct oracle *oracle, const char *name)
{
    struct agent_book *agent = map_get_text(oracle->agents, name);
    if (!agent) {
        agent = ARENA_NEW(oracle->arena, struct agent_book);
        map_put_text(oracle->agents, name, agent);
    }
    return agent;
}

struct last_book *oracle_last(struct oracle *oracle, const char *agent, const char *epoch)
{
    const char *key = arena_printf(oracle->world->scratch, "%s %s", agent, epoch);
    struct last_book *last = map_get_text(oracle->contents, key);
    if (!last) {
        last = ARENA_NEW(oracle->arena, struct last_book);
        map_put_text(oracle->contents, key, last);
    }
    return last;
}

struct instance_book *oracle_instance(const struct oracle *oracle, uint64_t id)
{
    return map_get_number(oracle->instances, id);
}

// ---- records

static void run_accepted(struct oracle *oracle, const Pb__RunAccepted *accepted)
{
    struct run_book *run = ARENA_NEW(oracle->arena, struct run_book);
    run->number = accepted->run;
    run->cells = accepted->cells;
    if (map_put_number(oracle->runs, accepted->run, run))
        world_fail(oracle->world, P1, "run r%llu was accepted twice", (unsigned long long)accepted->run);
}

static void instance_renewed(struct oracle *oracle, const Pb__InstanceRenewed *renewed)
{
    struct instance_book *instance = oracle_instance(oracle, renewed->instance);
    if (!instance || renewed->generation > instance->generation + 1)
        world_fail(oracle->world, P3, "instance %llu was renewed before its trial, or leaves out a generation",
                   (unsigned long long)renewed->instance);
    else
        instance->wanted = renewed->generation;
    world_saw(oracle->world, RARITY_GENERATION_RENEWED);
}

// The one before it has ended, and nothing of it lives: that was looked at when it ended.
static void begin_generation(struct oracle *oracle, struct instance_book *instance, const Pb__Command *command)
{
    if (command->generation != instance->wanted || !instance->has_ended)
        world_fail(oracle->world, P3, "generation %u of instance %llu begins while the one before it lives, or nobody decided it",
                   command->generation, (unsigned long long)command->instance);
    instance->generation = command->generation;
    instance->has_ended = false;
    instance->last_issued = 0;
    oracle_agent(oracle, instance->agent)->placed++;
    map_free(&instance->issued);
    instance->issued = map_new();
}

static void command_issued(struct oracle *oracle, const Pb__Command *command)
{
    struct instance_book *instance = oracle_instance(oracle, command->instance);
    if (instance && command->generation > instance->generation)
        begin_generation(oracle, instance, command);
    if (!instance || command->number <= instance->last_issued) {
        world_fail(oracle->world, P3_ORDER, "command %u of instance %llu was issued again, or before its trial", command->number,
                   (unsigned long long)command->instance);
        return;
    }
    instance->last_issued = command->number;
    map_put_number(instance->issued, command->number, instance);
    oracle_fault_issued(oracle, instance, command);
}

static void cases_released(struct oracle *oracle, const Pb__CasesReleased *released)
{
    struct instance_book *instance = oracle_instance(oracle, released->instance);
    if (!instance)
        return;
    uint32_t count = released->execute ? 1 : (uint32_t)released->n_cases;
    if (released->first_number <= instance->last_issued)
        world_fail(oracle->world, P3_ORDER, "cases of instance %llu have numbers that were given", (unsigned long long)released->instance);
    for (uint32_t i = 0; i < count; i++)
        map_put_number(instance->issued, released->first_number + i, instance);
    instance->execute_number = released->execute ? released->first_number : instance->execute_number;
    instance->last_issued = released->first_number + count - 1;
}

// In the order in which the guard spooled them, none left out, each as it was; an agent may add the end of one that could not say it.
static void check_order(struct oracle *oracle, const Pb__InstanceEvent *kept)
{
    const Pb__Event *event = kept->event;
    struct world *world = oracle->world;
    struct life_book *life = oracle_life(oracle, event->instance, event->generation);
    bool is_doubled = kept->stale && event->sequence <= life->sequence && (world->has_copy || world->has_injected);
    if (oracle->was_restored || is_doubled)
        return; // numbers of instances were given twice, or commands that nobody gave
    // A disk that was wiped takes those, too.
    bool is_out_of_order = event->sequence != life->sequence + 1;
    if (is_out_of_order && world->has_injected && oracle->any_wiped)
        return;
    if (is_out_of_order)
        world_fail(world, P3_ORDER, "the journal has event %llu of %llu.%u after %llu: %s", (unsigned long long)event->sequence,
                   (unsigned long long)event->instance, event->generation, (unsigned long long)life->sequence,
                   describe_event(world, event));
    if (life->end_is_kept && !(world->has_injected && oracle->any_wiped))
        world_fail(world, P3_ORDER, "%llu.%u said something after InstanceEnded: %s", (unsigned long long)event->instance,
                   event->generation, describe_event(world, event));
    life->sequence = event->sequence;
    life->end_is_kept = event->body_case == PB__EVENT__BODY_INSTANCE_ENDED;
    const struct guard *guard = life->guard;
    if (!guard || event->sequence > guard_kept(guard) || (world->has_injected && oracle->any_wiped))
        return;
    size_t bytes;
    const uint8_t *packed = wire_pack(event, world->scratch, &bytes);
    const struct spooled *spooled = &guard->spool[event->sequence - 1];
    if (bytes != spooled->bytes || memcmp(packed, spooled->data, bytes) != 0)
        world_fail(world, P2_LOST, "the journal has event %llu of %llu.%u other than its guard spooled it: %s",
                   (unsigned long long)event->sequence, (unsigned long long)event->instance, event->generation,
                   describe_event(world, event));
}

static void instance_event(struct oracle *oracle, const Pb__InstanceEvent *kept)
{
    struct world *world = oracle->world;
    struct last_book *last = oracle_last(oracle, kept->agent, kept->epoch);
    bool comes_again = kept->stale && kept->sequence <= last->last && world->has_copy;
    if (comes_again)
        return; // another host had the name for a while: what comes twice is kept twice, and counts once
    if (kept->sequence != last->last + 1)
        world_fail(world, P3_ORDER, "the journal has event %llu of outbox %s of %s after %llu", (unsigned long long)kept->sequence,
                   trace_text(world, 'e', kept->epoch), kept->agent, (unsigned long long)last->last);
    last->last = kept->sequence;
    check_order(oracle, kept);
    if (kept->stale) {
        world_saw(world, RARITY_EVENT_STALE);
        return;
    }
    oracle_evidence(oracle, kept);
    struct instance_book *instance = oracle_instance(oracle, kept->event->instance);
    if (kept->event->body_case == PB__EVENT__BODY_INSTANCE_ENDED && instance)
        oracle_instance_is_over(oracle, instance, kept->event->generation, "InstanceEnded");
}

static void instance_lost(struct oracle *oracle, const Pb__InstanceLost *lost)
{
    struct instance_book *instance = oracle_instance(oracle, lost->instance);
    world_saw(oracle->world, RARITY_INSTANCE_LOST);
    if (instance)
        oracle_instance_is_over(oracle, instance, lost->generation, "InstanceLost");
}

static void agent_seen(struct oracle *oracle, const Pb__AgentSeen *seen)
{
    struct last_book *last = oracle_last(oracle, seen->name, seen->epoch);
    if (last->last < seen->last_seen)
        last->last = seen->last_seen;
}

static const char *content_key(struct world *world, const Pb__ContentStored *content)
{
    return arena_printf(world->scratch, "content %llu.%u %d %s", (unsigned long long)content->instance, content->generation,
                        content->is_stream, content->name);
}

static void see(struct oracle *oracle, const Pb__Record *record)
{
    struct run_book *run;
    switch (record->body_case) {
    case PB__RECORD__BODY_STORE_OPENED:
        oracle->incarnation = record->store_opened->incarnation;
        break;
    case PB__RECORD__BODY_AGENT_SEEN:
        agent_seen(oracle, record->agent_seen);
        break;
    case PB__RECORD__BODY_AGENT_DRAINED:
        oracle_agent(oracle, record->agent_drained->name)->is_drained = !record->agent_drained->off;
        break;
    case PB__RECORD__BODY_RUN_ACCEPTED:
        run_accepted(oracle, record->run_accepted);
        break;
    case PB__RECORD__BODY_RUN_CANCELLED:
        run = map_get_number(oracle->runs, record->run_cancelled->run);
        run->is_cancelled = true;
        break;
    case PB__RECORD__BODY_TRIAL_STARTED:
        oracle_trial_started(oracle, record->trial_started);
        break;
    case PB__RECORD__BODY_COMMAND_ISSUED:
        command_issued(oracle, record->command_issued->command);
        break;
    case PB__RECORD__BODY_INSTANCE_RENEWED:
        instance_renewed(oracle, record->instance_renewed);
        break;
    case PB__RECORD__BODY_TIMELINE_MARK:
        oracle_timeline_mark(oracle, record->timeline_mark);
        break;
    case PB__RECORD__BODY_CASES_RELEASED:
        cases_released(oracle, record->cases_released);
        break;
    case PB__RECORD__BODY_INSTANCE_EVENT:
        instance_event(oracle, record->instance_event);
        break;
    case PB__RECORD__BODY_INSTANCE_LOST:
        instance_lost(oracle, record->instance_lost);
        break;
    case PB__RECORD__BODY_TRIAL_HELD:
        oracle_trial_held(oracle, record->trial_held);
        break;
    case PB__RECORD__BODY_TRIAL_STOPPING:
        oracle_trial_stopping(oracle, record->trial_stopping);
        break;
    case PB__RECORD__BODY_TRIAL_ENDED:
        oracle_trial_ended(oracle, record->trial_ended);
        break;
    case PB__RECORD__BODY_CELL_ENDED:
        oracle_cell_ended(oracle, record->cell_ended);
        break;
    case PB__RECORD__BODY_RUN_ENDED:
        oracle_run_ended(oracle, record->run_ended);
        break;
    case PB__RECORD__BODY_CONTENT_STORED:
        map_put_text(oracle->contents, content_key(oracle->world, record->content_stored), oracle);
        break;
    default:
        break;
    }
}

bool oracle_content_is_stored(const struct world *world, const Pb__ContentStored *content)
{
    return map_get_text(world->oracle->contents, content_key((struct world *)(uintptr_t)world, content)) != NULL;
}

void oracle_committed(struct world *world)
{
    struct oracle *oracle = world->oracle;
    const struct journal *journal = coordinator_journal(world);
    for (; oracle->seen < journal->synced && !world->broken_property; oracle->seen++) {
        // What the books keep of it lives as long as they do.
        const Pb__Record *record = journal_read(journal, oracle->seen, oracle->arena);
        if (record)
            see(oracle, record);
        else
            world_fail(world, P7, "record %zu does not replay", oracle->seen + 1);
    }
}

// ---- life

static void maps_new(struct oracle *oracle)
{
    oracle->runs = map_new();
    oracle->cells = map_new();
    oracle->trials = map_new();
    oracle->instances = map_new();
    oracle->agents = map_new();
    oracle->contents = map_new();
    oracle->hellos = map_new();
}

static void maps_free(struct oracle *oracle)
{
    for (struct map_entry *entry = map_first(oracle->instances); entry; entry = map_next(oracle->instances, entry)) {
        struct instance_book *instance = entry->value;
        map_free(&instance->results);
        map_free(&instance->issued);
    }
    map_free(&oracle->runs);
    map_free(&oracle->cells);
    map_free(&oracle->trials);
    map_free(&oracle->instances);
    map_free(&oracle->agents);
    map_free(&oracle->contents);
    map_free(&oracle->hellos);
}

struct oracle *oracle_new(struct world *world)
{
    struct oracle *oracle = ARENA_NEW(world->arena, struct oracle);
    oracle->world = world;
    oracle->arena = world->arena;
    oracle->wiped = ARENA_ARRAY(world->arena, bool, AGENTS_MAX);
    oracle->lives = map_new();
    maps_new(oracle);
    return oracle;
}

void oracle_free(struct oracle **oracle)
{
    maps_free(*oracle);
    map_free(&(*oracle)->lives);
    *oracle = NULL;
}

// What came after the backup is gone for good, so the books begin anew with what the backup says.
void oracle_restored(struct world *world)
{
    struct oracle *oracle = world->oracle;
    maps_free(oracle);
    maps_new(oracle);
    for (struct map_entry *entry = map_first(oracle->lives); entry; entry = map_next(oracle->lives, entry)) {
        struct life_book *life = entry->value;
        life->sequence = 0;
        life->end_is_kept = false;
    }
    oracle->seen = 0;
    oracle->was_restored = true;
    oracle->is_reading_backup = true;
    oracle_committed(world);
    oracle->is_reading_backup = false;
}
