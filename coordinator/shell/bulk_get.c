// Sending: a chunk of a blob, or of a stream or artifact by its readable name, also while it grows.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "coordinator/shell/bulk_inside.h"

struct source {
    char *path;
    bool can_grow;                  // no file means: nothing yet
    bool has_ended;                 // its end is the end
    const struct read_marks *marks; // NULL: none are known
};

// false: refused, and answered.
static bool find_source(struct bulk_server *server, const struct bulk_asker *asker, const Pb__GetChunk *get, struct source *source)
{
    if (get->hash[0]) {
        *source = (struct source){.path = blob_path(server->folder, get->hash), .has_ended = true};
        return true;
    }
    if (asker->role == PB__ROLE__ROLE_AGENT) {
        bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "an agent reads files by their hash only");
        return false;
    }
    struct panther_error error;
    struct store_content content;
    if (store_find_content(server->reader, get->stream, &content, &error) < 0) {
        bulk_refuse_error(server, asker, &error);
        return false;
    }
    CLEANUP_FREE char *growing = content_path(server->folder, content.instance, content.generation, content.name, content.is_stream);
    bool is_whole = content.hash[0] != 0;
    *source = (struct source){.path = is_whole ? blob_path(server->folder, content.hash) : memory_string(growing),
                              .can_grow = !is_whole,
                              .has_ended = is_whole || content.ended,
                              .marks = content.is_stream ? map_get_text(server->marks, growing) : NULL};
    return true;
}

static void answer_chunk(struct bulk_server *server, const struct bulk_asker *asker, const Pb__Chunk *chunk, const void *data, size_t bytes)
{
    Pb__Chunk copy = *chunk;
    Pb__BulkEnvelope answer;
    pb__bulk_envelope__init(&answer);
    answer.body_case = PB__BULK_ENVELOPE__BODY_CHUNK;
    answer.chunk = &copy;
    atomic_fetch_add(&server->counters.bytes_out, bytes);
    bulk_answer(server, asker, &answer, data, bytes);
}

static void send_from(struct bulk_server *server, const struct bulk_asker *asker, const Pb__GetChunk *get, const struct source *source,
                      int fd)
{
    Pb__Chunk chunk;
    pb__chunk__init(&chunk);
    chunk.offset = get->offset;
    size_t limit = get->limit_bytes && get->limit_bytes < BULK_CHUNK_MAX_BYTES ? get->limit_bytes : BULK_CHUNK_MAX_BYTES;
    CLEANUP_FREE char *data = memory_new(limit);
    ssize_t got = 0;
    struct stat status = {0};
    if (fd >= 0 && (fstat(fd, &status) < 0 || (get->offset <= INT64_MAX && (got = pread(fd, data, limit, (off_t)get->offset)) < 0)))
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, "cannot read it: %s", strerror(errno));
    chunk.total_bytes = (uint64_t)status.st_size;
    chunk.end = source->has_ended && (get->offset > chunk.total_bytes || get->offset + (uint64_t)got >= chunk.total_bytes);
    uint64_t times[2 * READ_MARKS_MAX];
    chunk.read_times = times;
    chunk.n_read_times = source->marks ? read_marks_between(source->marks, get->offset, get->offset + (uint64_t)got, times) : 0;
    answer_chunk(server, asker, &chunk, data, (size_t)got);
}

void bulk_get(struct bulk_server *server, const struct bulk_asker *asker, const Pb__GetChunk *get)
{
    if (asker->role != PB__ROLE__ROLE_AGENT && asker->role != PB__ROLE__ROLE_OPERATOR && asker->role != PB__ROLE__ROLE_VIEWER)
        return bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, "this key may not read");
    struct source source;
    if (!find_source(server, asker, get, &source))
        return;
    int fd = open(source.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && !(source.can_grow && errno == ENOENT))
        bulk_refuse(server, asker, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, "the coordinator does not have %s",
                    get->hash[0] ? get->hash : get->stream);
    else
        send_from(server, asker, get, &source, fd);
    if (fd >= 0)
        close(fd);
    free(source.path);
}
