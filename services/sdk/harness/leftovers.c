// After the end of an instance nothing of it may be left: no process with its marker, no socket on its ports.
#include <stdio.h>

#include "common/system/process.h"
#include "services/sdk/harness/harness.h"

static int left_processes(const struct panther_test *test)
{
    struct process_list list = {0};
    processes_with_environment(test->marker, &list);
    for (size_t i = 0; i < list.count; i++) {
        fprintf(stderr, "left: process %d\n", (int)list.pids[i]);
    }
    const int count = (int)list.count;
    process_list_free(&list);
    return count;
}

static int left_port(uint16_t port)
{
    const char *transport;
    if (!harness_port_is_taken(port, &transport)) {
        return 0;
    }
    fprintf(stderr, "left: a socket on %s port %u\n", transport, port);
    return 1;
}

int harness_leftovers(const struct panther_test *test)
{
    int left = left_processes(test);
    for (uint32_t i = 0; i < test->spec->port_count; i++) {
        const uint16_t port = (uint16_t)(test->spec->port_first + i);
        left += left_port(port);
    }
    return left;
}
