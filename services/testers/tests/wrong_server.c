#define _GNU_SOURCE
#include "wrong_server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// clang-format off: cmocka needs what stands above
#include <cmocka.h>
// clang-format on

void say(struct server *server, const char *mode)
{
    char line[64];
    assert_true(fprintf(server->told, "%s\n", mode) > 0 && fflush(server->told) == 0);
    assert_non_null(fgets(line, sizeof line, server->said));
    assert_memory_equal(line, mode, strlen(mode));
}

struct server wrong_server(const char *program, const char *mode)
{
    int in[2], out[2];
    unsigned port = 0;
    struct server server;
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("python3", "python3", "-S", program, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.told = fdopen(in[1], "w");
    server.said = fdopen(out[0], "r");
    assert_true(server.said && server.told && fscanf(server.said, "%u%*c", &port) == 1);
    server.port = (uint16_t)port;
    say(&server, mode);
    return server;
}

void end_server(const struct server *server)
{
    kill(server->pid, SIGKILL);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    fclose(server->said);
    fclose(server->told);
}
