// The case load: many sessions at once, a PING of each in every round, and how fast the answers come.
#include "checks.h"

#include <stdlib.h>
#include <string.h>

struct talk {
    uint32_t session, sequence;
    bool is_answered;
    uint64_t sent_ns;
};

struct load {
    struct check *check;
    struct talk *talks;
    int64_t count, waiting;
    double *times_ms; // of every answer
    size_t answered;
};

static void send_ping(struct load *load, struct talk *talk)
{
    struct message ping = {1, PING, talk->session, talk->sequence, 8, {0}};
    memcpy(ping.payload, &talk->session, 4);
    memcpy(ping.payload + 4, &talk->sequence, 4);
    talk->sent_ns = panther_now_ns(load->check->service);
    link_send(load->check->link, &ping);
}

static struct talk *talk_of(const struct load *load, uint32_t session)
{
    for (int64_t i = 0; i < load->count; i++)
        if (load->talks[i].session == session)
            return &load->talks[i];
    return NULL;
}

// False: it is wrong, and the verdict is said.
static bool take_answer(struct load *load, const struct message *answer)
{
    struct talk *talk = talk_of(load, answer->session);
    if (!talk) {
        check_violated(load->check, "M2", "wrong session", "%s of a session that was never opened", type_name(answer->type));
        return false;
    }
    struct message asked = {1, PING, talk->session, talk->sequence, 8, {0}};
    memcpy(asked.payload, &talk->session, 4);
    memcpy(asked.payload + 4, &talk->sequence, 4);
    // the answer to a repetition of the PING before may come late
    if (talk->is_answered || answer->sequence == talk->sequence - 1)
        return true;
    const char *difference = check_difference(&asked, answer, PONG, asked.payload, 8);
    if (difference) {
        check_violated(load->check, "M2", difference, "%s with sequence %u under load, to PING with sequence %u", type_name(answer->type),
                       answer->sequence, talk->sequence);
        return false;
    }
    load->times_ms[load->answered++] = (double)(panther_now_ns(load->check->service) - talk->sent_ns) / 1e6;
    talk->is_answered = true;
    load->waiting--;
    return true;
}

// The answers of a round, or of a repetition of what is open in it. False: the verdict is said, or the time is up.
static bool collect(struct load *load, bool *is_silent)
{
    struct check *check = load->check;
    *is_silent = false;
    while (load->waiting > 0) {
        enum asked asked = link_receive(check->service, check->link, check->link->timeout_ms, &check->answer);
        if (asked == CUT_SHORT)
            return false;
        if (asked == MALFORMED) {
            check_violated(check, "M2", "malformed answer", "under load");
            return false;
        }
        if (asked == SILENT) {
            *is_silent = true;
            return true;
        }
        if (!take_answer(load, &check->answer))
            return false;
    }
    return true;
}

static bool run_round(struct load *load)
{
    struct link *link = load->check->link;
    bool is_silent = true;
    load->waiting = load->count;
    for (int64_t i = 0; i < load->count; i++) {
        load->talks[i].is_answered = false;
        load->talks[i].sequence++;
    }
    for (int64_t try = 0; try < link->tries && is_silent; try++) {
        for (int64_t i = 0; i < load->count; i++) {
            if (load->talks[i].is_answered)
                continue;
            link->sent_again += try > 0;
            send_ping(load, &load->talks[i]);
        }
        if (!collect(load, &is_silent))
            return false;
    }
    if (is_silent)
        panther_result(load->check->service, PANTHER_FAIL, PANTHER_REASON_TIMEOUT,
                       "M2, no answer: to %lld of %lld PINGs of a round under load", (long long)load->waiting, (long long)load->count);
    return !is_silent;
}

static bool open_all(struct load *load)
{
    for (int64_t i = 0; i < load->count; i++) {
        check_begin(load->check);
        if (!check_opens(load->check))
            return false;
        load->talks[i] = (struct talk){.session = load->check->message.session, .sequence = load->check->message.sequence};
    }
    return true;
}

static int by_size(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

static int tell(struct load *load, double seconds)
{
    struct panther_service *service = load->check->service;
    qsort(load->times_ms, load->answered, sizeof(double), by_size);
    panther_metric(service, "pings", (double)load->answered / seconds, "1/s", PANTHER_HIGHER_IS_BETTER);
    panther_metric(service, "answer_time_p50", load->times_ms[load->answered / 2], "ms", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "answer_time_p99", load->times_ms[load->answered * 99 / 100], "ms", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "sent_again", (double)load->check->link->sent_again, "1", PANTHER_LOWER_IS_BETTER);
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%zu pings of %lld sessions answered", load->answered,
                          (long long)load->count);
}

int check_load(struct check *check)
{
    struct load load = {.check = check, .count = check->settings->sessions};
    load.talks = calloc((size_t)load.count, sizeof(*load.talks));
    load.times_ms = calloc((size_t)(load.count * check->settings->pings), sizeof(double));
    bool is_right = load.talks && load.times_ms && open_all(&load);
    uint64_t started_ns = panther_now_ns(check->service);
    for (int64_t i = 0; is_right && i < check->settings->pings; i++)
        is_right = run_round(&load);
    if (is_right)
        tell(&load, (double)(panther_now_ns(check->service) - started_ns) / 1e9);
    free(load.talks);
    free(load.times_ms);
    return PANTHER_OK;
}
