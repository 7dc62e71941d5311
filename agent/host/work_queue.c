#include "agent/host/work_queue.h"

#include <string.h>

struct work *work_queue_push(struct work_queue *queue)
{
    if (queue->count == WORK_QUEUE_MAX) {
        return NULL;
    }
    struct work *work = &queue->items[(queue->first + queue->count) % WORK_QUEUE_MAX];
    queue->count++;
    memset(work, 0, sizeof(*work));
    return work;
}

bool work_queue_next_is_case(const struct work_queue *queue)
{
    return queue->count > 0 && queue->items[queue->first].kind == PB__HOST_REQUEST__BODY_RUN_CASE;
}

bool work_queue_pop(struct work_queue *queue, struct work *work)
{
    if (queue->count == 0) {
        return false;
    }
    *work = queue->items[queue->first];
    queue->first = (queue->first + 1) % WORK_QUEUE_MAX;
    queue->count--;
    return true;
}

void work_queue_cancel(struct work_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++) {
        queue->items[(queue->first + i) % WORK_QUEUE_MAX].is_cancelled = true;
    }
}

uint64_t work_queue_shortest_ms(const struct work_queue *queue)
{
    uint64_t shortest = UINT64_MAX;
    for (size_t i = 0; i < queue->count; i++) {
        const struct work *work = &queue->items[(queue->first + i) % WORK_QUEUE_MAX];
        shortest = work->timeout_ms < shortest ? work->timeout_ms : shortest;
    }
    return shortest;
}
