// See agenda.h. A binary heap; a timer that was set again leaves its old entry behind, which is skipped when it comes up.
#include "tests/simulation/agenda.h"

#include "common/base/memory.h"

static bool is_before(const struct agenda_entry *left, const struct agenda_entry *right)
{
    return left->when_ns != right->when_ns ? left->when_ns < right->when_ns : left->number < right->number;
}

static void swap(struct agenda_entry *left, struct agenda_entry *right)
{
    struct agenda_entry kept = *left;
    *left = *right;
    *right = kept;
}

static void push(struct agenda *agenda, struct agenda_entry entry)
{
    entry.number = ++agenda->number;
    APPEND(agenda->heap, agenda->count, agenda->capacity) = entry;
    for (size_t i = agenda->count - 1; i > 0 && is_before(&agenda->heap[i], &agenda->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&agenda->heap[i], &agenda->heap[(i - 1) / 2]);
}

static struct agenda_entry pop(struct agenda *agenda)
{
    struct agenda_entry first = agenda->heap[0];
    agenda->heap[0] = agenda->heap[--agenda->count];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1, right = left + 1;
        if (left < agenda->count && is_before(&agenda->heap[left], &agenda->heap[least]))
            least = left;
        if (right < agenda->count && is_before(&agenda->heap[right], &agenda->heap[least]))
            least = right;
        if (least == i)
            return first;
        swap(&agenda->heap[i], &agenda->heap[least]);
        i = least;
    }
}

void agenda_add(struct agenda *agenda, uint64_t when_ns, agenda_fn *call, void *context)
{
    push(agenda, (struct agenda_entry){.when_ns = when_ns, .call = call, .context = context});
}

void agenda_set(struct agenda *agenda, struct timer *timer, uint64_t when_ns)
{
    push(agenda, (struct agenda_entry){.when_ns = when_ns, .timer = timer});
    timer->armed = agenda->number;
}

void agenda_stop(struct timer *timer)
{
    timer->armed = 0;
}

bool timer_is_set(const struct timer *timer)
{
    return timer->armed != 0;
}

bool agenda_take(struct agenda *agenda, struct agenda_entry *entry)
{
    while (agenda->count > 0) {
        *entry = pop(agenda);
        if (!entry->timer)
            return true;
        if (entry->timer->armed == entry->number) {
            entry->timer->armed = 0;
            entry->call = entry->timer->call;
            entry->context = entry->timer->context;
            return true;
        }
    }
    return false;
}

void agenda_end(struct agenda *agenda)
{
    free(agenda->heap);
    *agenda = (struct agenda){0};
}
