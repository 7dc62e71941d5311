// One run of a test's program, and what it leaves: marker lines and its end. Output is kept up to a limit; the first run of an instance
// (most have no other) has its markers watched as well, so that megabytes of events in front of them do no harm.
#include "ivy.h"

#include <string.h>

int run_begin(struct panther_service *service, const struct test *test, struct run *run)
{
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "%s", test->program);
    int result = parameters_add(service, test, &argv);
    if (result != PANTHER_OK)
        return result;
    static bool has_run;
    run->has_watches = !has_run;
    if (!has_run) {
        run->violation = panther_watch_line(service, "ivy.stdout", PANTHER_REGEX, "^assumption_failed\\(");
        run->assertion = panther_watch_line(service, "ivy.stdout", PANTHER_REGEX, "^assertion_failed\\(");
        run->completed = panther_watch_line(service, "ivy.stdout", PANTHER_REGEX, "^test_completed$");
    }
    has_run = true;
    run->started_ns = panther_now_ns(service);
    run->process = panther_spawn(service, .name = "ivy", .argv = argv.items, .finishes = true, .want_output = true, .clean_on_term = true);
    return run->process < 0 ? run->process : PANTHER_OK;
}

static const char *next_line(const char *line)
{
    line = strchr(line, '\n');
    return line ? line + 1 : "";
}

// The first line that begins with the marker; NULL: there was none. The program has ended, and all that it printed is there.
static const char *marker_of(struct panther_service *service, const struct run *run, int watch, const char *marker)
{
    const char *line;
    if (run->has_watches)
        return panther_wait_line(service, watch, 1, &line) == PANTHER_OK ? line : NULL;
    for (line = panther_output(service, run->process, PANTHER_STDOUT, NULL); *line; line = next_line(line))
        if (strncmp(line, marker, strlen(marker)) == 0)
            return panther_format(service, "%.*s", (int)strcspn(line, "\n"), line);
    return NULL;
}

static const char *last_line(struct panther_service *service, int process)
{
    size_t bytes = 0;
    const char *text = panther_output(service, process, PANTHER_STDERR, &bytes);
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
        bytes--;
    size_t begin = bytes;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    return bytes > 0 ? panther_format(service, "%.*s", (int)(bytes - begin), text + begin) : "";
}

// Lines "> ..." are the test's own moves, "< ..." what came of them.
static size_t count_events(struct panther_service *service, int process, char direction)
{
    size_t count = 0;
    const char *line = panther_output(service, process, PANTHER_STDOUT, NULL);
    for (; *line; line = next_line(line))
        count += line[0] == direction && line[1] == ' ';
    return count;
}

// A verdict said after the case's deadline does not count: some of the time is for looking at what a run that hangs has left.
#define LOOK_MS 1000
#define GRACE_MS 200

static uint64_t time_for_run(const struct panther_service *service)
{
    uint64_t left_ms = panther_remaining_ms(service);
    return left_ms > 2 * LOOK_MS ? left_ms - LOOK_MS : left_ms / 2 + 1;
}

void run_end(struct panther_service *service, const struct test *test, struct run *run, struct evidence *evidence)
{
    int waited = panther_wait(service, run->process, time_for_run(service), &evidence->exit);
    evidence->is_cancelled = waited == PANTHER_CANCELLED;
    evidence->is_late = waited == PANTHER_TIMED_OUT;
    evidence->is_lost = waited != PANTHER_OK && !evidence->is_cancelled && !evidence->is_late;
    if (waited != PANTHER_OK)
        panther_end(service, run->process, GRACE_MS);
    size_t moves = count_events(service, run->process, '>'), events = count_events(service, run->process, '<');
    evidence->violation = marker_of(service, run, run->violation, "assumption_failed(");
    evidence->assertion = marker_of(service, run, run->assertion, "assertion_failed(");
    evidence->is_completed = marker_of(service, run, run->completed, "test_completed\n") != NULL;
    evidence->is_out_of_memory = strstr(panther_output(service, run->process, PANTHER_STDERR, NULL), "std::bad_alloc") != NULL;
    evidence->has_events = events >= (size_t)test->settings->min_events;
    evidence->last_words = last_line(service, run->process);
    panther_metric(service, "moves", (double)moves, "1", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "events", (double)events, "1", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "run_time", (double)(panther_now_ns(service) - run->started_ns) / 1e6, "ms", PANTHER_NEITHER_IS_BETTER);
}
