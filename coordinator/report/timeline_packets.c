// Packets, as tshark prints them: it knows the protocols, and with the key log what is inside.
#define _GNU_SOURCE // strsep
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/report/timeline_observed.h"

enum field { FIELD_TIME, FIELD_INTERFACE, FIELD_DIRECTION, FIELD_LENGTH, FIELD_PROTOCOL, FIELD_INFO, FIELD_COMMENT };
const char *const timeline_packet_fields[TIMELINE_PACKET_FIELDS] = {
    "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction", "frame.len", "_ws.col.Protocol",
    "_ws.col.Info",     "frame.comment"};
#define LINE_MAX_BYTES 4096
#define INBOUND 1
#define OUTBOUND 2
// A float of seconds since 1970 would be exact to some hundred ns only: it is read digit by digit.
#define NS_PER_SECOND INT64_C(1000000000)
#define SECONDS_MAX INT64_C(8000000000)

static bool read_time(const char *text, int64_t *time_ns)
{
    char *end;
    long long seconds = strtoll(text, &end, 10);
    if (end == text || seconds < 0 || seconds > SECONDS_MAX) {
        return false;
    }
    int64_t fraction = 0, unit = NS_PER_SECOND;
    if (*end == '.') {
        for (end++; *end >= '0' && *end <= '9' && unit > 1; end++) {
            unit /= 10;
            fraction += (*end - '0') * unit;
        }
    }
    *time_ns = seconds * NS_PER_SECOND + fraction;
    return true;
}

// The ends of an emulated network's links are called like services; a device is not.
static bool names_service(const char *interface, const char *service)
{
    return *interface && strcmp(service, "network") == 0;
}

bool timeline_add_packet(struct timeline *timeline, const struct timeline_origin *capture, const char *line, size_t *room)
{
    char copy[LINE_MAX_BYTES], *fields[TIMELINE_PACKET_FIELDS] = {NULL}, *rest = copy;
    snprintf(copy, sizeof copy, "%s", line);
    copy[strcspn(copy, "\r\n")] = '\0';
    for (size_t i = 0; i < TIMELINE_PACKET_FIELDS && rest; i++) {
        fields[i] = strsep(&rest, "\t");
    }
    int64_t time_ns;
    if (!fields[FIELD_COMMENT] || !read_time(fields[FIELD_TIME], &time_ns)) {
        return false;
    }
    const char *service = names_service(fields[FIELD_INTERFACE], capture->service) ? fields[FIELD_INTERFACE] : capture->service;
    if (service == fields[FIELD_INTERFACE] && capture->only && *capture->only && strcmp(service, capture->only) != 0) {
        return true;
    }
    if (*room == 0) {
        timeline->left_out[TIMELINE_PACKETS]++;
        return true;
    }
    --*room;
    long direction = strtol(fields[FIELD_DIRECTION], NULL, 0) & 3;
    char text[TIMELINE_TEXT_MAX_BYTES];
    snprintf(text, sizeof text, "%s %s, %s bytes%s%s", fields[FIELD_PROTOCOL], fields[FIELD_INFO], fields[FIELD_LENGTH],
             *fields[FIELD_COMMENT] ? ": " : "", fields[FIELD_COMMENT]);
    timeline_add(timeline, &(struct timeline_observation){.source = TIMELINE_PACKETS,
                                                          .agent = capture->agent,
                                                          .service = service,
                                                          .kind = direction == OUTBOUND  ? "packet-sent"
                                                                  : direction == INBOUND ? "packet-received"
                                                                                         : "packet",
                                                          .text = text,
                                                          .time_ns = time_ns,
                                                          .is_wall = true});
    return true;
}
