// Receiving. A complete content becomes a blob first, then a record, and only then its sender is told that it may forget it.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "coordinator/shell/bulk_inside.h"
#include "coordinator/shell/upload.h"

// Verdicts come before logs, logs before captures when the disk is short. false: deferred, and answered; the sender keeps what it has.
static bool has_space(struct bulk_server *server, const struct bulk_asker *asker, bool is_stream)
{
    struct space *space = &server->space;
    char why[PANTHER_ERROR_MESSAGE_BYTES / 2];
    if (space_look(space, server->folder)) {
        space_why(space, why, sizeof why);
        log_info("bulk: %s", space->level == SPACE_AMPLE ? "there is room for everything again" : why);
    }
    if (space->level < (is_stream ? SPACE_NO_LOGS : SPACE_NO_CAPTURES))
        return true;
    space_why(space, why, sizeof why);
    bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE, "%s", why);
    return false;
}

static void answer_have(struct bulk_server *server, const struct bulk_asker *asker, uint64_t have, bool complete)
{
    Pb__PutAnswer put;
    pb__put_answer__init(&put);
    put.have = have;
    put.complete = complete;
    Pb__BulkEnvelope answer;
    pb__bulk_envelope__init(&answer);
    answer.body_case = PB__BULK_ENVELOPE__BODY_PUT_ANSWER;
    answer.put_answer = &put;
    bulk_answer(server, asker, &answer, NULL, 0);
}

static bool blob_has(const struct bulk_server *server, const char *hash, uint64_t bytes)
{
    if (!blob_claim(server->folder, hash))
        return false;
    CLEANUP_FREE char *path = blob_path(server->folder, hash);
    struct stat status;
    return stat(path, &status) == 0 && (uint64_t)status.st_size == bytes;
}

// false: refused, and answered.
static bool receive(struct bulk_server *server, const struct bulk_asker *asker, const char *path, const struct upload_chunk *chunk,
                    const char *what, struct upload_state *state)
{
    struct panther_error error;
    if (upload_put(path, chunk, state, &error) < 0) {
        if (error.code == PANTHER_EIO)
            log_error("%s of %s: %s", what, asker->name, error.message);
        bulk_refuse_error(server, asker, &error);
        return false;
    }
    atomic_fetch_add(&server->counters.bytes_in, chunk->bytes);
    if (state->was_wrong) {
        atomic_fetch_add(&server->counters.wrong_hash, 1);
        log_warning("%s of %s arrived with another hash than announced; it is sent again", what, asker->name);
    }
    return true;
}

// ---- streams and artifacts

// Whoever follows a trial needs the times of its streams, also of those that have ended a moment ago. 4 MiB in all.
#define MARKED_STREAMS_MAX 1024

static void remember_times(struct bulk_server *server, const Pb__PutChunk *chunk, const char *path)
{
    struct read_marks *marks = map_get_text(server->marks, path);
    if (chunk->n_read_times == 0)
        return;
    if (!marks && map_count(server->marks) == MARKED_STREAMS_MAX) {
        const struct map_entry *oldest = map_first(server->marks);
        free(map_remove(server->marks, oldest->key, oldest->key_bytes));
    }
    if (!marks) {
        marks = NEW(struct read_marks);
        map_put_text(server->marks, path, marks);
    }
    read_marks_take(marks, chunk->read_times, chunk->n_read_times);
}

// The growing file keeps its name until the commit, so that readers of it never find nothing; the blob is a second link to it.
static int become_blob(const struct bulk_server *server, const char *path, const char *hash, struct panther_error *error)
{
    CLEANUP_FREE char *linked = memory_printf("%s%%last", path); // no encoded name ends like that
    unlink(linked);
    if (link(path, linked) < 0)
        return error_system(error, errno, "cannot link %s", path);
    return blob_adopt(server->folder, linked, hash, error);
}

static void forget_growing(const char *path)
{
    unlink(path);
    CLEANUP_FREE char *folder = memory_string(path);
    *strrchr(folder, '/') = '\0';
    rmdir(folder); // the last one takes the folder with it
}

static void announce(struct bulk_server *server, const struct bulk_asker *asker, const Pb__PutChunk *chunk, const char *path)
{
    struct bulk_ticket *ticket = NEW(struct bulk_ticket);
    *ticket =
        (struct bulk_ticket){.ticket = ++server->last_ticket, .asker = *asker, .path = memory_string(path), .bytes = chunk->total_bytes};
    map_put_number(server->tickets, ticket->ticket, ticket);
    map_put_text(server->by_path, path, ticket);
    Pb__ContentStored content;
    pb__content_stored__init(&content);
    content.instance = chunk->instance;
    content.generation = chunk->generation;
    content.name = chunk->name;
    content.is_stream = chunk->kind == PB__BULK_KIND__BULK_KIND_STREAM;
    content.hash = chunk->hash;
    content.size_bytes = chunk->total_bytes;
    server->announce(server, &content, ticket->ticket);
}

static void ticket_free(struct bulk_ticket *ticket)
{
    free(ticket->path);
    free(ticket);
}

void bulk_put_committed(struct bulk_server *server, uint64_t number)
{
    struct bulk_ticket *ticket = map_remove_number(server->tickets, number);
    INVARIANT(ticket);
    map_remove_text(server->by_path, ticket->path);
    forget_growing(ticket->path);
    atomic_fetch_add(&server->counters.stored, 1);
    answer_have(server, &ticket->asker, ticket->bytes, true);
    ticket_free(ticket);
}

void bulk_put_end(struct bulk_server *server)
{
    for (struct map_entry *entry = map_first(server->tickets); entry; entry = map_next(server->tickets, entry))
        ticket_free(entry->value);
    map_free(&server->tickets);
    map_free(&server->by_path);
    for (struct map_entry *entry = map_first(server->marks); entry; entry = map_next(server->marks, entry))
        free(entry->value);
    map_free(&server->marks);
}

// A new chunk of something that is wanted and not complete.
static void put_content(struct bulk_server *server, const struct bulk_asker *asker, const Pb__PutChunk *chunk, const char *path,
                        const void *payload, size_t payload_bytes)
{
    bool is_stream = chunk->kind == PB__BULK_KIND__BULK_KIND_STREAM;
    const struct upload_chunk upload = {chunk->offset,
                                        payload,
                                        payload_bytes,
                                        chunk->last,
                                        chunk->total_bytes,
                                        chunk->hash,
                                        is_stream ? BULK_STREAM_MAX_BYTES : BULK_ARTIFACT_MAX_BYTES};
    struct upload_state state = {0};
    struct panther_error error;
    bool is_known = chunk->last && blob_has(server, chunk->hash, chunk->total_bytes);
    if (!is_known && !receive(server, asker, path, &upload, chunk->name, &state))
        return;
    if (!is_known && !state.is_whole)
        return answer_have(server, asker, state.have, false);
    if (map_count(server->tickets) >= BULK_TICKETS_MAX)
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, "too many contents wait for their commit");
    if (!is_known && become_blob(server, path, chunk->hash, &error) < 0)
        return bulk_refuse_error(server, asker, &error);
    announce(server, asker, chunk, path);
}

static void put_of_instance(struct bulk_server *server, const struct bulk_asker *asker, const Pb__PutChunk *chunk, const void *payload,
                            size_t payload_bytes)
{
    bool is_stream = chunk->kind == PB__BULK_KIND__BULK_KIND_STREAM;
    if (!store_instance_is_on(server->reader, chunk->instance, chunk->generation, asker->name))
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, "instance %llu.%u is not on %s",
                           (unsigned long long)chunk->instance, chunk->generation, asker->name);
    CLEANUP_FREE char *path = content_path(server->folder, chunk->instance, chunk->generation, chunk->name, is_stream);
    struct bulk_ticket *waiting = map_get_text(server->by_path, path);
    if (waiting) {
        waiting->asker = *asker; // a repeat: it is answered at the commit
        return;
    }
    struct store_content stored;
    if (store_find_stored(server->reader, chunk->instance, chunk->generation, chunk->name, is_stream, &stored) == 0) {
        forget_growing(path);
        return answer_have(server, asker, stored.bytes, true);
    }
    if (payload_bytes && !has_space(server, asker, is_stream))
        return;
    if (is_stream)
        remember_times(server, chunk, path);
    struct panther_error error;
    CLEANUP_FREE char *folder = content_folder(server->folder, chunk->instance, chunk->generation);
    if (folder_make(folder, 0700, &error) < 0)
        return bulk_refuse_error(server, asker, &error);
    put_content(server, asker, chunk, path, payload, payload_bytes);
}

// ---- blobs

static void put_blob(struct bulk_server *server, const struct bulk_asker *asker, const Pb__PutChunk *chunk, const void *payload,
                     size_t payload_bytes)
{
    if (chunk->last && blob_has(server, chunk->hash, chunk->total_bytes))
        return answer_have(server, asker, chunk->total_bytes, true);
    if (payload_bytes && !has_space(server, asker, false))
        return;
    CLEANUP_FREE char *path = memory_printf("%s/incoming/%s", server->folder, chunk->hash);
    const struct upload_chunk upload = {chunk->offset,      payload,     payload_bytes,      chunk->last,
                                        chunk->total_bytes, chunk->hash, BULK_BLOB_MAX_BYTES};
    struct upload_state state;
    struct panther_error error;
    if (!receive(server, asker, path, &upload, chunk->hash, &state))
        return;
    if (state.is_whole && blob_adopt(server->folder, path, chunk->hash, &error) < 0)
        return bulk_refuse_error(server, asker, &error);
    if (state.is_whole)
        atomic_fetch_add(&server->counters.stored, 1);
    answer_have(server, asker, state.have, state.is_whole);
}

void bulk_have_blobs(struct bulk_server *server, const struct bulk_asker *asker, const Pb__HaveBlobs *have)
{
    if (asker->role != PB__ROLE__ROLE_OPERATOR)
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "files need the role operator");
    Pb__MissingBlobs missing;
    pb__missing_blobs__init(&missing);
    CLEANUP_FREE char **hashes = memory_new((have->n_hashes + 1) * sizeof *hashes);
    missing.hashes = hashes;
    for (size_t i = 0; i < have->n_hashes; i++)
        if (!blob_claim(server->folder, have->hashes[i]))
            missing.hashes[missing.n_hashes++] = have->hashes[i];
    Pb__BulkEnvelope answer;
    pb__bulk_envelope__init(&answer);
    answer.body_case = PB__BULK_ENVELOPE__BODY_MISSING_BLOBS;
    answer.missing_blobs = &missing;
    bulk_answer(server, asker, &answer, NULL, 0);
}

void bulk_put(struct bulk_server *server, const struct bulk_asker *asker, const Pb__PutChunk *chunk, const void *payload,
              size_t payload_bytes)
{
    bool is_blob = chunk->kind == PB__BULK_KIND__BULK_KIND_BLOB;
    if (asker->role != (is_blob ? PB__ROLE__ROLE_OPERATOR : PB__ROLE__ROLE_AGENT))
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "this needs the role %s", is_blob ? "operator" : "agent");
    if (payload_bytes > BULK_CHUNK_MAX_BYTES)
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, "a chunk has at most %d bytes", BULK_CHUNK_MAX_BYTES);
    if (is_blob)
        put_blob(server, asker, chunk, payload, payload_bytes);
    else
        put_of_instance(server, asker, chunk, payload, payload_bytes);
}
