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
static bool is_held; // the caller's thread: commands are not waited for

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

// ---- the actor's side of bus_zap_...

struct answerer {
    struct map *keys;
    zpoller_t *poller;
    zsock_t *pipe, *socket;
    bool is_held; // questions wait in their socket
};

static void answerer_hold(struct answerer *answerer, bool hold)
{
    if (hold && !answerer->is_held)
        zpoller_remove(answerer->poller, answerer->socket);
    else if (!hold && answerer->is_held)
        zpoller_add(answerer->poller, answerer->socket);
    answerer->is_held = hold;
}

// Returns false when the actor has to end.
static bool command_apply(struct answerer *answerer)
{
    static char present; // the set's value: only its address counts
    char *verb = NULL, *key = NULL;
    if (zstr_recvx(answerer->pipe, &verb, &key, NULL) < 1)
        return false;
    bool goes_on = strcmp(verb, "$TERM") != 0, was_held = answerer->is_held;
    if (strcmp(verb, "ALLOW") == 0)
        map_put_text(answerer->keys, key, &present);
    else if (strcmp(verb, "DENY") == 0)
        map_remove_text(answerer->keys, key);
    else if (goes_on)
        answerer_hold(answerer, strcmp(verb, "HOLD") == 0);
    if (goes_on && (!was_held || !answerer->is_held))
        zsock_signal(answerer->pipe, 0);
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
    struct answerer answerer = {.keys = map_new(), .pipe = pipe, .socket = zsock_new(ZMQ_REP)};
    INVARIANT(answerer.socket);
    int status = zsock_bind(answerer.socket, ZAP_ENDPOINT);
    INVARIANT(status == 0);
    answerer.poller = zpoller_new(pipe, answerer.socket, NULL);
    zpoller_set_nonstop(answerer.poller, true);
    zsock_signal(pipe, 0);
    for (bool goes_on = true; goes_on;) {
        void *ready = zpoller_wait(answerer.poller, -1);
        if (ready == pipe)
            goes_on = command_apply(&answerer);
        else if (ready == answerer.socket)
            question_answer(answerer.socket, answerer.keys);
        else
            goes_on = !zpoller_terminated(answerer.poller);
    }
    zpoller_destroy(&answerer.poller);
    zsock_destroy(&answerer.socket);
    map_free(&answerer.keys);
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
    is_held = false;
}

static void zap_command(const char *verb, const char *public_key)
{
    zap_begin();
    zstr_sendx(actor, verb, public_key, NULL);
    if (!is_held)
        zsock_wait(actor); // in force when we return
}

// What is not a key nobody can have.
void bus_zap_allow(const char *public_key)
{
    if (bus_key_is_valid(public_key))
        zap_command("ALLOW", public_key);
}

void bus_zap_deny(const char *public_key)
{
    if (bus_key_is_valid(public_key))
        zap_command("DENY", public_key);
}

void bus_zap_hold(void)
{
    zap_command("HOLD", "");
    is_held = true;
}

void bus_zap_answer(void)
{
    is_held = false;
    zap_command("ANSWER", "");
}

uint64_t bus_zap_refused(void)
{
    return atomic_load(&refused);
}
