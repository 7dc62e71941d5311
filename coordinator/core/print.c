// The durable state as text, in a canonical order: what replay must give back (P7).
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "coordinator/core/durable.h"

static void print_instance(const struct instance *instance, struct text *out)
{
    text_printf(out, "    instance %llu.%u %s %s on %s: %s last=%u open=%u cases=%u/%u execute=%u/%d verdict=%s/%s",
                (unsigned long long)instance->id, instance->generation, instance->service, instance->plugin, instance->agent,
                lifecycle_name(&instance_lifecycle, instance->state), instance->last_number, instance->open ? instance->open->number : 0,
                instance->cases_answered, instance->case_count, instance->execute_number, instance->execute_answered,
                verdict_name(instance->outcome.verdict), reason_name(instance->outcome.reason));
    text_printf(out, " initialize=%d next=%u processes=%zu/%u exits=%u:%d..%d clean=%d", instance->initialize != NULL, instance->next_case,
                map_count(instance->processes), instance->processes_started, instance->exits.count, instance->exits.least,
                instance->exits.most, instance->exits_clean);
    text_printf(out, " streams=%u gap=%llu cut=%u unmeasured=%d matches=%zu broken=%d heard=%d lost=%d fail=%d end=%d\n",
                instance->streams_ended, (unsigned long long)instance->gap_bytes, instance->files_cut, instance->metrics_lost,
                map_count(instance->matches), instance->broken, instance->heard, instance->lost, instance->any_fail, instance->end_cause);
    for (struct map_entry *e = map_first(instance->sightings); e; e = map_next(instance->sightings, e)) {
        const struct sighting *sighting = e->value;
        text_printf(out, "      seen %llu: %llu samples=%u cut=%d\n", (unsigned long long)map_entry_number(e),
                    (unsigned long long)sighting->count, sighting->sample_count, sighting->cut);
    }
    if (instance->generation > 1 || instance->wanted_generation || instance->for_tester || instance->conditions ||
        map_count(instance->skipped)) {
        text_printf(out, "      profile=%s wanted=%u/%s incomplete=%u for=%llu/%u served=%u executed=%d conditions=%u/%d skipped=%zu\n",
                    instance->profile, instance->wanted_generation, instance->wanted_profile, instance->incomplete_generation,
                    (unsigned long long)instance->for_tester, instance->for_case, instance->cases_served, instance->executed != NULL,
                    instance->conditions ? instance->conditions->number : 0, instance->conditions_hold, map_count(instance->skipped));
    }
    for (struct map_entry *e = map_first(instance->metrics); e; e = map_next(instance->metrics, e)) {
        const struct metric_range *range = e->value;
        text_printf(out, "      metric %.*s %.17g..%.17g of %llu\n", (int)e->key_bytes, (const char *)e->key, range->least, range->most,
                    (unsigned long long)range->count);
    }
}

static void print_entries(const struct trial *trial, struct text *out)
{
    for (size_t i = 0; i < trial->plan->n_timeline; i++) {
        const struct entry *entry = &trial->entries[i];
        text_printf(out, "    entry %s: issued=%d begun=%d ended=%d failed=%d steps=%zu start=%llu end=%llu generation=%u %s\n",
                    trial->plan->timeline[i]->id, entry->issued, entry->begun, entry->ended, entry->failed, entry->step_count,
                    (unsigned long long)entry->start.boottime_ns, (unsigned long long)entry->end.boottime_ns, entry->generation,
                    entry->text ? entry->text : "");
    }
}

static void print_run(const struct run *run, struct text *out)
{
    text_printf(out, "run %llu key=%s cells=%llu/%llu live=%llu cancelled=%d", (unsigned long long)run->number, run->key,
                (unsigned long long)run->cells_ended, (unsigned long long)run->cells, (unsigned long long)run->live_trials, run->cancelled);
    for (int verdict = 0; verdict <= VERDICT_ERROR; verdict++) {
        text_printf(out, " %s=%llu", verdict_name(verdict), (unsigned long long)run->counts[verdict]);
    }
    text_append(out, "\n");
    for (size_t i = 0; i < run->experiment->n_tests; i++) {
        text_printf(out, "  test %s cursor=%llu/%llu skipped=%zu\n", run->experiment->tests[i]->name,
                    (unsigned long long)run->tests[i].cursor, (unsigned long long)run->tests[i].cells, map_count(run->tests[i].skipped));
    }
    for (struct map_entry *e = map_first(run->retries); e; e = map_next(run->retries, e)) {
        text_printf(out, "  retry %.*s\n", (int)e->key_bytes, (const char *)e->key);
    }
}

void durable_print(const struct durable *durable, struct text *out)
{
    text_printf(out, "store %s incarnation %llu records %llu last run=%llu trial=%llu instance=%llu descriptions=%zu submissions=%zu\n",
                durable->store_id, (unsigned long long)durable->incarnation, (unsigned long long)durable->records,
                (unsigned long long)durable->last_run, (unsigned long long)durable->last_trial, (unsigned long long)durable->last_instance,
                map_count(durable->descriptions), map_count(durable->submissions));
    for (size_t i = 0; i < durable->lost_count; i++) {
        const struct lost_life *lost = &durable->lost[i];
        text_printf(out, "lost incarnations %llu-%llu instances %llu-%llu\n", (unsigned long long)lost->incarnation,
                    (unsigned long long)lost->next_incarnation, (unsigned long long)lost->instance,
                    (unsigned long long)lost->next_instance);
    }
    for (struct map_entry *e = map_first(durable->keys); e; e = map_next(durable->keys, e)) {
        const struct key_entry *key = e->value;
        text_printf(out, "key %s role=%d %s revoked=%d\n", key->name, key->role, key->public_key, key->revoked);
    }
    for (struct map_entry *e = map_first(durable->agents); e; e = map_next(durable->agents, e)) {
        const struct agent_identity *agent = e->value;
        text_printf(out, "agent %s host=%s boot=%s epoch=%s seen=%llu placed=%zu exclusive=%u cpus=%llu memory=%llu drained=%d\n",
                    agent->name, agent->host_id, agent->boot_id, agent->epoch, (unsigned long long)agent->last_seen,
                    map_count(agent->placed), agent->exclusive, (unsigned long long)agent->cpus, (unsigned long long)agent->memory_bytes,
                    agent->is_drained);
    }
    for (struct map_entry *e = map_first(durable->pinned); e; e = map_next(durable->pinned, e)) {
        text_printf(out, "pinned r%llu\n", (unsigned long long)map_entry_number(e));
    }
    for (struct map_entry *e = map_first(durable->runs); e; e = map_next(durable->runs, e)) {
        print_run(e->value, out);
    }
    for (struct map_entry *e = map_first(durable->trials); e; e = map_next(durable->trials, e)) {
        const struct trial *trial = e->value;
        text_printf(out, "  trial %llu %s: %s cancelled=%d verdict=%s/%s\n", (unsigned long long)trial->id, trial->name,
                    lifecycle_name(&trial_lifecycle, trial->state), trial->cancelled, verdict_name(trial->outcome.verdict),
                    reason_name(trial->outcome.reason));
        print_entries(trial, out);
        for (size_t i = 0; i < trial->instance_count; i++) {
            print_instance(trial->instances[i], out);
        }
    }
}
