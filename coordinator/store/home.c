// Where a store lives. A backup that was put in its place, or a folder that was copied, is another file: the core then knows that somebody
// else may have gone on with the original (coordinator/core/durable_lives.c). A snapshot of a whole virtual machine is not told apart.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "coordinator/store/store.h"

#define MACHINE_FILE "/etc/machine-id"
#define MACHINE_BYTES 40

static void machine_id(char id[MACHINE_BYTES])
{
    FILE *file = fopen(MACHINE_FILE, "re");
    if (!file || !fgets(id, MACHINE_BYTES, file))
        id[0] = '\0';
    if (file)
        fclose(file);
    id[strcspn(id, "\n")] = '\0';
}

void store_home(const char *folder, char home[STORE_HOME_BYTES])
{
    char machine[MACHINE_BYTES] = "";
    struct statx status = {0};
    CLEANUP_FREE char *path = path_join(folder, "journal.db");
    home[0] = '\0';
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) < 0)
        return;
    bool has_birth = status.stx_mask & STATX_BTIME; // not on every file system: its number must do
    machine_id(machine);
    snprintf(home, STORE_HOME_BYTES, "%s:%llu:%lld.%09u", machine, (unsigned long long)status.stx_ino,
             has_birth ? (long long)status.stx_btime.tv_sec : 0, has_birth ? status.stx_btime.tv_nsec : 0);
}
