// The bulk thread: its inbox (keys, commits, stop), its messages, and what it tells the reactor.
#define _GNU_SOURCE // pthread_setname_np
#include "coordinator/shell/bulk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "coordinator/shell/bulk_inside.h"

// A reader that does not take what it asked for: some chunks, then its connection is closed.
#define PEER_QUEUE_MAX_BYTES (8 * 1024 * 1024)

struct bulk_key {
    char name[NAME_MAX_BYTES];
    int role;
};

// One message in either direction.
struct note {
    struct note *next;
    enum { NOTE_KEY_SET, NOTE_KEY_REMOVE, NOTE_COMMITTED, NOTE_STOP, NOTE_CONTENT } kind;
    char public_key[BUS_KEY_TEXT_BYTES];
    struct bulk_key key;
    uint64_t ticket;
    Pb__ContentStored *content;
};

// A list that one thread fills and another empties, with an eventfd that wakes the other's loop.
struct mailbox {
    pthread_mutex_t mutex;
    struct note *first, **last;
    atomic_bool has_notes;
    int event_fd;
    struct loop_source *source;
};

struct bulk {
    struct bulk_server server; // the thread's
    char *folder;
    struct loop *loop;   // the thread's
    struct arena *arena; // of one message
    struct mailbox inbox, outbox;
    unsigned port;
    bulk_content_fn *on_content;
    void *context;
    pthread_t thread;
    bool is_running;
};

// ---- mailboxes

static int mailbox_open(struct mailbox *mailbox, struct loop *loop, loop_io_fn *callback, void *context, struct panther_error *error)
{
    mailbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->event_fd < 0)
        return error_system(error, errno, "no event descriptor for the bulk server");
    mailbox->source = loop_watch(loop, mailbox->event_fd, EPOLLIN, callback, context);
    return 0;
}

static void mailbox_put(struct mailbox *mailbox, const struct note *note)
{
    struct note *copy = NEW(struct note);
    *copy = *note;
    pthread_mutex_lock(&mailbox->mutex);
    *mailbox->last = copy;
    mailbox->last = &copy->next;
    atomic_store(&mailbox->has_notes, true);
    pthread_mutex_unlock(&mailbox->mutex);
    uint64_t one = 1;
    ssize_t written = write(mailbox->event_fd, &one, sizeof one);
    INVARIANT(written == (ssize_t)sizeof one || errno == EAGAIN);
}

static struct note *mailbox_take(struct mailbox *mailbox)
{
    uint64_t count;
    if (read(mailbox->event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        PANIC("eventfd: %s", strerror(errno));
    pthread_mutex_lock(&mailbox->mutex);
    struct note *notes = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    atomic_store(&mailbox->has_notes, false);
    pthread_mutex_unlock(&mailbox->mutex);
    return notes;
}

static void notes_free(struct note *note)
{
    while (note) {
        struct note *next = note->next;
        message_free(note->content);
        free(note);
        note = next;
    }
}

static void mailbox_close(struct mailbox *mailbox)
{
    notes_free(mailbox->first);
    loop_remove(&mailbox->source);
    if (mailbox->event_fd >= 0)
        close(mailbox->event_fd);
    pthread_mutex_destroy(&mailbox->mutex);
}

static void mailbox_begin(struct mailbox *mailbox)
{
    pthread_mutex_init(&mailbox->mutex, NULL);
    mailbox->last = &mailbox->first;
    mailbox->event_fd = -1;
}

// ---- answers

void bulk_answer(struct bulk_server *server, const struct bulk_asker *asker, Pb__BulkEnvelope *answer, const void *payload,
                 size_t payload_bytes)
{
    answer->version = PROTOCOL_VERSION;
    answer->number = asker->number;
    size_t bytes;
    CLEANUP_FREE uint8_t *data = wire_pack(answer, NULL, &bytes);
    // Who is gone does not get it, and who does not read is closed: both ask again over a new connection.
    bus_server_send(server->server, asker->route, data, bytes, payload ? payload : "", payload_bytes);
}

void bulk_refuse(struct bulk_server *server, const struct bulk_asker *asker, Pb__RefusalCode code, const char *format, ...)
{
    char text[PANTHER_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Pb__BulkRefused refused;
    pb__bulk_refused__init(&refused);
    refused.code = (uint32_t)code;
    refused.text = text;
    Pb__BulkEnvelope answer;
    pb__bulk_envelope__init(&answer);
    answer.body_case = PB__BULK_ENVELOPE__BODY_REFUSED;
    answer.refused = &refused;
    atomic_fetch_add(&server->counters.refused, 1);
    if (code == PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE || code == PB__REFUSAL_CODE__REFUSAL_CODE_BUSY)
        atomic_fetch_add(&server->counters.deferred, 1);
    bulk_answer(server, asker, &answer, NULL, 0);
}

void bulk_refuse_error(struct bulk_server *server, const struct bulk_asker *asker, const struct panther_error *error)
{
    Pb__RefusalCode code = PB__REFUSAL_CODE__REFUSAL_CODE_BUSY; // an error of ours: the sender keeps what it has
    if (error->code == PANTHER_ENOTFOUND)
        code = PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND;
    else if (error->code == PANTHER_ENOSPACE)
        code = PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE;
    else if (error->code == PANTHER_ELIMIT || error->code == PANTHER_EINVALID)
        code = PB__REFUSAL_CODE__REFUSAL_CODE_INVALID;
    bulk_refuse(server, asker, code, "%s", error->message);
}

// ---- the thread

static void key_set(struct bulk_server *server, const struct note *note)
{
    struct bulk_key *key = NEW(struct bulk_key);
    *key = note->key;
    free(map_put_text(server->keys, note->public_key, key));
}

static void read_inbox(struct bulk *bulk)
{
    struct note *notes = mailbox_take(&bulk->inbox);
    for (const struct note *note = notes; note; note = note->next) {
        if (note->kind == NOTE_KEY_SET)
            key_set(&bulk->server, note);
        else if (note->kind == NOTE_KEY_REMOVE)
            free(map_remove_text(bulk->server.keys, note->public_key));
        else if (note->kind == NOTE_COMMITTED)
            bulk_put_committed(&bulk->server, note->ticket);
        else
            loop_stop(bulk->loop, 0);
    }
    notes_free(notes);
}

static void on_inbox(void *context, int fd, uint32_t epoll_events)
{
    (void)fd;
    (void)epoll_events;
    read_inbox(context);
}

static void dispatch(struct bulk_server *server, const struct bulk_asker *asker, const Pb__BulkEnvelope *envelope,
                     const struct bus_message *message)
{
    switch (envelope->body_case) {
    case PB__BULK_ENVELOPE__BODY_PUT_CHUNK:
        return bulk_put(server, asker, envelope->put_chunk, message->payload, message->payload ? message->payload_bytes : 0);
    case PB__BULK_ENVELOPE__BODY_GET_CHUNK:
        return bulk_get(server, asker, envelope->get_chunk);
    case PB__BULK_ENVELOPE__BODY_HAVE_BLOBS:
        return bulk_have_blobs(server, asker, envelope->have_blobs);
    default:
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, "a bulk server does not take this message");
    }
}

static void on_message(void *context, const struct bus_message *message)
{
    struct bulk *bulk = context;
    // A key that was revoked before this message came speaks no more.
    if (atomic_load(&bulk->inbox.has_notes))
        read_inbox(bulk);
    arena_reset(bulk->arena);
    Pb__BulkEnvelope *envelope = wire_bulk(message->data, message->bytes, bulk->arena, NULL);
    if (!envelope) {
        atomic_fetch_add(&bulk->server.counters.malformed, 1);
        return;
    }
    struct bulk_asker asker = {.route = message->route, .number = envelope->number};
    const struct bulk_key *key = map_get_text(bulk->server.keys, message->public_key);
    if (!key)
        return bulk_refuse(&bulk->server, &asker, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "this key is not known, or was revoked");
    asker.role = key->role;
    memcpy(asker.name, key->name, sizeof asker.name);
    dispatch(&bulk->server, &asker, envelope, message);
}

static void on_gone(void *context, bus_route route)
{
    (void)context;
    (void)route; // nothing is kept for a connection
}

static void on_unframed(void *context, bus_route route, const char *why)
{
    (void)route;
    (void)why;
    atomic_fetch_add(&((struct bulk *)context)->server.counters.malformed, 1);
}

static void *bulk_run(void *argument)
{
    struct bulk *bulk = argument;
    loop_run(bulk->loop);
    return NULL;
}

// ---- the reactor's thread

static void announce(struct bulk_server *server, const Pb__ContentStored *content, uint64_t ticket)
{
    struct bulk *bulk = (struct bulk *)server; // its first member
    mailbox_put(&bulk->outbox, &(struct note){.kind = NOTE_CONTENT, .ticket = ticket, .content = MESSAGE_COPY(content, NULL)});
}

static void on_outbox(void *context, int fd, uint32_t epoll_events)
{
    (void)fd;
    (void)epoll_events;
    struct bulk *bulk = context;
    struct note *notes = mailbox_take(&bulk->outbox);
    for (const struct note *note = notes; note; note = note->next)
        bulk->on_content(bulk->context, note->content, note->ticket);
    notes_free(notes);
}

void bulk_key_set(struct bulk *bulk, const char *public_key, const char *name, int role)
{
    struct note note = {.kind = NOTE_KEY_SET, .key.role = role};
    snprintf(note.public_key, sizeof note.public_key, "%s", public_key);
    snprintf(note.key.name, sizeof note.key.name, "%s", name);
    mailbox_put(&bulk->inbox, &note);
}

void bulk_key_remove(struct bulk *bulk, const char *public_key)
{
    struct note note = {.kind = NOTE_KEY_REMOVE};
    snprintf(note.public_key, sizeof note.public_key, "%s", public_key);
    mailbox_put(&bulk->inbox, &note);
}

void bulk_content_committed(struct bulk *bulk, uint64_t ticket)
{
    mailbox_put(&bulk->inbox, &(struct note){.kind = NOTE_COMMITTED, .ticket = ticket});
}

unsigned bulk_port(const struct bulk *bulk)
{
    return bulk->port;
}

void bulk_counters(const struct bulk *bulk, struct bulk_counters *counters)
{
    *counters = (struct bulk_counters){.malformed = atomic_load(&bulk->server.counters.malformed),
                                       .refused = atomic_load(&bulk->server.counters.refused),
                                       .deferred = atomic_load(&bulk->server.counters.deferred),
                                       .wrong_hash = atomic_load(&bulk->server.counters.wrong_hash),
                                       .stored = atomic_load(&bulk->server.counters.stored),
                                       .bytes_in = atomic_load(&bulk->server.counters.bytes_in),
                                       .bytes_out = atomic_load(&bulk->server.counters.bytes_out)};
}

// Uploads that were cut off begin again; the folders of an older store may be missing.
static int make_folders(const char *folder, struct panther_error *error)
{
    CLEANUP_FREE char *incoming = path_join(folder, "incoming"), *streams = path_join(folder, "streams");
    int result = folder_remove(incoming, error);
    if (result == 0)
        result = folder_make(incoming, 0700, error);
    return result < 0 ? result : folder_make(streams, 0700, error);
}

static int open_parts(struct bulk *bulk, const char *endpoint, const char *server_secret, struct loop *loop, struct panther_error *error)
{
    static const struct bus_server_callbacks callbacks = {on_message, on_gone, on_unframed};
    const struct bus_server_options options = {.endpoint = endpoint,
                                               .secret_key = server_secret,
                                               .queue_bytes_max = PEER_QUEUE_MAX_BYTES,
                                               .pipe_messages = BUS_PIPE_MESSAGES_BULK};
    int result = make_folders(bulk->folder, error);
    if (result == 0)
        result = store_reader_open(&bulk->server.reader, bulk->folder, error);
    if (result == 0)
        result = mailbox_open(&bulk->inbox, bulk->loop, on_inbox, bulk, error);
    if (result == 0)
        result = mailbox_open(&bulk->outbox, loop, on_outbox, bulk, error);
    if (result == 0)
        result = bus_server_new(&bulk->server.server, bulk->loop, &options, &callbacks, bulk, error);
    return result;
}

static void start_thread(struct bulk *bulk)
{
    // Signals are the reactor's business: none may end up in this thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&bulk->thread, NULL, bulk_run, bulk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        PANIC("pthread_create: %s", strerror(code));
    pthread_setname_np(bulk->thread, "bulk");
    bulk->is_running = true;
}

int bulk_new(struct bulk **out, const char *folder, uint64_t reserve_bytes, const char *endpoint, const char *server_secret,
             bulk_content_fn *on_content, void *context, struct loop *loop, struct panther_error *error)
{
    struct bulk *bulk = NEW(struct bulk);
    bulk->folder = memory_string(folder);
    bulk->server.folder = bulk->folder;
    bulk->server.space.reserve_bytes = reserve_bytes;
    bulk->server.announce = announce;
    bulk->server.keys = map_new();
    bulk->server.tickets = map_new();
    bulk->server.by_path = map_new();
    bulk->server.marks = map_new();
    bulk->loop = loop_new();
    bulk->arena = arena_new(UNPACK_MAX_BYTES);
    bulk->on_content = on_content;
    bulk->context = context;
    mailbox_begin(&bulk->inbox);
    mailbox_begin(&bulk->outbox);
    int result = open_parts(bulk, endpoint, server_secret, loop, error);
    if (result < 0) {
        bulk_free(&bulk);
        return result;
    }
    bulk->port = bus_server_port(bulk->server.server);
    start_thread(bulk);
    *out = bulk;
    return 0;
}

void bulk_free(struct bulk **bulk_address)
{
    struct bulk *bulk = *bulk_address;
    if (!bulk)
        return;
    *bulk_address = NULL;
    if (bulk->is_running) {
        mailbox_put(&bulk->inbox, &(struct note){.kind = NOTE_STOP});
        pthread_join(bulk->thread, NULL);
    }
    bus_server_free(&bulk->server.server);
    mailbox_close(&bulk->inbox);
    mailbox_close(&bulk->outbox);
    bulk_put_end(&bulk->server);
    for (struct map_entry *entry = map_first(bulk->server.keys); entry; entry = map_next(bulk->server.keys, entry))
        free(entry->value);
    map_free(&bulk->server.keys);
    store_reader_close(&bulk->server.reader);
    arena_free(&bulk->arena);
    loop_free(&bulk->loop);
    free(bulk->folder);
    free(bulk);
}
