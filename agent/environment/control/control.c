// See control.h.
#include "agent/environment/control/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/memory.h"

#define CLIENTS_MAX 8
#define REQUEST_MAX_BYTES (1024 * 1024) // conditions of every pair of 64 services have room
// The guard waits five seconds for its answer; whoever says nothing for so long has no request.
#define REQUEST_MS 10000
#define NS_PER_MS 1000000ULL

struct client {
    struct control *all;
    int fd; // -1: this place is free
    struct loop_source *source, *deadline;
    struct text line;
};

struct control {
    struct loop *loop;
    int fd;
    char *path;
    struct loop_source *source;
    control_fn *request;
    void *context;
    struct client clients[CLIENTS_MAX];
};

static void hang_up(struct client *client)
{
    loop_remove(&client->source);
    loop_remove(&client->deadline);
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    text_free(&client->line);
}

static void answer(struct client *client, size_t line_bytes)
{
    struct panther_error error = {0};
    int result = client->all->request(client->all->context, client->line.data, line_bytes, &error);
    json_t *reply = result < 0 ? json_pack("{s:s}", "error", error.message) : json_pack("{s:b}", "ok", 1);
    char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
    CLEANUP_FREE char *line = memory_printf("%s\n", text ? text : "{\"error\":\"unprintable\"}");
    ssize_t sent = send(client->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; // who has gone does not want to know
    free(text);
    json_decref(reply);
    hang_up(client);
}

static void client_speaks(void *context, int fd, uint32_t events)
{
    struct client *client = context;
    char data[4096];
    (void)events;
    ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        text_append_bytes(&client->line, data, (size_t)got);
    const char *end = got > 0 ? memchr(client->line.data, '\n', client->line.length) : NULL;
    if (end)
        answer(client, (size_t)(end - client->line.data));
    else if (got <= 0 || client->line.length > REQUEST_MAX_BYTES)
        hang_up(client);
}

static void client_is_late(void *context)
{
    hang_up(context);
}

static void client_comes(void *context, int fd, uint32_t events)
{
    struct control *control = context;
    (void)events;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t place = 0;
    while (place < CLIENTS_MAX && control->clients[place].fd >= 0)
        place++;
    if (accepted < 0 || place == CLIENTS_MAX) {
        if (accepted >= 0)
            close(accepted);
        return;
    }
    struct client *client = &control->clients[place];
    *client = (struct client){.all = control, .fd = accepted};
    client->source = loop_watch(control->loop, accepted, EPOLLIN, client_speaks, client);
    client->deadline = loop_timer(control->loop, client_is_late, client);
    loop_timer_set(client->deadline, clock_boottime_ns() + REQUEST_MS * NS_PER_MS);
}

int control_listen(struct control **out, struct loop *loop, const char *path, control_fn *request, void *context,
                   struct panther_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, PANTHER_ELIMIT, "%s is too long for a socket's name", path);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, CLIENTS_MAX) < 0) {
        int number = errno;
        if (fd >= 0)
            close(fd);
        return error_system(error, number, "cannot listen at %s", path);
    }
    struct control *control = NEW(struct control);
    *control = (struct control){.loop = loop, .fd = fd, .path = memory_string(path), .request = request, .context = context};
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        control->clients[i].fd = -1;
    control->source = loop_watch(loop, fd, EPOLLIN, client_comes, control);
    *out = control;
    return 0;
}

void control_close(struct control **pointer)
{
    struct control *control = *pointer;
    if (!control)
        return;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        hang_up(&control->clients[i]);
    loop_remove(&control->source);
    close(control->fd);
    unlink(control->path);
    free(control->path);
    free(control);
    *pointer = NULL;
}
