// panther-plugin's commands, for who writes a plugin: one file each. A plugin is never loaded here: panther-service is asked about it.
#ifndef PANTHER_SERVICES_SDK_AUTHOR_AUTHOR_H
#define PANTHER_SERVICES_SDK_AUTHOR_AUTHOR_H

#include "common/base/error.h"
#include "common/base/memory.h"
#include "panther/v1/plugin.pb-c.h"

// Exit statuses.
enum {
    AUTHOR_GOOD = 0,
    AUTHOR_BAD = 1,   // something is wrong with the plugin or its documentation; it was printed
    AUTHOR_USAGE = 2, // wrong flags or arguments
};

int author_check(int argc, char **argv);
int author_new(int argc, char **argv);
int author_docs(int argc, char **argv);
int author_show(int argc, char **argv);
int author_try(int argc, char **argv);

// The path of a plugin given by path or name, in the arena; NULL: there is none.
char *author_find(const char *plugin, struct arena *arena, struct panther_error *error);
// The plugin of that name in a folder of plugins: NAME.so, NAME/service.yaml, NAME/NAME.so; and the one that a folder of its own holds.
char *author_plugin_at(const char *folder, const char *name, struct arena *arena);
const char *author_last_name(const char *path, struct arena *arena); // "nginx" of a folder's path, also of "."
char *author_plugin_in(const char *folder, struct arena *arena);
// What panther-service says about a plugin, in the arena; NULL: it does not load, and error says why.
Pb__PluginDescription *author_describe(const char *path, struct arena *arena, struct panther_error *error);
// Can it work on this host, with which version of its implementation.
Pb__PluginPresence *author_probe(const char *path, struct arena *arena, struct panther_error *error);

// "integer 1..64", "`auto`, `on`, `off`", "duration 0ms..1h": as one writes it in an experiment.
char *author_option_type(const Pb__OptionDescription *option, struct arena *arena);
struct panther_test;
// "TYPE" or "TYPE:NAME=VALUE": the instance's programs are started under it. false: there is none, which was said.
bool author_environment(struct panther_test *test, const char *text, struct arena *arena);
char *author_join(struct arena *arena, char *const *items, size_t count, const char *between);

#endif
