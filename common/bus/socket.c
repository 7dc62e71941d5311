// What every socket of this folder has in common: options, monitor, sending without waiting.
#include "common/bus/socket.h"

#include <czmq.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/bus/bus.h"

#define MONITOR_NAME_BYTES 64

void *socket_open(int type)
{
    void *socket = zsys_socket(type, NULL, 0);
    if (!socket)
        PANIC("no socket: %s (too many open files?)", zmq_strerror(errno));
    return socket;
}

void socket_close(void **socket)
{
    if (*socket)
        zsys_close(*socket, NULL, 0);
    *socket = NULL;
}

void socket_set_number(void *socket, int option, int value)
{
    int status = zmq_setsockopt(socket, option, &value, sizeof value);
    INVARIANT(status == 0);
}

void socket_set_text(void *socket, int option, const char *text)
{
    int status = zmq_setsockopt(socket, option, text, strlen(text));
    INVARIANT(status == 0);
}

void socket_set_liveness(void *socket)
{
    int64_t frame_max_bytes = ZMQ_FRAME_MAX_BYTES;
    int status = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max_bytes, sizeof frame_max_bytes);
    INVARIANT(status == 0);
    socket_set_number(socket, ZMQ_TCP_MAXRT, SOCKET_UNACKNOWLEDGED_MS);
    socket_set_number(socket, ZMQ_TCP_KEEPALIVE, 1);
    socket_set_number(socket, ZMQ_TCP_KEEPALIVE_IDLE, SOCKET_KEEPALIVE_IDLE_S);
    socket_set_number(socket, ZMQ_TCP_KEEPALIVE_INTVL, SOCKET_KEEPALIVE_INTERVAL_S);
    socket_set_number(socket, ZMQ_TCP_KEEPALIVE_CNT, SOCKET_KEEPALIVE_COUNT);
}

void socket_set_ping(void *socket)
{
    socket_set_number(socket, ZMQ_HEARTBEAT_IVL, SOCKET_HEARTBEAT_MS);
    socket_set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, SOCKET_SILENCE_MS);
    socket_set_number(socket, ZMQ_HEARTBEAT_TTL, 0); // else the server keeps a timer for us after all
}

void socket_set_pipe(void *socket, uint32_t messages)
{
    int limit = (int)(messages ? messages : BUS_PIPE_MESSAGES_DEFAULT);
    socket_set_number(socket, ZMQ_SNDHWM, limit);
    socket_set_number(socket, ZMQ_RCVHWM, limit);
}

int socket_descriptor(void *socket)
{
    int descriptor = -1;
    size_t bytes = sizeof descriptor;
    int status = zmq_getsockopt(socket, ZMQ_FD, &descriptor, &bytes);
    INVARIANT(status == 0 && descriptor >= 0);
    return descriptor;
}

void *socket_monitor(void *socket, int events)
{
    static atomic_ulong serial;
    char name[MONITOR_NAME_BYTES];
    snprintf(name, sizeof name, "inproc://panther-monitor-%lu", atomic_fetch_add(&serial, 1));
    int status = zmq_socket_monitor(socket, name, events);
    INVARIANT(status == 0);
    void *monitor = socket_open(ZMQ_PAIR);
    // With a limit, libzmq's thread would wait in the middle of a storm of handshakes for the loop to read.
    socket_set_number(monitor, ZMQ_RCVHWM, 0);
    socket_set_number(monitor, ZMQ_LINGER, 0);
    status = zmq_connect(monitor, name);
    INVARIANT(status == 0);
    return monitor;
}

bool socket_monitor_read(void *monitor, struct socket_event *event)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool there = socket_receive(monitor, &frame);
    if (there) {
        INVARIANT(zmq_msg_size(&frame) == sizeof event->name + sizeof event->value);
        const uint8_t *data = zmq_msg_data(&frame);
        memcpy(&event->name, data, sizeof event->name);
        memcpy(&event->value, data + sizeof event->name, sizeof event->value);
        if (socket_more(&frame))
            socket_skip(monitor); // the endpoint's text
    }
    zmq_msg_close(&frame);
    return there;
}

int socket_send(void *socket, const void *data, size_t bytes, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    int status;
    do
        status = zmq_send(socket, data, bytes, flags);
    while (status < 0 && errno == EINTR);
    return status < 0 ? errno : 0;
}

int socket_send_message(void *socket, zmq_msg_t *message, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    int status;
    do
        status = zmq_msg_send(message, socket, flags);
    while (status < 0 && errno == EINTR);
    return status < 0 ? errno : 0;
}

bool socket_receive(void *socket, zmq_msg_t *message)
{
    int status;
    do
        status = zmq_msg_recv(message, socket, ZMQ_DONTWAIT);
    while (status < 0 && errno == EINTR);
    return status >= 0;
}

bool socket_has_input(void *socket)
{
    int events = 0;
    size_t bytes = sizeof events;
    int status = zmq_getsockopt(socket, ZMQ_EVENTS, &events, &bytes);
    return status == 0 && (events & ZMQ_POLLIN);
}

bool socket_wait(void *socket, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, timeout_ms) > 0;
}

bool socket_more(const zmq_msg_t *message)
{
    return zmq_msg_more(message) != 0;
}

void socket_skip(void *socket)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (socket_receive(socket, &frame) && socket_more(&frame))
        ;
    zmq_msg_close(&frame);
}
