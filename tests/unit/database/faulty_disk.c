#include "tests/unit/database/faulty_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"

struct faulty_file {
    sqlite3_file base;
    bool is_log;
    char path[512];
    uint64_t real[]; // as SQLite aligns it
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool is_full, sync_fails, has_power = true;
static unsigned syncs, log_syncs;
static sqlite3_vfs *real_vfs, faulty_vfs;

static sqlite3_file *real(sqlite3_file *file)
{
    return (sqlite3_file *)((struct faulty_file *)file)->real;
}

#define READ_FLAG(flag)                                                                                                                    \
    ({                                                                                                                                     \
        pthread_mutex_lock(&mutex);                                                                                                        \
        bool value_ = (flag);                                                                                                              \
        pthread_mutex_unlock(&mutex);                                                                                                      \
        value_;                                                                                                                            \
    })

static int file_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    if (READ_FLAG(is_full))
        return SQLITE_FULL;
    return real(file)->pMethods->xWrite(real(file), data, bytes, offset);
}

// From here on a log is only room for what will be written.
static bool is_zero(const char *data, size_t bytes)
{
    return data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0;
}

// Called with the mutex, so that power goes off before or after a sync, not within.
static void keep_synced(const struct faulty_file *file)
{
    char kept[600], buffer[65536];
    snprintf(kept, sizeof kept, "%s.synced", file->path);
    FILE *from = fopen(file->path, "rb"), *to = fopen(kept, "wb");
    INVARIANT(from && to);
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, from)) > 0 && !(file->is_log && is_zero(buffer, got)))
        INVARIANT(fwrite(buffer, 1, got, to) == got);
    fclose(from);
    fclose(to);
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct faulty_file *file = (struct faulty_file *)base;
    int code = READ_FLAG(sync_fails) ? SQLITE_IOERR_FSYNC : real(base)->pMethods->xSync(real(base), flags);
    pthread_mutex_lock(&mutex);
    syncs++;
    log_syncs += file->is_log;
    if (code == SQLITE_OK && has_power && file->path[0])
        keep_synced(file);
    pthread_mutex_unlock(&mutex);
    return code;
}

// ---- what passes through

static int file_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}
static int file_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset)
{
    return real(file)->pMethods->xRead(real(file), data, bytes, offset);
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real(file)->pMethods->xTruncate(real(file), size);
}
static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}
static int file_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}
static int file_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}
static int file_check_lock(sqlite3_file *file, int *reserved)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), reserved);
}
static int file_control(sqlite3_file *file, int operation, void *argument)
{
    return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
static int file_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}
static int file_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
static int file_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **memory)
{
    return real(file)->pMethods->xShmMap(real(file), page, bytes, extend, memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}
static int file_shm_unmap(sqlite3_file *file, int delete_it)
{
    return real(file)->pMethods->xShmUnmap(real(file), delete_it);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    (void)vfs;
    struct faulty_file *file = (struct faulty_file *)base;
    file->base.pMethods = NULL;
    file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    snprintf(file->path, sizeof file->path, "%s", name ? name : "");
    int code = real_vfs->xOpen(real_vfs, name, real(base), flags, out_flags);
    if (code == SQLITE_OK)
        file->base.pMethods = &methods;
    return code;
}

void faulty_disk_install(void)
{
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    faulty_vfs = *real_vfs;
    faulty_vfs.zName = "faulty";
    faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    faulty_vfs.xOpen = vfs_open;
    int code = sqlite3_vfs_register(&faulty_vfs, 1);
    INVARIANT(code == SQLITE_OK);
}

static void set(bool *flag, bool value)
{
    pthread_mutex_lock(&mutex);
    *flag = value;
    pthread_mutex_unlock(&mutex);
}

void faulty_disk_set_full(bool full)
{
    set(&is_full, full);
}

void faulty_disk_set_sync_fails(bool fails)
{
    set(&sync_fails, fails);
}

void faulty_disk_set_power(bool on)
{
    set(&has_power, on);
}

unsigned faulty_disk_syncs(void)
{
    pthread_mutex_lock(&mutex);
    unsigned count = syncs;
    pthread_mutex_unlock(&mutex);
    return count;
}

unsigned faulty_disk_log_syncs(void)
{
    pthread_mutex_lock(&mutex);
    unsigned count = log_syncs;
    pthread_mutex_unlock(&mutex);
    return count;
}

void faulty_disk_recover(const char *path, const char *copy)
{
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < 2; i++) {
        char from[600], to[600];
        snprintf(from, sizeof from, "%s%s.synced", path, suffixes[i]);
        snprintf(to, sizeof to, "%s%s", copy, suffixes[i]);
        rename(from, to); // a file that was never synced is not there
    }
}
