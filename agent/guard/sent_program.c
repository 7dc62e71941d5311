// See sent_program.h. Called by guard.c.
#include "agent/guard/sent_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define FOLDER "program"
#define STEP_BYTES (1024 * 1024)

static int copy(int out, int in, const char *name, struct panther_error *error)
{
    ssize_t sent;
    do
        sent = sendfile(out, in, NULL, STEP_BYTES);
    while (sent > 0 || (sent < 0 && errno == EINTR));
    return sent == 0 ? 0 : error_system(error, errno, "cannot copy the program %s", name);
}

// The agent keeps its files for other instances, too: what runs is a copy of its own.
static int place(const Pb__SentProgram *program, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(FOLDER, program->name);
    int in = open(program->path, O_RDONLY | O_CLOEXEC);
    int out = in >= 0 ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755) : -1;
    int problem = in < 0    ? error_system(error, errno, "cannot open the program %s, %s", program->name, program->path)
                  : out < 0 ? error_system(error, errno, "cannot create %s", path)
                            : copy(out, in, program->name, error);
    if (in >= 0)
        close(in);
    // a disk may say only now that it is full
    if (out >= 0 && close(out) < 0 && problem == 0)
        problem = error_system(error, errno, "cannot copy the program %s", program->name);
    return problem;
}

static void put_first_in_path(void)
{
    CLEANUP_FREE char *here = get_current_dir_name();
    const char *old = getenv("PATH");
    CLEANUP_FREE char *path = memory_printf("%s/" FOLDER "%s%s", here, old ? ":" : "", old ? old : "");
    setenv("PATH", path, true);
}

int sent_program_place(const Pb__GuardSpec *spec, struct panther_error *error)
{
    const Pb__SentProgram *program = spec->initialize->program;
    if (!program)
        return 0;
    if (!*program->name || strchr(program->name, '/') || program->name[0] == '.')
        return error_set(error, PANTHER_EPROTOCOL, "\"%.80s\" is no name of a program", program->name);
    int problem = folder_make(FOLDER, 0755, error);
    problem = problem < 0 ? problem : place(program, error);
    if (problem == 0)
        put_first_in_path();
    return problem;
}
