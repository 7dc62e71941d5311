#include "fan.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/memory.h"
#include "coordinator.h"

#define KEY_TEXT_BYTES 41
#define IDENTITY_BYTES 5
#define BACKLOG 4096
#define SOCKETS_MAX 32768
// As a player of the bench has.
#define DEALER_IO_THREADS 8
#define LOOK_AGAIN_NS 1000000L
#define FAN_MS 120000
#define CHECK(condition) ((condition) ? (void)0 : panic_at(__FILE__, __LINE__, "%s: %s", #condition, zmq_strerror(zmq_errno())))

// Between the three processes.
struct fan {
    char endpoint[128], server_public[KEY_TEXT_BYTES], server_secret[KEY_TEXT_BYTES];
    uint32_t peers;
    atomic_uint bound, rounds, answered; // rounds: messages that each peer has to send; answered: of the last round
    atomic_ullong first_connect_ns, last_handshake_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void set_number(void *socket, int option, int value)
{
    CHECK(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void set_key(void *socket, int option, const char *key)
{
    CHECK(zmq_setsockopt(socket, option, key, strlen(key)) == 0);
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// ---- the ROUTER's process

static void *zap_run(void *context)
{
    void *socket = zmq_socket(context, ZMQ_REP);
    CHECK(socket && zmq_bind(socket, "inproc://zeromq.zap.01") == 0);
    for (;;) {
        char frames[16][256];
        int bytes[16], count = 0, more = 1;
        size_t more_bytes = sizeof more;
        while (more && count < 16) {
            bytes[count] = zmq_recv(socket, frames[count], sizeof frames[count], 0);
            if (bytes[count++] < 0)
                return NULL; // the context ends
            CHECK(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_bytes) == 0);
        }
        zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(socket, frames[1], (size_t)bytes[1], ZMQ_SNDMORE);
        zmq_send(socket, "200", 3, ZMQ_SNDMORE);
        zmq_send(socket, "OK", 2, ZMQ_SNDMORE);
        zmq_send(socket, "peer", 4, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, 0);
    }
}

static void count_handshakes(struct fan *fan, void *monitor)
{
    for (uint32_t done = 0; done < fan->peers;) {
        uint8_t event[6];
        char address[256];
        CHECK(zmq_recv(monitor, event, sizeof event, 0) == (int)sizeof event);
        CHECK(zmq_recv(monitor, address, sizeof address, 0) >= 0);
        done++;
    }
    atomic_store(&fan->last_handshake_ns, now_ns());
}

_Noreturn static void serve(struct fan *fan)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
    pthread_t zap;
    CHECK(pthread_create(&zap, NULL, zap_run, context) == 0);
    void *router = zmq_socket(context, ZMQ_ROUTER), *monitor = zmq_socket(context, ZMQ_PAIR);
    set_number(router, ZMQ_CURVE_SERVER, 1);
    set_key(router, ZMQ_CURVE_SECRETKEY, fan->server_secret);
    set_number(router, ZMQ_BACKLOG, BACKLOG);
    set_number(monitor, ZMQ_RCVHWM, 0);
    CHECK(zmq_socket_monitor(router, "inproc://monitor", ZMQ_EVENT_HANDSHAKE_SUCCEEDED) == 0);
    CHECK(zmq_connect(monitor, "inproc://monitor") == 0);
    size_t bytes = sizeof fan->endpoint;
    CHECK(zmq_bind(router, "tcp://127.0.0.1:*") == 0 && zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, fan->endpoint, &bytes) == 0);
    atomic_store(&fan->bound, 1);
    count_handshakes(fan, monitor);
    for (;;) {
        char identity[IDENTITY_BYTES], body[256];
        CHECK(zmq_recv(router, identity, sizeof identity, 0) == IDENTITY_BYTES);
        int length = zmq_recv(router, body, sizeof body, 0);
        CHECK(zmq_send(router, identity, sizeof identity, ZMQ_SNDMORE) == IDENTITY_BYTES);
        CHECK(zmq_send(router, body, (size_t)length, 0) == length);
    }
}

// ---- the DEALERs' process

static void exchange(struct fan *fan, void **dealers)
{
    char body[100] = "";
    for (uint32_t i = 0; i < fan->peers; i++)
        CHECK(zmq_send(dealers[i], body, sizeof body, 0) == (int)sizeof body);
    for (uint32_t i = 0; i < fan->peers; i++)
        CHECK(zmq_recv(dealers[i], body, sizeof body, 0) == (int)sizeof body);
}

_Noreturn static void connect_all(struct fan *fan)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    void *context = zmq_ctx_new(), **dealers = memory_new(fan->peers * sizeof *dealers);
    zmq_ctx_set(context, ZMQ_IO_THREADS, DEALER_IO_THREADS);
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
    char(*keys)[2][KEY_TEXT_BYTES] = memory_new(fan->peers * sizeof *keys);
    for (uint32_t i = 0; i < fan->peers; i++)
        CHECK(zmq_curve_keypair(keys[i][0], keys[i][1]) == 0);
    while (!atomic_load(&fan->bound))
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    atomic_store(&fan->first_connect_ns, now_ns());
    for (uint32_t i = 0; i < fan->peers; i++) {
        dealers[i] = zmq_socket(context, ZMQ_DEALER);
        CHECK(dealers[i]);
        set_key(dealers[i], ZMQ_CURVE_PUBLICKEY, keys[i][0]);
        set_key(dealers[i], ZMQ_CURVE_SECRETKEY, keys[i][1]);
        set_key(dealers[i], ZMQ_CURVE_SERVERKEY, fan->server_public);
        CHECK(zmq_connect(dealers[i], fan->endpoint) == 0);
    }
    for (uint32_t done = 0;; done++) {
        while (atomic_load(&fan->rounds) <= done)
            nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
        exchange(fan, dealers);
        atomic_store(&fan->answered, done + 1);
    }
}

// ---- the bench's own process

static bool await(atomic_uint *number, unsigned value)
{
    for (uint64_t end_ns = now_ns() + FAN_MS * UINT64_C(1000000); atomic_load(number) < value;) {
        if (now_ns() > end_ns)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    }
    return true;
}

static bool measure(struct fan *fan, pid_t server, unsigned messages, struct fan_result *result)
{
    if (!await(&fan->bound, 1))
        return false;
    double before = (double)process_memory_bytes(server);
    for (unsigned rounds = 1; rounds <= messages; rounds++) {
        atomic_store(&fan->rounds, rounds);
        if (!await(&fan->answered, rounds))
            return false;
        if (rounds == 1)
            result->bytes_per_peer = ((double)process_memory_bytes(server) - before) / fan->peers;
    }
    result->bytes_per_peer_worn = ((double)process_memory_bytes(server) - before) / fan->peers;
    result->handshakes_s = (double)(atomic_load(&fan->last_handshake_ns) - atomic_load(&fan->first_connect_ns)) / 1e9;
    result->handshakes_per_s = fan->peers / result->handshakes_s;
    return true;
}

static pid_t start(void (*run)(struct fan *fan), struct fan *fan)
{
    fflush(NULL);
    pid_t pid = fork();
    INVARIANT(pid >= 0);
    if (pid == 0)
        run(fan);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int fan_run(uint32_t peers, unsigned messages, struct fan_result *result, struct panther_error *error)
{
    struct fan *fan = mmap(NULL, sizeof *fan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    INVARIANT(fan != MAP_FAILED);
    *result = (struct fan_result){0};
    fan->peers = peers;
    raise_descriptors();
    CHECK(zmq_curve_keypair(fan->server_public, fan->server_secret) == 0);
    pid_t server = start(serve, fan), dealers = start(connect_all, fan);
    bool is_done = measure(fan, server, messages, result);
    end(dealers);
    end(server);
    munmap(fan, sizeof *fan);
    return is_done ? 0 : error_set(error, PANTHER_ETIMEOUT, "the yardstick's %u peers did not all shake hands", peers);
}
