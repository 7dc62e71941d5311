// panther/qlog.h: what a QUIC program wrote about its connections (draft-ietf-quic-qlog-main-schema), for testers that judge from it. Since
// 1.3. Phases: any; threads: the plugin's. A tested program may write anything: what is no event is counted, the others are told.
#ifndef PANTHER_QLOG_H
#define PANTHER_QLOG_H

#include <panther/service.h>

struct panther_qlog_event {
    double time_ms; // since the qlog's reference, or since 1970 when is_absolute
    bool is_absolute;
    const char *name;          // "transport:packet_sent"
    const char *packet_type;   // "initial", "0RTT", "1RTT", "retry", as the program calls it; "": it is of no packet
    const char *version;       // of the packet, or chosen for the connection: "1", "6b3343cf"; "": not told
    int key_phase;             // of the packet: 0 or 1; -1: not told
    const char *const *frames; // types of the packet's frames, the first 64: "crypto", "path_challenge"
    size_t frame_count;
};

struct panther_qlog {
    double reference_ms;      // since 1970; 0: not told
    char side[16];            // "client", "server"; "": not told
    char group[48];           // the connection: its original destination connection ID in hexadecimal; "": not told
    size_t events, malformed; // malformed: the program was ended while it wrote, or writes something else
    bool is_cut;              // the file is longer than PANTHER_OUTPUT_MAX_BYTES: what stands behind was not read
    char problem[80];         // why nothing of it could be read; "": it could
};

// false: no more is wanted. What the event points to is gone when it returns.
typedef bool panther_qlog_fn(void *context, const struct panther_qlog_event *event);

// Tells the events of a file (relative to the work folder, or absolute) in their order. *qlog is filled but for its counts before the first
// one. PANTHER_MISSING: the file cannot be read, or nothing of it, and qlog->problem says why.
int panther_qlog_read(struct panther_service *service, const char *path, panther_qlog_fn *tell, void *context, struct panther_qlog *qlog);

#endif
