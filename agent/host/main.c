// panther-service: hosts one plugin for its guard, or tells about one.
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/host/conversation.h"
#include "agent/host/presence.h"
#include "agent/host/runner.h"
#include "common/base/units.h"
#include "panther/plugin.h"

static const char usage[] = "panther-service: runs one service plugin for panther-guard; a person rarely starts it\n"
                            "\n"
                            "  panther-service --fd N                          serve the guard behind this socket\n"
                            "  panther-service --describe PLUGIN.so            its description (packed PluginDescription on stdout)\n"
                            "  panther-service --probe PLUGIN.so               can it work here (packed PluginPresence on stdout)\n"
                            "  panther-service --plan PLUGIN.so [NAME=VALUE..] the commands that it would run\n"
                            "  panther-service --version | --help\n";

_Noreturn static void serve(const char *number)
{
    static struct host host;
    uint64_t fd = 0;
    if (!unsigned_parse(number, &fd) || fd > INT32_MAX || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0) {
        fprintf(stderr, "panther-service: \"%s\" is no open descriptor\n", number);
        exit(2);
    }
    // the guard may have been gone before PR_SET_PDEATHSIG: then the socket says so at the first read
    // what a plugin prints goes where people look for it, never to a pipe of the agent
    dup2(STDERR_FILENO, STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
    host_begin(&host, (int)fd);
    runner_start(&host);
    conversation_run(&host);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"fd", required_argument, NULL, 'f'},
                                            {"describe", required_argument, NULL, 'd'},
                                            {"probe", required_argument, NULL, 'p'},
                                            {"plan", required_argument, NULL, 'l'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    // who asks may be killed: then nobody waits for an answer
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    switch (getopt_long(argc, argv, "", options, NULL)) {
    case 'f':
        serve(optarg);
    case 'd':
        return presence_describe(optarg);
    case 'p':
        return presence_probe(optarg);
    case 'l':
        return presence_plan(optarg, argc - optind, argv + optind);
    case 'v':
        printf("panther-service, plugin ABI %d.%d\n", PANTHER_ABI_MAJOR, PANTHER_ABI_MINOR);
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 0;
    default:
        fputs(usage, stderr);
        return 2;
    }
}
