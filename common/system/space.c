#include "common/system/space.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "common/base/units.h"

static void set_floors(struct space *space)
{
    uint64_t part = space->total_bytes / SPACE_RESERVE_PART;
    uint64_t reserve = space->reserve_bytes ? space->reserve_bytes : part < SPACE_RESERVE_BYTES ? part : SPACE_RESERVE_BYTES;
    space->floors_bytes[SPACE_AMPLE] = UINT64_MAX;
    space->floors_bytes[SPACE_NO_CAPTURES] = reserve * SPACE_CAPTURES_TIMES;
    space->floors_bytes[SPACE_NO_LOGS] = reserve * SPACE_LOGS_TIMES;
    space->floors_bytes[SPACE_RESERVE] = reserve;
}

static bool holds(const struct space *space, enum space_level level)
{
    uint64_t floor = space->floors_bytes[level];
    return space->free_bytes < (level <= space->level ? floor + floor / SPACE_RESUME_PART : floor);
}

bool space_take(struct space *space, uint64_t free_bytes, uint64_t total_bytes)
{
    enum space_level level = SPACE_AMPLE;
    space->free_bytes = free_bytes;
    space->total_bytes = total_bytes;
    set_floors(space);
    while (level < SPACE_RESERVE && holds(space, level + 1))
        level++;
    bool has_changed = level != space->level;
    space->level = level;
    return has_changed;
}

bool space_look(struct space *space, const char *path)
{
    struct statvfs status;
    if (statvfs(path, &status) < 0)
        return false;
    return space_take(space, (uint64_t)status.f_bavail * status.f_frsize, (uint64_t)status.f_blocks * status.f_frsize);
}

void space_why(const struct space *space, char *text, size_t bytes)
{
    static const char *const kept_for[SPACE_LEVELS] = {"", "logs and verdicts", "verdicts", "the verdicts of what runs"};
    char floor[32], room[32];
    size_format(space->floors_bytes[space->level], floor, sizeof floor);
    size_format(space->free_bytes, room, sizeof room);
    if (space->level == SPACE_AMPLE)
        snprintf(text, bytes, "%s", "");
    else
        snprintf(text, bytes, "the disk has %s left; below %s it is kept for %s", room, floor, kept_for[space->level]);
}
