// Files in the work folder of an instance.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "services/sdk/handle.h"

const char *panther_work_folder(const struct panther_service *service)
{
    return service->spec->work_path;
}

const char *panther_plugin_folder(const struct panther_service *service)
{
    return service->plugin_folder != NULL ? service->plugin_folder : "/";
}

static const char *path_of(struct panther_service *service, const char *name)
{
    return name[0] == '/' ? name : panther_format(service, "%s/%s", service->spec->work_path, name);
}

const char *panther_path(struct panther_service *service, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *path = path_of(service, handle_format(handle_arena(service), format, arguments));
    va_end(arguments);
    return path;
}

const char *panther_make_folder(struct panther_service *service, const char *name)
{
    struct panther_error error = {0};
    const char *path = path_of(service, name);
    if (folder_make(path, 0755, &error) < 0) {
        panther_fail(service, "%s", error.message);
        return NULL;
    }
    return path;
}

static bool make_parents(struct panther_service *service, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return true;
    }
    return panther_make_folder(service, panther_format(service, "%.*s", (int)(slash - path), path)) != NULL;
}

static bool write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t written = write(fd, data, bytes);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        data += written;
        bytes -= (size_t)written;
    }
    return true;
}

// Not synced: a work folder does not outlive its instance, and a power loss ends that.
const char *panther_write_bytes(struct panther_service *service, const char *name, const void *data, size_t bytes)
{
    const char *path = path_of(service, name);
    if (!make_parents(service, path)) {
        return NULL;
    }
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        panther_fail(service, "cannot write %s: %s", path, strerror(errno));
        return NULL;
    }
    const bool written = write_all(fd, data, bytes);
    const int problem = errno;
    close(fd);
    if (!written) {
        panther_fail(service, "cannot write %s: %s", path, strerror(problem));
        return NULL;
    }
    return path;
}

const char *panther_write_file(struct panther_service *service, const char *name, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    INVARIANT(length >= 0);
    const char *path = panther_write_bytes(service, name, text, (size_t)length);
    free(text);
    return path;
}

// A pipe that a tool left would hold up who reads it.
static bool is_regular(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

const char *panther_read_file(struct panther_service *service, const char *path, size_t *bytes)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *data = NULL;
    size_t count = 0;
    const char *whole = path_of(service, path);
    if (!is_regular(whole)) {
        panther_log(service, PANTHER_DEBUG, "%s is not there, or no file", whole);
        return NULL;
    }
    if (file_read(whole, PANTHER_OUTPUT_MAX_BYTES, &data, &count, &error) < 0) {
        panther_log(service, PANTHER_DEBUG, "%s", error.message);
        return NULL;
    }
    char *copy = arena_allocate(handle_arena(service), count + 1);
    memcpy(copy, data, count);
    if (bytes != NULL) {
        *bytes = count;
    }
    return copy;
}
