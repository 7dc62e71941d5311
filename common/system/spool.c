// The spool's file format, writer and readers in one place. Bytes only: what a payload means is its owner's business.
#include "common/system/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"

// Set aside when the spool is made, so that the last verdicts find room on a disk that others have filled.
#define RESERVE_BYTES (256 * 1024)
// Written with zeros before it is needed: a sync of bytes that the file has already need not wait for the file system's journal, into
// which every process of the host writes. The zeros read as a torn tail.
#define AHEAD_BYTES (64 * 1024)
// Read at once: some hundred records, and always a whole one.
#define READ_BYTES (SPOOL_HEADER_BYTES + SPOOL_RECORD_MAX_BYTES)

struct spool {
    int fd;
    uint64_t synced;
    uint64_t readable; // what the file holds: up to here readers may go
    uint64_t prepared; // the file's length: behind the records it holds zeros
    struct text pending;
    size_t written; // of pending
};

struct spool_reader {
    int fd;
    uint64_t offset;      // of the next record
    uint64_t buffer_from; // what of the file the buffer holds
    size_t buffer_bytes;
    unsigned char buffer[READ_BYTES];
};

// CRC-32C (RFC 3720, B.4), bit by bit at start, then by table.
static const uint32_t *crc_table(void)
{
    static uint32_t table[256];
    if (table[1] != 0)
        return table;
    for (uint32_t i = 255; i > 0; i--) { // entry 1 last: it says that the table is whole
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ ((value & 1) ? UINT32_C(0x82f63b78) : 0);
        table[i] = value;
    }
    return table;
}

static uint32_t crc32c(const unsigned char *bytes, size_t count)
{
    const uint32_t *table = crc_table();
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++)
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

static void put_u32(unsigned char *to, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(number >> (8 * i));
}

static uint32_t get_u32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

// ---- readers

struct spool_reader *spool_reader_new(int fd, uint64_t offset)
{
    struct spool_reader *reader = NEW(struct spool_reader);
    reader->fd = fd;
    reader->offset = offset;
    return reader;
}

void spool_reader_free(struct spool_reader **reader)
{
    free(*reader);
    *reader = NULL;
}

uint64_t spool_reader_offset(const struct spool_reader *reader)
{
    return reader->offset;
}

static size_t buffered(const struct spool_reader *reader)
{
    uint64_t end = reader->buffer_from + reader->buffer_bytes;
    return reader->offset >= reader->buffer_from && reader->offset < end ? (size_t)(end - reader->offset) : 0;
}

// Fills the buffer from the reader's offset on, up to the limit. Returns what is there, or a negative errno.
static ssize_t fill(struct spool_reader *reader, uint64_t limit)
{
    size_t have = 0, wanted = limit - reader->offset < READ_BYTES ? (size_t)(limit - reader->offset) : READ_BYTES;
    while (have < wanted) {
        ssize_t got = pread(reader->fd, reader->buffer + have, wanted - have, (off_t)(reader->offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    reader->buffer_from = reader->offset;
    reader->buffer_bytes = have;
    return (ssize_t)have;
}

enum look { RECORD_WHOLE, RECORD_SHORT, RECORD_DAMAGED };

static enum look look_at(const unsigned char *bytes, size_t available, size_t *payload_bytes)
{
    if (available < SPOOL_HEADER_BYTES)
        return RECORD_SHORT;
    size_t length = get_u32(bytes);
    if (length == 0 || length > SPOOL_RECORD_MAX_BYTES)
        return RECORD_DAMAGED;
    if (available < SPOOL_HEADER_BYTES + length)
        return RECORD_SHORT;
    *payload_bytes = length;
    return crc32c(bytes + SPOOL_HEADER_BYTES, length) == get_u32(bytes + 4) ? RECORD_WHOLE : RECORD_DAMAGED;
}

static enum look look_here(const struct spool_reader *reader, uint64_t limit, size_t *payload_bytes)
{
    size_t available = buffered(reader);
    if (available > limit - reader->offset)
        available = (size_t)(limit - reader->offset);
    return available == 0 ? RECORD_SHORT : look_at(reader->buffer + (reader->offset - reader->buffer_from), available, payload_bytes);
}

int spool_next(struct spool_reader *reader, uint64_t limit, const void **payload, size_t *bytes, struct panther_error *error)
{
    if (reader->offset >= limit)
        return 0;
    size_t payload_bytes = 0;
    enum look look = look_here(reader, limit, &payload_bytes);
    if (look != RECORD_WHOLE) { // short, or read while it was being written
        ssize_t have = fill(reader, limit);
        if (have < 0)
            return error_system(error, (int)-have, "cannot read the spool");
        look = look_here(reader, limit, &payload_bytes);
    }
    if (look != RECORD_WHOLE && limit == UINT64_MAX)
        return 0; // the torn tail of a dead writer
    if (look != RECORD_WHOLE)
        return error_set(error, PANTHER_EINVALID, "the spool is damaged at byte %llu, before its synced end at %llu",
                         (unsigned long long)reader->offset, (unsigned long long)limit);
    *payload = reader->buffer + (reader->offset - reader->buffer_from) + SPOOL_HEADER_BYTES;
    *bytes = payload_bytes;
    reader->offset += SPOOL_HEADER_BYTES + payload_bytes;
    return 1;
}

// ---- writer

// Where the last whole record ends.
static int whole_bytes(int fd, uint64_t *bytes, struct panther_error *error)
{
    struct spool_reader *reader = spool_reader_new(fd, 0);
    const void *payload;
    size_t payload_bytes;
    int result;
    while ((result = spool_next(reader, UINT64_MAX, &payload, &payload_bytes, error)) == 1)
        continue;
    *bytes = reader->offset;
    spool_reader_free(&reader);
    return result;
}

static int recover(int fd, const char *path, uint64_t *bytes, struct panther_error *error)
{
    int problem = whole_bytes(fd, bytes, error);
    if (problem < 0)
        return problem;
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_system(error, errno, "cannot look at %s", path);
    if ((uint64_t)status.st_size != *bytes && (ftruncate(fd, (off_t)*bytes) < 0 || fdatasync(fd) < 0))
        return error_system(error, errno, "cannot cut the torn tail of %s", path);
    return 0;
}

int spool_open(struct spool **out, const char *path, struct panther_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(error, errno, "cannot open the spool %s", path);
    uint64_t bytes;
    int problem = recover(fd, path, &bytes, error);
    if (problem < 0) {
        close(fd);
        return problem;
    }
    // Not every file system can; the spool works without.
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, RESERVE_BYTES) < 0)
        errno = 0;
    struct spool *spool = NEW(struct spool);
    spool->fd = fd;
    spool->synced = spool->readable = spool->prepared = bytes;
    *out = spool;
    return 0;
}

void spool_close(struct spool **spool)
{
    if (!*spool)
        return;
    // Only to be tidy: readers stop at zeros.
    if ((*spool)->prepared > (*spool)->synced && ftruncate((*spool)->fd, (off_t)(*spool)->synced) < 0)
        errno = 0;
    close((*spool)->fd);
    text_free(&(*spool)->pending);
    free(*spool);
    *spool = NULL;
}

void spool_add(struct spool *spool, const void *payload, size_t bytes)
{
    INVARIANT(bytes > 0 && bytes <= SPOOL_RECORD_MAX_BYTES);
    unsigned char header[SPOOL_HEADER_BYTES];
    put_u32(header, (uint32_t)bytes);
    put_u32(header + 4, crc32c(payload, bytes));
    text_append_bytes(&spool->pending, header, sizeof header);
    text_append_bytes(&spool->pending, payload, bytes);
}

uint64_t spool_pending_bytes(const struct spool *spool)
{
    return spool->pending.length;
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->readable;
}

static int write_all(int fd, const void *data, size_t bytes, uint64_t offset)
{
    size_t written = 0;
    while (written < bytes) {
        ssize_t put = pwrite(fd, (const char *)data + written, bytes - written, (off_t)(offset + written));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        written += (size_t)put;
    }
    return 0;
}

// A disk without room for zeros may still have room for records.
static void prepare(struct spool *spool, uint64_t end)
{
    static const char zeros[AHEAD_BYTES];
    if (end <= spool->prepared)
        return;
    spool->prepared = end;
    if (write_all(spool->fd, zeros, sizeof zeros, end) == 0)
        spool->prepared += sizeof zeros;
}

static int write_pending(struct spool *spool)
{
    const size_t length = spool->pending.length;
    int problem = write_all(spool->fd, spool->pending.data + spool->written, length - spool->written, spool->synced + spool->written);
    if (problem < 0)
        return problem;
    prepare(spool, spool->synced + length);
    spool->written = length;
    return 0;
}

static int keep(struct spool *spool, int problem, struct panther_error *error)
{
    spool->written = 0; // nobody knows what of it is on the disk
    return error_system(error, -problem, "cannot write the spool");
}

int spool_write(struct spool *spool, struct panther_error *error)
{
    int problem = write_pending(spool);
    if (problem < 0)
        return keep(spool, problem, error);
    spool->readable = spool->synced + spool->pending.length;
    return 0;
}

int spool_sync(struct spool *spool, struct panther_error *error)
{
    if (spool->pending.length == 0)
        return 0;
    int problem = write_pending(spool);
    if (problem == 0 && fdatasync(spool->fd) < 0)
        problem = -errno;
    if (problem < 0)
        return keep(spool, problem, error);
    spool->synced += spool->pending.length;
    spool->readable = spool->synced;
    spool->written = 0;
    text_clear(&spool->pending);
    return 0;
}
