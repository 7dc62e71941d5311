// See take_memory.h.
#include "agent/guard/take_memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/units.h"

// The kernel shall end this process first.
static void offer_oneself(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "we");
    if (file) {
        fputs("1000", file);
        fclose(file);
    }
}

int take_memory_main(int argc, char **argv)
{
    uint64_t bytes;
    if (argc != 3 || !unsigned_parse(argv[2], &bytes) || bytes > SIZE_MAX)
        return 2;
    offer_oneself();
    // Populated: memory that was not touched is not taken. Not locked, as that has a limit of its own: swap counts as the host's memory.
    if (mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
        return 1;
    if (write(STDOUT_FILENO, "t", 1) != 1)
        return 1;
    for (;;)
        pause();
}
