// A guard's spool as a crash, a full disk or a failing one leaves it. The reader gives whole records or says damage; a writer that opens
// the file cuts off no whole record, and what it adds is read after them. Payloads go through common/wire as the agent reads them. A reader
// that begins where another stopped goes on as that one would have. Input: a byte that says after how many records it stops, then the file.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/system/spool.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"

#define ADDED "one more record"

static char path[64];
static struct arena *arena;

static void remove_file(void)
{
    unlink(path);
}

static void begin(void)
{
    snprintf(path, sizeof path, "/dev/shm/panther-fuzz-spool-XXXXXX");
    int fd = mkstemp(path);
    INVARIANT(fd >= 0);
    close(fd);
    atexit(remove_file);
    arena = arena_new(UNPACK_MAX_BYTES);
}

static void fill(const uint8_t *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    INVARIANT(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    close(fd);
}

static void take_payload(const void *payload, size_t bytes)
{
    struct panther_error error = {0};
    arena_reset(arena);
    const Pb__Event *event = wire_event(payload, bytes, arena, &error);
    INVARIANT((event != NULL) == (error.code == 0));
}

struct reading {
    size_t records;
    uint64_t offset;
    int result; // of the last call
    bool last_is_added;
};

static struct reading read_from(uint64_t offset, uint64_t limit, size_t records_max)
{
    struct reading reading = {0};
    struct panther_error error = {0};
    const void *payload;
    size_t bytes;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct spool_reader *reader = spool_reader_new(fd, offset);
    while (reading.records < records_max && (reading.result = spool_next(reader, limit, &payload, &bytes, &error)) == 1) {
        INVARIANT(bytes > 0 && bytes <= SPOOL_RECORD_MAX_BYTES && spool_reader_offset(reader) <= limit);
        reading.last_is_added = bytes == strlen(ADDED) && memcmp(payload, ADDED, bytes) == 0;
        reading.records++;
        take_payload(payload, bytes);
    }
    INVARIANT((reading.result < 0) == (error.code != 0));
    reading.offset = spool_reader_offset(reader);
    spool_reader_free(&reader);
    close(fd);
    return reading;
}

static void write_on(const struct reading *before)
{
    struct spool *spool = NULL;
    struct panther_error error = {0};
    if (spool_open(&spool, path, &error) < 0)
        return;
    INVARIANT(spool_bytes(spool) >= before->offset);
    spool_add(spool, ADDED, strlen(ADDED));
    INVARIANT(spool_sync(spool, &error) == 0);
    uint64_t synced = spool_bytes(spool);
    spool_close(&spool);
    struct reading after = read_from(0, synced, SIZE_MAX);
    INVARIANT(after.result == 0 && after.records == before->records + 1 && after.last_is_added && after.offset == synced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!arena)
        begin();
    if (size < 1)
        return 0;
    fill(data + 1, size - 1);
    struct reading whole = read_from(0, size - 1, SIZE_MAX), dead = read_from(0, UINT64_MAX, SIZE_MAX);
    INVARIANT(dead.records == whole.records && dead.offset == whole.offset && dead.result == 0);
    struct reading begun = read_from(0, size - 1, data[0]), rest = read_from(begun.offset, size - 1, SIZE_MAX);
    INVARIANT(begun.records + rest.records == whole.records && rest.offset == whole.offset);
    write_on(&dead);
    return 0;
}
