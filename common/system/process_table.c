// What /proc says: who a process is, whose child it is, what its environment holds.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"

// /proc/PID/stat is one line of some 50 numbers and a name of 16 bytes.
#define STAT_MAX_BYTES 4096
// Far above what the kernel lets an environment be by default (stack limit / 4 = 2 MiB).
#define ENVIRONMENT_MAX_BYTES (8 * 1024 * 1024)

struct stat_line {
    char name[16]; // the kernel's TASK_COMM_LEN
    char state;
    pid_t parent, session;
    uint64_t start_ticks;
};

// The name (field 2) may hold spaces and parentheses, so fields count from the last ')'.
static bool parse_stat(const char *text, struct stat_line *line)
{
    const char *fields = strrchr(text, ')');
    int parent, session;
    unsigned long long start_ticks;
    if (!fields || sscanf(fields + 1, " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &line->state,
                          &parent, &session, &start_ticks) != 4)
        return false;
    const char *name = strchr(text, '(');
    int name_bytes = name && name < fields ? (int)(fields - name - 1) : 0;
    snprintf(line->name, sizeof line->name, "%.*s", name_bytes, name ? name + 1 : "");
    line->parent = (pid_t)parent;
    line->session = (pid_t)session;
    line->start_ticks = start_ticks;
    return true;
}

// 0; PANTHER_ENOTFOUND: gone; PANTHER_ESHORT: who cannot look has seen nothing, so it must not count as gone.
static int read_stat(pid_t pid, struct stat_line *line)
{
    char path[48];
    CLEANUP_FREE char *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int result = file_read(path, STAT_MAX_BYTES, &text, NULL, NULL);
    if (result == PANTHER_ESHORT)
        return result;
    return result == 0 && parse_stat(text, line) ? 0 : PANTHER_ENOTFOUND;
}

static bool is_dead(char state)
{
    return state == 'Z' || state == 'X' || state == 'x';
}

int process_start_time(pid_t pid, uint64_t *ticks)
{
    struct stat_line line;
    int result = read_stat(pid, &line);
    if (result == 0)
        *ticks = line.start_ticks;
    return result;
}

bool process_is_alive(pid_t pid, uint64_t start_ticks)
{
    struct stat_line line;
    int result = read_stat(pid, &line);
    return result == PANTHER_ESHORT || (result == 0 && line.start_ticks == start_ticks && !is_dead(line.state));
}

void boot_id(char text[BOOT_ID_BYTES])
{
    CLEANUP_FREE char *data = NULL;
    struct panther_error error;
    if (file_read("/proc/sys/kernel/random/boot_id", STAT_MAX_BYTES, &data, NULL, &error) < 0)
        PANIC("%s", error.message);
    data[strcspn(data, "\n")] = '\0';
    snprintf(text, BOOT_ID_BYTES, "%s", data);
}

void process_list_free(struct process_list *list)
{
    free(list->pids);
    *list = (struct process_list){0};
}

static void list_add(struct process_list *list, pid_t pid)
{
    APPEND(list->pids, list->count, list->capacity) = pid;
}

static int list_all(struct process_list *list)
{
    DIR *folder = opendir("/proc");
    if (!folder && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return PANTHER_ESHORT;
    if (!folder)
        PANIC("/proc is not mounted");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (isdigit((unsigned char)entry->d_name[0]))
            list_add(list, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(folder);
    return 0;
}

size_t process_rows(struct process_row **rows)
{
    struct process_list all = {0};
    size_t count = 0;
    list_all(&all);
    *rows = memory_new((all.count + 1) * sizeof **rows);
    for (size_t i = 0; i < all.count; i++) {
        struct stat_line line;
        if (read_stat(all.pids[i], &line) < 0 || is_dead(line.state))
            continue;
        struct process_row *row = &(*rows)[count++];
        *row = (struct process_row){all.pids[i], line.parent, line.session, line.state, line.start_ticks, ""};
        memcpy(row->name, line.name, sizeof row->name);
    }
    process_list_free(&all);
    return count;
}

const char *process_state_text(char state)
{
    switch (state) {
    case 'R':
        return "running";
    case 'S':
    case 'I':
        return "sleeping";
    case 'D':
        return "waiting for a device";
    case 'T':
        return "stopped";
    case 't':
        return "traced";
    default:
        return "unknown";
    }
}

uint64_t process_age_ms(uint64_t start_ticks)
{
    uint64_t started_ms = start_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK), now_ms = clock_boottime_ns() / 1000000;
    return now_ms > started_ms ? now_ms - started_ms : 0;
}

struct relation {
    pid_t pid, parent;
    bool dead;
};

static int read_relations(struct relation **relations, size_t *count)
{
    struct process_list all = {0};
    int result = list_all(&all);
    *count = 0;
    *relations = memory_new((all.count + 1) * sizeof **relations);
    for (size_t i = 0; i < all.count; i++) {
        struct stat_line line;
        int looked = read_stat(all.pids[i], &line);
        if (looked == 0)
            (*relations)[(*count)++] = (struct relation){all.pids[i], line.parent, is_dead(line.state)};
        else if (looked == PANTHER_ESHORT)
            result = looked;
    }
    process_list_free(&all);
    return result;
}

static int by_parent(const void *left, const void *right)
{
    pid_t a = ((const struct relation *)left)->parent, b = ((const struct relation *)right)->parent;
    return (a > b) - (a < b);
}

// The first relation of this parent, by halving.
static size_t first_child(const struct relation *relations, size_t count, pid_t parent)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (relations[middle].parent < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int process_descendants(pid_t root, struct process_list *list)
{
    struct relation *relations;
    size_t count, next = 0;
    int result = read_relations(&relations, &count);
    struct process_list family = {0}; // with the dead: theirs may live
    qsort(relations, count, sizeof *relations, by_parent);
    list_add(&family, root);
    // The tree is a snapshot of a moving thing: family.count <= count keeps a loop of reused pids from running on.
    while (next < family.count && family.count <= count + 1) {
        pid_t parent = family.pids[next++];
        for (size_t i = first_child(relations, count, parent); i < count && relations[i].parent == parent; i++) {
            list_add(&family, relations[i].pid);
            if (!relations[i].dead)
                list_add(list, relations[i].pid);
        }
    }
    process_list_free(&family);
    free(relations);
    return result;
}

// *data is heap, and NULL when it is gone or not for us.
static int read_of(pid_t pid, const char *name, char **data, size_t *bytes)
{
    char path[64];
    *data = NULL;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return file_read(path, ENVIRONMENT_MAX_BYTES, data, bytes, NULL) == PANTHER_ESHORT ? PANTHER_ESHORT : 0;
}

char *process_file(pid_t pid, const char *name)
{
    char *data;
    read_of(pid, name, &data, NULL);
    return data;
}

char *process_environment(pid_t pid, const char *name)
{
    size_t bytes, length = strlen(name);
    CLEANUP_FREE char *data;
    read_of(pid, "environ", &data, &bytes);
    for (const char *entry = data; data && entry < data + bytes; entry += strlen(entry) + 1)
        if (strncmp(entry, name, length) == 0 && entry[length] == '=')
            return memory_string(entry + length + 1);
    return NULL;
}

// 1, 0, or PANTHER_ESHORT.
static int environment_has(pid_t pid, const char *wanted)
{
    size_t bytes;
    CLEANUP_FREE char *data;
    int result = read_of(pid, "environ", &data, &bytes);
    for (const char *entry = data; data && entry < data + bytes; entry += strlen(entry) + 1)
        if (strcmp(entry, wanted) == 0)
            return 1;
    return result;
}

int processes_with_environment(const char *entry, struct process_list *list)
{
    struct process_list all = {0};
    int result = list_all(&all);
    for (size_t i = 0; i < all.count; i++) {
        int has = environment_has(all.pids[i], entry);
        if (has > 0)
            list_add(list, all.pids[i]);
        else if (has < 0)
            result = has;
    }
    process_list_free(&all);
    return result;
}

bool process_folder(pid_t pid, char *folder, size_t bytes)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    ssize_t length = readlink(path, folder, bytes - 1);
    if (length < 0)
        return false;
    folder[length] = '\0';
    return true;
}

static bool works_in(pid_t pid, const char *folder)
{
    char place[4096];
    if (!process_folder(pid, place, sizeof place))
        return false;
    size_t prefix = strlen(folder);
    return strncmp(place, folder, prefix) == 0 && (place[prefix] == '\0' || place[prefix] == '/' || place[prefix] == ' '); // " (deleted)"
}

int processes_of_session(pid_t leader, uint64_t leader_ticks, const char *folder, struct process_list *list)
{
    struct process_list all = {0};
    struct stat_line line;
    // A pid is not given away while a session has its number; a leader that started at another time has a session of its own.
    if (read_stat(leader, &line) == 0 && line.start_ticks != leader_ticks)
        return 0;
    int result = list_all(&all);
    for (size_t i = 0; i < all.count; i++) {
        int looked = read_stat(all.pids[i], &line);
        if (looked == PANTHER_ESHORT)
            result = looked;
        else if (looked == 0 && line.session == leader && !is_dead(line.state) && works_in(all.pids[i], folder))
            list_add(list, all.pids[i]);
    }
    process_list_free(&all);
    return result;
}
