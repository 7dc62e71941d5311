// See faults.h.
#include "agent/guard/faults.h"

#include <string.h>

#include "agent/guard/answers.h"
#include "agent/guard/events.h"
#include "agent/guard/faults_state.h"
#include "common/base/message.h"

#define NANOSECONDS_PER_MS 1000000ULL
// Open at once: a timeline has a handful, and case conditions share a name.
#define FAULTS_MAX 64

static const struct fault_kind *const kinds[] = {&fault_kill,  &fault_pause, &fault_disk_full, &fault_memory,
                                                 &fault_clock, &fault_link,  &fault_partition};

struct faults *faults_new(struct loop *loop, struct events *events, struct processes *processes, const char *work, const char *cgroup,
                          const char *marker)
{
    struct faults *faults = NEW(struct faults);
    *faults = (struct faults){.loop = loop, .events = events, .processes = processes, .work = work, .cgroup = cgroup, .marker = marker};
    return faults;
}

const char *fault_option(const struct fault *fault, const char *name)
{
    for (size_t i = 0; i < fault->request->n_options; i++)
        if (strcmp(fault->request->options[i]->name, name) == 0 && fault->request->options[i]->n_values > 0)
            return fault->request->options[i]->values[0];
    return NULL;
}

size_t fault_key_bytes(const char *id)
{
    return strcspn(id, " ");
}

bool faults_any(const struct faults *faults)
{
    return faults->first != NULL;
}

// ---- words

static void answer(struct faults *faults, uint32_t number, Pb__CommandStatus status, const char *text)
{
    const struct command command = {.number = number, .kind = PB__COMMAND__BODY_FAULT};
    answer_done(faults->events, &command, status, text);
}

static void tell_begin(const struct fault *fault, const char *done)
{
    CLEANUP_FREE char *text = memory_string(done);
    Pb__FaultBegan began;
    Pb__Event event;
    pb__fault_began__init(&began);
    pb__event__init(&event);
    began.number = fault->number;
    began.id = fault->request->id;
    began.kind = fault->request->kind;
    began.text = text;
    event.body_case = PB__EVENT__BODY_FAULT_BEGAN;
    event.fault_began = &began;
    event.boottime_ns = fault->asked_ns;
    events_add(fault->all->events, &event);
}

static void tell_end(const struct fault *fault, const char *words, bool failed)
{
    CLEANUP_FREE char *text = memory_string(words);
    Pb__FaultEnded ended;
    pb__fault_ended__init(&ended);
    ended.number = fault->number;
    ended.id = fault->request->id;
    ended.failed = failed;
    ended.text = text;
    EVENT_ADD(fault->all->events, FAULT_ENDED, fault_ended, &ended);
}

// ---- one fault

static void fault_free(struct fault *fault)
{
    struct fault **place = &fault->all->first;
    while (*place != fault)
        place = &(*place)->next;
    *place = fault->next;
    fault->all->count--;
    if (fault->kind->drop)
        fault->kind->drop(fault);
    loop_remove(&fault->timer);
    message_free(fault->request);
    free(fault);
}

void fault_over(struct fault *fault, const char *text, bool failed)
{
    tell_end(fault, text, failed);
    fault_free(fault);
}

static void end(struct fault *fault, const char *why)
{
    struct panther_error error;
    if (fault->state == FAULT_ENDS)
        return;
    loop_timer_set(fault->timer, 0);
    fault->state = FAULT_ENDS;
    int result = fault->kind->end(fault, &error);
    if (result == 0)
        fault_over(fault, why, false);
    else if (result < 0)
        fault_over(fault, error.message, true);
}

static void time_is_over(void *context)
{
    end(context, "");
}

void fault_holds(struct fault *fault, const char *done)
{
    fault->state = FAULT_HOLDS;
    tell_begin(fault, done);
    answer(fault->all, fault->number, PB__COMMAND_STATUS__COMMAND_STATUS_OK, done);
    if (fault->request->for_ms > 0)
        loop_timer_set(fault->timer, clock_boottime_ns() + fault->request->for_ms * NANOSECONDS_PER_MS);
    else if (fault->kind->is_momentary)
        end(fault, "");
}

void fault_failed(struct fault *fault, const struct panther_error *error)
{
    answer(fault->all, fault->number, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED, error->message);
    fault_free(fault);
}

// ---- the table

static const struct fault_kind *kind_named(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

static struct fault *find_key(const struct faults *faults, const char *id)
{
    size_t bytes = fault_key_bytes(id);
    for (struct fault *fault = faults->first; fault; fault = fault->next)
        if (fault_key_bytes(fault->request->id) == bytes && strncmp(fault->request->id, id, bytes) == 0)
            return fault;
    return NULL;
}

// What has its name makes room. What is laid over a network is replaced there, else it is taken back before.
static bool make_room(struct faults *faults, const Pb__Fault *request, const struct fault_kind *kind)
{
    struct fault *old = find_key(faults, request->id);
    if (!old)
        return true;
    if (old->state != FAULT_HOLDS)
        return false;
    CLEANUP_FREE char *why = memory_printf("%s took its place", request->id);
    if (old->kind->ends_with_instance && kind->ends_with_instance)
        fault_over(old, why, false);
    else
        end(old, why);
    return find_key(faults, request->id) == NULL;
}

static struct fault *add(struct faults *faults, uint32_t number, const Pb__Fault *request, const struct fault_kind *kind)
{
    struct fault *fault = NEW(struct fault);
    *fault = (struct fault){.all = faults, .kind = kind, .number = number, .fd = -1, .taker_fd = -1, .asked_ns = clock_boottime_ns()};
    fault->request = MESSAGE_COPY(request, NULL);
    fault->timer = loop_timer(faults->loop, time_is_over, fault);
    fault->next = faults->first;
    faults->first = fault;
    faults->count++;
    return fault;
}

static void start(struct fault *fault)
{
    struct panther_error error;
    struct text done = {0};
    int result = fault->kind->begin(fault, &done, &error);
    if (result == 0)
        fault_holds(fault, text_string(&done));
    else if (result < 0)
        fault_failed(fault, &error);
    text_free(&done);
}

void faults_begin(struct faults *faults, uint32_t number, const Pb__Fault *request)
{
    const Pb__CommandStatus refused = PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED;
    const struct fault_kind *kind = kind_named(request->kind);
    if (faults->closed)
        answer(faults, number, refused, faults->closed);
    else if (!kind)
        answer(faults, number, refused, "this agent does not know such a fault");
    else if (faults->count >= FAULTS_MAX)
        answer(faults, number, refused, "64 faults of this instance hold already");
    else if (!make_room(faults, request, kind))
        answer(faults, number, refused, "one of this name is only just beginning or ending");
    else
        start(add(faults, number, request, kind));
}

static void close_one(struct fault *fault, const char *why)
{
    struct panther_error error;
    if (fault->state == FAULT_BEGINS) {
        error_set(&error, PANTHER_ECANCELLED, "it had not begun yet: %s", why);
        fault_failed(fault, &error);
    } else if (fault->state == FAULT_ENDS || fault->kind->ends_with_instance) {
        fault_over(fault, why, false);
    } else {
        end(fault, why);
    }
}

void faults_close(struct faults *faults, const char *why)
{
    if (faults->closed)
        return;
    faults->closed = why;
    for (struct fault *fault = faults->first, *next; fault; fault = next) {
        next = fault->next;
        close_one(fault, why);
    }
}

bool faults_ended(struct faults *faults, const struct process_end *ended)
{
    struct panther_error error;
    struct fault *fault = faults->first;
    while (fault && fault->taker != ended->pid)
        fault = fault->next;
    if (!fault || ended->pid <= 0)
        return false;
    fault->taker = 0;
    if (fault->state == FAULT_BEGINS) {
        error_set(&error, PANTHER_ELIMIT, "the memory could not be taken: %s", ended->signal ? "the kernel ended who took it" : "no room");
        fault_failed(fault, &error);
    } else {
        fault_over(fault, fault->state == FAULT_ENDS ? "" : "the kernel took the memory back", fault->state != FAULT_ENDS);
    }
    return true;
}

void faults_free(struct faults **pointer)
{
    struct faults *faults = *pointer;
    if (!faults)
        return;
    while (faults->first)
        fault_free(faults->first);
    free(faults);
    *pointer = NULL;
}
