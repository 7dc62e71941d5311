// panther-guard: owns one instance. Started by the agent in a session of its own; `--exec` is its own trampoline.
#include <stdio.h>
#include <string.h>

#include "agent/guard/guard.h"
#include "agent/guard/take_memory.h"
#include "agent/guard/trampoline.h"
#include "common/base/limits.h"
#include "common/system/log.h"

static int usage(FILE *to, int status)
{
    fprintf(to, "usage: panther-guard --folder DIR   own the instance in DIR (the agent does this)\n"
                "       panther-guard --version\n");
    return status;
}

static int run(const char *folder)
{
    struct guard *guard;
    struct panther_error error = {0};
    if (guard_open(&guard, folder, &error) < 0) {
        log_error("%s", error.message);
        return 1;
    }
    int status = guard_run(guard);
    guard_close(&guard);
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], TRAMPOLINE_FLAG) == 0)
        return trampoline_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], TAKE_MEMORY_FLAG) == 0)
        return take_memory_main(argc, argv);
    log_begin("panther-guard", LOG_LEVEL_INFO);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("panther-guard, guard protocol %d\n", GUARD_PROTOCOL_VERSION);
        return 0;
    }
    return argc == 3 && strcmp(argv[1], "--folder") == 0 ? run(argv[2]) : usage(stderr, 2);
}
