// See marks.h.
#include "marks.h"

#include <string.h>

static size_t count_of_versions(const struct line *line, bool (*is_wanted)(unsigned long long version))
{
    unsigned long long number;
    size_t count = 0;
    for (size_t i = 0; line_number(line, VERSION, i, &number); i++) {
        count += is_wanted(number);
    }
    return count;
}

static bool is_negotiation(unsigned long long version)
{
    return version == 0;
}

static bool is_second(unsigned long long version)
{
    return version == QUIC_V2 || version == QUIC_V2_DRAFT;
}

static size_t marks_of(const struct line *line, enum mark mark)
{
    switch (mark) {
    case MARK_RETRY:
        return line_count_long(line, LONG_RETRY, V2_RETRY);
    case MARK_NEGOTIATION:
        return count_of_versions(line, is_negotiation);
    case MARK_EARLY:
        return line_count_long(line, LONG_ZERO_RTT, V2_ZERO_RTT);
    case MARK_DONE:
        return line_count(line, FRAMES, FRAME_HANDSHAKE_DONE);
    case MARK_CHALLENGE:
        return line_count(line, FRAMES, FRAME_PATH_CHALLENGE);
    case MARK_RESPONSE:
        return line_count(line, FRAMES, FRAME_PATH_RESPONSE);
    case MARK_UPDATE:
        return line->bytes[FRAMES] > 0 ? line_count(line, KEY_PHASE, 1) : 0;
    case MARK_V2:
        return count_of_versions(line, is_second);
    default:
        return 0;
    }
}

void marks_note(const struct line *line, size_t *marks)
{
    for (enum mark mark = 0; mark < MARKS; mark++) {
        marks[mark] += marks_of(line, mark);
    }
}

void marks_note_group(const struct line *line, struct transcript *transcript)
{
    char group[GROUP_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < line->bytes[DESTINATION] && line->fields[DESTINATION][i] != ','; i++) {
        if (line->fields[DESTINATION][i] != ':' && used < sizeof(group) - 1) {
            group[used++] = line->fields[DESTINATION][i];
        }
    }
    group[used] = '\0';
    for (size_t i = 0; i < transcript->groups; i++) {
        if (strcmp(transcript->group[i], group) == 0) {
            return;
        }
    }
    if (used > 0 && transcript->groups < CONNECTIONS_MAX) {
        memcpy(transcript->group[transcript->groups++], group, sizeof(group));
    }
}
