#include "agent/shell/catalogue.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "agent/shell/question.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/log.h"

// Loading a plugin and printing a table; probing runs `nginx -v` and the like.
#define DESCRIBE_MS 10000
#define PROBE_MS 20000
// A plugin with everything linked in.
#define PLUGIN_FILE_MAX_BYTES (256 * 1024 * 1024)

struct entry {
    char *path;
    char file_hash[HASH_TEXT_BYTES];
    Pb__PluginDescription *description; // heap; NULL: does not load
    Pb__PluginPresence *presence;       // heap
};

struct catalogue {
    struct loop *loop;
    struct reactor *reactor;
    struct children *children;
    const char *host_program;
    const char *const *folders;
    size_t folder_count;
    struct entry *entries;
    size_t count, capacity;
    size_t next; // the entry that is asked about
    bool running, probing, again;
    struct question *question;
    struct loop_source *timer; // the next question, from outside of the last one's answer
};

// ---- entries

static void entry_free(struct entry *entry)
{
    free(entry->path);
    message_free(entry->description);
    message_free(entry->presence);
}

static void set_text(char **field, const char *text)
{
    if (*field != protobuf_c_empty_string)
        free(*field);
    *field = memory_string(text);
}

static void unusable(struct entry *entry, const char *why)
{
    char stem[NAME_MAX_BYTES];
    const char *slash = strrchr(entry->path, '/');
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
    if (entry->presence->name[0] == '\0')
        set_text(&entry->presence->name, name_is_valid(stem) ? stem : "unnamed");
    entry->presence->usable = false;
    set_text(&entry->presence->unusable_reason, why);
    log_warning("plugin %s cannot be used: %s", entry->path, why);
}

static void add(struct catalogue *catalogue, const char *path)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *data = NULL;
    size_t bytes = 0;
    struct entry *entry = &APPEND(catalogue->entries, catalogue->count, catalogue->capacity);
    memset(entry, 0, sizeof *entry);
    entry->path = memory_string(path);
    entry->presence = NEW(Pb__PluginPresence);
    pb__plugin_presence__init(entry->presence);
    set_text(&entry->presence->path, path);
    if (file_read(path, PLUGIN_FILE_MAX_BYTES, &data, &bytes, &error) < 0) {
        unusable(entry, error.message);
        return;
    }
    hash_bytes(data, bytes, entry->file_hash);
    set_text(&entry->presence->file_hash, entry->file_hash);
}

static int is_plugin(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

static void add_folder(struct catalogue *catalogue, const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_plugin, alphasort);
    if (count < 0)
        log_warning("plugin folder %s cannot be read", folder);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = path_join(folder, names[i]->d_name);
        if (catalogue->count < AGENT_PLUGINS_MAX)
            add(catalogue, path);
        free(names[i]);
    }
    free(names);
}

// ---- telling

// The first folder wins: an operator's own plugin stands before the installed one.
static void find_doubles(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct entry *entry = &catalogue->entries[i];
        for (size_t j = i + 1; entry->description && j < catalogue->count; j++) {
            struct entry *other = &catalogue->entries[j];
            if (!other->presence->usable || strcmp(entry->presence->name, other->presence->name) != 0)
                continue;
            CLEANUP_FREE char *why = memory_printf("%s comes before it", entry->path);
            unusable(other, why);
        }
    }
}

static void tell(struct catalogue *catalogue)
{
    struct agent_plugin *plugins = memory_new((catalogue->count + 1) * sizeof *plugins);
    for (size_t i = 0; i < catalogue->count; i++)
        plugins[i] = (struct agent_plugin){catalogue->entries[i].presence, catalogue->entries[i].description};
    struct agent_input input = {.kind = AGENT_INPUT_CATALOGUE};
    input.catalogue.plugins = plugins;
    input.catalogue.count = catalogue->count;
    input.catalogue.probed = catalogue->probing;
    reactor_feed(catalogue->reactor, &input);
    free(plugins);
}

// ---- describing

static bool describe(struct entry *entry, const void *data, size_t bytes)
{
    struct panther_error error = {0};
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    const Pb__PluginDescription *description = wire_description(data, bytes, arena, &error);
    if (description) {
        char hash[HASH_TEXT_BYTES];
        hash_message(description, hash);
        entry->description = message_copy(description, NULL);
        entry->presence->usable = true;
        set_text(&entry->presence->name, description->name);
        set_text(&entry->presence->description_hash, hash);
    } else {
        unusable(entry, error.message);
    }
    arena_free(&arena);
    return entry->description != NULL;
}

static void on_described(void *context, const void *data, size_t bytes, const char *why)
{
    struct catalogue *catalogue = context;
    struct entry *entry = &catalogue->entries[catalogue->next++];
    if (!data)
        unusable(entry, why);
    else if (describe(entry, data, bytes))
        storage_keep_description(reactor_storage(catalogue->reactor), entry->file_hash, data, bytes);
    loop_timer_set(catalogue->timer, clock_boottime_ns());
}

static bool describe_from_cache(struct catalogue *catalogue, struct entry *entry)
{
    struct arena *arena = arena_new(0);
    size_t bytes = 0;
    const void *data = storage_description(reactor_storage(catalogue->reactor), entry->file_hash, arena, &bytes);
    bool found = data && describe(entry, data, bytes);
    arena_free(&arena);
    return found;
}

// ---- probing

static void take_probe(struct entry *entry, const void *data, size_t bytes)
{
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    const Pb__PluginPresence *probed = wire_unpack(&pb__plugin_presence__descriptor, data, bytes, arena);
    if (!probed) {
        unusable(entry, "its probe cannot be read");
    } else if (!probed->usable) {
        unusable(entry, probed->unusable_reason);
    } else {
        Pb__PluginPresence *merged = message_copy(probed, NULL);
        set_text(&merged->name, entry->presence->name);
        set_text(&merged->description_hash, entry->presence->description_hash);
        set_text(&merged->file_hash, entry->file_hash);
        set_text(&merged->path, entry->path);
        set_text(&merged->unusable_reason, "");
        message_free(entry->presence);
        entry->presence = merged;
    }
    arena_free(&arena);
}

static void on_probed(void *context, const void *data, size_t bytes, const char *why)
{
    struct catalogue *catalogue = context;
    struct entry *entry = &catalogue->entries[catalogue->next++];
    if (data)
        take_probe(entry, data, bytes);
    else
        unusable(entry, why);
    loop_timer_set(catalogue->timer, clock_boottime_ns());
}

// ---- one after the other

// Returns false when the entry needs no question.
static bool ask(struct catalogue *catalogue, struct entry *entry)
{
    struct panther_error error = {0};
    bool probing = catalogue->probing;
    if (!entry->file_hash[0] || (probing ? !entry->presence->usable : describe_from_cache(catalogue, entry)))
        return false;
    if (question_ask(&catalogue->question, catalogue->loop, catalogue->children, catalogue->host_program,
                     probing ? "--probe" : "--describe", entry->path, probing ? PROBE_MS : DESCRIBE_MS, probing ? on_probed : on_described,
                     catalogue, &error) == 0)
        return true;
    unusable(entry, error.message);
    return false;
}

static void on_timer(void *context)
{
    struct catalogue *catalogue = context;
    question_free(&catalogue->question);
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
    }
}

static void begin(struct catalogue *catalogue, bool probing)
{
    catalogue->running = true;
    catalogue->probing = probing;
    catalogue->next = 0;
    loop_timer_set(catalogue->timer, clock_boottime_ns());
}

static void clear(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        entry_free(&catalogue->entries[i]);
    catalogue->count = 0;
}

void catalogue_scan(struct catalogue *catalogue)
{
    if (catalogue->running) {
        catalogue->again = true;
        return;
    }
    clear(catalogue);
    for (size_t i = 0; i < catalogue->folder_count; i++)
        add_folder(catalogue, catalogue->folders[i]);
    begin(catalogue, false);
}

void catalogue_probe(struct catalogue *catalogue)
{
    if (!catalogue->running) // else a scan runs, after which the core asks again
        begin(catalogue, true);
}

struct catalogue *catalogue_new(struct loop *loop, struct reactor *reactor, struct children *children, const char *host_program,
                                const char *const *folders, size_t folder_count)
{
    struct catalogue *catalogue = NEW(struct catalogue);
    catalogue->loop = loop;
    catalogue->reactor = reactor;
    catalogue->children = children;
    catalogue->host_program = host_program;
    catalogue->folders = folders;
    catalogue->folder_count = folder_count;
    catalogue->timer = loop_timer(loop, on_timer, catalogue);
    return catalogue;
}

void catalogue_free(struct catalogue **catalogue)
{
    if (!*catalogue)
        return;
    question_free(&(*catalogue)->question);
    loop_remove(&(*catalogue)->timer);
    clear(*catalogue);
    free((*catalogue)->entries);
    free(*catalogue);
    *catalogue = NULL;
}
