// See room.h.
#include "agent/shell/room.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"

bool room_take(const char *state, uint64_t bytes)
{
    CLEANUP_FREE char *path = path_join(state, "room");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool is_taken = posix_fallocate(fd, 0, (off_t)(bytes < ROOM_MAX_BYTES ? bytes : ROOM_MAX_BYTES)) == 0;
    close(fd);
    if (!is_taken)
        unlink(path);
    return is_taken;
}

bool room_give(const char *state)
{
    CLEANUP_FREE char *path = path_join(state, "room");
    return unlink(path) == 0;
}
