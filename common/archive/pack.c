// Packs a folder. Entries come in the order of their names, with no times and no owners.
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive/archive.h"
#include "common/base/memory.h"
#include "common/system/file.h"

struct packing {
    struct archive *archive;
    struct archive_entry *entry;
    archive_sink_fn *sink;
    void *context;
    size_t bytes, max_bytes;
    size_t entries;
    struct panther_error *error;
};

// Everything in memory, for archive_pack.
struct packed {
    char *data; // grows
    size_t bytes, capacity;
};

static bool keep(void *context, const void *data, size_t bytes)
{
    struct packed *packed = context;
    while (packed->capacity - packed->bytes < bytes) {
        packed->capacity = packed->capacity ? 2 * packed->capacity : 65536;
        packed->data = memory_grow(packed->data, packed->capacity, 1);
    }
    memcpy(packed->data + packed->bytes, data, bytes);
    packed->bytes += bytes;
    return true;
}

static ssize_t pass_on(struct archive *archive, void *context, const void *buffer, size_t bytes)
{
    struct packing *packing = context;
    if (bytes > packing->max_bytes - packing->bytes) {
        archive_set_error(archive, EFBIG, "more than %zu bytes", packing->max_bytes);
        return -1;
    }
    if (!packing->sink(packing->context, buffer, bytes)) {
        archive_set_error(archive, EIO, "what is packed cannot be kept");
        return -1;
    }
    packing->bytes += bytes;
    return (ssize_t)bytes;
}

static int refuse(struct packing *packing, const char *path)
{
    return error_set(packing->error, PANTHER_EINVALID, "%s: %s", path, archive_error_string(packing->archive));
}

static int write_header(struct packing *packing, const char *path, const char *name, const struct stat *status)
{
    bool is_folder = S_ISDIR(status->st_mode);
    if (++packing->entries > ARCHIVE_ENTRIES_MAX) {
        return error_set(packing->error, PANTHER_EINVALID, "%s: more than %d files in one folder", path, ARCHIVE_ENTRIES_MAX);
    }
    archive_entry_clear(packing->entry);
    archive_entry_set_pathname(packing->entry, name);
    archive_entry_set_filetype(packing->entry, is_folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(packing->entry, is_folder || (status->st_mode & S_IXUSR) ? 0755 : 0644);
    archive_entry_set_size(packing->entry, is_folder ? 0 : status->st_size);
    archive_entry_set_mtime(packing->entry, 0, 0);
    return archive_write_header(packing->archive, packing->entry) == ARCHIVE_OK ? 0 : refuse(packing, path);
}

static int pack_file(struct packing *packing, const char *path, const char *name, const struct stat *status)
{
    CLEANUP_FREE char *data = NULL;
    size_t bytes = 0;
    int problem = file_read(path, packing->max_bytes, &data, &bytes, packing->error);
    if (problem) {
        return problem;
    }
    if ((off_t)bytes != status->st_size) {
        return error_set(packing->error, PANTHER_EINVALID, "%s: it changes while it is read", path);
    }
    problem = write_header(packing, path, name, status);
    if (problem == 0 && bytes > 0 && archive_write_data(packing->archive, data, bytes) != (la_ssize_t)bytes) {
        problem = refuse(packing, path);
    }
    return problem;
}

static int is_not_itself(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name); // alphasort would ask the locale
}

static int pack_folder(struct packing *packing, const char *path, const char *name, int depth);

static int pack_entry(struct packing *packing, const char *path, const char *name, int depth)
{
    struct stat status;
    if (lstat(path, &status) < 0) {
        return error_set(packing->error, PANTHER_EINVALID, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        int problem = write_header(packing, path, name, &status);
        return problem ? problem : pack_folder(packing, path, name, depth + 1);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(packing->error, PANTHER_EINVALID, "%s is neither a file nor a folder: links and devices do not travel", path);
    }
    return pack_file(packing, path, name, &status);
}

static int pack_folder(struct packing *packing, const char *path, const char *name, int depth)
{
    struct dirent **entries = NULL;
    if (depth > ARCHIVE_DEPTH_MAX) {
        return error_set(packing->error, PANTHER_EINVALID, "%s: deeper than %d folders", path, ARCHIVE_DEPTH_MAX);
    }
    int count = scandir(path, &entries, is_not_itself, by_bytes), problem = 0;
    if (count < 0) {
        return error_set(packing->error, PANTHER_EINVALID, "%s: %s", path, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *below = path_join(path, entries[i]->d_name);
        CLEANUP_FREE char *below_name = *name ? path_join(name, entries[i]->d_name) : memory_string(entries[i]->d_name);
        problem = problem ? problem : pack_entry(packing, below, below_name, depth);
        free(entries[i]);
    }
    free(entries);
    return problem;
}

static int pack(const char *folder, bool compresses, size_t max_bytes, archive_sink_fn *sink, void *context, struct panther_error *error)
{
    struct packing packing = {.sink = sink, .context = context, .max_bytes = max_bytes, .error = error};
    packing.archive = archive_write_new();
    packing.entry = archive_entry_new();
    INVARIANT(packing.archive && packing.entry);
    archive_write_set_format_pax_restricted(packing.archive);
    archive_write_set_format_option(packing.archive, "pax", "hdrcharset", "BINARY"); // names are bytes, whatever the locale
    archive_write_set_bytes_in_last_block(packing.archive, 1);
    if (compresses) {
        archive_write_add_filter_zstd(packing.archive);
    }
    int problem = archive_write_open2(packing.archive, &packing, NULL, pass_on, NULL, NULL) == ARCHIVE_OK ? 0 : refuse(&packing, folder);
    problem = problem ? problem : pack_folder(&packing, folder, "", 0);
    if (problem == 0 && archive_write_close(packing.archive) != ARCHIVE_OK) {
        problem = refuse(&packing, folder);
    }
    archive_entry_free(packing.entry);
    archive_write_free(packing.archive);
    return problem;
}

int archive_write(const char *folder, size_t max_bytes, archive_sink_fn *sink, void *context, struct panther_error *error)
{
    return pack(folder, false, max_bytes, sink, context, error);
}

int archive_write_zstd(const char *folder, size_t max_bytes, archive_sink_fn *sink, void *context, struct panther_error *error)
{
    return pack(folder, true, max_bytes, sink, context, error);
}

int archive_pack(const char *folder, size_t max_bytes, char **data, size_t *bytes, struct panther_error *error)
{
    struct packed packed = {0};
    int problem = archive_write(folder, max_bytes, keep, &packed, error);
    if (problem) {
        free(packed.data);
        return problem;
    }
    *data = packed.data;
    *bytes = packed.bytes;
    return 0;
}
