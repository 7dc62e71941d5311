// See beside.h.
#include "agent/guard/beside.h"

#include <stdio.h>
#include <string.h>

#include "agent/guard/events.h"
#include "agent/guard/processes.h"
#include "common/base/memory.h"
#include "common/system/loop.h"

#define NANOSECONDS_PER_MS 1000000ULL
// At once: what a timeline does beside one service.
#define BESIDE_MAX 16
// Between TERM and KILL of one that took too long.
#define BESIDE_GRACE_MS 500

struct errand {
    struct beside *all;
    uint32_t number;  // of the command; 0: this place is free
    uint32_t process; // 0: does not run yet
    uint32_t timeout_ms;
    uint64_t began_ns;
    bool is_late;
    struct loop_source *timer;
};

struct beside {
    struct loop *loop;
    struct events *events;
    struct processes *processes;
    struct errand errands[BESIDE_MAX];
    const char *closed; // why none begins any more
};

static void answer(const struct beside *beside, uint32_t number, Pb__CommandStatus status, const char *words, uint64_t began_ns)
{
    static char phase[] = "run";
    CLEANUP_FREE char *text = memory_string(words);
    Pb__CommandDone done;
    pb__command_done__init(&done);
    done.number = number;
    done.status = status;
    done.text = text;
    done.phase = phase;
    done.duration_ns = clock_boottime_ns() - began_ns;
    EVENT_ADD(beside->events, COMMAND_DONE, command_done, &done);
}

static void refuse(const struct beside *beside, uint32_t number, const char *why)
{
    answer(beside, number, PB__COMMAND_STATUS__COMMAND_STATUS_REFUSED, why, clock_boottime_ns());
}

static struct errand *find(struct beside *beside, uint32_t number)
{
    for (size_t i = 0; i < BESIDE_MAX; i++)
        if (beside->errands[i].number == number)
            return &beside->errands[i];
    return NULL;
}

static void end(const struct errand *errand)
{
    Pb__SignalRequest request;
    pb__signal_request__init(&request);
    request.process = errand->process;
    request.kill_ladder = true;
    request.grace_ms = BESIDE_GRACE_MS;
    if (errand->process)
        processes_signal(errand->all->processes, &request);
}

static void time_is_over(void *context)
{
    struct errand *errand = context;
    errand->is_late = true;
    end(errand);
}

struct beside *beside_new(struct loop *loop, struct events *events, struct processes *processes)
{
    struct beside *beside = NEW(struct beside);
    *beside = (struct beside){.loop = loop, .events = events, .processes = processes};
    for (size_t i = 0; i < BESIDE_MAX; i++) {
        beside->errands[i].all = beside;
        beside->errands[i].timer = loop_timer(loop, time_is_over, &beside->errands[i]);
    }
    return beside;
}

static void spawn(struct beside *beside, const Pb__RunBeside *run, uint32_t number)
{
    static char name[] = "run";
    Pb__SpawnRequest request;
    pb__spawn_request__init(&request);
    request.name = name;
    request.n_argv = run->n_argv;
    request.argv = run->argv;
    request.finishes = true;
    processes_spawn_beside(beside->processes, &request, number);
}

void beside_run(struct beside *beside, uint32_t number, const Pb__RunBeside *run)
{
    struct errand *errand = find(beside, 0);
    if (beside->closed) {
        refuse(beside, number, beside->closed);
        return;
    }
    if (!errand) {
        refuse(beside, number, "16 commands run beside this service already");
        return;
    }
    errand->number = number;
    errand->process = 0;
    errand->is_late = false;
    errand->began_ns = clock_boottime_ns();
    errand->timeout_ms = run->timeout_ms;
    loop_timer_set(errand->timer, errand->began_ns + run->timeout_ms * NANOSECONDS_PER_MS);
    spawn(beside, run, number);
}

static void finish(struct errand *errand, Pb__CommandStatus status, const char *text)
{
    loop_timer_set(errand->timer, 0);
    answer(errand->all, errand->number, status, text, errand->began_ns);
    errand->number = 0;
}

static void tell_end(struct errand *errand, const struct process_end *ended)
{
    char text[96] = "";
    if (errand->is_late)
        snprintf(text, sizeof text, "it did not end within %u ms", errand->timeout_ms);
    else if (errand->all->closed)
        snprintf(text, sizeof text, "it ran when %.64s", errand->all->closed);
    else if (ended->signal)
        snprintf(text, sizeof text, "SIG%s ended it", sigabbrev_np(ended->signal));
    else if (ended->status != 0)
        snprintf(text, sizeof text, "exit status %d", ended->status);
    Pb__CommandStatus failed = errand->is_late ? PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT : PB__COMMAND_STATUS__COMMAND_STATUS_FAILED;
    finish(errand, *text ? failed : PB__COMMAND_STATUS__COMMAND_STATUS_OK, text);
}

void beside_takes(struct beside *beside, uint32_t number, uint32_t process, const struct process_end *ended, const char *problem)
{
    struct errand *errand = find(beside, number);
    INVARIANT(errand);
    if (problem) {
        finish(errand, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED, *problem ? problem : "it was ended before it ran");
    } else if (ended) {
        tell_end(errand, ended);
    } else {
        errand->process = process;
        if (errand->is_late || beside->closed)
            end(errand);
    }
}

void beside_close(struct beside *beside, const char *why)
{
    if (beside->closed)
        return;
    beside->closed = why;
    for (size_t i = 0; i < BESIDE_MAX; i++)
        if (beside->errands[i].number)
            end(&beside->errands[i]);
}

void beside_free(struct beside **pointer)
{
    struct beside *beside = *pointer;
    if (!beside)
        return;
    for (size_t i = 0; i < BESIDE_MAX; i++)
        loop_remove(&beside->errands[i].timer);
    free(beside);
    *pointer = NULL;
}
