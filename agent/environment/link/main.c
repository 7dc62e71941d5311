// panther-link: the network of a trial, in user space. Started by the plugin `emulated` in the work folder of its instance; the namespaces
// that it makes end with it, and with who lives in them.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/environment/control/control.h"
#include "agent/environment/link/statistics.h"
#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/log.h"

#define PLAN_FILE "network.json"
#define PLACES_FILE "namespaces"
#define CAPTURE_FILE "network.pcapng"
#define STATISTICS_FILE "link.json"
// A capture of a trial that is kept: beyond, packets are only counted.
#define CAPTURE_LIMIT_BYTES (1024ULL * 1024 * 1024)
// Who looks at the capture while it grows is behind by so much.
#define FLUSH_MS 500
#define NS_PER_MS 1000000ULL
// The kernel may move a timer by so much to save wake-ups: by default 50 us, which is what a network in one room takes.
#define TIMER_SLACK_NS 1000UL

struct link {
    struct loop *loop;
    struct network_plan plan;
    struct place *places;
    struct pcapng *capture;
    struct packet_switch *packet_switch;
    struct control *control;
    struct loop_source *flush;
    uint64_t wall_offset_ns;
};

static int usage(FILE *to, int status)
{
    fprintf(to, "usage: panther-link --folder DIR   make the network that DIR/" PLAN_FILE " describes (the plugin emulated does this)\n");
    return status;
}

static int complain(const struct panther_error *error)
{
    fprintf(stderr, "panther-link: %s\n", error->message);
    return 1;
}

// ---- while it runs

static void failed(void *context, const struct panther_error *error)
{
    struct link *link = context;
    loop_stop(link->loop, complain(error));
}

static int save(struct link *link, struct panther_error *error)
{
    const struct statistics statistics = {.packet_switch = link->packet_switch,
                                          .places = link->places,
                                          .place_count = link->plan.service_count,
                                          .wall_offset_ns = link->wall_offset_ns,
                                          .not_captured = link->capture ? pcapng_not_kept(link->capture) : 0};
    int result = link->capture ? pcapng_flush(link->capture, error) : 0;
    return result < 0 ? result : statistics_write(STATISTICS_FILE, &statistics, error);
}

static int take_request(void *context, const char *line, size_t bytes, struct panther_error *error)
{
    struct link *link = context;
    enum request_kind kind;
    int result = rules_request(link->plan.rules, line, bytes, &kind, error);
    if (result < 0)
        return result;
    if (kind == REQUEST_FLUSH)
        return save(link, error);
    switch_rules_changed(link->packet_switch);
    return 0;
}

static void flush(void *context)
{
    struct link *link = context;
    struct panther_error error;
    if (link->capture && pcapng_flush(link->capture, &error) < 0)
        failed(link, &error);
    loop_timer_set(link->flush, clock_boottime_ns() + FLUSH_MS * NS_PER_MS);
}

static void told_to_end(void *context, int signal_number)
{
    struct link *link = context;
    (void)signal_number;
    loop_stop(link->loop, 0);
}

// Holders end with us. One that ended before takes a namespace away from what is to be placed there.
static void child_ended(void *context, int signal_number)
{
    struct link *link = context;
    (void)signal_number;
    for (size_t i = 0; i < link->plan.service_count; i++) {
        struct place *place = &link->places[i];
        if (place->holder <= 0 || waitpid(place->holder, NULL, WNOHANG) != place->holder)
            continue;
        struct panther_error error;
        place->holder = 0;
        error_set(&error, PANTHER_ESTATE, "the namespace of %s is gone", place->service);
        failed(link, &error);
    }
}

// ---- begin and end

static int read_plan(struct link *link, struct panther_error *error)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    int result = file_read(PLAN_FILE, RULES_TEXT_MAX_BYTES, &text, &bytes, error);
    return result < 0 ? result : network_plan_read(text, bytes, &link->plan, error);
}

static int make_places(struct link *link, struct panther_error *error)
{
    const struct network_plan *plan = &link->plan;
    link->places = memory_new(plan->service_count * sizeof *link->places);
    for (size_t i = 0; i < plan->service_count; i++)
        place_number(&link->places[i], i, plan->services[i]);
    int result = namespaces_own(error);
    return result < 0 ? result : namespaces_make(link->places, plan->service_count, plan->ipv4, plan->ipv6, error);
}

static int open_capture(struct link *link, struct panther_error *error)
{
    const struct network_plan *plan = &link->plan;
    if (!plan->capture)
        return 0;
    CLEANUP_FREE char *comment =
        memory_printf("one clock for all interfaces: CLOCK_BOOTTIME of this host plus %llu ns", (unsigned long long)link->wall_offset_ns);
    const struct pcapng_settings settings = {.path = CAPTURE_FILE,
                                             .interfaces = (const char *const *)plan->services,
                                             .interface_count = plan->service_count,
                                             .comment = comment,
                                             .snaplen = plan->snaplen,
                                             .limit_bytes =
                                                 plan->capture_limit_bytes > 0 ? plan->capture_limit_bytes : CAPTURE_LIMIT_BYTES};
    return pcapng_open(&link->capture, &settings, error);
}

static void start_switch(struct link *link)
{
    const struct switch_settings settings = {.loop = link->loop,
                                             .places = link->places,
                                             .place_count = link->plan.service_count,
                                             .rules = link->plan.rules,
                                             .seed = link->plan.seed,
                                             .capture = link->capture,
                                             .wall_offset_ns = link->wall_offset_ns,
                                             .failed = failed,
                                             .context = link};
    link->packet_switch = switch_new(&settings);
}

static int begin(struct link *link, struct panther_error *error)
{
    int result = read_plan(link, error);
    if (result == 0)
        result = make_places(link, error);
    if (result < 0)
        return result;
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    link->wall_offset_ns = (uint64_t)clock_wall_ns() - clock_boottime_ns();
    link->loop = loop_new();
    loop_signal(link->loop, SIGTERM, told_to_end, link);
    loop_signal(link->loop, SIGINT, told_to_end, link);
    loop_signal(link->loop, SIGCHLD, child_ended, link);
    result = open_capture(link, error);
    if (result < 0)
        return result;
    start_switch(link);
    link->flush = loop_timer(link->loop, flush, link);
    flush(link);
    result = control_listen(&link->control, link->loop, CONTROL_FILE, take_request, link, error);
    return result < 0 ? result : namespaces_write(PLACES_FILE, link->places, link->plan.service_count, link->plan.ipv4, error);
}

static int end(struct link *link, int status)
{
    struct panther_error error;
    uint64_t now_ns = clock_boottime_ns() + link->wall_offset_ns;
    if (link->packet_switch && save(link, &error) < 0)
        status = complain(&error);
    if (pcapng_close(&link->capture, now_ns, &error) < 0)
        status = complain(&error);
    unlink(PLACES_FILE); // the numbers in it may soon be others' processes
    control_close(&link->control);
    switch_free(&link->packet_switch);
    namespaces_end(link->places, link->places ? link->plan.service_count : 0);
    if (link->loop) {
        loop_remove(&link->flush);
        loop_free(&link->loop);
    }
    free(link->places);
    network_plan_free(&link->plan);
    return status;
}

static int run(const char *folder)
{
    struct link link = {0};
    struct panther_error error = {0};
    if (chdir(folder) < 0) {
        error_system(&error, errno, "cannot enter %s", folder);
        return complain(&error);
    }
    if (begin(&link, &error) < 0)
        return end(&link, complain(&error));
    printf("ready\n");
    fflush(stdout);
    return end(&link, loop_run(link.loop));
}

int main(int argc, char **argv)
{
    log_begin("panther-link", LOG_LEVEL_INFO);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of its write
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    return argc == 3 && strcmp(argv[1], "--folder") == 0 ? run(argv[2]) : usage(stderr, 2);
}
