// link and partition, of a network instance: what holds on its links is laid over them by who runs them, asked through the socket
// `link.control` in the work folder: one connection per request, one line of JSON each way. See agent/environment/control.
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/guard/faults_state.h"
#include "agent/guard/network_file.h"

#define CONTROL_NAME "link.control"
#define ANSWER_MS 5000
#define ANSWER_MAX_BYTES 4096
#define NANOSECONDS_PER_MS 1000000ULL

// ---- the request

static char *request_line(const struct fault *fault, bool begins)
{
    const Pb__Fault *request = fault->request;
    json_t *root = json_pack("{s:s%}", "fault", request->id, fault_key_bytes(request->id));
    if (begins) {
        json_object_set_new(root, "links", network_links_json(request->links, request->n_links));
    } else {
        json_object_set_new(root, "end", json_true());
    }
    char *json = json_dumps(root, JSON_COMPACT);
    char *line = memory_printf("%s\n", json ? json : "{}");
    json_decref(root);
    free(json);
    return line;
}

// Through a descriptor of the folder: sun_path has 108 bytes.
static int connect_control(const struct fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int folder = open(fault->all->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, CONTROL_NAME);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof address);
    int number = errno;
    close(folder);
    if (result < 0 && fd >= 0)
        close(fd);
    errno = number;
    return result < 0 ? -1 : fd;
}

// ---- the answer

static void hang_up(struct fault *fault)
{
    loop_remove(&fault->source);
    loop_remove(&fault->deadline);
    if (fault->fd >= 0)
        close(fault->fd);
    fault->fd = -1;
    text_free(&fault->answer);
}

// problem: why it is not as wanted; NULL: it is.
static void conclude(struct fault *fault, const char *problem)
{
    struct panther_error error;
    if (problem)
        error_set(&error, PANTHER_EUNAVAILABLE, "%s", problem);
    hang_up(fault);
    if (fault->state == FAULT_BEGINS && problem)
        fault_failed(fault, &error);
    else if (fault->state == FAULT_BEGINS)
        fault_holds(fault, "the network has the new conditions");
    else
        fault_over(fault, problem ? error.message : "", problem != NULL);
}

static void read_verdict(struct fault *fault)
{
    json_t *root = json_loads(text_string(&fault->answer), 0, NULL);
    const char *problem = json_string_value(json_object_get(root, "error"));
    CLEANUP_FREE char *words = NULL;
    if (problem)
        words = memory_printf("the network says: %.300s", problem);
    else if (!json_is_true(json_object_get(root, "ok")))
        words = memory_string("the network did not answer in its own language");
    json_decref(root);
    conclude(fault, words);
}

static void answer_comes(void *context, int fd, uint32_t events)
{
    struct fault *fault = context;
    char data[512];
    (void)events;
    ssize_t got = read(fd, data, sizeof data);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        text_append_bytes(&fault->answer, data, (size_t)got);
    if (got <= 0)
        conclude(fault, "the network hung up");
    else if (strchr(text_string(&fault->answer), '\n'))
        read_verdict(fault);
    else if (fault->answer.length > ANSWER_MAX_BYTES)
        conclude(fault, "the network's answer has no end");
}

static void answer_is_late(void *context)
{
    conclude(context, "the network did not answer in time");
}

// A request is one small line: it fits into the socket's buffer, or nobody has read there for long.
static int ask(struct fault *fault, bool begins, struct panther_error *error)
{
    CLEANUP_FREE char *line = request_line(fault, begins);
    fault->fd = connect_control(fault);
    if (fault->fd < 0)
        return error_set(error, PANTHER_EUNAVAILABLE, "this instance is no network, or its network does not run (%s: %s)", CONTROL_NAME,
                         strerror(errno));
    if (send(fault->fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line)) {
        close(fault->fd);
        fault->fd = -1;
        return error_set(error, PANTHER_EUNAVAILABLE, "the network does not take a request");
    }
    fault->source = loop_watch(fault->all->loop, fault->fd, EPOLLIN, answer_comes, fault);
    fault->deadline = loop_timer(fault->all->loop, answer_is_late, fault);
    loop_timer_set(fault->deadline, clock_boottime_ns() + ANSWER_MS * NANOSECONDS_PER_MS);
    return FAULT_LATER;
}

static int begin_link(struct fault *fault, struct text *done, struct panther_error *error)
{
    (void)done;
    return ask(fault, true, error);
}

static int end_link(struct fault *fault, struct panther_error *error)
{
    return ask(fault, false, error);
}

const struct fault_kind fault_link = {.name = "link", .begin = begin_link, .end = end_link, .drop = hang_up, .ends_with_instance = true};
const struct fault_kind fault_partition = {
    .name = "partition", .begin = begin_link, .end = end_link, .drop = hang_up, .ends_with_instance = true};
