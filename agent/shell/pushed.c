#include "agent/shell/pushed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/files.h"
#include "agent/shell/plugin_file.h"
#include "agent/shell/question.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/plugin_place.h"

#define NS_PER_MS UINT64_C(1000000)
// Plugins on their way at once: what an operator pushes in one go.
#define PLACINGS_MAX 32
// From the question to the answer: 256 MiB over a slow link.
#define PLACING_MS (10 * 60 * 1000)
#define PROBE_MS 20000
// What ended instances have left is looked at a little later, once for many.
#define TIDY_MS 1000

enum stage { STAGE_FETCHING = 1, STAGE_PROBING, STAGE_TELLING };

struct placing {
    enum stage stage; // 0: a free place
    struct pushed *pushed;
    uint64_t session, push;
    char *name, *hash;
    struct question *question;
    Pb__PlacedState state; // STAGE_TELLING: the answer
    char *text;
    struct loop_source *deadline;
};

struct pushed {
    struct pushed_place place;
    struct catalogue *catalogue;
    struct files *files;
    char *folder, *current;
    struct placing placings[PLACINGS_MAX];
    struct loop_source *tidy;
};

// ---- answering

static void answer(struct pushed *pushed, uint64_t session, uint64_t push, Pb__PlacedState state, const char *text)
{
    struct agent_input input = {.kind = AGENT_INPUT_PLACED};
    input.placed.session = session;
    input.placed.push = push;
    input.placed.state = state;
    input.placed.text = arena_string(reactor_arena(pushed->place.reactor), text);
    reactor_later(pushed->place.reactor, &input);
}

static void forget(struct placing *placing)
{
    question_free(&placing->question);
    loop_remove(&placing->deadline);
    free(placing->name);
    free(placing->hash);
    free(placing->text);
    *placing = (struct placing){0};
}

static void finish(struct placing *placing, Pb__PlacedState state, const char *text)
{
    struct pushed *pushed = placing->pushed;
    if (state == PB__PLACED_STATE__PLACED_STATE_REFUSED)
        log_warning("pushed plugin %s is not taken: %s", placing->name, text);
    answer(pushed, placing->session, placing->push, state, text);
    forget(placing);
    pushed_released(pushed);
}

static void refuse(struct placing *placing, const char *why)
{
    finish(placing, PB__PLACED_STATE__PLACED_STATE_REFUSED, why);
}

// ---- the link

static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

// "HASH.folder", heap; NULL: nothing was pushed under the name.
static char *current_of(const struct pushed *pushed, const char *name)
{
    char target[512];
    CLEANUP_FREE char *link = path_join(pushed->current, name);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0)
        return NULL;
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    return memory_string(slash ? slash + 1 : target);
}

static int point_to(const struct pushed *pushed, const char *name, const char *hash)
{
    CLEANUP_FREE char *link = path_join(pushed->current, name);
    CLEANUP_FREE char *beside = memory_printf("%s/.%s", pushed->current, name);
    CLEANUP_FREE char *target = memory_printf("../%s.folder", hash);
    sync_folder(pushed->folder);
    unlink(beside); // of a life that ended here
    if (symlink(target, beside) < 0 || rename(beside, link) < 0)
        return -1;
    sync_folder(pushed->current);
    return 0;
}

static void tell(struct placing *placing, Pb__PlacedState state, const char *text)
{
    placing->stage = STAGE_TELLING;
    loop_timer_set(placing->deadline, 0);
    placing->state = state;
    placing->text = memory_string(text);
    log_info("pushed plugin %s: %s", placing->name, state == PB__PLACED_STATE__PLACED_STATE_PLACED ? placing->hash : "taken back");
    catalogue_scan(placing->pushed->catalogue);
}

void pushed_told(struct pushed *pushed)
{
    for (size_t i = 0; i < PLACINGS_MAX; i++) {
        struct placing *placing = &pushed->placings[i];
        if (placing->stage == STAGE_TELLING)
            finish(placing, placing->state, placing->text);
    }
}

// ---- does it work here?

// "STATE/pushed/HASH.folder/service.yaml:11:1: ..." -> "service.yaml:11:1: ...": where it lies here helps nobody who pushed it.
static const char *within(const struct placing *placing, const char *why)
{
    CLEANUP_FREE char *place = memory_printf("%s/%s.folder/", placing->pushed->folder, placing->hash);
    size_t length = strlen(place);
    return strncmp(why, place, length) == 0 ? why + length : why;
}

static void judge(struct placing *placing, const Pb__PluginPresence *presence)
{
    char why[512];
    if (!presence) {
        refuse(placing, "its probe cannot be read");
    } else if (!presence->usable) {
        refuse(placing, within(placing, presence->unusable_reason));
    } else if (strcmp(presence->name, placing->name) != 0) {
        snprintf(why, sizeof why, "it is called %s, and was pushed as %s", presence->name, placing->name);
        refuse(placing, why);
    } else if (point_to(placing->pushed, placing->name, placing->hash) < 0) {
        snprintf(why, sizeof why, "it cannot be kept on this disk: %s", strerror(errno));
        refuse(placing, why);
    } else {
        tell(placing, PB__PLACED_STATE__PLACED_STATE_PLACED, presence->implementation_version);
    }
}

static void on_probed(void *context, const void *data, size_t bytes, const char *why)
{
    struct placing *placing = context;
    if (!data) {
        char reason[QUESTION_COMPLAINT_MAX_BYTES];
        snprintf(reason, sizeof reason, "%s", why); // it goes with the question
        refuse(placing, within(placing, reason));
        return;
    }
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    judge(placing, wire_unpack(&pb__plugin_presence__descriptor, data, bytes, arena));
    arena_free(&arena);
}

static void probe(struct placing *placing, const char *folder)
{
    struct panther_error error = {0};
    const struct pushed_place *place = &placing->pushed->place;
    CLEANUP_FREE char *path = plugin_place_in(folder, placing->name);
    placing->stage = STAGE_PROBING;
    if (!path) {
        snprintf(error.message, sizeof error.message, "its folder holds neither service.yaml nor %s.so", placing->name);
        refuse(placing, error.message);
    } else if (question_ask(&placing->question, place->loop, place->children,
                            (const char *const[]){place->host_program, "--probe", path, NULL}, PROBE_MS, on_probed, placing, &error) < 0) {
        refuse(placing, error.message);
    }
}

static void on_file(void *context, const char *hash, bool folder, const char *path, const char *why)
{
    struct pushed *pushed = context;
    (void)folder;
    for (size_t i = 0; i < PLACINGS_MAX; i++) {
        struct placing *placing = &pushed->placings[i];
        if (placing->stage != STAGE_FETCHING || strcmp(placing->hash, hash) != 0)
            continue;
        if (path)
            probe(placing, path);
        else
            refuse(placing, why);
    }
}

// ---- what was asked

static void on_deadline(void *context)
{
    refuse(context, "it did not get here in time");
}

static struct placing *find(struct pushed *pushed, const char *name)
{
    for (size_t i = 0; i < PLACINGS_MAX; i++)
        if (name ? pushed->placings[i].stage && strcmp(pushed->placings[i].name, name) == 0 : !pushed->placings[i].stage)
            return &pushed->placings[i];
    return NULL;
}

static void begin(struct pushed *pushed, struct placing *placing, uint64_t session, const Pb__PlacePlugin *plugin)
{
    *placing = (struct placing){.stage = STAGE_FETCHING, .pushed = pushed, .session = session, .push = plugin->push};
    placing->name = memory_string(plugin->name);
    placing->hash = memory_string(plugin->hash);
    placing->deadline = loop_timer(pushed->place.loop, on_deadline, placing);
    loop_timer_set(placing->deadline, clock_boottime_ns() + PLACING_MS * NS_PER_MS);
}

static void take_back(struct placing *placing)
{
    CLEANUP_FREE char *link = path_join(placing->pushed->current, placing->name);
    if (unlink(link) < 0) {
        refuse(placing, strerror(errno));
        return;
    }
    sync_folder(placing->pushed->current);
    tell(placing, PB__PLACED_STATE__PLACED_STATE_REMOVED, "");
}

static bool is_current(const struct pushed *pushed, const char *version, const char *hash)
{
    CLEANUP_FREE char *name = memory_printf("%s.folder", hash);
    CLEANUP_FREE char *path = path_join(pushed->folder, name);
    return version && strcmp(version, name) == 0 && file_exists(path);
}

// false: there is nothing to do, and it was answered.
static bool is_wanted(struct pushed *pushed, uint64_t session, const Pb__PlacePlugin *plugin)
{
    struct placing *under_way = find(pushed, plugin->name);
    CLEANUP_FREE char *version = current_of(pushed, plugin->name);
    Pb__PlacedState state = PB__PLACED_STATE__PLACED_STATE_REFUSED;
    const char *why = "";
    if (!pushed->place.allowed) {
        why = "this agent takes no pushed plugins (pushed-plugins: false)";
    } else if (under_way && strcmp(under_way->hash, plugin->hash) == 0) { // who asked before is gone
        under_way->session = session;
        under_way->push = plugin->push;
        return false;
    } else if (under_way) {
        why = "another push of it is under way";
    } else if (!find(pushed, NULL)) {
        why = "too many pushes are under way";
    } else if (!plugin->hash[0] && !version) {
        state = PB__PLACED_STATE__PLACED_STATE_NONE;
    } else if (plugin->hash[0] && is_current(pushed, version, plugin->hash)) {
        state = PB__PLACED_STATE__PLACED_STATE_UNCHANGED;
    } else {
        return true;
    }
    answer(pushed, session, plugin->push, state, why);
    return false;
}

void pushed_take(struct pushed *pushed, uint64_t session, const Pb__PlacePlugin *plugin)
{
    if (!is_wanted(pushed, session, plugin))
        return;
    struct placing *placing = find(pushed, NULL);
    begin(pushed, placing, session, plugin);
    if (plugin->hash[0])
        files_fetch(pushed->files, plugin->hash, true);
    else
        take_back(placing);
}

// ---- what may go

static bool is_on_its_way(const struct pushed *pushed, const char *name)
{
    for (size_t i = 0; i < PLACINGS_MAX; i++) {
        const struct placing *placing = &pushed->placings[i];
        if (placing->stage && placing->hash[0] && strncmp(name, placing->hash, strlen(placing->hash)) == 0)
            return true;
    }
    return false;
}

// Who cannot look (no descriptor is left, say) removes nothing.
static bool is_linked(const struct pushed *pushed, const char *name)
{
    DIR *folder = opendir(pushed->current);
    bool found = !folder;
    const struct dirent *entry;
    while (folder && !found && (entry = readdir(folder))) {
        CLEANUP_FREE char *version = entry->d_name[0] == '.' ? NULL : current_of(pushed, entry->d_name);
        found = version && strcmp(version, name) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

static bool catalogue_is_behind(const struct pushed *pushed)
{
    for (size_t i = 0; i < PLACINGS_MAX; i++)
        if (pushed->placings[i].stage == STAGE_TELLING)
            return true;
    return false;
}

static void remove_old(const struct pushed *pushed, const char *name)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *path = path_join(pushed->folder, name);
    if (is_linked(pushed, name) || is_on_its_way(pushed, name) || agent_core_uses_plugin(reactor_core(pushed->place.reactor), path))
        return;
    if (unlink(path) < 0 && folder_remove(path, &error) < 0)
        log_warning("%s", error.message);
}

static void on_tidy(void *context)
{
    const struct pushed *pushed = context;
    DIR *folder = catalogue_is_behind(pushed) ? NULL : opendir(pushed->folder);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "current") != 0)
            remove_old(pushed, entry->d_name);
    if (folder)
        closedir(folder);
}

void pushed_released(struct pushed *pushed)
{
    loop_timer_set(pushed->tidy, clock_boottime_ns() + TIDY_MS * NS_PER_MS);
}

// ---- life

struct pushed *pushed_new(const struct pushed_place *place)
{
    struct pushed *pushed = NEW(struct pushed);
    pushed->place = *place;
    pushed->folder = path_join(place->state, "pushed");
    pushed->current = path_join(pushed->folder, "current");
    folder_make(pushed->current, 0755, NULL);
    pushed->files = files_new(place->loop, place->bulk, place->children, pushed->folder, PLUGIN_FILE_MAX_BYTES, on_file, pushed);
    pushed->tidy = loop_timer(place->loop, on_tidy, pushed);
    return pushed;
}

const char *pushed_folder(const struct pushed *pushed)
{
    return pushed->current;
}

void pushed_use(struct pushed *pushed, struct catalogue *catalogue)
{
    pushed->catalogue = catalogue;
    pushed_released(pushed);
}

void pushed_free(struct pushed **pointer)
{
    struct pushed *pushed = *pointer;
    if (!pushed)
        return;
    *pointer = NULL;
    for (size_t i = 0; i < PLACINGS_MAX; i++)
        forget(&pushed->placings[i]);
    files_free(&pushed->files);
    loop_remove(&pushed->tidy);
    free(pushed->folder);
    free(pushed->current);
    free(pushed);
}
