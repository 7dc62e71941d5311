#include "tests/e2e/stranger.h"

#include <arpa/inet.h>
#include <errno.h>
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

void *stranger_open(struct lab *lab, const struct bus_peer_file *keys)
{
    if (!context)
        context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    assert_non_null(socket);
    set_number(socket, ZMQ_LINGER, 0);
    set_number(socket, ZMQ_RECONNECT_IVL, -1);
    set_text(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key);
    set_text(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    set_text(socket, ZMQ_CURVE_SERVERKEY, keys->server_key);
    assert_int_equal(zmq_connect(socket, lab->endpoint), 0);
    return socket;
}

void stranger_send(void *socket, const void *data, size_t bytes, bool more)
{
    assert_int_equal(zmq_send(socket, data, bytes, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)), (int)bytes);
}

int stranger_hears(void *socket, uint64_t wait_ms)
{
    static char buffer[64 * 1024];
    uint64_t until_ms = lab_now_ms() + wait_ms;
    do {
        int bytes = zmq_recv(socket, buffer, sizeof buffer, ZMQ_DONTWAIT);
        if (bytes >= 0)
            return bytes;
        assert_int_equal(errno, EAGAIN);
        lab_pause();
    } while (lab_now_ms() < until_ms);
    return -1;
}

void stranger_close(void **socket)
{
    zmq_close(*socket);
    *socket = NULL;
}

void stranger_end(void)
{
    if (context)
        zmq_ctx_term(context);
    context = NULL;
}

int stranger_tcp(struct lab *lab)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)lab->port)};
    address.sin_addr.s_addr = htonl(0x7F400001u | lab->slot << 8);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}
