#include "tests/e2e/children.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/process.h"

#define CHILDREN_MAX 64 // programs and commands of one test at a time
#define PROC_FILE_MAX_BYTES (1024 * 1024)
#define SPAWN_FAILED 127
// Ending what is left: SIGKILL works within some rounds, what fork()s meanwhile takes some more.
#define END_ROUNDS 500
#define ROUND_NS 10000000L

static struct child children[CHILDREN_MAX]; // out is NULL: not in use

void children_begin(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void append_to(const char *path, int number)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || dup2(fd, number) < 0)
        _exit(SPAWN_FAILED);
}

// In the child. Without a parent to reap it a coordinator would live on for ever, an agent too; guards end with their leases.
_Noreturn static void become(const struct child *child, const char *const *argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    append_to(child->out, STDOUT_FILENO);
    append_to(child->err, STDERR_FILENO);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "%s does not start: %m\n", argv[0]);
    _exit(SPAWN_FAILED);
}

static struct child *free_child(void)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (!children[i].out)
            return &children[i];
    return NULL;
}

struct child *children_start(const char *folder, const char *name, const char *const *argv)
{
    struct child *child = free_child();
    if (!child)
        return NULL;
    *child = (struct child){
        .status = STATUS_RUNNING, .out = memory_printf("%s/%s.out", folder, name), .err = memory_printf("%s/%s.err", folder, name)};
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0)
        become(child, argv);
    return child;
}

void children_reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            if (children[i].out && children[i].pid == pid && children[i].status == STATUS_RUNNING)
                children[i].status = WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

bool child_has_ended(struct child *child)
{
    children_reap();
    return child->status != STATUS_RUNNING;
}

static void pause_round(void)
{
    nanosleep(&(struct timespec){0, ROUND_NS}, NULL);
}

void child_kill(struct child *child)
{
    if (child_has_ended(child))
        return;
    kill(child->pid, SIGKILL);
    for (unsigned round = 0; round < END_ROUNDS && !child_has_ended(child); round++)
        pause_round();
}

static void forget(struct child *child)
{
    free(child->out);
    free(child->err);
    *child = (struct child){0};
}

void child_forget(struct child *child)
{
    if (!child_has_ended(child))
        return;
    unlink(child->out);
    unlink(child->err);
    forget(child);
}

// ---- what /proc says

static char *proc_file(pid_t pid, const char *name, size_t *bytes)
{
    char path[64];
    char *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return file_read(path, PROC_FILE_MAX_BYTES, &text, bytes, NULL) < 0 ? NULL : text;
}

static bool stat_of(pid_t pid, char *state, pid_t *parent)
{
    CLEANUP_FREE char *text = proc_file(pid, "stat", NULL);
    const char *fields = text ? strrchr(text, ')') : NULL; // the name before may hold anything
    int number;
    if (!fields || sscanf(fields + 1, " %c %d", state, &number) != 2)
        return false;
    *parent = number;
    return true;
}

pid_t process_parent(pid_t pid)
{
    char state;
    pid_t parent;
    return stat_of(pid, &state, &parent) ? parent : 0;
}

bool process_lives(pid_t pid)
{
    char state;
    pid_t parent;
    return pid > 0 && stat_of(pid, &state, &parent) && state != 'Z' && state != 'X';
}

pid_t process_child(pid_t parent, const char *command)
{
    struct process_list list = {0};
    pid_t found = 0;
    process_descendants(parent, &list);
    for (size_t i = 0; i < list.count && !found; i++) {
        CLEANUP_FREE char *name = proc_file(list.pids[i], "comm", NULL);
        if (name && strncmp(name, command, strlen(command)) == 0 && process_parent(list.pids[i]) == parent)
            found = list.pids[i];
    }
    process_list_free(&list);
    return found;
}

bool descends_from(pid_t pid, const struct child *child)
{
    while (pid > 1 && child && pid != child->pid)
        pid = process_parent(pid);
    return child && pid == child->pid;
}

static void add_line(struct text *lines, pid_t pid)
{
    size_t bytes = 0;
    CLEANUP_FREE char *command = proc_file(pid, "cmdline", &bytes);
    for (size_t i = 0; command && i + 1 < bytes; i++)
        if (!command[i])
            command[i] = ' ';
    text_printf(lines, "  %d %s\n", (int)pid, command ? command : "");
}

char *children_left(const struct child *but)
{
    struct process_list list = {0};
    struct text lines = {0};
    children_reap();
    process_descendants(getpid(), &list);
    for (size_t i = 0; i < list.count; i++)
        if (!descends_from(list.pids[i], but) && process_lives(list.pids[i]))
            add_line(&lines, list.pids[i]);
    process_list_free(&list);
    return lines.data;
}

static bool kill_descendants(void)
{
    struct process_list list = {0};
    children_reap();
    process_descendants(getpid(), &list);
    for (size_t i = 0; i < list.count; i++)
        kill(list.pids[i], SIGKILL);
    bool none = list.count == 0;
    process_list_free(&list);
    return none;
}

void children_end(void)
{
    for (unsigned round = 0; round < END_ROUNDS && !kill_descendants(); round++)
        pause_round();
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        forget(&children[i]);
}
