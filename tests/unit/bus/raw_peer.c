// A peer that does not use our link. It has a context of its own, as another process would.
#include "raw_peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

static void *context;

static void set_number(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

static void set_text(void *socket, int option, const char *text)
{
    assert_int_equal(zmq_setsockopt(socket, option, text, strlen(text)), 0);
}

void *raw_open(struct lab *lab, const struct raw_options *options)
{
    if (!context)
        context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    assert_non_null(socket);
    set_number(socket, ZMQ_LINGER, 0);
    set_number(socket, ZMQ_RECONNECT_IVL, -1);
    if (options->keys) {
        set_text(socket, ZMQ_CURVE_PUBLICKEY, options->keys->public_key);
        set_text(socket, ZMQ_CURVE_SECRETKEY, options->keys->secret_key);
        set_text(socket, ZMQ_CURVE_SERVERKEY, lab->keys.public_key);
    }
    if (options->user) {
        set_text(socket, ZMQ_PLAIN_USERNAME, options->user);
        set_text(socket, ZMQ_PLAIN_PASSWORD, "secret");
    }
    if (options->identity)
        set_text(socket, ZMQ_ROUTING_ID, options->identity);
    if (options->receive_limit) {
        set_number(socket, ZMQ_RCVHWM, options->receive_limit);
        // Little, but several messages: a window that is smaller than one opens by probes, a fifth of a second each on a slow machine.
        set_number(socket, ZMQ_RCVBUF, 128 * 1024);
    }
    assert_int_equal(zmq_connect(socket, bus_server_endpoint(lab->server)), 0);
    return socket;
}

void raw_send(void *socket, const void *data, size_t bytes, bool more)
{
    assert_int_equal(zmq_send(socket, data, bytes, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)), (int)bytes);
}

size_t raw_read_all(struct lab *lab, void *socket, size_t expected)
{
    static char buffer[1024 * 1024];
    size_t count = 0;
    uint64_t deadline_ns = clock_boottime_ns() + PATIENCE_MS * UINT64_C(1000000);
    while (count < expected && clock_boottime_ns() < deadline_ns) {
        if (zmq_recv(socket, buffer, sizeof buffer, ZMQ_DONTWAIT) < 0) {
            loop_run_once(lab->loop, 1);
            continue;
        }
        int more = 0;
        size_t bytes = sizeof more;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &bytes);
        count += !more;
    }
    return count;
}

void raw_close(void **socket)
{
    zmq_close(*socket);
    *socket = NULL;
}

int tcp_open(struct lab *lab)
{
    char address_text[ENDPOINT_BYTES];
    snprintf(address_text, sizeof address_text, "%s", bus_server_endpoint(lab->server) + strlen("tcp://"));
    *strrchr(address_text, ':') = '\0';
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bus_server_port(lab->server))};
    assert_int_equal(inet_pton(AF_INET, address_text, &address.sin_addr), 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void raw_end(void)
{
    if (context)
        zmq_ctx_term(context);
    context = NULL;
}
