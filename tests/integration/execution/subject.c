// A program with everything that an execution environment looks for: `subject WORD...`. Compiled several times (CMakeLists.txt), once for
// each sanitizer. It prints "ready", does what the words say, then waits for TERM unless the word is one that ends it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told_to_end;
static int shared;

static void on_term(int number)
{
    (void)number;
    told_to_end = 1;
}

__attribute__((noinline)) static void lose(void)
{
    char *volatile lost = malloc(1234);
    lost[0] = 'x';
    lost = NULL; // what is left on the stack would be a pointer to it
}

__attribute__((noinline)) static int spill(volatile int *numbers, int index)
{
    return numbers[index];
}

static void *bump(void *nothing)
{
    for (int i = 0; i < 1000; i++)
        shared++;
    return nothing;
}

static void race(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, bump, NULL);
    bump(NULL);
    pthread_join(thread, NULL);
}

__attribute__((noinline)) static double burn(long ms)
{
    double sum = 0;
    clock_t end = clock() + ms * (CLOCKS_PER_SEC / 1000);
    while (clock() < end)
        for (int i = 0; i < 100000; i++)
            sum += i * 0.5;
    return sum;
}

static void eat(void)
{
    for (;;) {
        char *more = malloc(1 << 20);
        if (!more) {
            fputs("no more memory\n", stderr);
            exit(9);
        }
        memset(more, 1, 1 << 20);
    }
}

static int try_to_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void look_around(void)
{
    printf("system %d work %d tmp %d\n", try_to_write("/etc/panther-subject"), try_to_write("mine"), try_to_write("/tmp/panther-subject"));
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "NoNewPrivs", 10) == 0)
            fputs(line, stdout);
    if (status)
        fclose(status);
}

// ---- ways out of a sandbox: each tried in a process of its own, which ends with 1 when it was one

static int is_read_only(const char *path)
{
    struct statvfs about;
    return statvfs(path, &about) < 0 || (about.f_flag & ST_RDONLY);
}

static int make_writable(void)
{
    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL);
    return !is_read_only("/");
}

static int uncover_tmp(void)
{
    return umount2("/tmp", MNT_DETACH) == 0;
}

// Who owns a user namespace has every privilege, within it.
static int own_namespaces(void)
{
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && (make_writable() || uncover_tmp());
}

static int make_device(void)
{
    return mknod("device", S_IFBLK | 0600, makedev(7, 0)) == 0;
}

static int walk_through_guard(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root/tmp", (int)getppid());
    return open(path, O_RDONLY | O_DIRECTORY) >= 0;
}

static int set_kernel(void)
{
    return open("/proc/sys/kernel/core_pattern", O_WRONLY) >= 0;
}

static int in_a_child(int (*way)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(way());
    return waitpid(child, &status, 0) != child || status != 0;
}

static void escape(void)
{
    // the guard is the parent of this process alone
    printf("out: %d %d %d %d %d %d\n", in_a_child(make_writable), in_a_child(uncover_tmp), in_a_child(own_namespaces),
           in_a_child(make_device), walk_through_guard(), in_a_child(set_kernel));
}

static void overflow(void)
{
    volatile int *numbers = malloc(4 * sizeof *numbers);
    numbers[0] = 1;
    printf("%d\n", spill(numbers, 4));
    free((void *)(unsigned long)numbers);
}

static void do_word(const char *word)
{
    volatile int most = INT_MAX;
    if (strcmp(word, "leak") == 0)
        lose();
    else if (strcmp(word, "overflow") == 0)
        overflow();
    else if (strcmp(word, "undefined") == 0)
        most = most + 1;
    else if (strcmp(word, "race") == 0)
        race();
    else if (strcmp(word, "burn") == 0)
        printf("%g\n", burn(400));
    else if (strcmp(word, "forever") == 0)
        printf("%g\n", burn(1000000));
    else if (strcmp(word, "eat") == 0)
        eat();
    else if (strcmp(word, "crash") == 0)
        *(volatile int *)(unsigned long)shared = 1;
    else if (strcmp(word, "fail") == 0)
        close(-1);
    else if (strcmp(word, "look") == 0)
        look_around();
    else if (strcmp(word, "escape") == 0)
        escape();
    else if (strcmp(word, "exit7") == 0)
        exit(7);
}

int main(int argc, char **argv)
{
    sigset_t term;
    signal(SIGTERM, on_term);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    puts("ready");
    fflush(stdout);
    for (int i = 1; i < argc; i++)
        do_word(argv[i]);
    fflush(stdout);
    const struct timespec pause = {.tv_nsec = 5000000};
    while (!told_to_end)
        nanosleep(&pause, NULL);
    return 3;
}
