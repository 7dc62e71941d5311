// See judge.h. Each case is a list of demands; the first that does not hold is the verdict, and names who is to blame. An accusation needs
// proof: the side heard what it had to answer, was there long enough after it, and what it sent could be read. Else the case is incomplete.
#include "judge.h"

#include "demands.h"

#include <stdio.h>

#define PATIENCE_S 0.5 // from a packet to the last moment of its answer: several times the round trip of any case but longrtt

static void say(struct judgement *judgement, enum panther_verdict verdict, enum panther_reason reason, const char *text)
{
    judgement->verdict = verdict;
    judgement->reason = reason;
    snprintf(judgement->text, sizeof(judgement->text), "%s", text);
}

// ---- proof of an accusation

static bool are_all_read(const struct transcript *transcript, enum proof proof)
{
    const bool of_client = proof == READ_CLIENT || proof == ANSWER_CLIENT;
    const bool of_server = proof == READ_SERVER || proof == ANSWER_SERVER;
    return (!of_client || transcript->unread[CLIENT] == 0) && (!of_server || transcript->unread[SERVER] == 0);
}

// It sent something long after it had heard that, and nobody had closed the connection before.
static bool had_time(const struct transcript *transcript, const struct demand *demand)
{
    const enum side side = demand->proof == ANSWER_CLIENT ? CLIENT : SERVER;
    const double until = transcript->event_s[demand->event] + PATIENCE_S;
    return transcript->sent_s[side] >= until && (transcript->closed_s == 0 || transcript->closed_s >= until);
}

static void accuse(const struct transcript *transcript, const struct demand *demand, struct judgement *judgement)
{
    const char *why = NULL;
    const bool needs_event = demand->proof == ANSWER_CLIENT || demand->proof == ANSWER_SERVER;
    if (demand->reason == PANTHER_REASON_INCOMPLETE) {
        say(judgement, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, demand->text);
        return;
    }
    if (demand->reason == PANTHER_REASON_UNSUPPORTED) {
        say(judgement, PANTHER_NONE, PANTHER_REASON_NONE, demand->text); // nobody promised it
        return;
    }
    if (!are_all_read(transcript, demand->proof)) {
        why = "some of its packets cannot be read";
    } else if (needs_event && transcript->event_s[demand->event] == 0) {
        why = "what it had to answer did not arrive";
    } else if (needs_event && !had_time(transcript, demand)) {
        why = "the connection ended too soon after it";
    }
    if (why == NULL) {
        say(judgement, PANTHER_FAIL, demand->reason, demand->text);
        return;
    }
    say(judgement, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "");
    snprintf(judgement->text, sizeof(judgement->text), "not proven, %s: %s", why, demand->text);
}

// What every case demands: evidence, a handshake, the bytes.
static bool common_holds(const struct transcript *transcript, const struct endings *endings, struct judgement *judgement)
{
    if (transcript->datagrams[CLIENT] == 0) {
        say(judgement, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "the capture holds no packet of the client");
    } else if (transcript->heard[CLIENT] == 0) {
        say(judgement, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "network: no packet of the client arrived");
    } else if (transcript->datagrams[SERVER] == 0) {
        say(judgement, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "server: it did not answer (RFC 9000, 7)");
    } else if (transcript->readable == 0 && transcript->v2 && endings->client_passed && endings->files > 0) {
        return true; // tshark has no keys of the draft's version 2: its headers are in the clear, and the bytes on disk prove the rest
    } else if (transcript->readable == 0) {
        // a key log that does not fit, or a handshake that did not get so far
        say(judgement, endings->client_passed ? PANTHER_INCONC : PANTHER_FAIL,
            endings->client_passed ? PANTHER_REASON_INCOMPLETE : PANTHER_REASON_ASSERTION,
            endings->client_passed ? "no packet of the connection can be decrypted: is there a key log?" : "");
        if (!endings->client_passed) {
            snprintf(judgement->text, sizeof(judgement->text), "no 1-RTT packet; the client says: %.300s", endings->client_text);
        }
    } else if (transcript->connections == 0) {
        accuse(transcript,
               &(const struct demand){NULL, PANTHER_REASON_ASSERTION, "server: no HANDSHAKE_DONE arrived (RFC 9001, 4.1.2)", READ_SERVER,
                                      EVENTS},
               judgement);
    } else {
        return true;
    }
    return false;
}

static bool bytes_hold(const struct demands *demands, const struct endings *endings, struct judgement *judgement)
{
    if (endings->different > 0) {
        say(judgement, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "");
        snprintf(judgement->text, sizeof(judgement->text), "%zu of %zu downloads are not the server's bytes, first %.200s (RFC 9000, 2.2)",
                 endings->different, endings->files, endings->first_different);
        return false;
    }
    if (!endings->client_passed && !demands_count(demands)) {
        say(judgement, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "");
        snprintf(judgement->text, sizeof(judgement->text), "client: %.400s", endings->client_text);
        return false;
    }
    return true;
}

void judge(const char *case_name, const struct transcript *transcript, const struct endings *endings, struct judgement *judgement)
{
    const struct demands *demands = demands_find(case_name);
    if (demands == NULL) {
        say(judgement, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "there is no such case");
        return;
    }
    if (!common_holds(transcript, endings, judgement)) {
        return;
    }
    for (const struct demand *demand = demands->all; demand->holds != NULL; demand++) {
        if (!demand->holds(transcript)) {
            accuse(transcript, demand, judgement);
            return;
        }
    }
    if (!bytes_hold(demands, endings, judgement)) {
        return;
    }
    say(judgement, PANTHER_PASS, PANTHER_REASON_NONE, demands->proof);
    if (!endings->client_passed) {
        snprintf(judgement->text, sizeof(judgement->text), "%s; not all came: %.300s", demands->proof, endings->client_text);
    }
}
