// See catalogue.h.
#include "agent/shell/catalogue.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/catalogue_entry.h"
#include "agent/shell/plugin_file.h"
#include "agent/shell/plugin_search.h"
#include "agent/shell/question.h"
#include "common/base/limits.h"
#include "common/system/descriptors.h"
#include "common/system/log.h"

// Loading a plugin and printing a table; probing runs `nginx -v` and the like.
#define DESCRIBE_MS 10000
#define PROBE_MS 20000
// How often the folders are looked at; what changed is read when it has stayed as it is from one look to the next, so not in the middle of
// being copied.
#define LOOK_MS 1000
// And not more than this part of the time, however much lies there.
#define LOOK_COST 100
// Two pipes and the process: who has fewer learns nothing about a plugin by asking.
#define DESCRIPTORS_TO_ASK 8
#define NS_PER_MS UINT64_C(1000000)

struct catalogue {
    struct loop *loop;
    struct reactor *reactor;
    struct children *children;
    const char *host_program;
    const char *const *folders;
    size_t folder_count;
    void (*told)(void *context);
    void *context;
    struct catalogue_entry *entries;
    size_t count, capacity;
    size_t next; // the entry that is asked about
    bool running, probing, again, anew;
    char scanned[HASH_TEXT_BYTES], looked[HASH_TEXT_BYTES]; // stamps of all: at the last scan, at the last look
    struct question *question;
    struct loop_source *timer; // the next question, from outside of the last one's answer
    struct loop_source *look;
};

// ---- finding

struct scan {
    struct catalogue_entry *before, *now;
    size_t before_count, count, capacity;
    bool anew;
};

static void keep(struct scan *scan, struct catalogue_entry *known)
{
    struct catalogue_entry *entry = &APPEND(scan->now, scan->count, scan->capacity);
    *entry = *known;
    entry->shadow = NULL;
    entry->probed = entry->probed && !scan->anew;
    if (scan->anew && entry->description) // a program may be installed by now
        catalogue_entry_usable(entry);
    *known = (struct catalogue_entry){0};
}

static void add(void *context, const char *name, const char *path, const char *folder)
{
    struct scan *scan = context;
    char stamp[HASH_TEXT_BYTES];
    if (scan->count == AGENT_PLUGINS_MAX)
        return;
    plugin_file_stamp(path, folder, stamp);
    for (size_t i = 0; i < scan->before_count; i++) {
        struct catalogue_entry *known = &scan->before[i];
        if (known->path && strcmp(known->path, path) == 0 && strcmp(known->stamp, stamp) == 0) {
            // one that does not load may do so now: its libraries are not part of it
            bool stays = known->description || !scan->anew;
            if (stays)
                keep(scan, known);
            else
                catalogue_entry_begin(&APPEND(scan->now, scan->count, scan->capacity), name, path, folder, stamp);
            return;
        }
    }
    catalogue_entry_begin(&APPEND(scan->now, scan->count, scan->capacity), name, path, folder, stamp);
}

static void entries_free(struct catalogue_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        catalogue_entry_end(&entries[i]);
    free(entries);
}

static void scan(struct catalogue *catalogue)
{
    struct scan scan = {.before = catalogue->entries, .before_count = catalogue->count, .anew = catalogue->anew};
    plugin_search_stamp(catalogue->folders, catalogue->folder_count, catalogue->scanned);
    for (size_t i = 0; i < catalogue->folder_count; i++) {
        if (access(catalogue->folders[i], R_OK | X_OK) < 0)
            log_warning("plugin folder %s cannot be read", catalogue->folders[i]);
        plugin_search_folder(catalogue->folders[i], add, &scan);
    }
    entries_free(scan.before, scan.before_count);
    catalogue->entries = scan.now;
    catalogue->count = scan.count;
    catalogue->capacity = scan.capacity;
    catalogue->anew = false;
}

// ---- telling

// The first folder wins: an operator's own plugin stands before the installed one.
static void find_doubles(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        catalogue->entries[i].shadow = NULL;
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct catalogue_entry *entry = &catalogue->entries[i];
        for (size_t j = i + 1; entry->description && !entry->shadow && j < catalogue->count; j++) {
            struct catalogue_entry *other = &catalogue->entries[j];
            if (!other->shadow && strcmp(entry->presence->name, other->presence->name) == 0)
                other->shadow = entry->path;
        }
    }
}

static bool all_are_probed(const struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (catalogue_entry_is_open(&catalogue->entries[i]))
            return false;
    return true;
}

static void tell(struct catalogue *catalogue)
{
    struct arena *arena = arena_new(0);
    struct agent_plugin *plugins = ARENA_ARRAY(arena, struct agent_plugin, catalogue->count + 1);
    for (size_t i = 0; i < catalogue->count; i++)
        plugins[i] = (struct agent_plugin){catalogue_entry_presence(&catalogue->entries[i], arena), catalogue->entries[i].description};
    struct agent_input input = {.kind = AGENT_INPUT_CATALOGUE};
    input.catalogue.plugins = plugins;
    input.catalogue.count = catalogue->count;
    input.catalogue.probed = all_are_probed(catalogue);
    reactor_feed(catalogue->reactor, &input);
    arena_free(&arena);
}

// ---- describing

// The host that reads a plugin has its part in what it says of it: the driver of service.yaml is in it. What an older one said is not
// taken from the cache.
static void cache_key(const struct catalogue *catalogue, const struct catalogue_entry *entry, char key[HASH_TEXT_BYTES])
{
    char stamp[HASH_TEXT_BYTES];
    plugin_file_stamp(catalogue->host_program, NULL, stamp);
    struct hasher *hasher = hasher_new();
    hasher_add(hasher, stamp, sizeof stamp);
    hasher_add(hasher, entry->file_hash, sizeof entry->file_hash);
    hasher_end(&hasher, key);
}

static void on_described(void *context, const void *data, size_t bytes, const char *why)
{
    struct catalogue *catalogue = context;
    struct catalogue_entry *entry = &catalogue->entries[catalogue->next++];
    if (!data) {
        catalogue_entry_unusable(entry, why);
    } else if (catalogue_entry_describe(entry, data, bytes)) {
        char key[HASH_TEXT_BYTES];
        cache_key(catalogue, entry, key);
        storage_keep_description(reactor_storage(catalogue->reactor), key, data, bytes);
    }
    loop_timer_set(catalogue->timer, clock_boottime_ns());
}

static bool describe_from_cache(struct catalogue *catalogue, struct catalogue_entry *entry)
{
    char key[HASH_TEXT_BYTES];
    cache_key(catalogue, entry, key);
    struct arena *arena = arena_new(0);
    size_t bytes = 0;
    const void *data = storage_description(reactor_storage(catalogue->reactor), key, arena, &bytes);
    bool found = data && catalogue_entry_describe(entry, data, bytes);
    arena_free(&arena);
    return found;
}

// ---- probing

static void on_probed(void *context, const void *data, size_t bytes, const char *why)
{
    struct catalogue *catalogue = context;
    struct catalogue_entry *entry = &catalogue->entries[catalogue->next++];
    if (data)
        catalogue_entry_probed(entry, data, bytes);
    else
        catalogue_entry_unusable(entry, why);
    entry->probed = true;
    loop_timer_set(catalogue->timer, clock_boottime_ns());
}

// ---- one after the other

// Returns false when the entry needs no question.
static bool ask(struct catalogue *catalogue, struct catalogue_entry *entry)
{
    struct panther_error error = {0};
    bool probing = catalogue->probing;
    if (!entry->file_hash[0] || (probing ? !catalogue_entry_is_open(entry) : entry->description || entry->presence->unusable_reason[0]))
        return false;
    if (!probing && describe_from_cache(catalogue, entry))
        return false;
    const char *const argv[] = {catalogue->host_program, probing ? "--probe" : "--describe", entry->path, NULL};
    if (question_ask(&catalogue->question, catalogue->loop, catalogue->children, argv, probing ? PROBE_MS : DESCRIBE_MS,
                     probing ? on_probed : on_described, catalogue, &error) == 0)
        return true;
    catalogue_entry_unusable(entry, error.message);
    return false;
}

static void on_timer(void *context)
{
    struct catalogue *catalogue = context;
    question_free(&catalogue->question);
    if (!descriptors_have(DESCRIPTORS_TO_ASK)) {
        loop_timer_set(catalogue->timer, clock_boottime_ns() + LOOK_MS * NS_PER_MS);
        return;
    }
    while (catalogue->next < catalogue->count) {
        if (ask(catalogue, &catalogue->entries[catalogue->next]))
            return;
        catalogue->next++;
    }
    if (!catalogue->probing)
        find_doubles(catalogue);
    catalogue->running = false;
    tell(catalogue);
    if (catalogue->again) {
        catalogue->again = false;
        catalogue_scan(catalogue);
    } else if (all_are_probed(catalogue)) {
        catalogue->told(catalogue->context);
    }
}

static void begin(struct catalogue *catalogue, bool probing)
{
    catalogue->running = true;
    catalogue->probing = probing;
    catalogue->next = 0;
    loop_timer_set(catalogue->timer, clock_boottime_ns());
}

void catalogue_scan(struct catalogue *catalogue)
{
    if (catalogue->running || !descriptors_have(DESCRIPTORS_TO_LOOK)) { // folders that cannot be opened are not empty
        catalogue->again = true;
        return;
    }
    scan(catalogue);
    begin(catalogue, false);
}

void catalogue_anew(struct catalogue *catalogue)
{
    catalogue->anew = true;
    catalogue_scan(catalogue);
}

// Twice the same, and not what was scanned: it has changed and is at rest.
static void on_look(void *context)
{
    struct catalogue *catalogue = context;
    char stamp[HASH_TEXT_BYTES];
    uint64_t before = clock_boottime_ns();
    if (!descriptors_have(DESCRIPTORS_TO_LOOK)) {
        loop_timer_set(catalogue->look, before + LOOK_MS * NS_PER_MS);
        return;
    }
    if (catalogue->again && !catalogue->running) {
        catalogue->again = false;
        catalogue_scan(catalogue);
    }
    plugin_search_stamp(catalogue->folders, catalogue->folder_count, stamp);
    uint64_t now = clock_boottime_ns();
    bool at_rest = strcmp(stamp, catalogue->looked) == 0;
    snprintf(catalogue->looked, sizeof catalogue->looked, "%s", stamp);
    if (at_rest && !catalogue->running && catalogue->scanned[0] && strcmp(stamp, catalogue->scanned) != 0) {
        log_info("the plugin folders have changed");
        catalogue_scan(catalogue);
    }
    uint64_t cost = (now - before) * LOOK_COST;
    loop_timer_set(catalogue->look, now + (cost > LOOK_MS * NS_PER_MS ? cost : LOOK_MS * NS_PER_MS));
}

const char *catalogue_path(const struct catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct catalogue_entry *entry = &catalogue->entries[i];
        if (!entry->shadow && entry->presence && strcmp(entry->presence->name, name) == 0)
            return entry->path;
    }
    return NULL;
}

void catalogue_probe(struct catalogue *catalogue)
{
    if (!catalogue->running) // else a scan runs, after which the core asks again
        begin(catalogue, true);
}

struct catalogue *catalogue_new(struct loop *loop, struct reactor *reactor, struct children *children, const char *host_program,
                                const char *const *folders, size_t folder_count, void (*told)(void *context), void *context)
{
    struct catalogue *catalogue = NEW(struct catalogue);
    catalogue->loop = loop;
    catalogue->reactor = reactor;
    catalogue->children = children;
    catalogue->host_program = host_program;
    catalogue->folders = folders;
    catalogue->folder_count = folder_count;
    catalogue->told = told;
    catalogue->context = context;
    catalogue->timer = loop_timer(loop, on_timer, catalogue);
    catalogue->look = loop_timer(loop, on_look, catalogue);
    loop_timer_set(catalogue->look, clock_boottime_ns() + LOOK_MS * NS_PER_MS);
    return catalogue;
}

void catalogue_free(struct catalogue **catalogue)
{
    if (!*catalogue)
        return;
    question_free(&(*catalogue)->question);
    loop_remove(&(*catalogue)->timer);
    loop_remove(&(*catalogue)->look);
    entries_free((*catalogue)->entries, (*catalogue)->count);
    free(*catalogue);
    *catalogue = NULL;
}
