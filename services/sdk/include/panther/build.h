// panther/build.h: compile what a plugin runs, once per host and content. What the commands make is kept in a cache that all instances
// of the plugin on an agent share: a second trial, repetition or instance compiles nothing.
//
//   static const char *const compile[] = {"cc", "-O2", "-o", PANTHER_BUILD_FOLDER "/server", "server.c", NULL};
//   const struct panther_build_command commands[] = {{.argv = compile}};
//   const char *folder = panther_build(service, .inputs = PANTHER_TEXTS(source), .command_count = 1, .commands = commands);
//   if (folder == NULL)
//       return PANTHER_FAILED; // the reason is kept: the command, how it ended, its last lines
//
// The key of an entry is the hash of the inputs' names, modes and bytes, of the commands with their environment and folders, and of what
// the tools print: anything else that a command reads must stand among them. An entry is used only when it is complete; one that is in use
// is never removed; the oldest unused ones go when the cache is larger than its limit.
#ifndef PANTHER_BUILD_H
#define PANTHER_BUILD_H

#include <panther/service.h>

// Stands for the folder that is built, in argv, environment and working_directory of a command.
#define PANTHER_BUILD_FOLDER "@PANTHER_BUILD@"
#define PANTHER_BUILD_LIMIT_BYTES (2ULL * 1024 * 1024 * 1024)

struct panther_build_command {
    const char *name;               // of its streams; NULL: "build"
    const char *const *argv;        // ends with NULL
    const char *const *environment; // "NAME=value" on top of a small clean one; NULL: nothing
    const char *working_directory;  // NULL: PANTHER_BUILD_FOLDER
    const int *clean_statuses;      // besides 0; ends with 0; NULL: none
    uint64_t timeout_ms;            // 0: what is left of initialize
};

struct panther_build_request {
    size_t struct_bytes;             // filled by the macro
    const char *const *inputs;       // files and folders, absolute or in the plugin's folder; ends with NULL
    const char *const *const *tools; // commands that print a version, such as {"gcc", "--version", NULL}; ends with NULL
    size_t command_count;
    const struct panther_build_command *commands; // one after the other
    uint64_t size_limit_bytes;                    // of all entries of the plugin; 0: PANTHER_BUILD_LIMIT_BYTES
};
// In initialize. The finished folder, kept until cleanup; NULL: failed, or cancelled, or out of time, with the reason kept. Who wants
// what another instance is building waits for it.
#define panther_build(SERVICE, ...)                                                                                                        \
    panther_build_make((SERVICE), &(const struct panther_build_request){.struct_bytes = sizeof(struct panther_build_request), __VA_ARGS__})
const char *panther_build_make(struct panther_service *service, const struct panther_build_request *request);

#endif
