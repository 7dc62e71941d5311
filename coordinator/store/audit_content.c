// Streams, artifacts and files: what the journal says was stored is there, as long as it was and with its hash.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/store/audit_inside.h"
#include "coordinator/store/schema.h"

#define PART_BYTES (256 * 1024)

static const char STREAMS[] =
    "SELECT s.run, ifnull(t.name, 'instance ' || s.instance) || '/' || s.service || '/' || s.name, s.state, s.hash, s.size_bytes,"
    " s.end_hash, s.end_bytes, s.dropped_bytes > 0 OR s.gaps <> '' FROM streams AS s LEFT JOIN trials AS t ON t.trial = s.trial ORDER BY "
    "s.id";
static const char ARTIFACTS[] =
    "SELECT s.run, ifnull(t.name, 'instance ' || s.instance) || '/' || s.service || '/' || s.name, s.state, s.hash, s.size_bytes,"
    " '', 0, 0 FROM artifacts AS s LEFT JOIN trials AS t ON t.trial = s.trial ORDER BY s.id";

// ---- blobs

static int hash_file(int fd, uint64_t *bytes, char hash[HASH_TEXT_BYTES])
{
    CLEANUP_FREE char *part = memory_new(PART_BYTES);
    struct hasher *hasher = hasher_new();
    ssize_t got;
    while ((got = read(fd, part, PART_BYTES)) > 0) {
        hasher_add(hasher, part, (size_t)got);
        *bytes += (uint64_t)got;
    }
    int problem = got < 0 ? errno : 0;
    hasher_end(&hasher, hash);
    return problem;
}

static const char *read_blob(const struct audit *audit, const char *hash, uint64_t *bytes)
{
    if (!blob_hash_is_valid(hash))
        return "its hash is none";
    CLEANUP_FREE char *path = blob_path(audit->folder, hash);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return arena_printf(audit->arena, "blob %s cannot be read: %s", hash, errno == ENOENT ? "it is not there" : strerror(errno));
    char found[HASH_TEXT_BYTES] = "";
    int problem = hash_file(fd, bytes, found);
    close(fd);
    if (problem)
        return arena_printf(audit->arena, "blob %s cannot be read: %s", hash, strerror(problem));
    if (strcmp(found, hash) != 0)
        return arena_printf(audit->arena, "blob %s was changed: its %" PRIu64 " bytes have the hash %s", hash, *bytes, found);
    return NULL;
}

static const struct blob_seen *see_blob(struct audit *audit, const char *hash)
{
    struct blob_seen *seen = map_get_text(audit->blobs, hash);
    if (!seen) {
        seen = NEW(struct blob_seen);
        seen->wrong = read_blob(audit, hash, &seen->bytes);
        map_put_text(audit->blobs, hash, seen);
    }
    return seen;
}

static void check_blob(struct audit *audit, struct audited_run *run, const char *name, const char *hash, uint64_t bytes)
{
    const struct blob_seen *seen = see_blob(audit, hash);
    if (seen->wrong) {
        audit_find(audit, run, name, "%s", seen->wrong);
    } else if (seen->bytes != bytes) {
        audit_find(audit, run, name, "%" PRIu64 " bytes were stored, blob %s has %" PRIu64, bytes, hash, seen->bytes);
    } else {
        run->result->contents++;
        run->result->contents_bytes += bytes;
    }
}

void audit_file(struct audit *audit, struct audited_run *run, const Pb__FileReference *file)
{
    const struct blob_seen *seen = see_blob(audit, file->hash);
    if (seen->wrong)
        audit_find(audit, run, arena_printf(audit->arena, "file %s", file->name), "%s", seen->wrong);
}

// ---- what instances left

static void check_row(struct audit *audit, struct statement *row)
{
    struct audited_run *run = map_get_number(audit->runs, (uint64_t)statement_integer(row, 0));
    const char *name = statement_text(row, 1), *state = statement_text(row, 2);
    const char *hash = statement_text(row, 3), *said = statement_text(row, 5);
    uint64_t bytes = (uint64_t)statement_integer(row, 4), said_bytes = (uint64_t)statement_integer(row, 6);
    bool is_cut = statement_integer(row, 7) != 0;
    if (!run)
        return;
    if (strcmp(state, "stored") == 0) {
        check_blob(audit, run, name, hash, bytes);
        if (*said && !is_cut && (strcmp(said, hash) != 0 || said_bytes != bytes))
            audit_find(audit, run, name, "its guard said %" PRIu64 " bytes with hash %s, stored were %" PRIu64 " with hash %s", said_bytes,
                       said, bytes, hash);
    } else if (strncmp(state, REMOVED_STATE, strlen(REMOVED_STATE)) == 0) {
        run->removed++;
    } else if (!is_cut && (strcmp(state, "ended") == 0 || strcmp(state, "announced") == 0)) {
        run->pending++;
    }
}

static int check_rows(struct audit *audit, const char *sql, struct panther_error *error)
{
    struct statement *row = database_statement(audit->rebuilt, sql);
    int result;
    while ((result = statement_step(row, error)) == 1)
        check_row(audit, row);
    statement_reset(row);
    return result;
}

int audit_contents(struct audit *audit, struct panther_error *error)
{
    int result = check_rows(audit, STREAMS, error);
    return result < 0 ? result : check_rows(audit, ARTIFACTS, error);
}
