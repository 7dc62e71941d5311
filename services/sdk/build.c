// panther_build: finds what is in the cache, or runs the commands and puts it there. Plugins call it in initialize; service.yaml's
// compile phases do through declared/build.c.
#include "panther/build.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/sdk/build_entry.h"

// Of what a failed command printed: its end is what says why.
#define LAST_BYTES 600

// ---- the folder's name in texts

static const char *put_folder(struct panther_service *service, const char *text, const char *folder)
{
    const char *mark;
    while ((mark = strstr(text, PANTHER_BUILD_FOLDER)) != NULL) {
        text = panther_format(service, "%.*s%s%s", (int)(mark - text), text, folder, mark + strlen(PANTHER_BUILD_FOLDER));
    }
    return text;
}

static const char *const *put_folders(struct panther_service *service, const char *const *texts, const char *folder)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL) {
        count++;
    }
    const char **put = ARENA_ARRAY(handle_arena(service), const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        put[i] = put_folder(service, texts[i], folder);
    }
    return put;
}

// ---- commands

static const char *last_lines(struct panther_service *service, int process)
{
    size_t bytes = 0;
    const char *text = panther_output(service, process, PANTHER_STDERR, &bytes);
    if (bytes == 0) {
        text = panther_output(service, process, PANTHER_STDOUT, &bytes);
    }
    while (bytes > 0 && text[bytes - 1] == '\n') {
        bytes--;
    }
    const size_t from = bytes > LAST_BYTES ? bytes - LAST_BYTES : 0;
    return panther_format(service, "%.*s", (int)(bytes - from), text + from);
}

static bool is_clean(const struct panther_build_command *command, const struct panther_exit *end)
{
    if (end->signal != 0 || end->status == 0) {
        return end->signal == 0;
    }
    for (const int *clean = command->clean_statuses; clean != NULL && *clean != 0; clean++) {
        if (*clean == end->status) {
            return true;
        }
    }
    return false;
}

static int run(struct panther_service *service, const struct panther_build_command *command, const char *folder)
{
    const char *name = command->name != NULL ? command->name : "build";
    const char *working = command->working_directory != NULL ? command->working_directory : PANTHER_BUILD_FOLDER;
    struct panther_exit end = {0};
    const int process = panther_spawn(service, .name = name, .argv = put_folders(service, command->argv, folder),
                                      .environment = put_folders(service, command->environment, folder),
                                      .working_directory = put_folder(service, working, folder), .finishes = true, .want_output = true,
                                      .clean_on_term = true, .clean_statuses = command->clean_statuses);
    if (process < 0) {
        return process;
    }
    const int waited = panther_wait(service, process, command->timeout_ms, &end);
    if (waited != PANTHER_OK) {
        panther_end(service, process, 0);
        return panther_fail(service, "building: %s %s", command->argv[0],
                            waited == PANTHER_CANCELLED ? "was cancelled" : "had not ended in time");
    }
    if (is_clean(command, &end)) {
        return 0;
    }
    return end.signal != 0
               ? panther_fail(service, "building: %s was ended by signal %d: %s", command->argv[0], end.signal,
                              last_lines(service, process))
               : panther_fail(service, "building: %s ended with status %d: %s", command->argv[0], end.status, last_lines(service, process));
}

static int make(struct panther_service *service, const struct panther_build_request *request, const struct build_entry *entry)
{
    const uint64_t began_ns = panther_now_ns(service);
    int result = build_entry_begin(service, entry);
    for (size_t i = 0; i < request->command_count && result == 0; i++) {
        result = run(service, &request->commands[i], entry->folder);
    }
    if (result == 0) {
        result = build_entry_finish(service, entry);
    }
    if (result == 0) {
        panther_log(service, PANTHER_INFO, "built %s in %.1f s", entry->folder, (double)(panther_now_ns(service) - began_ns) / 1e9);
    } else {
        build_entry_remove(entry);
    }
    return result;
}

// ---- the cache

// Shared, so that others use it at the same time, and nobody removes it: until build_locks_release.
static int keep(struct panther_service *service, struct build_entry *entry)
{
    if (service->build_count == BUILDS_PER_INSTANCE) {
        return panther_fail(service, "one instance builds at most %d things", BUILDS_PER_INSTANCE);
    }
    build_entry_touch(entry);
    service->build_locks[service->build_count++] = entry->lock;
    return 0;
}

// Between unlocking what was built and locking it shared another instance may remove it: then it is built again.
static int find_or_make(struct panther_service *service, const struct panther_build_request *request, struct build_entry *entry)
{
    for (;;) {
        int result = build_entry_lock(service, entry, false);
        if (result < 0 || build_entry_is_complete(entry)) {
            return result;
        }
        build_entry_unlock(entry);
        result = build_entry_lock(service, entry, true);
        if (result == 0 && !build_entry_is_complete(entry)) {
            result = make(service, request, entry);
        }
        build_entry_unlock(entry);
        if (result < 0) {
            return result;
        }
    }
}

// The members of an older plugin's struct that it did not know are zero.
static struct panther_build_request request_of(const struct panther_build_request *given)
{
    struct panther_build_request request = {0};
    memcpy(&request, given, given->struct_bytes < sizeof(request) ? given->struct_bytes : sizeof(request));
    return request;
}

const char *panther_build_make(struct panther_service *service, const struct panther_build_request *given)
{
    const struct panther_build_request request = request_of(given);
    const uint64_t limit_bytes = request.size_limit_bytes != 0 ? request.size_limit_bytes : PANTHER_BUILD_LIMIT_BYTES;
    struct build_entry entry;
    char key[BUILD_KEY_BYTES];
    if (build_key(service, &request, key) < 0 || build_entry_open(service, key, &entry) < 0 ||
        find_or_make(service, &request, &entry) < 0) {
        return NULL;
    }
    if (keep(service, &entry) < 0) {
        build_entry_unlock(&entry);
        return NULL;
    }
    build_entries_sweep(service, entry.cache, limit_bytes);
    return entry.folder;
}

void build_locks_release(struct panther_service *service)
{
    while (service->build_count > 0) {
        close(service->build_locks[--service->build_count]);
    }
}
