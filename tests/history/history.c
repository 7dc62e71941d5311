#include "tests/history/history.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/verdict.h"
#include "common/wire/wire.h"
#include "tests/messages/text_format.h"

#define EPOCH "0123456789abcdef0123456789abcdef"
#define HOST "00000000000000000000000000000a0%u"
#define PLUGIN_HASH "0000000000000000000000000000000000000000000000000000000000000%03u"
#define RECORD_NS 1000000
#define TIMEOUTS "timeouts { queue_ms: 60000 ready_ms: 10000 case_ms: 10000 trial_ms: 600000 stop_ms: 5000 lease_ms: 30000 }"

enum { SERVER, LOAD, SERVICES };
static const char *const services[] = {"server", "load"}, *const plugins[] = {"nginx", "h2load"}, *const agents[] = {"lab-a", "lab-b"};

static Pb__Record *keep(struct history *history, Pb__Record *record)
{
    record->format = JOURNAL_FORMAT;
    record->wall_ns = history->wall_ns += RECORD_NS;
    APPEND(history->records, history->count, history->capacity) = record;
    return record;
}

static Pb__Record *tell(struct history *history, const char *format, ...) __attribute__((format(printf, 2, 3)));
static Pb__Record *tell(struct history *history, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    INVARIANT(length > 0 && (size_t)length < sizeof text);
    return keep(history, message_parse(&pb__record__descriptor, text, history->arena));
}

static unsigned long long number(uint64_t value)
{
    return value;
}

static uint64_t instance_of(const struct history *history, int service)
{
    return history->instance - SERVICES + 1 + (uint64_t)service;
}

// ---- who is known

void history_begin(struct history *history, uint32_t cases, const char *content)
{
    *history = (struct history){.arena = arena_new(0), .cases = cases, .wall_ns = INT64_C(1700000000000000000)};
    history->content_bytes = strlen(content);
    hash_bytes(content, history->content_bytes, history->content_hash);
}

void history_store(struct history *history)
{
    tell(history, "store_opened { store_id: \"" EPOCH "\" incarnation: 1 version: \"test\" }");
    tell(history, "key_added { name: \"admin\" role: ROLE_OPERATOR public_key: \"%s\" added_by: \"local\" }",
         "0123456789abcdefghijklmnopqrstuvwxyzABCD");
}

void history_members(struct history *history)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        tell(history,
             "key_added { name: \"%s\" role: ROLE_AGENT public_key: \"%u123456789abcdefghijklmnopqrstuvwxyzABCE\" added_by: \"admin\" }",
             agents[i], i);
        tell(history, "agent_seen { name: \"%s\" host_id: \"" HOST "\" boot_id: \"" HOST "\" epoch: \"" EPOCH "\" }", agents[i], i, i);
        tell(history,
             "description { hash: \"" PLUGIN_HASH "\" description { name: \"%s\" kind: %s abi_major: 1 "
             "protocols { name: \"http\" versions: \"2\" roles: \"server\" } } }",
             i, plugins[i], i == LOAD ? "PLUGIN_KIND_TESTER" : "PLUGIN_KIND_IUT");
    }
}

void history_end(struct history *history)
{
    arena_free(&history->arena);
    free(history->records);
    *history = (struct history){0};
}

void history_clear(struct history *history)
{
    arena_reset(history->arena);
    history->count = 0;
}

// ---- runs

void history_run(struct history *history, uint64_t cells)
{
    history->run++;
    history->cells = cells;
    history->cells_ended = 0;
    tell(history,
         "run_accepted { run: %llu cells: %llu file_name: \"lab.yaml\" by: \"admin\" experiment { language: 1 name: \"history\" "
         "tests { name: \"load\" repeat_times: %llu combinations: 1 " TIMEOUTS
         " retry {} services { name: \"server\" implementation: \"nginx\" host {} } "
         "services { name: \"load\" tester: \"h2load\" needs: \"server\" host {} } } } }",
         number(history->run), number(cells), number(cells));
}

void history_run_end(struct history *history)
{
    tell(history, "run_ended { run: %llu outcome { verdict: VERDICT_PASS } passed: %llu }", number(history->run),
         number(history->cells_ended));
}

// ---- trials

static void plan(struct history *history, Pb__CellPlan *made)
{
    Pb__ServicePlan *load = made->services[LOAD];
    load->n_cases = history->cases;
    load->cases = ARENA_ARRAY(history->arena, char *, history->cases);
    for (uint32_t i = 0; i < history->cases; i++) {
        load->cases[i] = arena_printf(history->arena, "case-%u", i);
    }
}

static void command(struct history *history, int service, uint32_t command_number, const char *body)
{
    tell(history, "command_issued { trial: %llu command { instance: %llu generation: 1 number: %u %s } }", number(history->trial),
         number(instance_of(history, service)), command_number, body);
}

static Pb__Event *event(struct history *history, int service, const char *format, ...) __attribute__((format(printf, 3, 4)));
static Pb__Event *event(struct history *history, int service, const char *format, ...)
{
    char body[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(body, sizeof body, format, arguments);
    va_end(arguments);
    uint64_t sequence = ++history->sequences[service];
    return tell(history,
                "instance_event { agent: \"%s\" epoch: \"" EPOCH "\" sequence: %llu trial: %llu event { instance: %llu generation: 1 "
                "sequence: %llu wall_ns: %lld service: \"%s\" %s } }",
                agents[service], number(sequence), number(history->trial), number(instance_of(history, service)), number(sequence),
                (long long)history->wall_ns, services[service], body)
        ->instance_event->event;
}

static void done(struct history *history, int service, uint32_t command_number, const char *phase)
{
    event(history, service, "command_done { number: %u status: COMMAND_STATUS_OK phase: \"%s\" duration_ns: 1000000 }", command_number,
          phase);
}

static void initialize(struct history *history, int service)
{
    char body[512];
    snprintf(
        body, sizeof body,
        "initialize { plugin: \"%s\" trial_name: \"r%llu/load/%llu#1\" service: \"%s\" lease_ms: 30000 initialize_ms: 5000 start_ms: 5000 "
        "stop_ms: 5000 }",
        plugins[service], number(history->run), number(history->cells_ended + 1), services[service]);
    command(history, service, 1, body);
    done(history, service, 1, "initialize");
}

static void trial_started(struct history *history)
{
    history->trial++;
    history->instance += SERVICES;
    Pb__Record *record = tell(
        history,
        "trial_started { trial: %llu run: %llu cell: %llu attempt: 1 name: \"r%llu/load/%llu#1\" lease_ms: 30000 "
        "services { service: \"server\" plugin: \"nginx\" agent: \"lab-a\" instance: %llu description_hash: \"" PLUGIN_HASH "\" } "
        "services { service: \"load\" plugin: \"h2load\" agent: \"lab-b\" instance: %llu is_tester: true description_hash: \"" PLUGIN_HASH
        "\" } "
        "plan { test: \"load\" repetition: %llu " TIMEOUTS " services { name: \"server\" plugin: \"nginx\" } services { name: \"load\" "
        "plugin: \"h2load\" is_tester: true needs: \"server\" } } }",
        number(history->trial), number(history->run), number(history->cells_ended), number(history->run), number(history->cells_ended + 1),
        number(instance_of(history, SERVER)), SERVER, number(instance_of(history, LOAD)), LOAD, number(history->cells_ended + 1));
    plan(history, record->trial_started->plan);
}

void history_trial_begin(struct history *history)
{
    trial_started(history);
    initialize(history, SERVER);
    initialize(history, LOAD);
    command(history, SERVER, 2, "start {}");
    event(history, SERVER, "process_started { process: 1 pid: 4000 name: \"nginx\" argv: \"nginx\" argv: \"-g\" argv: \"daemon off;\" }");
    done(history, SERVER, 2, "start");
    command(history, LOAD, 2, "start {}");
    done(history, LOAD, 2, "start");
    Pb__CasesReleased *released =
        tell(history, "cases_released { trial: %llu instance: %llu generation: 1 first_number: 3 timeout_ms: 10000 }",
             number(history->trial), number(instance_of(history, LOAD)))
            ->cases_released;
    released->n_cases = history->cases;
    released->cases = ARENA_ARRAY(history->arena, char *, history->cases);
    for (uint32_t i = 0; i < history->cases; i++) {
        released->cases[i] = arena_printf(history->arena, "case-%u", i);
    }
}

#define MESSAGE(history, type, prefix)                                                                                                     \
    ({                                                                                                                                     \
        type *message_ = ARENA_NEW((history)->arena, type);                                                                                \
        prefix##__init(message_);                                                                                                          \
        message_;                                                                                                                          \
    })

// Built by hand: a journal of a million is mostly these.
void history_case(struct history *history, uint32_t index)
{
    Pb__Record *record = MESSAGE(history, Pb__Record, pb__record);
    record->body_case = PB__RECORD__BODY_INSTANCE_EVENT;
    Pb__InstanceEvent *outer = record->instance_event = MESSAGE(history, Pb__InstanceEvent, pb__instance_event);
    outer->agent = arena_string(history->arena, agents[LOAD]);
    outer->epoch = arena_string(history->arena, EPOCH);
    outer->sequence = ++history->sequences[LOAD];
    outer->trial = history->trial;
    Pb__Event *inner = outer->event = MESSAGE(history, Pb__Event, pb__event);
    inner->instance = instance_of(history, LOAD);
    inner->generation = 1;
    inner->sequence = outer->sequence;
    inner->boottime_ns = (uint64_t)history->wall_ns;
    inner->wall_ns = history->wall_ns;
    inner->service = arena_string(history->arena, services[LOAD]);
    inner->body_case = PB__EVENT__BODY_CASE_RESULT;
    Pb__CaseResult *result = inner->case_result = MESSAGE(history, Pb__CaseResult, pb__case_result);
    result->number = index + 3;
    result->name = arena_printf(history->arena, "case-%u", index);
    result->outcome = MESSAGE(history, Pb__Outcome, pb__outcome);
    result->outcome->verdict = VERDICT_PASS;
    result->duration_ns = 2500000 + index;
    result->metrics = ARENA_ARRAY(history->arena, Pb__Metric *, 1);
    Pb__Metric *metric = result->metrics[result->n_metrics++] = MESSAGE(history, Pb__Metric, pb__metric);
    metric->name = arena_string(history->arena, "req_per_s");
    metric->unit = arena_string(history->arena, "1/s");
    metric->value = 1234.5 + index;
    metric->better = PB__BETTER__BETTER_HIGHER;
    keep(history, record);
}

static void stream(struct history *history, int service, const char *name)
{
    event(history, service, "stream_end { stream: \"%s\" length_bytes: %llu hash: \"%s\" }", name, number(history->content_bytes),
          history->content_hash);
}

static void stored(struct history *history, int service, const char *name)
{
    tell(history, "content_stored { instance: %llu generation: 1 name: \"%s\" is_stream: true hash: \"%s\" size_bytes: %llu }",
         number(instance_of(history, service)), name, history->content_hash, number(history->content_bytes));
}

static void stop(struct history *history, int service, uint32_t command_number)
{
    command(history, service, command_number, "stop {}");
    if (service == SERVER) {
        stream(history, service, "nginx.stdout");
        stream(history, service, "nginx.stderr");
        event(history, service, "process_exited { process: 1 name: \"nginx\" expectation: EXIT_EXPECTATION_STOPPED clean: true }");
    }
    done(history, service, command_number, "stop");
    command(history, service, command_number + 1, "cleanup {}");
    done(history, service, command_number + 1, "cleanup");
    stream(history, service, "plugin.log");
    stream(history, service, "host.stderr");
    event(history, service, "instance_ended { cause: END_CAUSE_CLEANED }");
}

void history_trial_end(struct history *history)
{
    tell(history, "trial_stopping { trial: %llu }", number(history->trial));
    stop(history, LOAD, history->cases + 3);
    stop(history, SERVER, 3);
    history->cells_ended++;
    const char *outcome = "outcome { verdict: VERDICT_PASS }";
    tell(history, "trial_ended { trial: %llu name: \"r%llu/load/%llu#1\" %s }", number(history->trial), number(history->run),
         number(history->cells_ended), outcome);
    tell(history, "cell_ended { run: %llu cell: %llu name: \"r%llu/load/%llu\" attempts: 1 %s }", number(history->run),
         number(history->cells_ended - 1), number(history->run), number(history->cells_ended), outcome);
    for (int service = 0; service < SERVICES; service++) {
        stored(history, service, "plugin.log");
        stored(history, service, "host.stderr");
    }
    stored(history, SERVER, "nginx.stdout");
    stored(history, SERVER, "nginx.stderr");
}

void history_trial(struct history *history)
{
    history_trial_begin(history);
    for (uint32_t i = 0; i < history->cases; i++) {
        history_case(history, i);
    }
    history_trial_end(history);
}
