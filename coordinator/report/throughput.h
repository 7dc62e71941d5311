// How much arrived when: from a capture (pcapng, draft-ietf-opsawg-pcapng), an interface a series. Pure: the bytes are the caller's, and
// may be anything. What a network of a trial captured says for each packet whether it was sent or received at that end: those that were
// received count. Of an interface that does not say it, all do.
#ifndef PANTHER_COORDINATOR_REPORT_THROUGHPUT_H
#define PANTHER_COORDINATOR_REPORT_THROUGHPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

// A pixel or two each: more says nothing.
#define THROUGHPUT_BINS 200
// Services of a trial; of interfaces beyond nothing is told but their number.
#define THROUGHPUT_SERIES_MAX 16
#define THROUGHPUT_NAME_BYTES 64

struct throughput_series {
    char name[THROUGHPUT_NAME_BYTES]; // of the interface: in an emulated network the service
    bool is_directed;                 // packets that it received
    uint64_t packets;
    double bytes[THROUGHPUT_BINS];
};
struct throughput {
    struct throughput_series series[THROUGHPUT_SERIES_MAX];
    size_t count, left_out;
    double bin_s, duration_s;
};
// false: it is no capture, or there is no packet in it. What is cut off in a block is read up to there.
bool throughput_read(const char *data, size_t bytes, struct throughput *throughput);
// A line a series, as SVG; nothing when no packet arrived. is_cut: the capture is longer than what was read.
void throughput_plot(const struct throughput *throughput, const char *title, bool is_cut, struct text *out);

#endif
