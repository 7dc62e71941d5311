// The clause about files: one life of the plugin in a mount namespace in which the usual places are overlays, so that all it wrote is found
// in the upper layers, and nothing that others wrote meanwhile.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/system/file.h"
#include "services/sdk/author/contract.h"

// Deeper than anything a plugin should make.
#define DEPTH_MAX 16
#define ANSWER_MAX_BYTES 900

struct watch {
    struct contract *contract;
    const char *folders[16];
    int uppers[16];
    size_t count;
    const char *own; // the instance's folder, in which it may write
    struct text found;
};

// ---- the namespace

// Where programs write that forget where they are. The plugin's own folder is one of them.
static void list_folders(struct watch *watch)
{
    static const char *const usual[] = {"/tmp", "/var", "/run", "/dev/shm", "/etc", "/opt", "/srv", "/usr/local"};
    const char *home = getenv("HOME"), *path = watch->contract->path, *slash = strrchr(path, '/');
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        watch->folders[watch->count++] = usual[i];
    if (home && *home == '/' && home[1])
        watch->folders[watch->count++] = home;
    if (slash && slash > path && *path == '/' && strncmp(path, "/tmp/", 5) != 0)
        watch->folders[watch->count++] = arena_string_bytes(watch->contract->arena, path, (size_t)(slash - path));
}

static int cover(struct watch *watch, size_t index, const char *scratch)
{
    struct arena *arena = watch->contract->arena;
    const char *folder = watch->folders[index];
    const char *upper = arena_printf(arena, "%s/%zu.upper", scratch, index), *work = arena_printf(arena, "%s/%zu.work", scratch, index);
    struct stat status;
    if (lstat(folder, &status) != 0 || !S_ISDIR(status.st_mode) || mkdir(upper, 0755) != 0 || mkdir(work, 0755) != 0 ||
        chmod(upper, status.st_mode & 07777) != 0)
        return -1;
    watch->uppers[index] = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return mount("overlay", folder, "overlay", 0, arena_printf(arena, "lowerdir=%s,upperdir=%s,workdir=%s", folder, upper, work));
}

// 0, or errno.
static int enter(struct watch *watch, const char *scratch)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("panther-check", scratch, "tmpfs", 0, "mode=0755") != 0)
        return errno;
    for (size_t i = 0; i < watch->count; i++)
        watch->uppers[i] = -1;
    // backwards: the scratch folder itself is below the first, which hides it
    for (size_t i = watch->count; i > 0; i--)
        if (cover(watch, i - 1, scratch) != 0 && i == 1)
            return errno;
    return 0;
}

// The instance's folder, and the build cache.
static bool is_its_own(const struct watch *watch, const char *path)
{
    return strcmp(path, watch->own) == 0 || (watch->contract->builds && strcmp(path, watch->contract->builds) == 0);
}

// ---- what was written, told as "F path" a line: file, folder that is empty, or removed

static void walk(struct watch *watch, int upper, const char *folder, int depth)
{
    DIR *entries = fdopendir(upper);
    const struct dirent *entry;
    while (entries && depth < DEPTH_MAX && (entry = readdir(entries))) {
        struct stat status;
        const char *path = arena_printf(watch->contract->arena, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_its_own(watch, path) ||
            fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!S_ISDIR(status.st_mode)) {
            text_printf(&watch->found, "%c%lld.%09ld %s\n", S_ISCHR(status.st_mode) ? 'R' : 'F', (long long)status.st_mtim.tv_sec,
                        status.st_mtim.tv_nsec, path);
            continue;
        }
        const size_t before = watch->found.length;
        walk(watch, openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), path, depth + 1);
        if (watch->found.length == before)
            text_printf(&watch->found, "D0 %s\n", path);
    }
    if (entries)
        closedir(entries);
}

// ---- in the child

static void live_once(struct watch *watch, struct judgement *judgement)
{
    struct contract *contract = watch->contract;
    struct panther_test_outcome outcome;
    struct panther_test *test = contract_running(contract, judgement);
    if (!test)
        return;
    watch->own = arena_string(contract->arena, panther_test_folder(test));
    if (contract_is_tester(contract) && contract->case_name)
        panther_test_case(test, contract->case_name, CONTRACT_CASE_MS, &outcome);
    contract_finish(test, judgement);
}

// The first line is its judgement, the others are what was written.
_Noreturn static void observe(struct watch *watch, const char *scratch, int answer)
{
    struct judgement judgement = {0};
    list_folders(watch);
    int problem = enter(watch, scratch);
    if (problem)
        judge_skip(&judgement, "no mount namespace with overlays to see it in: %s", strerror(problem));
    else
        live_once(watch, &judgement);
    for (size_t i = 0; !problem && i < watch->count; i++)
        if (watch->uppers[i] >= 0)
            walk(watch, watch->uppers[i], watch->folders[i], 0);
    dprintf(answer, "%d%s\n%s", (int)judgement.state, judgement.text, text_string(&watch->found));
    _exit(0);
}

// ---- what of it is new: opening a file for writing copies it up, with the time of its last change

static bool is_new(char kind, const char *changed, const char *path)
{
    struct stat status;
    bool was_there = lstat(path, &status) == 0;
    char before[64];
    if (kind == 'R')
        return was_there;
    if (kind == 'D' || !was_there)
        return !was_there;
    snprintf(before, sizeof before, "%lld.%09ld ", (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    return strncmp(changed, before, strlen(before)) != 0;
}

static void judge_lines(const struct watch *watch, char *lines, struct judgement *judgement)
{
    char *rest = NULL, *first = strtok_r(lines, "\n", &rest);
    struct text text = {0};
    if (!first || *first < '0' || *first > '2') {
        judge_bad(judgement, "its observer died");
        return;
    }
    if (*first == '0' + JUDGED_SKIPPED)
        judge_skip(judgement, "%s", first + 1);
    if (*first == '0' + JUDGED_BAD)
        judge_bad(judgement, "%s", first + 1);
    for (char *line = strtok_r(NULL, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *path = strchr(line, ' ');
        if (path && is_new(line[0], line + 1, path + 1) && text.length < ANSWER_MAX_BYTES)
            text_printf(&text, "%s%s%s", text.length ? ", " : "", path + 1, line[0] == 'R' ? " (removed)" : "");
    }
    if (text.length)
        judge_bad(judgement, "outside of its work folder it wrote %s", text_string(&text));
    judge_note(judgement, "%zu places watched", watch->count);
    text_free(&text);
}

static void collect(int fd, struct text *text)
{
    char piece[4096];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            text_append_bytes(text, piece, (size_t)got);
}

static void observe_beside(struct watch *watch, const char *scratch, struct judgement *judgement)
{
    int ends[2];
    struct text lines = {0};
    if (pipe2(ends, O_CLOEXEC) < 0) {
        judge_bad(judgement, "no pipe: %s", strerror(errno));
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        observe(watch, scratch, ends[1]);
    close(ends[1]);
    collect(ends[0], &lines);
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
    list_folders(watch);
    judge_lines(watch, lines.data ? lines.data : (char[]){""}, judgement);
    text_free(&lines);
}

void clause_files(struct contract *contract, struct judgement *judgement)
{
    struct watch watch = {.contract = contract, .own = ""};
    char scratch[] = "/tmp/panther-check-XXXXXX";
    if (!contract_start_peers(contract, judgement))
        return; // started out here: what they write is theirs
    if (!mkdtemp(scratch)) {
        judge_bad(judgement, "no folder below /tmp: %s", strerror(errno));
        return;
    }
    observe_beside(&watch, scratch, judgement);
    rmdir(scratch);
}
