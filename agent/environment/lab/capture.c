// See lab.h. dumpcap writes a ring of files; the capture filter names the test addresses, so that the control path is in no capture.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/environment/lab/lab.h"
#include "common/system/loop.h"
#include "common/system/process.h"

#define RING_FILES 4
#define LIMIT_DEFAULT_BYTES (256ULL * 1024 * 1024) // of the ring: what an artifact of a trial may well be
#define FILE_MIN_KB 1000
#define SAID_MAX_BYTES 4096
#define STOP_MS 3000
#define SETTLE_MS 400

struct lab_capture {
    struct loop *loop;
    pid_t pid;
    int pidfd, words_fd;
    struct loop_source *words, *end;
    struct text said;
    bool begun;
    lab_capture_fn *changed;
    void *context;
};

// "host 10.77.0.10 and (host 10.77.0.11 or host 10.77.0.12)"
static char *filter_of(const struct lab_network *network)
{
    struct text text = {0};
    text_printf(&text, "host %s and (", network->address);
    for (size_t i = 0; i < network->peer_count; i++)
        text_printf(&text, "%shost %s", i ? " or " : "", network->peers[i].address);
    text_append(&text, ")");
    return text.data;
}

static void capture_words(void *context, int fd, uint32_t events)
{
    struct lab_capture *capture = context;
    char data[512];
    (void)events;
    ssize_t got = read(fd, data, sizeof data);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        loop_remove(&capture->words);
        return;
    }
    if (capture->said.length < SAID_MAX_BYTES)
        text_append_bytes(&capture->said, data, (size_t)got);
    if (!capture->begun && strstr(capture->said.data, "File: ")) {
        capture->begun = true;
        capture->changed(capture->context, true, "");
    }
}

static void read_rest(struct lab_capture *capture)
{
    struct pollfd watched = {.fd = capture->words_fd, .events = POLLIN};
    while (capture->words && poll(&watched, 1, 0) == 1)
        capture_words(capture, capture->words_fd, 0);
}

// The line that says why is the last one that has words.
static void capture_ended(void *context, int fd, uint32_t events)
{
    struct lab_capture *capture = context;
    struct process_end end;
    (void)events;
    loop_remove(&capture->end);
    read_rest(capture);
    process_reap(fd, true, &end);
    capture->pid = 0;
    CLEANUP_FREE char *said = memory_string(text_string(&capture->said));
    char *line = said, *save = NULL, *last = NULL;
    for (line = strtok_r(said, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!strstr(line, "Packets") && strncmp(line, "File: ", 6) != 0)
            last = line;
    CLEANUP_FREE char *why = memory_printf("dumpcap ended with %s %d: %s", end.signal ? "signal" : "status",
                                           end.signal ? end.signal : end.status, last ? last : "it said nothing");
    capture->changed(capture->context, false, why);
}

static int spawn(struct lab_capture *capture, const struct lab_network *network, const char *device, struct panther_error *error)
{
    uint64_t limit = network->capture_limit_bytes ? network->capture_limit_bytes : LIMIT_DEFAULT_BYTES;
    uint64_t each_kb = limit / 1000 / RING_FILES > FILE_MIN_KB ? limit / 1000 / RING_FILES : FILE_MIN_KB;
    CLEANUP_FREE char *filter = filter_of(network);
    char snaplen[16], size[40], files[16];
    snprintf(snaplen, sizeof snaplen, "%u", network->snaplen);
    snprintf(size, sizeof size, "filesize:%llu", (unsigned long long)each_kb);
    snprintf(files, sizeof files, "files:%d", RING_FILES);
    // Killed with us, also when nobody has the time to end it in order.
    const char *argv[] = {"setpriv", "--pdeathsig", "KILL", "dumpcap", "-q",  "-i", device,           "-f", filter, "-s",
                          snaplen,   "-b",          size,   "-b",      files, "-w", "network.pcapng", NULL};
    int words[2];
    if (pipe2(words, O_CLOEXEC) < 0)
        return error_system(error, errno, "cannot start dumpcap");
    int lifted = fcntl(words[1], F_DUPFD_CLOEXEC, 10);
    struct process_descriptor descriptors[] = {{lifted, STDERR_FILENO}};
    struct process_start start = {
        .program = "setpriv", .argv = argv, .place = PROCESS_PLACE_SAME, .descriptors = descriptors, .descriptor_count = 1};
    int problem = process_spawn(&start, &capture->pid, &capture->pidfd, error);
    close(lifted);
    close(words[1]);
    fcntl(words[0], F_SETFL, O_NONBLOCK);
    capture->words_fd = words[0];
    return problem;
}

int lab_capture_start(struct lab_capture **out, struct loop *loop, const struct lab_network *network, const char *device,
                      lab_capture_fn *changed, void *context, struct panther_error *error)
{
    struct lab_capture *capture = NEW(struct lab_capture);
    *capture = (struct lab_capture){.loop = loop, .pidfd = -1, .words_fd = -1, .changed = changed, .context = context};
    int problem = spawn(capture, network, device, error);
    *out = capture;
    if (problem < 0) {
        lab_capture_stop(out);
        return problem;
    }
    capture->words = loop_watch(loop, capture->words_fd, EPOLLIN, capture_words, capture);
    capture->end = loop_watch(loop, capture->pidfd, EPOLLIN, capture_ended, capture);
    return 0;
}

// What the kernel holds is read every quarter of a second, and not any more once it was told to end.
static void end_it(struct lab_capture *capture)
{
    struct pollfd watched = {.fd = capture->pidfd, .events = POLLIN};
    struct process_end end;
    poll(&watched, 1, SETTLE_MS);
    process_signal(capture->pidfd, SIGINT);
    if (poll(&watched, 1, STOP_MS) != 1)
        process_signal(capture->pidfd, SIGKILL);
    process_reap(capture->pidfd, true, &end);
}

void lab_capture_stop(struct lab_capture **pointer)
{
    struct lab_capture *capture = *pointer;
    if (!capture)
        return;
    loop_remove(&capture->words);
    loop_remove(&capture->end);
    if (capture->pid > 0)
        end_it(capture);
    if (capture->pidfd >= 0)
        close(capture->pidfd);
    if (capture->words_fd >= 0)
        close(capture->words_fd);
    text_free(&capture->said);
    free(capture);
    *pointer = NULL;
}
