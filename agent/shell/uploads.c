#include "agent/shell/uploads.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "agent/shell/upload_item.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/loop.h"

// Of one instance: streams of its processes and what its plugin declares; a plugin gone wrong is not followed further.
#define ITEMS_MAX 4096
#define NS_PER_MS UINT64_C(1000000)
#define LIST_AGAIN_MS 500

struct uploads {
    struct loop *loop;
    struct bulk *bulk;
    uploaded_fn *callback;
    void *context;
    struct loop_source *timer;
    struct map *all; // (instance, generation) -> struct upload
};

struct upload {
    struct uploads *uploads;
    uint64_t instance;
    uint32_t generation;
    char *folder;
    struct upload_item **items;
    size_t count, capacity;
    bool gone, unwanted, told;
    bool is_unlisted; // its streams could not be listed: no descriptors
};

struct key {
    uint64_t part[2];
};

static struct upload *find(const struct uploads *uploads, uint64_t instance, uint32_t generation)
{
    struct key key = {{instance, generation}};
    return map_get(uploads->all, &key, sizeof key);
}

static void tell_when_done(struct upload *upload)
{
    if (!upload->gone || upload->told || upload->is_unlisted)
        return;
    for (size_t i = 0; i < upload->count && !upload->unwanted; i++)
        if (!upload_item_is_complete(upload->items[i]))
            return;
    upload->told = true;
    upload->uploads->callback(upload->uploads->context, upload->instance, upload->generation);
}

static void on_complete(void *context)
{
    tell_when_done(context);
}

static void on_unwanted(void *context)
{
    struct upload *upload = context;
    if (!upload->unwanted)
        log_debug("the coordinator wants no files of instance %llu.%u", (unsigned long long)upload->instance, upload->generation);
    upload->unwanted = true;
    tell_when_done(upload);
}

static struct upload_item *item_of(struct upload *upload, bool is_stream, const char *name)
{
    for (size_t i = 0; i < upload->count; i++)
        if (upload_item_is_stream(upload->items[i]) == is_stream && strcmp(upload_item_name(upload->items[i]), name) == 0)
            return upload->items[i];
    if (upload->count >= ITEMS_MAX)
        return NULL;
    const struct upload_item_owner owner = {upload->uploads->bulk, upload->folder, upload->instance, upload->generation, on_complete,
                                            on_unwanted,           upload};
    return APPEND(upload->items, upload->count, upload->capacity) = upload_item_new(&owner, is_stream, name);
}

void uploads_add(struct uploads *uploads, uint64_t instance, uint32_t generation, const char *folder)
{
    struct upload *upload = NEW(struct upload);
    upload->uploads = uploads;
    upload->instance = instance;
    upload->generation = generation;
    upload->folder = memory_string(folder);
    struct key key = {{instance, generation}};
    INVARIANT(!map_put(uploads->all, &key, sizeof key, upload));
}

void uploads_grown(struct uploads *uploads, uint64_t instance, uint32_t generation, const Pb__StreamsGrown *streams)
{
    struct upload *upload = find(uploads, instance, generation);
    if (!upload || upload->unwanted)
        return;
    for (size_t i = 0; i < streams->n_streams; i++) {
        struct upload_item *item = item_of(upload, true, streams->streams[i]->stream);
        if (item)
            upload_item_grown(item, streams->streams[i]->bytes);
    }
}

void uploads_event(struct uploads *uploads, uint64_t instance, uint32_t generation, const Pb__Event *event)
{
    bool is_stream = event->body_case == PB__EVENT__BODY_STREAM_END;
    if (!is_stream && event->body_case != PB__EVENT__BODY_ARTIFACT_READY)
        return;
    struct upload *upload = find(uploads, instance, generation);
    if (!upload || upload->unwanted)
        return;
    struct upload_item *item = item_of(upload, is_stream, is_stream ? event->stream_end->stream : event->artifact_ready->path);
    if (!item)
        return;
    if (is_stream)
        upload_item_ended(item, event->stream_end->length_bytes - event->stream_end->dropped_bytes,
                          event->stream_end->dropped_bytes ? NULL : event->stream_end->hash);
    else
        upload_item_ended(item, event->artifact_ready->size_bytes, event->artifact_ready->hash);
}

// A guard that was killed wrote no StreamEnd: what is in the files is all there will be.
static void end_streams(struct upload *upload)
{
    CLEANUP_FREE char *path = path_join(upload->folder, "streams");
    DIR *folder = opendir(path);
    upload->is_unlisted = !folder && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
    if (upload->is_unlisted)
        loop_timer_set(upload->uploads->timer, clock_boottime_ns() + LIST_AGAIN_MS * NS_PER_MS);
    if (!folder)
        return;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        struct upload_item *item = item_of(upload, true, entry->d_name);
        if (item)
            upload_item_ended(item, 0, NULL);
    }
    closedir(folder);
}

static struct upload *first_unlisted(const struct uploads *uploads)
{
    for (struct map_entry *e = map_first(uploads->all); e; e = map_next(uploads->all, e)) {
        struct upload *upload = e->value;
        if (upload->is_unlisted)
            return upload;
    }
    return NULL;
}

// One after the other from the start: telling may forget any of them.
static void on_timer(void *context)
{
    const struct uploads *uploads = context;
    struct upload *upload;
    while ((upload = first_unlisted(uploads))) {
        end_streams(upload);
        if (upload->is_unlisted)
            return; // it has set the timer
        tell_when_done(upload);
    }
}

void uploads_gone(struct uploads *uploads, uint64_t instance, uint32_t generation)
{
    struct upload *upload = find(uploads, instance, generation);
    if (!upload)
        return;
    if (!upload->unwanted)
        end_streams(upload);
    upload->gone = true;
    tell_when_done(upload);
}

static void upload_free(struct upload *upload)
{
    for (size_t i = 0; i < upload->count; i++)
        upload_item_free(&upload->items[i]);
    free(upload->items);
    free(upload->folder);
    free(upload);
}

void uploads_forget(struct uploads *uploads, uint64_t instance, uint32_t generation)
{
    struct key key = {{instance, generation}};
    struct upload *upload = map_remove(uploads->all, &key, sizeof key);
    if (upload)
        upload_free(upload);
}

struct uploads *uploads_new(struct loop *loop, struct bulk *bulk, uploaded_fn *callback, void *context)
{
    struct uploads *uploads = NEW(struct uploads);
    *uploads = (struct uploads){loop, bulk, callback, context, NULL, map_new()};
    uploads->timer = loop_timer(loop, on_timer, uploads);
    return uploads;
}

void uploads_free(struct uploads **uploads)
{
    if (!*uploads)
        return;
    for (struct map_entry *e = map_first((*uploads)->all); e; e = map_next((*uploads)->all, e))
        upload_free(e->value);
    map_free(&(*uploads)->all);
    loop_remove(&(*uploads)->timer);
    free(*uploads);
    *uploads = NULL;
}
