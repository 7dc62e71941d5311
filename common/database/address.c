// What SQLite is told to open, and how. The difficult one is a copy that must stay as it is: a reader of a write-ahead log makes a file
// of shared memory beside it, and takes what is there for a hint only.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/database/handle.h"

// Both orders of bytes; of a log that holds nothing the header is zero, or it has none.
static const unsigned char LOG_MAGIC[] = {0x37, 0x7f, 0x06};

static bool holds_a_log(const char *path)
{
    CLEANUP_FREE char *log = memory_printf("%s-wal", path);
    unsigned char magic[sizeof LOG_MAGIC] = {0};
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    bool is_log = fd >= 0 && pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic && memcmp(magic, LOG_MAGIC, sizeof magic) == 0;
    if (fd >= 0)
        close(fd);
    return is_log;
}

// In a URI these three mean something.
static void append_escaped(struct text *text, const char *path)
{
    for (const char *byte = path; *byte; byte++) {
        if (strchr("%?#", *byte))
            text_printf(text, "%%%02x", (unsigned char)*byte);
        else
            text_append_bytes(text, byte, 1);
    }
}

static int untouched(const char *path, char **address, struct panther_error *error)
{
    bool has_log = holds_a_log(path);
    CLEANUP_FREE char *shared = memory_printf("%s-shm", path);
    if (has_log && access(shared, R_OK) < 0)
        return error_set(error, PANTHER_EINVALID,
                         "%s-wal has records, but %s is not there: the copy is not whole; copy both, or make a backup", path, shared);
    struct text text = {0};
    text_append(&text, "file:");
    append_escaped(&text, path);
    text_append(&text, has_log ? "?mode=ro&readonly_shm=1" : "?mode=ro&immutable=1");
    *address = text.data;
    return 0;
}

int database_address(const char *path, enum database_mode mode, char **address, int *flags, struct panther_error *error)
{
    *flags = SQLITE_OPEN_NOMUTEX; // a handle belongs to one thread at a time
    switch (mode) {
    case DATABASE_UNTOUCHED:
        *flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
        return untouched(path, address, error);
    case DATABASE_READ_ONLY:
        *flags |= SQLITE_OPEN_READONLY;
        break;
    default:
        *flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    }
    *address = memory_string(mode == DATABASE_SCRATCH ? "" : path);
    return 0;
}
