#include "agent/shell/capture_file.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/folder.h"
#include "common/base/limits.h"
#include "common/system/file.h"

static const char *const places[] = {"work", "artifacts"};
#define PLACES (sizeof places / sizeof *places)

static bool is_capture(const char *name)
{
    static const char ending[] = ".pcapng";
    size_t length = strlen(name);
    return length > sizeof ending - 1 && strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

// The first name that comes after this one, or is it; NULL: there is none.
static char *first_from(const char *folder, const char *from, bool is_too, struct arena *arena)
{
    char *first = NULL;
    for (size_t i = 0; i < PLACES; i++) {
        CLEANUP_FREE char *path = path_join(folder, places[i]);
        DIR *open_folder = opendir(path);
        const struct dirent *entry;
        while (open_folder && (entry = readdir(open_folder))) {
            int order = strcmp(entry->d_name, from);
            bool is_wanted = is_capture(entry->d_name) && (order > 0 || (is_too && order == 0));
            if (is_wanted && (!first || strcmp(entry->d_name, first) < 0))
                first = arena_string(arena, entry->d_name);
        }
        if (open_folder)
            closedir(open_folder);
    }
    return first;
}

static size_t read_from(const char *folder, const char *name, uint64_t offset, void *data)
{
    int fd = -1;
    for (size_t i = 0; i < PLACES && fd < 0; i++)
        fd = folder_open_file(folder, places[i], name);
    ssize_t got = fd >= 0 && offset <= INT64_MAX ? pread(fd, data, CAPTURE_PIECE_MAX_BYTES, (off_t)offset) : 0;
    if (fd >= 0)
        close(fd);
    return got > 0 ? (size_t)got : 0;
}

const Pb__CaptureRead *capture_file_read(const char *folder, const Pb__ReadCapture *asked, struct arena *arena)
{
    Pb__CaptureRead *read = ARENA_NEW(arena, Pb__CaptureRead);
    pb__capture_read__init(read);
    read->number = asked->number;
    read->generation = asked->generation;
    // Before reading: where there is a next one, nobody writes this one any more.
    char *name = first_from(folder, asked->file, true, arena), *next = name ? first_from(folder, name, false, arena) : NULL;
    if (!name)
        return read;
    bool is_same = strcmp(name, asked->file) == 0;
    read->lost = *asked->file && !is_same;
    read->file = name;
    read->offset = is_same ? asked->offset : 0;
    read->data.data = arena_allocate(arena, CAPTURE_PIECE_MAX_BYTES);
    read->data.len = read_from(folder, name, read->offset, read->data.data);
    if (read->data.len == 0 && next) {
        read->file = next;
        read->offset = 0;
        read->data.len = read_from(folder, next, 0, read->data.data);
    }
    return read;
}
