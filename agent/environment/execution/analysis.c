// What the tools wrote is read: the files of a process, one type after the other, each bounded, with a job (perf report, google-pprof)
// where the file is not text.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/environment/execution/compose.h"
#include "agent/environment/execution/execution_state.h"
#include "agent/environment/execution/parsers.h"
#include "common/system/file.h"
#include "common/system/loop.h"

#define NANOSECONDS_PER_MS UINT64_C(1000000)
// The guard's loop waits while it is parsed: some 50 ms.
#define READ_MAX_BYTES (8 * 1024 * 1024)
// strace's table has a row for each of some 400 system calls.
#define TAIL_MAX_BYTES (64 * 1024)
#define JOB_MAX_MS 30000
// A server has a handful of processes; one that forks for every connection is read up to here.
#define FILES_MAX 64

static unsigned top_of(const struct execution_run *run)
{
    return (unsigned)strtoul(environment_value(run->execution->environments[run->step], "top"), NULL, 10);
}

static char *path_of(const struct execution_run *run, const char *type, const char *suffix)
{
    return memory_printf("%s/" COMPOSE_FOLDER "/%s.%s%s", run->execution->settings.work, type, run->file_stem, suffix);
}

// ---- a piece of a file; heap; NULL: not there

struct piece {
    char *data;
    size_t bytes;
    bool cut; // there is more
};

static bool read_piece(const char *path, size_t max_bytes, bool at_end, struct piece *piece)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *piece = (struct piece){0};
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    piece->cut = (uint64_t)status.st_size > max_bytes;
    piece->data = memory_new(max_bytes < (uint64_t)status.st_size ? max_bytes : (size_t)status.st_size + 1);
    size_t most = piece->cut ? max_bytes : (size_t)status.st_size;
    if (piece->cut && at_end)
        lseek(fd, -(off_t)max_bytes, SEEK_END);
    for (ssize_t got; piece->bytes < most && (got = read(fd, piece->data + piece->bytes, most - piece->bytes)) > 0;)
        piece->bytes += (size_t)got;
    close(fd);
    return true;
}

// ---- every file of the process and type

typedef bool read_fn(struct execution_run *run, const struct piece *piece);

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static bool belongs(const char *name, const char *prefix, const char *suffix)
{
    size_t bytes = strlen(prefix), length = strlen(name), tail = strlen(suffix);
    return strncmp(name, prefix, bytes) == 0 && length >= bytes + tail && strcmp(name + length - tail, suffix) == 0;
}

static size_t read_files(struct execution_run *run, const char *type, const char *suffix, read_fn *read)
{
    struct dirent **entries = NULL;
    CLEANUP_FREE char *folder = path_join(run->execution->settings.work, COMPOSE_FOLDER);
    CLEANUP_FREE char *prefix = memory_printf("%s.%s.", type, run->file_stem);
    int count = scandir(folder, &entries, NULL, by_name);
    size_t files = 0;
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = path_join(folder, entries[i]->d_name);
        struct piece piece;
        if (belongs(entries[i]->d_name, prefix, suffix) && files < FILES_MAX && read_piece(path, READ_MAX_BYTES, false, &piece)) {
            files++;
            if (!read(run, &piece))
                execution_incomplete(run, piece.cut     ? "its output is longer than 8 MiB"
                                          : run->killed ? "the program was killed"
                                                        : "its output is cut");
            free(piece.data);
        }
        free(entries[i]);
    }
    free(entries);
    return files;
}

static void read_all(struct execution_run *run, const char *suffix, read_fn *read)
{
    if (read_files(run, environment_types[run->step].name, suffix, read) == 0)
        execution_incomplete(run, "it wrote no file");
}

static bool read_valgrind(struct execution_run *run, const struct piece *piece)
{
    return valgrind_parse(&run->execution->report, piece->data, piece->bytes, environment_types[run->step].name);
}

static bool read_callgrind(struct execution_run *run, const struct piece *piece)
{
    return callgrind_parse(&run->execution->report, piece->data, piece->bytes, top_of(run));
}

static bool read_massif(struct execution_run *run, const struct piece *piece)
{
    return massif_parse(&run->execution->report, piece->data, piece->bytes);
}

static bool read_heap(struct execution_run *run, const struct piece *piece)
{
    return heap_profile_parse(&run->execution->report, piece->data, piece->bytes);
}

static bool read_sanitizer(struct execution_run *run, const struct piece *piece)
{
    return sanitizer_parse(&run->execution->report, piece->data, piece->bytes) && !piece->cut;
}

// ---- one file, from its beginning or its end

static void read_strace(struct execution_run *run)
{
    struct piece piece = {0};
    CLEANUP_FREE char *path = path_of(run, "strace", ".txt");
    if (!read_piece(path, TAIL_MAX_BYTES, true, &piece))
        execution_incomplete(run, "it wrote no file");
    else if (!strace_parse(&run->execution->report, piece.data, piece.bytes, top_of(run)))
        execution_incomplete(run, "its file ends without the table: strace was killed, or the disk is full");
    free(piece.data);
}

static void read_gdb(struct execution_run *run)
{
    struct piece piece = {0};
    CLEANUP_FREE char *path = path_of(run, "gdb", ".txt");
    if (!read_piece(path, READ_MAX_BYTES, false, &piece) || !gdb_parse(&run->execution->report, piece.data, piece.bytes))
        execution_incomplete(run, "gdb was killed");
    free(piece.data);
}

static void read_perf_stat(struct execution_run *run)
{
    struct piece piece = {0};
    CLEANUP_FREE char *path = path_of(run, "perf-stat", ".csv");
    if (!read_piece(path, READ_MAX_BYTES, false, &piece) || !perf_stat_parse(&run->execution->report, piece.data, piece.bytes))
        execution_incomplete(run, "there are no counters");
    free(piece.data);
}

// Reports of programs that write to their standard error all the same: UBSan beside ASan, workers that may not open the file.
static void read_sanitizers(struct execution_run *run)
{
    static const uint32_t all = 1 << ENVIRONMENT_ASAN | 1 << ENVIRONMENT_UBSAN | 1 << ENVIRONMENT_TSAN;
    struct report *report = &run->execution->report;
    const char *type = environment_types[run->step].name;
    struct piece piece = {0};
    bool is_first = (run->kinds & all & ((UINT32_C(1) << run->step) - 1)) == 0; // they share their files
    bool is_instrumented = run->instrumented & UINT32_C(1) << run->step;
    report_metric(report, REPORT_SUM, is_instrumented, "", "%s.instrumented", type);
    if (is_first) {
        CLEANUP_FREE char *errors = memory_printf("streams/%s.stderr", run->stem);
        read_files(run, "sanitizer", "", read_sanitizer);
        if (read_piece(errors, READ_MAX_BYTES, false, &piece))
            sanitizer_parse(report, piece.data, piece.bytes);
        free(piece.data);
    }
    if (!is_instrumented)
        execution_incomplete(run, "it was not built with the sanitizer");
    else if (run->killed)
        execution_incomplete(run, "the program was killed");
    else
        report_metric(report, REPORT_SUM, 0, "", "%s.reports", type);
}

// ---- jobs

static void start_job(struct execution_run *run, const char *const *argv, const char *output)
{
    struct panther_error error;
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644), nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const struct process_descriptor descriptors[] = {{fd, STDOUT_FILENO}, {nothing, STDERR_FILENO}};
    const struct process_start start = {
        .program = argv[0], .argv = argv, .place = PROCESS_PLACE_GROUP, .descriptors = descriptors, .descriptor_count = 2};
    run->job_done = true;
    if (fd >= 0 && nothing >= 0 && process_spawn(&start, &run->job, NULL, &error) == 0) {
        run->job_done = false;
        loop_timer_set(run->timer, clock_boottime_ns() + JOB_MAX_MS * NANOSECONDS_PER_MS);
    }
    if (fd >= 0)
        close(fd);
    if (nothing >= 0)
        close(nothing);
}

static void start_perf_report(struct execution_run *run)
{
    CLEANUP_FREE char *input = path_of(run, "perf", ".data"), *output = path_of(run, "perf", ".txt");
    const char *const argv[] = {"perf", "report", "-i", input, "--stdio", "--no-children", "-g", "none", "-F", "overhead,symbol,dso",
                                "-t",   "|",      NULL};
    start_job(run, argv, output);
}

static void finish_perf(struct execution_run *run)
{
    struct piece piece = {0};
    CLEANUP_FREE char *path = path_of(run, "perf", ".txt");
    if (read_piece(path, READ_MAX_BYTES, false, &piece) &&
        !perf_report_parse(&run->execution->report, piece.data, piece.bytes, top_of(run)))
        execution_say(run->execution, "perf took no sample of %s", run->stem);
    free(piece.data);
    read_perf_stat(run);
}

// The heap profile that was written last.
static char *last_heap(const struct execution_run *run)
{
    struct dirent **entries = NULL;
    CLEANUP_FREE char *folder = path_join(run->execution->settings.work, COMPOSE_FOLDER);
    CLEANUP_FREE char *prefix = memory_printf("gperf_heap.%s.", run->file_stem);
    char *last = NULL;
    int count = scandir(folder, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        if (belongs(entries[i]->d_name, prefix, ".heap")) {
            free(last);
            last = path_join(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return last;
}

static void start_pprof(struct execution_run *run)
{
    bool is_heap = run->step == ENVIRONMENT_GPERF_HEAP;
    CLEANUP_FREE char *input = is_heap ? last_heap(run) : path_of(run, "gperf_cpu", ".prof");
    CLEANUP_FREE char *output = path_of(run, environment_types[run->step].name, ".txt");
    run->job_done = true;
    if (!input || !file_exists(input)) {
        execution_incomplete(run, "it wrote no profile: the program did not come to its exit()");
        return;
    }
    const char *const argv[] = {"google-pprof", "--text", is_heap ? "--alloc_space" : "--nodefraction=0", run->program, input, NULL};
    start_job(run, argv, output);
    struct piece piece;
    if (is_heap && read_piece(input, READ_MAX_BYTES, false, &piece)) {
        if (!read_heap(run, &piece))
            execution_incomplete(run, "its profile is cut");
        free(piece.data);
    }
}

static void finish_pprof(struct execution_run *run)
{
    struct piece piece = {0};
    const char *type = environment_types[run->step].name;
    CLEANUP_FREE char *path = path_of(run, type, ".txt");
    if (read_piece(path, READ_MAX_BYTES, false, &piece) &&
        !pprof_parse(&run->execution->report, piece.data, piece.bytes, type, top_of(run)))
        execution_say(run->execution, "%s took no sample of %s", type, run->stem);
    free(piece.data);
}

// ---- one after the other

static const struct {
    void (*start)(struct execution_run *run);
    void (*finish)(struct execution_run *run);
} readers[ENVIRONMENTS] = {
    [ENVIRONMENT_PERF] = {start_perf_report, finish_perf},
    [ENVIRONMENT_STRACE] = {NULL, read_strace},
    [ENVIRONMENT_GDB] = {NULL, read_gdb},
    [ENVIRONMENT_GPERF_CPU] = {start_pprof, finish_pprof},
    [ENVIRONMENT_GPERF_HEAP] = {start_pprof, finish_pprof},
    [ENVIRONMENT_ASAN] = {NULL, read_sanitizers},
    [ENVIRONMENT_UBSAN] = {NULL, read_sanitizers},
    [ENVIRONMENT_TSAN] = {NULL, read_sanitizers},
};

static void read_step(struct execution_run *run)
{
    char name[64];
    snprintf(name, sizeof name, "%s.incomplete", environment_types[run->step].name);
    if (run->step != ENVIRONMENT_LIMITS && run->step != ENVIRONMENT_SANDBOX)
        report_metric(&run->execution->report, REPORT_SUM, 0, "", "%s", name);
    if (readers[run->step].finish)
        readers[run->step].finish(run);
    else if (run->step == ENVIRONMENT_MEMCHECK || run->step == ENVIRONMENT_HELGRIND)
        read_all(run, ".xml", read_valgrind);
    else if (run->step == ENVIRONMENT_CALLGRIND)
        read_all(run, ".out", read_callgrind);
    else if (run->step == ENVIRONMENT_MASSIF)
        read_all(run, ".out", read_massif);
}

bool analysis_step(struct execution_run *run)
{
    for (; run->step < ENVIRONMENTS; run->step++, run->job_done = false) {
        if (!run_has(run, run->step))
            continue;
        if (readers[run->step].start && !run->job_done) {
            readers[run->step].start(run);
            if (!run->job_done)
                return false;
        }
        read_step(run);
    }
    return true;
}

uint32_t analysis_instrumented(const char *program)
{
    static const struct {
        enum environment_kind kind;
        const char *symbol;
    } marks[] = {{ENVIRONMENT_ASAN, "__asan_init"}, {ENVIRONMENT_UBSAN, "__ubsan_handle"}, {ENVIRONMENT_TSAN, "__tsan_init"}};
    struct stat status;
    uint32_t found = 0;
    int fd = open(program, O_RDONLY | O_CLOEXEC);
    void *data = fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0
                     ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                     : MAP_FAILED;
    if (data != MAP_FAILED) {
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (memmem(data, (size_t)status.st_size, marks[i].symbol, strlen(marks[i].symbol)))
                found |= UINT32_C(1) << marks[i].kind;
        munmap(data, (size_t)status.st_size);
    }
    if (fd >= 0)
        close(fd);
    return found;
}
