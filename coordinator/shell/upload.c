// No descriptor and no state stays between chunks: a restart of the coordinator, or of the sender, changes nothing. The hash is
// taken from the file at its end, so that it also covers what a crash or a faulty disk did to it.
#include "coordinator/shell/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/wire/wire.h"

#define READ_BYTES (256 * 1024)

static int write_all(int fd, const char *data, size_t bytes, uint64_t offset)
{
    while (bytes > 0) {
        ssize_t put = pwrite(fd, data, bytes, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        data += put;
        bytes -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

static int hash_file(int fd, char hash[HASH_TEXT_BYTES])
{
    CLEANUP_FREE char *buffer = memory_new(READ_BYTES);
    struct hasher *hasher = hasher_new();
    off_t offset = 0;
    ssize_t got;
    while ((got = pread(fd, buffer, READ_BYTES, offset)) > 0) {
        hasher_add(hasher, buffer, (size_t)got);
        offset += got;
    }
    int problem = got < 0 ? -errno : 0;
    hasher_end(&hasher, hash);
    return problem;
}

static int start_again(int fd, struct upload_state *state)
{
    state->have = 0;
    return ftruncate(fd, 0) < 0 ? -errno : 0;
}

// What is new in the chunk goes to the end of the file; a chunk that begins behind it is left for later.
static int append(int fd, const struct upload_chunk *chunk, struct upload_state *state)
{
    if (chunk->offset > state->have)
        return 0;
    uint64_t known = state->have - chunk->offset;
    if (known >= chunk->bytes)
        return 0;
    size_t bytes = chunk->bytes - (size_t)known;
    int problem = write_all(fd, (const char *)chunk->data + known, bytes, state->have);
    if (problem == 0)
        state->have += bytes;
    return problem;
}

static int check_whole(int fd, const struct upload_chunk *chunk, struct upload_state *state)
{
    if (state->have < chunk->total_bytes)
        return 0;
    char hash[HASH_TEXT_BYTES] = "";
    int problem = state->have == chunk->total_bytes ? hash_file(fd, hash) : 0;
    if (problem < 0)
        return problem;
    if (strcmp(hash, chunk->hash) != 0) {
        state->was_wrong = true;
        return start_again(fd, state);
    }
    if (fsync(fd) < 0)
        return -errno;
    state->is_whole = true;
    return 0;
}

static int put(int fd, const struct upload_chunk *chunk, struct upload_state *state)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    state->have = (uint64_t)status.st_size;
    int problem = append(fd, chunk, state);
    return problem < 0 || !chunk->last ? problem : check_whole(fd, chunk, state);
}

int upload_put(const char *path, const struct upload_chunk *chunk, struct upload_state *out, struct panther_error *error)
{
    uint64_t size = chunk->last ? chunk->total_bytes : chunk->offset;
    if (size > chunk->limit_bytes || chunk->bytes > chunk->limit_bytes || chunk->offset > chunk->limit_bytes - chunk->bytes)
        return error_set(error, PANTHER_ELIMIT, "it is over the limit of %llu bytes", (unsigned long long)chunk->limit_bytes);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(error, errno, "cannot write %s", path);
    struct upload_state state = {0};
    int problem = put(fd, chunk, &state);
    close(fd);
    if (problem == 0) {
        *out = state;
        return 0;
    }
    // After an I/O error nobody knows what is in the file: the sender begins again.
    if (problem != -ENOSPC && problem != -EDQUOT)
        unlink(path);
    return error_system(error, -problem, "cannot write %s", path);
}
