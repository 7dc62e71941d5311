#include "agent/shell/upload_item.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/shell/folder.h"
#include "common/base/limits.h"
#include "common/base/read_marks.h"
#include "common/system/file.h"
#include "common/system/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US 1000
// A line at a time would cost a message each; readers of a growing log see it a moment later.
#define GATHER_MS 100
#define GATHER_BYTES (64 * 1024)
// The coordinator is busy, or its disk is full.
#define LATER_MS 2000
// Times that a content may arrive with another hash than announced (the file was changed meanwhile) before it is given up.
#define WRONG_MAX 3

struct upload_item {
    struct upload_item_owner owner;
    bool is_stream;
    char *name;
    uint64_t have;  // at the coordinator
    uint64_t bytes; // known to be there
    bool ended, complete;
    char hash[HASH_TEXT_BYTES]; // empty: not told
    bool sent_last;
    unsigned wrong;
    uint64_t sent_ns;
    struct read_marks *marks; // of a stream: when it grew; NULL: an artifact
    struct bulk_job job;
};

// The guard moved artifacts out of work/.
static int open_file(const struct upload_item *item)
{
    return folder_open_file(item->owner.folder, item->is_stream ? "streams" : "artifacts", item->name);
}

static void hash_file(struct upload_item *item, int fd)
{
    char buffer[64 * 1024];
    struct hasher *hasher = hasher_new();
    uint64_t done = 0;
    while (done < item->bytes) {
        size_t wanted = item->bytes - done < sizeof buffer ? (size_t)(item->bytes - done) : sizeof buffer;
        ssize_t got = pread(fd, buffer, wanted, (off_t)done);
        if (got <= 0)
            break;
        hasher_add(hasher, buffer, (size_t)got);
        done += (uint64_t)got;
    }
    hasher_end(&hasher, item->hash);
}

static uint64_t size_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

// The file decides: of a stream over its limit less was kept than its StreamEnd says.
static void look_at_end(struct upload_item *item, int fd)
{
    uint64_t bytes = size_of(fd);
    if (bytes != item->bytes || item->wrong > 0)
        item->hash[0] = '\0';
    item->bytes = bytes;
    if (!item->hash[0])
        hash_file(item, fd);
}

static void complete(struct upload_item *item)
{
    item->complete = true;
    item->owner.on_complete(item->owner.context);
}

static void want(struct upload_item *item)
{
    bool soon = item->ended || item->bytes - item->have >= GATHER_BYTES;
    bulk_want(item->owner.bulk, &item->job, soon ? 0 : item->sent_ns + GATHER_MS * NS_PER_MS);
}

static void mark(struct upload_item *item, uint64_t bytes)
{
    if (item->marks)
        read_marks_add(item->marks, bytes, clock_boottime_ns() / NS_PER_US);
}

// The file may be longer than its guard has said: what is sent was seen now at the latest.
static void tell_times(struct upload_item *item, Pb__PutChunk *chunk, size_t bytes, struct arena *arena)
{
    if (item->marks) {
        mark(item, item->have + bytes);
        chunk->read_times = arena_allocate(arena, 2 * READ_MARKS_MAX * sizeof *chunk->read_times);
        chunk->n_read_times = read_marks_between(item->marks, item->have, item->have + bytes, chunk->read_times);
    }
}

static bool build(void *context, Pb__BulkEnvelope *request, struct arena *arena, const void **payload, size_t *payload_bytes)
{
    struct upload_item *item = context;
    int fd = open_file(item);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        bulk_want(item->owner.bulk, &item->job, clock_boottime_ns() + LATER_MS * NS_PER_MS);
        return false;
    }
    if (fd < 0) {
        log_warning("%s of instance %llu.%u cannot be read and is not sent", item->name, (unsigned long long)item->owner.instance,
                    item->owner.generation);
        complete(item);
        return false;
    }
    if (item->ended)
        look_at_end(item, fd);
    void *data = arena_allocate(arena, BULK_CHUNK_MAX_BYTES);
    ssize_t got = pread(fd, data, BULK_CHUNK_MAX_BYTES, (off_t)item->have);
    close(fd);
    Pb__PutChunk *chunk = ARENA_NEW(arena, Pb__PutChunk);
    pb__put_chunk__init(chunk);
    chunk->kind = item->is_stream ? PB__BULK_KIND__BULK_KIND_STREAM : PB__BULK_KIND__BULK_KIND_ARTIFACT;
    chunk->instance = item->owner.instance;
    chunk->generation = item->owner.generation;
    chunk->name = item->name;
    chunk->offset = item->have;
    *payload = data;
    *payload_bytes = got > 0 ? (size_t)got : 0;
    chunk->last = item->ended && item->have + *payload_bytes >= item->bytes;
    if (chunk->last) {
        chunk->total_bytes = item->bytes;
        chunk->hash = arena_string(arena, item->hash);
    }
    tell_times(item, chunk, *payload_bytes, arena);
    item->sent_last = chunk->last;
    item->sent_ns = clock_boottime_ns();
    request->body_case = PB__BULK_ENVELOPE__BODY_PUT_CHUNK;
    request->put_chunk = chunk;
    return item->ended || *payload_bytes > 0;
}

static void give_up(struct upload_item *item, const char *why)
{
    log_warning("%s of instance %llu.%u is not wanted: %s", item->name, (unsigned long long)item->owner.instance, item->owner.generation,
                why);
    complete(item);
}

static void refused(struct upload_item *item, const Pb__BulkRefused *refusal)
{
    if (refusal->code == PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND)
        item->owner.on_unwanted(item->owner.context);
    else if (refusal->code == PB__REFUSAL_CODE__REFUSAL_CODE_BUSY || refusal->code == PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE)
        bulk_want(item->owner.bulk, &item->job, clock_boottime_ns() + LATER_MS * NS_PER_MS);
    else
        give_up(item, refusal->text);
}

static void answered(void *context, const Pb__BulkEnvelope *answer, const uint8_t *payload, size_t bytes)
{
    struct upload_item *item = context;
    (void)payload;
    (void)bytes;
    if (answer->body_case == PB__BULK_ENVELOPE__BODY_REFUSED) {
        refused(item, answer->refused);
        return;
    }
    if (answer->body_case != PB__BULK_ENVELOPE__BODY_PUT_ANSWER) {
        give_up(item, "the coordinator gave another answer than to a chunk");
        return;
    }
    if (answer->put_answer->complete) {
        complete(item);
        return;
    }
    if (item->sent_last && answer->put_answer->have == 0 && ++item->wrong > WRONG_MAX) {
        give_up(item, "it arrived with another hash than announced, several times");
        return;
    }
    item->have = answer->put_answer->have;
    if (item->ended || item->bytes > item->have)
        want(item);
}

struct upload_item *upload_item_new(const struct upload_item_owner *owner, bool is_stream, const char *name)
{
    struct upload_item *item = NEW(struct upload_item);
    item->owner = *owner;
    item->is_stream = is_stream;
    item->name = memory_string(name);
    item->marks = is_stream ? NEW(struct read_marks) : NULL;
    item->job =
        (struct bulk_job){.build = build, .answered = answered, .context = item, .class = is_stream ? BULK_STREAMS : BULK_ARTIFACTS};
    return item;
}

void upload_item_free(struct upload_item **item)
{
    if (!*item)
        return;
    bulk_forget((*item)->owner.bulk, &(*item)->job);
    free((*item)->name);
    free((*item)->marks);
    free(*item);
    *item = NULL;
}

const char *upload_item_name(const struct upload_item *item)
{
    return item->name;
}

bool upload_item_is_stream(const struct upload_item *item)
{
    return item->is_stream;
}

bool upload_item_is_complete(const struct upload_item *item)
{
    return item->complete;
}

void upload_item_grown(struct upload_item *item, uint64_t bytes)
{
    if (item->ended || item->complete || bytes <= item->bytes)
        return;
    item->bytes = bytes;
    mark(item, bytes);
    want(item);
}

void upload_item_ended(struct upload_item *item, uint64_t bytes, const char *hash)
{
    if (item->ended || item->complete)
        return;
    item->ended = true;
    item->bytes = bytes;
    mark(item, bytes);
    snprintf(item->hash, sizeof item->hash, "%s", hash ? hash : "");
    want(item);
}
