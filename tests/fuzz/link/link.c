// A plan of a network, then lines: requests of link.control, and frames that a service sends, in hex behind the number of the service
// ("0 0200..."). What is refused changes nothing; a frame keeps its size, and what it was found to hold is within it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/link/direction.h"
#include "agent/environment/link/rules.h"
#include "common/base/memory.h"
#include "tests/fuzz/fuzz.h"

#define ENDS 2 // of the services, so many send
#define FRAME_MAX_BYTES 2048
#define STEP_NS 700000ULL

struct net {
    struct network_plan plan;
    struct direction directions[ENDS][ENDS];
    uint64_t now_ns;
};

static void begin(struct net *net, size_t from, size_t to)
{
    struct direction *direction = &net->directions[from][to];
    struct conditions conditions;
    direction->from = net->plan.services[from];
    direction->to = net->plan.services[to];
    rules_conditions(net->plan.rules, direction->from, direction->to, &conditions);
    direction_begin(direction, net->plan.seed, &conditions, net->now_ns);
}

static bool same(const struct conditions *left, const struct conditions *right)
{
    return left->given == right->given && left->delay_ms == right->delay_ms && left->loss == right->loss && left->down == right->down &&
           left->drop_count == right->drop_count && left->nat == right->nat && left->rate_bits == right->rate_bits;
}

static void request(struct net *net, const char *line, size_t bytes)
{
    struct panther_error error = {0};
    enum request_kind kind = REQUEST_FLUSH;
    struct conditions before[ENDS][ENDS];
    for (size_t i = 0; i < ENDS * ENDS; i++)
        rules_conditions(net->plan.rules, net->plan.services[i / ENDS], net->plan.services[i % ENDS], &before[i / ENDS][i % ENDS]);
    int result = rules_request(net->plan.rules, line, bytes, &kind, &error);
    INVARIANT(result == 0 || error.message[0] != '\0');
    for (size_t i = 0; i < ENDS * ENDS; i++) {
        size_t from = i / ENDS, to = i % ENDS;
        struct conditions now;
        rules_conditions(net->plan.rules, net->plan.services[from], net->plan.services[to], &now);
        bool is_touched =
            result == 0 && kind != REQUEST_FLUSH && rules_touched(net->plan.rules, net->plan.services[from], net->plan.services[to]);
        INVARIANT(is_touched || same(&now, &before[from][to]));
        if (is_touched)
            begin(net, from, to);
    }
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t read_frame(const char *line, size_t bytes, uint8_t *frame)
{
    size_t size = 0;
    for (; size < FRAME_MAX_BYTES && 2 * size + 1 < bytes && digit(line[2 * size]) >= 0 && digit(line[2 * size + 1]) >= 0; size++)
        frame[size] = (uint8_t)(digit(line[2 * size]) * 16 + digit(line[2 * size + 1]));
    return size;
}

// The copy is as long as the frame: one byte beyond is seen by the sanitizer.
static void pass(struct net *net, size_t from, const uint8_t *bytes, size_t size)
{
    static const uint8_t other4[4] = {10, 77, 1, 1}, other6[16] = {0xfd, 0, 0, 0x77, [13] = 1, [15] = 1};
    struct packet_parts parts;
    uint8_t *frame = memory_new(size);
    memcpy(frame, bytes, size);
    if (packet_read(frame, size, &parts)) {
        struct direction *direction = &net->directions[from][1 - from], *back = &net->directions[1 - from][from];
        char text[256];
        INVARIANT(parts.ip < parts.body && parts.body <= parts.end && parts.end <= size);
        uint64_t dropped = 0;
        struct passage passage = direction_pass(direction, back, frame, size, &parts, other4, other6, net->now_ns);
        for (size_t i = 0; i < DROPS; i++)
            dropped += direction->counts.dropped[i];
        INVARIANT(direction->counts.dropped[DROP_NONE] == 0 && dropped <= direction->counts.sent);
        INVARIANT(passage.drop != DROP_NONE || passage.due_ns >= net->now_ns);
        INVARIANT(passage.drop == DROP_NONE || !passage_text(&passage, direction, text, sizeof text) || *text);
    }
    free(frame);
}

static void take_line(struct net *net, const char *line, size_t bytes)
{
    uint8_t frame[FRAME_MAX_BYTES];
    net->now_ns += STEP_NS;
    if (bytes > 2 && (line[0] == '0' || line[0] == '1') && line[1] == ' ')
        pass(net, (size_t)(line[0] - '0'), frame, read_frame(line + 2, bytes - 2, frame));
    else
        request(net, line, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = memchr(data, '\n', size);
    struct net net = {.now_ns = STEP_NS};
    struct panther_error error = {0};
    if (network_plan_read(text, end ? (size_t)(end - text) : size, &net.plan, &error) < 0) {
        INVARIANT(error.message[0] != '\0' && net.plan.rules == NULL);
        return 0;
    }
    for (size_t i = 0; i < ENDS * ENDS && net.plan.service_count >= ENDS; i++)
        begin(&net, i / ENDS, i % ENDS);
    for (const char *line = end; line && net.plan.service_count >= ENDS; line = end) {
        size_t left = size - (size_t)(++line - text);
        end = memchr(line, '\n', left);
        take_line(&net, line, end ? (size_t)(end - line) : left);
    }
    for (size_t i = 0; i < ENDS * ENDS; i++)
        direction_free(&net.directions[i / ENDS][i % ENDS]);
    network_plan_free(&net.plan);
    return 0;
}
