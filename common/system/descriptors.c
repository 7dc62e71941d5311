#include "common/system/descriptors.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/error.h"

bool descriptors_have(unsigned wanted)
{
    int opened[DESCRIPTORS_MAX];
    unsigned count = 0;
    INVARIANT(wanted <= DESCRIPTORS_MAX);
    while (count < wanted && (opened[count] = eventfd(0, EFD_CLOEXEC)) >= 0)
        count++;
    for (unsigned i = 0; i < count; i++)
        close(opened[i]);
    return count == wanted;
}

void descriptors_raise_limit(uint64_t most)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= most)
        return;
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    setrlimit(RLIMIT_NOFILE, &limit);
}
