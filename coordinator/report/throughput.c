#include "coordinator/report/throughput.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "coordinator/report/plot.h"

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_PACKET 6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define OPTION_NAME 2U       // of an interface
#define OPTION_RESOLUTION 9U // of an interface
#define OPTION_FLAGS 2U      // of a packet
#define DIRECTION 3U         // of the flags
#define INBOUND 1U
#define BLOCK_LEAST 12U // type, length, length again
#define INTERFACE_FIXED 8U
#define PACKET_FIXED 20U
#define BITS 8.0

struct interface {
    double unit_s; // of its times
};

struct reading {
    const char *data;
    size_t bytes;
    struct throughput *throughput;
    struct interface interfaces[THROUGHPUT_SERIES_MAX];
    size_t interfaces_count; // also those beyond
    bool has_time;
    double first_s, last_s;
};

struct packet {
    uint32_t interface, direction;
    double time_s, bytes;
};

typedef void packet_fn(struct reading *reading, const struct packet *packet);

static uint32_t number_at(const char *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

// Its value, and of how many bytes; NULL: there is none.
static const char *option_find(const char *at, size_t left, unsigned wanted, size_t *bytes)
{
    uint16_t head[2];
    while (left >= sizeof head) {
        memcpy(head, at, sizeof head);
        size_t padded = ((size_t)head[1] + 3) & ~(size_t)3;
        at += sizeof head;
        left -= sizeof head;
        if (head[0] == 0 || padded > left) {
            return NULL;
        }
        if (head[0] == wanted) {
            *bytes = head[1];
            return at;
        }
        at += padded;
        left -= padded;
    }
    return NULL;
}

// Ten or two to the power of minus that; a microsecond if nothing is said.
static double resolution_of(const char *options, size_t left)
{
    size_t bytes = 0;
    const char *value = option_find(options, left, OPTION_RESOLUTION, &bytes);
    if (!value || bytes != 1) {
        return 1e-6;
    }
    unsigned power = (unsigned char)*value;
    return power & 0x80 ? ldexp(1, -(int)(power & 0x7f)) : pow(10, -(double)power);
}

static void take_interface(struct reading *reading, const char *body, size_t bytes)
{
    struct throughput *throughput = reading->throughput;
    size_t index = reading->interfaces_count++, length = 0;
    if (bytes < INTERFACE_FIXED || index >= THROUGHPUT_SERIES_MAX) {
        return;
    }
    const char *name = option_find(body + INTERFACE_FIXED, bytes - INTERFACE_FIXED, OPTION_NAME, &length);
    struct throughput_series *series = &throughput->series[index];
    reading->interfaces[index].unit_s = resolution_of(body + INTERFACE_FIXED, bytes - INTERFACE_FIXED);
    snprintf(series->name, sizeof series->name, "%.*s", name ? (int)length : 0, name ? name : "");
}

static bool read_packet(const struct reading *reading, const char *body, size_t bytes, struct packet *packet)
{
    if (bytes < PACKET_FIXED) {
        return false;
    }
    uint32_t kept = number_at(body + 12);
    size_t padded = ((size_t)kept + 3) & ~(size_t)3, length = 0;
    *packet = (struct packet){.interface = number_at(body), .bytes = number_at(body + 16)};
    if (packet->interface >= reading->interfaces_count || packet->interface >= THROUGHPUT_SERIES_MAX || padded > bytes - PACKET_FIXED) {
        return false;
    }
    uint64_t time = (uint64_t)number_at(body + 4) << 32 | number_at(body + 8);
    const char *flags = option_find(body + PACKET_FIXED + padded, bytes - PACKET_FIXED - padded, OPTION_FLAGS, &length);
    packet->time_s = (double)time * reading->interfaces[packet->interface].unit_s;
    packet->direction = flags && length == sizeof(uint32_t) ? number_at(flags) & DIRECTION : 0;
    return true;
}

static void read_blocks(struct reading *reading, packet_fn *take)
{
    reading->interfaces_count = 0;
    for (size_t at = 0; reading->bytes - at >= BLOCK_LEAST;) {
        const char *block = reading->data + at;
        uint32_t type = number_at(block), length = number_at(block + 4);
        bool is_whole = length >= BLOCK_LEAST && length % 4 == 0 && length <= reading->bytes - at;
        // Another section would count its interfaces anew.
        if (!is_whole || (type == BLOCK_SECTION && (at > 0 || length < 16 || number_at(block + 8) != BYTE_ORDER_MAGIC))) {
            return;
        }
        struct packet packet;
        if (type == BLOCK_INTERFACE) {
            take_interface(reading, block + 8, length - BLOCK_LEAST);
        } else if (type == BLOCK_PACKET && read_packet(reading, block + 8, length - BLOCK_LEAST, &packet)) {
            take(reading, &packet);
        }
        at += length;
    }
}

static void look(struct reading *reading, const struct packet *packet)
{
    reading->throughput->series[packet->interface].is_directed |= packet->direction != 0;
    reading->first_s = reading->has_time ? fmin(reading->first_s, packet->time_s) : packet->time_s;
    reading->last_s = reading->has_time ? fmax(reading->last_s, packet->time_s) : packet->time_s;
    reading->has_time = true;
}

static void count(struct reading *reading, const struct packet *packet)
{
    struct throughput *throughput = reading->throughput;
    struct throughput_series *series = &throughput->series[packet->interface];
    if (series->is_directed && packet->direction != INBOUND) {
        return;
    }
    double bin = (packet->time_s - reading->first_s) / throughput->bin_s;
    series->bytes[bin < THROUGHPUT_BINS ? (size_t)bin : THROUGHPUT_BINS - 1] += packet->bytes;
    series->packets++;
}

bool throughput_read(const char *data, size_t bytes, struct throughput *throughput)
{
    // Below a bin of a millisecond a line shows single packets.
    static const double least_bin_s = 1e-3;
    struct reading reading = {.data = data, .bytes = bytes, .throughput = throughput};
    *throughput = (struct throughput){0};
    if (bytes < BLOCK_LEAST || number_at(data) != BLOCK_SECTION) {
        return false;
    }
    read_blocks(&reading, look);
    throughput->duration_s = reading.last_s - reading.first_s;
    throughput->bin_s = fmax(throughput->duration_s / THROUGHPUT_BINS, least_bin_s);
    throughput->count = reading.interfaces_count < THROUGHPUT_SERIES_MAX ? reading.interfaces_count : THROUGHPUT_SERIES_MAX;
    throughput->left_out = reading.interfaces_count - throughput->count;
    read_blocks(&reading, count);
    return reading.has_time;
}

void throughput_plot(const struct throughput *throughput, const char *title, bool is_cut, struct text *out)
{
    struct plot_line lines[THROUGHPUT_SERIES_MAX];
    double rates[THROUGHPUT_SERIES_MAX][THROUGHPUT_BINS];
    char names[THROUGHPUT_SERIES_MAX][THROUGHPUT_NAME_BYTES + 16];
    size_t shown = 0;
    for (size_t i = 0; i < throughput->count; i++) {
        const struct throughput_series *series = &throughput->series[i];
        if (!series->packets) {
            continue;
        }
        for (size_t bin = 0; bin < THROUGHPUT_BINS; bin++) {
            rates[shown][bin] = series->bytes[bin] * BITS / throughput->bin_s / 1e6;
        }
        snprintf(names[shown], sizeof names[shown], "%s%s", series->name, series->is_directed ? " received" : "");
        lines[shown] = (struct plot_line){.name = names[shown], .values = rates[shown]};
        shown++;
    }
    CLEANUP_FREE char *whole = memory_printf("%s: throughput%s", title, is_cut ? ", of the capture's beginning" : "");
    size_t bins = (size_t)fmin(ceil(throughput->duration_s / throughput->bin_s) + 1, THROUGHPUT_BINS);
    plot_lines(out, whole, "Mbit/s over s", lines, shown, bins, throughput->bin_s);
}
