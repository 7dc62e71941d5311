// clock: what is spawned from now on lives in a time namespace whose monotonic and boottime clocks are off. A program that runs keeps
// its clock, and Linux has no namespace for the wall clock: both are refused, not ignored.
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/guard/clock_offset.h"
#include "agent/guard/faults_state.h"
#include "agent/guard/processes.h"
#include "common/base/units.h"

// A year: beyond it a mistake is more likely than a wish.
#define OFFSET_MAX_NS (INT64_C(366) * 24 * 3600 * 1000000000)

static bool read_offset(const char *text, int64_t *offset_ns)
{
    uint64_t ns;
    bool is_negative = *text == '-';
    if (!duration_parse_ns(text + (*text == '-' || *text == '+'), &ns) || ns > (uint64_t)OFFSET_MAX_NS)
        return false;
    *offset_ns = is_negative ? -(int64_t)ns : (int64_t)ns;
    return true;
}

// Does this kernel let us? Tried in a child, as only it may be moved. Reaped here: its pid is known, so nobody else's end is taken.
static int try_offset(int64_t offset_ns, struct panther_error *error)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return error_system(error, errno, "cannot try a time namespace");
    if (child == 0)
        _exit(clock_offset_enter(offset_ns) == 0 ? 0 : errno);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    int number = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
    return number == 0 ? 0 : error_system(error, number, "this host does not allow such a time namespace");
}

static int begin_clock(struct fault *fault, struct text *done, struct panther_error *error)
{
    int64_t offset_ns;
    const char *offset = fault_option(fault, "offset"), *clock = fault_option(fault, "clock");
    if (clock && strcmp(clock, "wall") == 0)
        return error_set(error, PANTHER_EINVALID, "Linux has no namespace for the wall clock: only monotonic and boottime can be off");
    if (!offset || !read_offset(offset, &offset_ns))
        return error_set(error, PANTHER_EINVALID, "clock needs an offset of at most a year, like +90s or -5m");
    if (processes_any(fault->all->processes))
        return error_set(error, PANTHER_ESTATE, "its programs run and keep their clock: a clock is set before they start");
    int problem = try_offset(offset_ns, error);
    if (problem < 0)
        return problem;
    processes_set_clock(fault->all->processes, offset_ns);
    text_printf(done, "monotonic and boottime clocks of what starts from now on are off by %s", offset);
    return 0;
}

static int end_clock(struct fault *fault, struct panther_error *error)
{
    (void)error;
    processes_set_clock(fault->all->processes, 0);
    return 0;
}

const struct fault_kind fault_clock = {.name = "clock", .begin = begin_clock, .end = end_clock};
