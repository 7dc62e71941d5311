// The ZAP actor: a thread with a REP socket that libzmq asks at each handshake, and a set of keys that only it touches.
#include "common/bus/zap.h"

#include <czmq.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/map.h"
#include "common/bus/bus.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"
#define ZAP_KEY_BYTES 32
#define ZAP_REQUEST_ID_MAX 255
// RFC 27: version, request id, domain, address, identity, mechanism, credentials (CURVE has one frame of them).
enum { FRAME_VERSION, FRAME_REQUEST, FRAME_DOMAIN, FRAME_ADDRESS, FRAME_IDENTITY, FRAME_MECHANISM, FRAME_KEY, FRAME_COUNT };

static zactor_t *actor;
static atomic_ulong refused;

// Whom libzmq asks about.
struct question {
    char request[ZAP_REQUEST_ID_MAX];
    size_t request_bytes;
    char key[BUS_KEY_TEXT_BYTES]; // empty: not a CURVE question
};

static bool frame_is(zframe_t *frame, const char *text)
{
    return zframe_size(frame) == strlen(text) && memcmp(zframe_data(frame), text, zframe_size(frame)) == 0;
}

static void question_take(struct question *question, zframe_t *frames[FRAME_COUNT], size_t count)
{
    if (count > FRAME_REQUEST && zframe_size(frames[FRAME_REQUEST]) <= sizeof question->request) {
        question->request_bytes = zframe_size(frames[FRAME_REQUEST]);
        memcpy(question->request, zframe_data(frames[FRAME_REQUEST]), question->request_bytes);
    }
    bool is_curve = count == FRAME_COUNT && frame_is(frames[FRAME_VERSION], ZAP_VERSION) && frame_is(frames[FRAME_DOMAIN], ZAP_DOMAIN) &&
                    frame_is(frames[FRAME_MECHANISM], "CURVE") && zframe_size(frames[FRAME_KEY]) == ZAP_KEY_BYTES;
    if (is_curve)
        zmq_z85_encode(question->key, zframe_data(frames[FRAME_KEY]), ZAP_KEY_BYTES);
}

static bool question_read(zsock_t *socket, struct question *question)
{
    memset(question, 0, sizeof *question);
    zmsg_t *message = zmsg_recv(socket);
    if (!message)
        return false;
    zframe_t *frames[FRAME_COUNT] = {NULL};
    size_t count = zmsg_size(message);
    for (size_t i = 0; i < count && i < FRAME_COUNT; i++)
        frames[i] = i == 0 ? zmsg_first(message) : zmsg_next(message);
    question_take(question, frames, count);
    zmsg_destroy(&message);
    return true;
}

static void question_answer(zsock_t *socket, const struct map *keys)
{
    struct question question;
    if (!question_read(socket, &question))
        return;
    bool known = question.key[0] && map_get_text(keys, question.key);
    if (!known)
        atomic_fetch_add(&refused, 1);
    // The user id becomes the metadata "User-Id" of every message of the connection: this is how a server knows who speaks.
    zmsg_t *answer = zmsg_new();
    zmsg_addstr(answer, ZAP_VERSION);
    zmsg_addmem(answer, question.request, question.request_bytes);
    zmsg_addstr(answer, known ? "200" : "400");
    zmsg_addstr(answer, known ? "OK" : "unknown key");
    zmsg_addstr(answer, known ? question.key : "");
    zmsg_addmem(answer, "", 0);
    zmsg_send(&answer, socket);
}

// Returns false when the actor has to end.
static bool command_apply(zsock_t *pipe, struct map *keys)
{
    char *verb = NULL, *key = NULL;
    if (zstr_recvx(pipe, &verb, &key, NULL) < 1)
        return false;
    bool goes_on = strcmp(verb, "$TERM") != 0;
    if (goes_on) {
        static char present; // the set's value: only its address counts
        if (strcmp(verb, "ALLOW") == 0)
            map_put_text(keys, key, &present);
        else
            map_remove_text(keys, key);
        zsock_signal(pipe, 0);
    }
    zstr_free(&verb);
    zstr_free(&key);
    return goes_on;
}

static void zap_run(zsock_t *pipe, void *argument)
{
    (void)argument;
    // Signals belong to the loop's thread: one that was delivered here would kill the process by its default action.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    struct map *keys = map_new();
    zsock_t *socket = zsock_new(ZMQ_REP);
    INVARIANT(socket);
    int status = zsock_bind(socket, ZAP_ENDPOINT);
    INVARIANT(status == 0);
    zpoller_t *poller = zpoller_new(pipe, socket, NULL);
    zpoller_set_nonstop(poller, true);
    zsock_signal(pipe, 0);
    for (bool goes_on = true; goes_on;) {
        void *ready = zpoller_wait(poller, -1);
        if (ready == pipe)
            goes_on = command_apply(pipe, keys);
        else if (ready == socket)
            question_answer(socket, keys);
        else
            goes_on = !zpoller_terminated(poller);
    }
    zpoller_destroy(&poller);
    zsock_destroy(&socket);
    map_free(&keys);
}

void zap_begin(void)
{
    if (actor)
        return;
    zmq_ctx_set(zsys_init(), ZMQ_IO_THREADS, (int)ZAP_IO_THREADS); // without effect when a socket is open already
    actor = zactor_new(zap_run, NULL);
    INVARIANT(actor);
    atexit(zap_end); // a program that just exits would end the context below the actor, which CZMQ takes for a bug and aborts
}

void zap_end(void)
{
    zactor_destroy(&actor);
}

static void zap_command(const char *verb, const char *public_key)
{
    zap_begin();
    if (!bus_key_is_valid(public_key))
        return; // nobody can have it
    zstr_sendx(actor, verb, public_key, NULL);
    zsock_wait(actor); // in force when we return
}

void bus_zap_allow(const char *public_key)
{
    zap_command("ALLOW", public_key);
}

void bus_zap_deny(const char *public_key)
{
    zap_command("DENY", public_key);
}

uint64_t bus_zap_refused(void)
{
    return atomic_load(&refused);
}
