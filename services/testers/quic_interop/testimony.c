// See testimony.h. A qlog that tells of a packet that the capture lacks says that the capture is not whole: nothing that rests on it
// holds, neither a pass nor an accusation. A whole qlog that lacks a packet which the capture has says that the side did not take part in
// it: that is no pass; an accusation stays, or who is accused could write its way out.
#include "testimony.h"

#include <stdio.h>
#include <string.h>

struct mark_rule {
    const char *name, *section;
    bool is_frame;        // seen in the capture only where all packets of its sender were read
    bool sender_tells[2]; // [side]: who sends it has it in its qlog. A server sends some before there is a connection to write about
    bool receiver_tells;  // who hears it has it in its qlog
};

// Retry and Version Negotiation come from a server without state; after Version Negotiation a client may begin its qlog again. What arrives
// at a socket may never be read from it: its owner has left it, or closes the connection just then. Only a Retry is read in any case, or
// the client would not come to a handshake.
static const struct mark_rule rules[MARKS] = {
    [MARK_RETRY] = {"a Retry", "RFC 9000, 17.2.5", false, {[CLIENT] = true}, true},
    [MARK_NEGOTIATION] = {"a Version Negotiation packet", "RFC 9000, 17.2.1", false, {[CLIENT] = true}, false},
    [MARK_EARLY] = {"a 0-RTT packet", "RFC 9000, 17.2.3", false, {[CLIENT] = true, [SERVER] = true}, false},
    [MARK_DONE] = {"HANDSHAKE_DONE", "RFC 9000, 19.20", true, {[CLIENT] = true, [SERVER] = true}, false},
    [MARK_CHALLENGE] = {"PATH_CHALLENGE", "RFC 9000, 19.17", true, {[CLIENT] = true, [SERVER] = true}, false},
    [MARK_RESPONSE] = {"PATH_RESPONSE", "RFC 9000, 19.18", true, {[CLIENT] = true, [SERVER] = true}, false},
    [MARK_UPDATE] = {"a packet of another key phase", "RFC 9001, 6", true, {[CLIENT] = true, [SERVER] = true}, false},
    [MARK_V2] = {"a packet of version 2", "RFC 9369, 4", false, {[CLIENT] = true, [SERVER] = true}, false},
};

static const char *const side_names[SIDES] = {[CLIENT] = "client", [SERVER] = "server"};

// ---- one qlog

// "0RTT", "0-RTT" and "0rtt" are one.
static bool is_type(const char *type, const char *wanted)
{
    for (; *wanted != '\0'; type++) {
        if (*type == '-' || *type == '_') {
            continue;
        }
        if ((*type | 0x20) != (*wanted | 0x20)) {
            return false;
        }
        wanted++;
    }
    return *type == '\0';
}

static size_t frames_of(const struct panther_qlog_event *event, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < event->frame_count; i++) {
        count += strcmp(event->frames[i], type) == 0;
    }
    return count;
}

static size_t count_of(const struct panther_qlog_event *event, enum mark mark)
{
    switch (mark) {
    case MARK_RETRY:
        return is_type(event->packet_type, "retry");
    case MARK_NEGOTIATION:
        return is_type(event->packet_type, "versionnegotiation");
    case MARK_EARLY:
        return is_type(event->packet_type, "0rtt");
    case MARK_DONE:
        return frames_of(event, "handshake_done");
    case MARK_CHALLENGE:
        return frames_of(event, "path_challenge");
    case MARK_RESPONSE:
        return frames_of(event, "path_response");
    case MARK_UPDATE:
        return event->key_phase == 1;
    case MARK_V2:
        return strcmp(event->version, "6b3343cf") == 0 || strcmp(event->version, "709a50c4") == 0;
    default:
        return 0;
    }
}

static bool tells(const struct panther_qlog_event *event, enum mark mark)
{
    return mark == MARK_UPDATE ? event->key_phase >= 0 : mark == MARK_V2 ? event->version[0] != '\0' : true;
}

void account_take(struct account *account, const struct panther_qlog_event *event)
{
    const char *colon = strrchr(event->name, ':'), *name = colon != NULL ? colon + 1 : event->name;
    const bool is_sent = strcmp(name, "packet_sent") == 0, is_received = strcmp(name, "packet_received") == 0;
    account->is_closed |= strcmp(name, "connection_closed") == 0;
    for (enum mark mark = 0; (is_sent || is_received) && mark < MARKS; mark++) {
        account->tells[mark] |= tells(event, mark);
        (is_sent ? account->sent : account->received)[mark] += count_of(event, mark);
    }
    account->is_closed |= (is_sent || is_received) && frames_of(event, "connection_close") > 0;
}

// ---- all of a side

static bool is_of_this_case(const char *group, const struct transcript *transcript)
{
    for (size_t i = 0; i < transcript->groups; i++) {
        if (strcmp(transcript->group[i], group) == 0) {
            return true;
        }
    }
    return false;
}

void testimony_add(struct testimony *testimony, const char *name, const struct panther_qlog *qlog, const struct account *account,
                   const struct transcript *transcript)
{
    if (qlog->problem[0] != '\0') {
        snprintf(testimony->problem, sizeof(testimony->problem), "%.80s: %.72s", name, qlog->problem);
        return;
    }
    if (!is_of_this_case(qlog->group, transcript)) {
        return;
    }
    const bool is_whole = account->is_closed && qlog->malformed == 0 && !qlog->is_cut;
    testimony->is_whole = is_whole && (testimony->is_whole || testimony->qlogs == 0);
    testimony->qlogs++;
    for (enum mark mark = 0; mark < MARKS; mark++) {
        testimony->sum.tells[mark] |= account->tells[mark];
        testimony->sum.sent[mark] += account->sent[mark];
        testimony->sum.received[mark] += account->received[mark];
    }
}

// ---- contradictions

static enum side other(enum side side)
{
    return side == CLIENT ? SERVER : CLIENT;
}

// The side's qlog has a packet that its sender never sent, as the capture shows it.
static bool is_missing_in_capture(const struct testimony testimony[SIDES], const struct transcript *transcript, enum side side,
                                  enum mark mark, const char **word)
{
    const struct account *says = &testimony[side].sum;
    const bool sent = says->sent[mark] > 0 && transcript->marks[side].sent[mark] == 0;
    const bool received = says->received[mark] > 0 && transcript->marks[other(side)].sent[mark] == 0;
    const enum side sender = sent ? side : other(side);
    *word = sent ? "sent" : "received";
    return (sent || received) && (!rules[mark].is_frame || transcript->unread[sender] == 0);
}

// The capture has a packet that the side sent, or that came to it, and the side's qlog, which is whole, does not.
static bool is_missing_in_qlog(const struct testimony testimony[SIDES], const struct transcript *transcript, enum side side, enum mark mark,
                               const char **word)
{
    const struct testimony *says = &testimony[side];
    const bool sent = rules[mark].sender_tells[side] && transcript->marks[side].sent[mark] > 0 && says->sum.sent[mark] == 0;
    const bool received = rules[mark].receiver_tells && transcript->marks[other(side)].heard[mark] > 0 && says->sum.received[mark] == 0;
    // what the server accepted it has received
    const bool accepted = mark == MARK_EARLY && side == SERVER && transcript->early_accepted > 0 &&
                          transcript->marks[CLIENT].heard[MARK_EARLY] > 0 && says->sum.received[mark] == 0;
    *word = sent ? "sent" : "received";
    return says->is_whole && says->sum.tells[mark] && (sent || received || accepted);
}

typedef bool contradicts_fn(const struct testimony testimony[SIDES], const struct transcript *transcript, enum side side, enum mark mark,
                            const char **word);

// The first one as a text.
static bool find(contradicts_fn *contradicts, const struct testimony testimony[SIDES], const struct transcript *transcript, bool in_qlog,
                 char *text, size_t bytes)
{
    for (enum side side = 0; side < SIDES; side++) {
        for (enum mark mark = 0; mark < MARKS; mark++) {
            const char *word;
            if (contradicts(testimony, transcript, side, mark, &word)) {
                snprintf(text, bytes,
                         in_qlog ? "%s: its qlog says packet_%s of %s, the capture has none (%s)"
                                 : "%s: its qlog lacks packet_%s of %s, which the capture has (%s)",
                         side_names[side], word, rules[mark].name, rules[mark].section);
                return true;
            }
        }
    }
    return false;
}

// ---- the verdict

static void contradict(struct judgement *judgement, const char *contradiction)
{
    char before[sizeof(judgement->text)];
    memcpy(before, judgement->text, sizeof(before));
    judgement->verdict = PANTHER_INCONC;
    judgement->reason = PANTHER_REASON_INCOMPLETE;
    snprintf(judgement->text, sizeof(judgement->text), "%.200s; the capture alone says: %.240s", contradiction, before);
}

static void append(struct judgement *judgement, const char *text)
{
    const size_t used = strlen(judgement->text);
    snprintf(judgement->text + used, sizeof(judgement->text) - used, "; %s", text);
}

static void tell_agreement(const struct testimony testimony[SIDES], struct judgement *judgement)
{
    const bool client = testimony[CLIENT].qlogs > 0, server = testimony[SERVER].qlogs > 0;
    if (client || server) {
        append(judgement, client && server ? "the qlogs of both agree" : client ? "the client's qlog agrees" : "the server's qlog agrees");
    }
}

static void tell_problems(const struct testimony testimony[SIDES], struct judgement *judgement)
{
    for (enum side side = 0; side < SIDES; side++) {
        char text[TESTIMONY_PROBLEM_BYTES + 48];
        if (testimony[side].problem[0] != '\0') {
            snprintf(text, sizeof(text), "%s: its qlog was not used, %s", side_names[side], testimony[side].problem);
            append(judgement, text);
        }
    }
}

static void demand_whole(const struct testimony testimony[SIDES], struct judgement *judgement)
{
    for (enum side side = 0; side < SIDES && judgement->verdict == PANTHER_PASS; side++) {
        char text[96];
        if (!testimony[side].is_whole) {
            snprintf(text, sizeof(text), "%s: %s", side_names[side],
                     testimony[side].qlogs > 0 ? "its qlog does not go to the end of the connection" : "it left no qlog of the connection");
            contradict(judgement, text);
        }
    }
}

void testimony_weigh(const struct testimony testimony[SIDES], const struct transcript *transcript, const struct endings *endings,
                     bool demanded, struct judgement *judgement)
{
    char text[256];
    const bool is_of_bytes = judgement->verdict == PANTHER_FAIL && endings->different > 0; // the disk says so, not the capture
    const bool weighs = judgement->verdict == PANTHER_PASS || (judgement->verdict == PANTHER_FAIL && !is_of_bytes);
    if (weighs && find(is_missing_in_capture, testimony, transcript, true, text, sizeof(text))) {
        contradict(judgement, text);
    } else if (find(is_missing_in_qlog, testimony, transcript, false, text, sizeof(text))) {
        if (judgement->verdict == PANTHER_PASS) {
            contradict(judgement, text);
        } else {
            append(judgement, text);
        }
    } else if (judgement->verdict == PANTHER_PASS) {
        tell_agreement(testimony, judgement);
    }
    if (demanded) {
        demand_whole(testimony, judgement);
    }
    tell_problems(testimony, judgement);
}
