#include "tests/unit/store/story.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/verdict.h"

#define MESSAGE(story, type, init)                                                                                                         \
    ({                                                                                                                                     \
        type *message_ = ARENA_NEW((story)->arena, type);                                                                                  \
        init(message_);                                                                                                                    \
        message_;                                                                                                                          \
    })

void story_begin(struct story *story)
{
    *story = (struct story){.arena = arena_new(0), .wall_ns = STORY_WALL_NS};
}

void story_end(struct story *story)
{
    arena_free(&story->arena);
    free(story->records);
}

// The message of a oneof's field, by its descriptor: every body is a pointer at the same place.
static void *make_body(struct story *story, ProtobufCMessage *parent, unsigned number)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(parent->descriptor, number);
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;
    void *body = arena_allocate(story->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, body);
    memcpy((char *)parent + field->offset, &body, sizeof body);
    return body;
}

Pb__Record *story_record(struct story *story, Pb__Record__BodyCase kind)
{
    Pb__Record *record = MESSAGE(story, Pb__Record, pb__record__init);
    record->format = JOURNAL_FORMAT;
    record->wall_ns = story->wall_ns += 1000000000;
    record->steady_ns = (uint64_t)(story->wall_ns - STORY_WALL_NS) / 2; // the wall clock of this story is twice as fast
    record->body_case = kind;
    make_body(story, &record->base, (unsigned)kind);
    APPEND(story->records, story->count, story->capacity) = record;
    return record;
}

Pb__Outcome *story_outcome(struct story *story, int verdict, int reason, const char *text)
{
    Pb__Outcome *outcome = MESSAGE(story, Pb__Outcome, pb__outcome__init);
    outcome->verdict = (Pb__Verdict)verdict;
    outcome->reason = (Pb__Reason)reason;
    outcome->text = arena_string(story->arena, text);
    return outcome;
}

static Pb__Test *make_test(struct story *story, const char *name)
{
    Pb__ServiceTemplate *service = MESSAGE(story, Pb__ServiceTemplate, pb__service_template__init);
    Pb__ServiceTemplate **services = ARENA_ARRAY(story->arena, Pb__ServiceTemplate *, 1);
    service->name = arena_string(story->arena, "server");
    service->implementation = arena_string(story->arena, "nginx");
    services[0] = service;
    Pb__Test *test = MESSAGE(story, Pb__Test, pb__test__init);
    test->name = arena_string(story->arena, name);
    test->repeat_times = 3;
    test->combinations = 1;
    test->services = services;
    test->n_services = 1;
    return test;
}

void story_run(struct story *story, uint64_t run, const char *name, uint64_t cells)
{
    Pb__RunAccepted *accepted = story_record(story, PB__RECORD__BODY_RUN_ACCEPTED)->run_accepted;
    Pb__Experiment *experiment = MESSAGE(story, Pb__Experiment, pb__experiment__init);
    experiment->language = 1;
    experiment->name = arena_string(story->arena, name);
    experiment->tests = ARENA_ARRAY(story->arena, Pb__Test *, 2);
    experiment->tests[0] = make_test(story, "load");
    experiment->tests[1] = make_test(story, "probe");
    experiment->n_tests = 2;
    Pb__Label *label = MESSAGE(story, Pb__Label, pb__label__init);
    label->name = arena_string(story->arena, "branch");
    label->value = arena_string(story->arena, "main");
    accepted->labels = ARENA_ARRAY(story->arena, Pb__Label *, 1);
    accepted->labels[0] = label;
    accepted->n_labels = 1;
    accepted->run = run;
    accepted->experiment = experiment;
    accepted->cells = cells;
    accepted->by = arena_string(story->arena, "ann");
    accepted->file_name = arena_string(story->arena, "lab.yaml");
}

static Pb__PlacedService *placed(struct story *story, const char *service, const char *plugin, const char *agent, uint64_t instance)
{
    Pb__PlacedService *made = MESSAGE(story, Pb__PlacedService, pb__placed_service__init);
    made->service = arena_string(story->arena, service);
    made->plugin = arena_string(story->arena, plugin);
    made->agent = arena_string(story->arena, agent);
    made->instance = instance;
    made->is_tester = strcmp(service, "load") == 0;
    return made;
}

static Pb__CellPlan *make_plan(struct story *story, uint32_t repetition)
{
    Pb__CellPlan *plan = MESSAGE(story, Pb__CellPlan, pb__cell_plan__init);
    Pb__ServicePlan *service = MESSAGE(story, Pb__ServicePlan, pb__service_plan__init);
    service->name = arena_string(story->arena, "server");
    service->plugin = arena_string(story->arena, "nginx");
    plan->test = arena_string(story->arena, "load");
    plan->combination = arena_string(story->arena, "nginx");
    plan->repetition = repetition;
    plan->services = ARENA_ARRAY(story->arena, Pb__ServicePlan *, 1);
    plan->services[0] = service;
    plan->n_services = 1;
    return plan;
}

void story_trial(struct story *story, uint64_t trial, uint64_t run, uint32_t repetition, uint32_t attempt)
{
    Pb__TrialStarted *started = story_record(story, PB__RECORD__BODY_TRIAL_STARTED)->trial_started;
    started->trial = trial;
    started->run = run;
    started->cell = repetition - 1;
    started->attempt = attempt;
    started->name = arena_printf(story->arena, "r%llu/load/nginx/%u#%u", (unsigned long long)run, repetition, attempt);
    started->services = ARENA_ARRAY(story->arena, Pb__PlacedService *, 2);
    started->services[0] = placed(story, "server", "nginx", "lab-a", 10 * trial + 1);
    started->services[1] = placed(story, "load", "h2load", "lab-b", 10 * trial + 2);
    started->n_services = 2;
    started->plan = make_plan(story, repetition);
}

void story_command(struct story *story, uint64_t trial, uint64_t instance, Pb__Command__BodyCase kind)
{
    Pb__CommandIssued *issued = story_record(story, PB__RECORD__BODY_COMMAND_ISSUED)->command_issued;
    issued->trial = trial;
    issued->command = MESSAGE(story, Pb__Command, pb__command__init);
    issued->command->instance = instance;
    issued->command->generation = 1;
    issued->command->number = kind == PB__COMMAND__BODY_START ? 2 : 900;
    issued->command->body_case = kind;
    make_body(story, &issued->command->base, (unsigned)kind);
}

void story_release(struct story *story, uint64_t trial, uint64_t instance, size_t cases)
{
    Pb__CasesReleased *released = story_record(story, PB__RECORD__BODY_CASES_RELEASED)->cases_released;
    released->trial = trial;
    released->instance = instance;
    released->generation = 1;
    released->first_number = 3;
    released->cases = ARENA_ARRAY(story->arena, char *, cases);
    released->n_cases = cases;
    for (size_t i = 0; i < cases; i++)
        released->cases[i] = arena_printf(story->arena, "case-%zu", i + 3);
}

Pb__Event *story_event(struct story *story, uint64_t trial, uint64_t instance, const char *service, Pb__Event__BodyCase kind)
{
    Pb__InstanceEvent *record = story_record(story, PB__RECORD__BODY_INSTANCE_EVENT)->instance_event;
    record->agent = arena_string(story->arena, strcmp(service, "load") == 0 ? "lab-b" : "lab-a");
    record->epoch = arena_string(story->arena, "0123456789abcdef0123456789abcdef");
    record->sequence = ++story->events;
    record->trial = trial;
    record->event = MESSAGE(story, Pb__Event, pb__event__init);
    record->event->instance = instance;
    record->event->generation = 1;
    record->event->sequence = story->events;
    record->event->wall_ns = story->wall_ns;
    record->event->service = arena_string(story->arena, service);
    record->event->body_case = kind;
    make_body(story, &record->event->base, (unsigned)kind);
    return record->event;
}

void story_case(struct story *story, uint64_t trial, uint64_t instance, uint32_t number, int verdict)
{
    Pb__CaseResult *result = story_event(story, trial, instance, "load", PB__EVENT__BODY_CASE_RESULT)->case_result;
    Pb__Metric *metric = MESSAGE(story, Pb__Metric, pb__metric__init);
    metric->name = arena_string(story->arena, "req_per_s");
    metric->unit = arena_string(story->arena, "1/s");
    metric->value = 1234.5;
    metric->better = PB__BETTER__BETTER_HIGHER;
    result->number = number;
    result->name = arena_printf(story->arena, "case-%u", number);
    result->outcome =
        story_outcome(story, verdict, verdict == VERDICT_PASS ? 0 : REASON_VIOLATION, verdict == VERDICT_PASS ? "" : "bad frame");
    result->duration_ns = 2500000;
    result->metrics = ARENA_ARRAY(story->arena, Pb__Metric *, 1);
    result->metrics[0] = metric;
    result->n_metrics = 1;
    if (verdict == VERDICT_PASS)
        return;
    Pb__Finding *finding = MESSAGE(story, Pb__Finding, pb__finding__init);
    finding->signature = arena_string(story->arena, "bad frame");
    finding->title = arena_string(story->arena, "a frame of an unknown type");
    result->findings = ARENA_ARRAY(story->arena, Pb__Finding *, 1);
    result->findings[0] = finding;
    result->n_findings = 1;
}

static char *some_hash(struct story *story, const char *of)
{
    char hash[HASH_TEXT_BYTES];
    hash_bytes(of, strlen(of), hash);
    return arena_string(story->arena, hash);
}

void story_stream_end(struct story *story, uint64_t trial, uint64_t instance, const char *stream, uint64_t bytes)
{
    Pb__StreamEnd *end =
        story_event(story, trial, instance, instance % 10 == 2 ? "load" : "server", PB__EVENT__BODY_STREAM_END)->stream_end;
    end->stream = arena_string(story->arena, stream);
    end->length_bytes = bytes;
    end->hash = some_hash(story, stream);
}

void story_content(struct story *story, uint64_t instance, const char *name, bool is_stream, const char *hash, uint64_t bytes)
{
    Pb__ContentStored *stored = story_record(story, PB__RECORD__BODY_CONTENT_STORED)->content_stored;
    stored->instance = instance;
    stored->generation = 1;
    stored->name = arena_string(story->arena, name);
    stored->is_stream = is_stream;
    stored->hash = hash ? arena_string(story->arena, hash) : some_hash(story, name);
    stored->size_bytes = bytes;
}

void story_trial_end(struct story *story, uint64_t trial, const char *name, int verdict)
{
    Pb__TrialEnded *ended = story_record(story, PB__RECORD__BODY_TRIAL_ENDED)->trial_ended;
    Pb__AssertionResult *assertion = MESSAGE(story, Pb__AssertionResult, pb__assertion_result__init);
    assertion->service = arena_string(story->arena, "server");
    assertion->text = arena_string(story->arena, "server exit clean");
    assertion->outcome = story_outcome(story, verdict, 0, "");
    ended->trial = trial;
    ended->name = arena_string(story->arena, name);
    ended->outcome = story_outcome(story, verdict, 0, "");
    ended->assertions = ARENA_ARRAY(story->arena, Pb__AssertionResult *, 1);
    ended->assertions[0] = assertion;
    ended->n_assertions = 1;
}

void story_cell_end(struct story *story, uint64_t run, uint32_t repetition, int verdict)
{
    Pb__CellEnded *ended = story_record(story, PB__RECORD__BODY_CELL_ENDED)->cell_ended;
    ended->run = run;
    ended->cell = repetition - 1;
    ended->name = arena_printf(story->arena, "r%llu/load/nginx/%u", (unsigned long long)run, repetition);
    ended->outcome = story_outcome(story, verdict, 0, "");
    ended->attempts = 1;
}

void story_run_end(struct story *story, uint64_t run, uint64_t passed, uint64_t failed)
{
    Pb__RunEnded *ended = story_record(story, PB__RECORD__BODY_RUN_ENDED)->run_ended;
    ended->run = run;
    ended->outcome = story_outcome(story, failed ? VERDICT_FAIL : VERDICT_PASS, 0, "");
    ended->passed = passed;
    ended->failed = failed;
    ended->errors = 1;
}

static void initialize_done(struct story *story, uint64_t trial, uint64_t instance)
{
    Pb__CommandDone *done = story_event(story, trial, instance, "server", PB__EVENT__BODY_COMMAND_DONE)->command_done;
    Pb__Endpoint *endpoint = MESSAGE(story, Pb__Endpoint, pb__endpoint__init);
    endpoint->name = arena_string(story->arena, "http");
    endpoint->address = arena_string(story->arena, "10.0.0.1");
    endpoint->port = 8080;
    endpoint->transport = PB__TRANSPORT__TRANSPORT_TCP;
    done->number = 1;
    done->status = PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    done->phase = arena_string(story->arena, "initialize");
    done->implementation_version = arena_string(story->arena, "1.22.1");
    done->host = MESSAGE(story, Pb__HostState, pb__host_state__init);
    done->host->kernel = arena_string(story->arena, "Linux 6.1.0");
    done->host->cpus = 8;
    done->host->governor = arena_string(story->arena, "performance");
    done->host->clock_is_synchronised = true;
    done->host->clock_error_us = 1500;
    done->endpoints = ARENA_ARRAY(story->arena, Pb__Endpoint *, 1);
    done->endpoints[0] = endpoint;
    done->n_endpoints = 1;
}

static void process(struct story *story, uint64_t trial, uint64_t instance, uint32_t number)
{
    Pb__ProcessStarted *started = story_event(story, trial, instance, "server", PB__EVENT__BODY_PROCESS_STARTED)->process_started;
    started->process = number;
    started->pid = 4000 + number;
    started->name = arena_string(story->arena, "nginx");
}

static void artifact(struct story *story, uint64_t trial, uint64_t instance)
{
    Pb__ArtifactReady *ready = story_event(story, trial, instance, "server", PB__EVENT__BODY_ARTIFACT_READY)->artifact_ready;
    ready->path = arena_string(story->arena, "qlog/a.sqlog");
    ready->kind = arena_string(story->arena, "qlog");
    ready->size_bytes = 77;
    ready->hash = some_hash(story, "qlog");
}

static void instance_ended(struct story *story, uint64_t trial, uint64_t instance, const char *service)
{
    story_event(story, trial, instance, service, PB__EVENT__BODY_INSTANCE_ENDED)->instance_ended->cause = PB__END_CAUSE__END_CAUSE_CLEANED;
}

static void trial_story(struct story *story, uint64_t trial, uint64_t run, uint32_t repetition, uint32_t attempt, int verdict)
{
    uint64_t server = 10 * trial + 1, load = 10 * trial + 2;
    story_trial(story, trial, run, repetition, attempt);
    story_command(story, trial, server, PB__COMMAND__BODY_START);
    initialize_done(story, trial, server);
    process(story, trial, server, 1);
    process(story, trial, server, 2);
    story_release(story, trial, load, 2);
    Pb__Event *running = story_event(story, trial, load, "load", PB__EVENT__BODY_CASE_STARTED);
    running->case_started->number = 3;
    running->case_started->name = arena_string(story->arena, "case-3");
    story_case(story, trial, load, 3, VERDICT_PASS);
    story_case(story, trial, load, 4, verdict);
    artifact(story, trial, server);
    story_stream_end(story, trial, server, "nginx.stderr", 1000);
    instance_ended(story, trial, server, "server");
    instance_ended(story, trial, load, "load");
    char name[64];
    snprintf(name, sizeof name, "r%llu/load/nginx/%u#%u", (unsigned long long)run, repetition, attempt);
    story_trial_end(story, trial, name, verdict);
}

void story_tell(struct story *story, uint64_t run)
{
    uint64_t trial = run * 100;
    story_run(story, run, "h2-matrix", 3);
    trial_story(story, trial + 1, run, 1, 1, VERDICT_PASS);
    story_cell_end(story, run, 1, VERDICT_PASS);
    trial_story(story, trial + 2, run, 2, 1, VERDICT_ERROR);
    trial_story(story, trial + 3, run, 2, 2, VERDICT_FAIL);
    story_cell_end(story, run, 2, VERDICT_FAIL);
    story_cell_end(story, run, 3, VERDICT_ERROR);
    story_run_end(story, run, 1, 1);
    story_content(story, 10 * (trial + 1) + 1, "nginx.stderr", true, NULL, 1000);
}
