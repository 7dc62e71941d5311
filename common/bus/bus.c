// The process's side of CZMQ: one context, no signal handlers, no output; and keys.
#include "common/bus/bus.h"

#include <czmq.h>
#include <string.h>
#include <zmq.h>

#include "common/bus/zap.h"

#define BUS_KEY_BYTES 32
// Every link is two libzmq sockets; a benchmark or a simulated lab opens 5,000 of them in one process.
#define BUS_SOCKETS_MAX 32768
#define BUS_IO_THREADS 1

static bool is_over;

void bus_begin(void)
{
    INVARIANT(!is_over);    // what zsys_shutdown() takes down, zsys_init() does not build again: a mutex, among others
    zsys_handler_set(NULL); // else CZMQ takes SIGINT and SIGTERM at the first socket
    zsys_init();
    zsys_set_logstream(NULL); // a library does not log; its default is standard output
    zsys_set_logsystem(false);
    zsys_set_max_sockets(BUS_SOCKETS_MAX);
    zsys_set_io_threads(BUS_IO_THREADS);
    zsys_set_linger(0);
}

void bus_io_threads(unsigned threads)
{
    int status = zmq_ctx_set(zsys_init(), ZMQ_IO_THREADS, (int)threads);
    INVARIANT(status == 0);
}

void bus_end(void)
{
    zap_end();
    zsys_shutdown();
    is_over = true;
}

void bus_key_new(char public_key[BUS_KEY_TEXT_BYTES], char secret_key[BUS_KEY_TEXT_BYTES])
{
    int status = zmq_curve_keypair(public_key, secret_key);
    INVARIANT(status == 0);
}

bool bus_key_is_valid(const char *key)
{
    uint8_t bytes[BUS_KEY_BYTES];
    return key && strlen(key) == BUS_KEY_TEXT_BYTES - 1 && zmq_z85_decode(bytes, key) != NULL;
}

int bus_key_public(const char *secret_key, char public_key[BUS_KEY_TEXT_BYTES])
{
    char derived[BUS_KEY_TEXT_BYTES];
    if (!bus_key_is_valid(secret_key) || zmq_curve_public(derived, secret_key) != 0)
        return PANTHER_EINVALID;
    memcpy(public_key, derived, sizeof derived);
    return 0;
}
