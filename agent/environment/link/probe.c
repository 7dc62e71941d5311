// See probe.h. In a process of its own, because nobody leaves a user namespace again; what it made ends with it.
#include "agent/environment/link/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/environment/link/place.h"

// One place with the family that every host has: IPv6 may be switched off where nobody asks for it.
_Noreturn static void try_it(int answer)
{
    struct panther_error error = {0};
    struct place place;
    place_number(&place, 0, "emulated");
    int result = namespaces_own(&error);
    if (result == 0)
        result = namespaces_make(&place, 1, true, false, &error);
    namespaces_end(&place, 1);
    if (result < 0 && write(answer, error.message, strlen(error.message)) < 0)
        _exit(2);
    _exit(result < 0 ? 1 : 0);
}

bool probe_network(char why[PROBE_WHY_BYTES])
{
    int answer[2], status = 0;
    if (pipe2(answer, O_CLOEXEC) < 0) {
        snprintf(why, PROBE_WHY_BYTES, "it cannot be tried: %s", strerror(errno));
        return false;
    }
    pid_t child = fork();
    if (child == 0)
        try_it(answer[1]);
    close(answer[1]);
    ssize_t got = child > 0 ? read(answer[0], why, PROBE_WHY_BYTES - 1) : 0;
    close(answer[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            break;
    why[got > 0 ? got : 0] = '\0';
    bool is_possible = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!is_possible && !*why)
        snprintf(why, PROBE_WHY_BYTES, "the process that tried it died");
    return is_possible;
}
