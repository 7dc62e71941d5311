// See switch.h. What is due later waits in a heap, ordered by (time, arrival); a timerfd says when the first is due, to the nanosecond.
#include "agent/environment/link/switch.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/memory.h"

// Frames of one place in a round, so that none waits for a busy one.
#define READS_PER_ROUND 64
#define DELIVERIES_PER_ROUND 256
#define COMMENT_BYTES 240
#define NS_PER_S 1000000000ULL

struct in_flight {
    uint64_t due_ns, arrival, corrupted; // corrupted: its number, or 0
    size_t heap_index, to, bytes;
    struct direction *direction;
    uint8_t frame[];
};

struct port {
    struct packet_switch *all;
    size_t number;
    struct loop_source *source;
};

struct packet_switch {
    struct switch_settings settings;
    struct port *ports;
    struct direction *directions; // from * places + to
    struct wire shared;           // of all directions that share their rate
    struct in_flight **heap;
    size_t heap_count, heap_capacity, in_flight_bytes;
    uint64_t arrivals, armed_ns;
    int timer_fd;
    struct loop_source *timer;
    struct switch_lateness lateness;
    bool has_failed;
};

static void fail(struct packet_switch *all, const struct panther_error *error)
{
    if (!all->has_failed)
        all->settings.failed(all->settings.context, error);
    all->has_failed = true;
}

// ---- directions

static struct direction *direction_between(struct packet_switch *all, size_t from, size_t to)
{
    struct direction *direction = &all->directions[from * all->settings.place_count + to];
    if (!direction->from) {
        struct conditions conditions;
        direction->from = all->settings.places[from].service;
        direction->to = all->settings.places[to].service;
        direction->shared = &all->shared;
        rules_conditions(all->settings.rules, direction->from, direction->to, &conditions);
        direction_begin(direction, all->settings.seed, &conditions, clock_boottime_ns());
    }
    return direction;
}

void switch_rules_changed(struct packet_switch *all)
{
    size_t count = all->settings.place_count;
    uint64_t now_ns = clock_boottime_ns();
    wire_clear(&all->shared);
    for (size_t i = 0; i < count * count; i++) {
        struct direction *direction = &all->directions[i];
        struct conditions conditions;
        if (!direction->from || !rules_touched(all->settings.rules, direction->from, direction->to))
            continue; // nothing went there yet: it begins with its first packet
        rules_conditions(all->settings.rules, direction->from, direction->to, &conditions);
        direction_begin(direction, all->settings.seed, &conditions, now_ns);
    }
}

const struct direction_counts *switch_counts(const struct packet_switch *all, size_t from, size_t to)
{
    const struct direction *direction = &all->directions[from * all->settings.place_count + to];
    return direction->from ? &direction->counts : NULL;
}

struct switch_lateness switch_lateness(const struct packet_switch *all)
{
    return all->lateness;
}

// ---- heap of what is in flight

static bool is_before(const struct in_flight *left, const struct in_flight *right)
{
    return left->due_ns != right->due_ns ? left->due_ns < right->due_ns : left->arrival < right->arrival;
}

static void heap_put(struct packet_switch *all, size_t index, struct in_flight *packet)
{
    all->heap[index] = packet;
    packet->heap_index = index;
}

static void heap_up(struct packet_switch *all, struct in_flight *packet)
{
    size_t index = packet->heap_index;
    while (index > 0 && is_before(packet, all->heap[(index - 1) / 2])) {
        heap_put(all, index, all->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_put(all, index, packet);
}

static void heap_down(struct packet_switch *all, struct in_flight *packet)
{
    size_t index = packet->heap_index;
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= all->heap_count)
            break;
        if (child + 1 < all->heap_count && is_before(all->heap[child + 1], all->heap[child]))
            child++;
        if (is_before(packet, all->heap[child]))
            break;
        heap_put(all, index, all->heap[child]);
        index = child;
    }
    heap_put(all, index, packet);
}

static void heap_add(struct packet_switch *all, struct in_flight *packet)
{
    packet->heap_index = all->heap_count;
    APPEND(all->heap, all->heap_count, all->heap_capacity) = packet;
    heap_up(all, packet);
}

static struct in_flight *heap_take(struct packet_switch *all)
{
    struct in_flight *first = all->heap[0], *last = all->heap[--all->heap_count];
    if (last != first) {
        last->heap_index = 0;
        heap_down(all, last);
    }
    return first;
}

static void arm(struct packet_switch *all)
{
    uint64_t due_ns = all->heap_count > 0 ? all->heap[0]->due_ns : 0;
    if (due_ns == all->armed_ns)
        return;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / NS_PER_S), .tv_nsec = (long)(due_ns % NS_PER_S)}};
    INVARIANT(timerfd_settime(all->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
    all->armed_ns = due_ns;
}

// ---- out

static void capture(struct packet_switch *all, size_t place, enum pcapng_direction way, uint64_t now_ns, const uint8_t *frame, size_t bytes,
                    const char *comment)
{
    struct panther_error error;
    if (all->settings.capture &&
        pcapng_packet(all->settings.capture, place, way, now_ns + all->settings.wall_offset_ns, frame, bytes, comment, &error) < 0)
        fail(all, &error);
}

// corrupted: the number of a packet that does not arrive as it was sent, or 0. Who reads the capture must tell it from one of its sender.
static void deliver(struct packet_switch *all, struct direction *direction, size_t to, const uint8_t *frame, size_t bytes,
                    uint64_t corrupted)
{
    uint64_t now_ns = clock_boottime_ns();
    char comment[COMMENT_BYTES];
    const struct passage passage = {.number = corrupted, .corrupted = corrupted > 0};
    bool has_comment = passage_text(&passage, direction, comment, sizeof comment);
    ssize_t written = write(all->settings.places[to].tap, frame, bytes);
    if (written != (ssize_t)bytes) {
        direction_dropped(direction, DROP_DEVICE); // its service took the device down, or it has no memory
        return;
    }
    direction_delivered(direction, bytes);
    capture(all, to, PCAPNG_INBOUND, now_ns, frame, bytes, has_comment ? comment : NULL);
}

static void note_lateness(struct packet_switch *all, uint64_t late_ns)
{
    all->lateness.late += late_ns > SWITCH_LATE_NS;
    if (late_ns > all->lateness.worst_ns)
        all->lateness.worst_ns = late_ns;
}

static void deliver_due(struct packet_switch *all)
{
    uint64_t now_ns = clock_boottime_ns();
    for (size_t i = 0; i < DELIVERIES_PER_ROUND && all->heap_count > 0 && all->heap[0]->due_ns <= now_ns; i++) {
        struct in_flight *packet = heap_take(all);
        if (packet->direction->held == packet)
            packet->direction->held = NULL; // nobody came to overtake it
        note_lateness(all, now_ns - packet->due_ns);
        deliver(all, packet->direction, packet->to, packet->frame, packet->bytes, packet->corrupted);
        all->in_flight_bytes -= packet->bytes;
        packet->direction->in_flight--;
        free(packet);
    }
    arm(all);
}

static void timer_fired(void *context, int fd, uint32_t events)
{
    struct packet_switch *all = context;
    uint64_t times;
    (void)events;
    if (read(fd, &times, sizeof times) < 0 && errno != EAGAIN)
        PANIC("timerfd: %s", strerror(errno));
    all->armed_ns = 0;
    deliver_due(all);
}

static struct in_flight *put_in_flight(struct packet_switch *all, struct direction *direction, size_t to, const uint8_t *frame,
                                       size_t bytes, uint64_t due_ns, uint64_t corrupted)
{
    if (all->in_flight_bytes + bytes > SWITCH_IN_FLIGHT_MAX_BYTES) {
        direction_dropped(direction, DROP_MEMORY);
        return NULL;
    }
    struct in_flight *packet = memory_new(sizeof *packet + bytes);
    packet->due_ns = due_ns;
    packet->arrival = all->arrivals++;
    packet->direction = direction;
    packet->to = to;
    packet->bytes = bytes;
    packet->corrupted = corrupted;
    memcpy(packet->frame, frame, bytes);
    all->in_flight_bytes += bytes;
    direction->in_flight++;
    heap_add(all, packet);
    return packet;
}

// The one that was held goes right behind this one.
static void overtake(struct packet_switch *all, struct direction *direction, uint64_t due_ns)
{
    struct in_flight *held = direction->held;
    if (!held)
        return;
    uint64_t own_due_ns = held->due_ns - DIRECTION_HOLD_NS;
    direction->held = NULL;
    held->due_ns = own_due_ns > due_ns ? own_due_ns : due_ns;
    held->arrival = all->arrivals++;
    heap_up(all, held);
    direction->counts.reordered++;
}

static void send_on(struct packet_switch *all, struct direction *direction, size_t to, const uint8_t *frame, size_t bytes,
                    const struct passage *passage, uint64_t now_ns)
{
    bool is_at_once = passage->due_ns <= now_ns && !passage->hold && direction->in_flight == 0;
    unsigned copies = passage->duplicate ? 2 : 1;
    uint64_t corrupted = passage->corrupted ? passage->number : 0;
    for (unsigned i = 0; i < copies; i++) {
        if (is_at_once)
            deliver(all, direction, to, frame, bytes, corrupted);
        else if (passage->hold && i == 0)
            direction->held = put_in_flight(all, direction, to, frame, bytes, passage->due_ns + DIRECTION_HOLD_NS, corrupted);
        else
            put_in_flight(all, direction, to, frame, bytes, passage->due_ns, corrupted);
    }
    if (!passage->hold)
        overtake(all, direction, passage->due_ns);
}

// ---- in

static struct passage pass(struct packet_switch *all, size_t from, size_t to, const uint8_t *frame, size_t bytes,
                           const struct packet_parts *parts, uint64_t now_ns, uint8_t *changed)
{
    const struct place *sender = &all->settings.places[from];
    struct direction *direction = direction_between(all, from, to), *back = direction_between(all, to, from);
    memcpy(changed, frame, bytes);
    return direction_pass(direction, back, changed, bytes, parts, sender->other4, sender->other6, now_ns);
}

static void forward(struct packet_switch *all, size_t from, size_t to, const uint8_t *frame, size_t bytes, const struct packet_parts *parts,
                    uint64_t now_ns)
{
    uint8_t changed[PLACE_FRAME_MAX_BYTES];
    char comment[COMMENT_BYTES];
    struct passage passage = pass(all, from, to, frame, bytes, parts, now_ns, changed);
    struct direction *direction = direction_between(all, from, to);
    bool has_comment = passage_text(&passage, direction, comment, sizeof comment);
    capture(all, from, PCAPNG_OUTBOUND, now_ns, frame, bytes, has_comment ? comment : NULL);
    if (passage.drop == DROP_NONE)
        send_on(all, direction, to, changed, bytes, &passage, now_ns);
}

// A group's packet has a fate of its own in each direction.
static void forward_to_all(struct packet_switch *all, size_t from, const uint8_t *frame, size_t bytes, const struct packet_parts *parts,
                           uint64_t now_ns)
{
    uint8_t changed[PLACE_FRAME_MAX_BYTES];
    capture(all, from, PCAPNG_OUTBOUND, now_ns, frame, bytes, NULL);
    for (size_t to = 0; to < all->settings.place_count; to++) {
        if (to == from)
            continue;
        struct passage passage = pass(all, from, to, frame, bytes, parts, now_ns, changed);
        if (passage.drop == DROP_NONE)
            send_on(all, direction_between(all, from, to), to, changed, bytes, &passage, now_ns);
    }
}

static void take_frame(struct packet_switch *all, size_t from, const uint8_t *frame, size_t bytes, uint64_t now_ns)
{
    struct packet_parts parts;
    if (!packet_read(frame, bytes, &parts) || parts.is_neighbourhood)
        return;
    if (frame[0] & 1) {
        forward_to_all(all, from, frame, bytes, &parts, now_ns);
        return;
    }
    for (size_t to = 0; to < all->settings.place_count; to++)
        if (to != from && memcmp(frame, all->settings.places[to].mac, PLACE_MAC_BYTES) == 0)
            forward(all, from, to, frame, bytes, &parts, now_ns);
}

static void readable(void *context, int fd, uint32_t events)
{
    struct port *port = context;
    struct packet_switch *all = port->all;
    uint8_t frame[PLACE_FRAME_MAX_BYTES];
    (void)events;
    for (unsigned i = 0; i < READS_PER_ROUND && !all->has_failed; i++) {
        ssize_t bytes = read(fd, frame, sizeof frame);
        if (bytes > 0) {
            take_frame(all, port->number, frame, (size_t)bytes, clock_boottime_ns());
        } else if (bytes < 0 && errno != EAGAIN && errno != EINTR && errno != EIO) {
            struct panther_error error;
            error_system(&error, errno, "the device of %s is gone", all->settings.places[port->number].service);
            fail(all, &error);
        } else {
            break;
        }
    }
    arm(all);
}

// ---- life

struct packet_switch *switch_new(const struct switch_settings *settings)
{
    struct packet_switch *all = NEW(struct packet_switch);
    size_t count = settings->place_count;
    all->settings = *settings;
    all->directions = memory_new(count * count * sizeof *all->directions);
    all->ports = memory_new(count * sizeof *all->ports);
    all->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (all->timer_fd < 0)
        PANIC("timerfd_create: %s", strerror(errno));
    all->timer = loop_watch(settings->loop, all->timer_fd, EPOLLIN, timer_fired, all);
    for (size_t i = 0; i < count; i++) {
        all->ports[i] = (struct port){.all = all, .number = i};
        all->ports[i].source = loop_watch(settings->loop, settings->places[i].tap, EPOLLIN, readable, &all->ports[i]);
    }
    return all;
}

void switch_free(struct packet_switch **pointer)
{
    struct packet_switch *all = *pointer;
    if (!all)
        return;
    for (size_t i = 0; i < all->settings.place_count; i++)
        loop_remove(&all->ports[i].source);
    loop_remove(&all->timer);
    close(all->timer_fd);
    while (all->heap_count > 0)
        free(all->heap[--all->heap_count]);
    for (size_t i = 0; i < all->settings.place_count * all->settings.place_count; i++)
        direction_free(&all->directions[i]);
    wire_free(&all->shared);
    free(all->directions);
    free(all->ports);
    free(all->heap);
    free(all);
    *pointer = NULL;
}
