#include "agent/host/loader.h"

#include <dlfcn.h>
#include <string.h>

#include "common/wire/wire.h"
#include "services/sdk/declared/declared.h"
#include "services/sdk/description.h"
#include "services/sdk/program.h"

#define VERSION_BYTES 256

static const struct panther_plugin *load_object(const char *path, struct arena *arena, const char **problem)
{
    // a path without a slash would be searched in the library folders
    const char *file = strchr(path, '/') != NULL ? path : arena_printf(arena, "./%s", path);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *problem = arena_string(arena, dlerror());
        return NULL;
    }
    const struct panther_plugin *plugin = dlsym(library, PANTHER_DESCRIPTOR_SYMBOL);
    if (plugin == NULL) {
        *problem = arena_printf(arena, "%s: it exports no " PANTHER_DESCRIPTOR_SYMBOL ": is it a plugin, made with PANTHER_PLUGIN?", path);
    }
    return plugin;
}

static bool is_declared(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strcmp(dot, ".yaml") == 0;
}

// The tester's part carries no size: the minor says how much of it there is.
#define TESTER_MINOR 2
#define TESTER_BYTES_BEFORE offsetof(struct panther_tester, setups)

// An older minor's descriptor may be shorter: what it lacks is as if it were not written.
static const struct panther_plugin *whole(const struct panther_plugin *plugin)
{
    static struct panther_plugin whole; // a process loads one plugin
    static struct panther_tester tester;
    memcpy(&whole, plugin, plugin->struct_bytes);
    whole.struct_bytes = sizeof(whole);
    if (whole.tester != NULL) {
        memcpy(&tester, whole.tester, plugin->abi_minor < TESTER_MINOR ? TESTER_BYTES_BEFORE : sizeof(tester));
        whole.tester = &tester;
    }
    return &whole;
}

const struct panther_plugin *loader_load(const char *path, struct arena *arena, const char **problem)
{
    const struct panther_plugin *plugin = is_declared(path) ? declared_load(path, arena, problem) : load_object(path, arena, problem);
    if (plugin == NULL) {
        return NULL;
    }
    const char *unsound = description_abi_problem(plugin, arena);
    plugin = unsound == NULL ? whole(plugin) : plugin;
    unsound = unsound != NULL ? unsound : description_problem(plugin, arena);
    unsound = unsound != NULL ? unsound : plugin_description_invalid(description_make(plugin, arena));
    if (unsound != NULL) {
        *problem = arena_printf(arena, "%s: %s", path, unsound);
        return NULL;
    }
    return plugin;
}

const char *loader_missing_program(const struct panther_plugin *plugin, struct arena *arena)
{
    for (size_t i = 0; plugin->programs != NULL && plugin->programs[i] != NULL; i++) {
        if (program_find(plugin->programs[i], arena) == NULL) {
            return plugin->programs[i];
        }
    }
    return NULL;
}

const char *loader_version(const struct panther_plugin *plugin, struct arena *arena)
{
    char *text = arena_allocate(arena, VERSION_BYTES);
    int (*ask)(char *, size_t) = plugin->iut != NULL      ? plugin->iut->get_implementation_version
                                 : plugin->tester != NULL ? plugin->tester->get_tool_version
                                                          : NULL;
    if (ask == NULL) {
        return plugin->kind == PANTHER_TESTER ? plugin->version : "";
    }
    if (ask(text, VERSION_BYTES) != 0) {
        return "";
    }
    text[VERSION_BYTES - 1] = '\0';
    return text;
}

size_t loader_capabilities(const struct panther_plugin *plugin, struct arena *arena, char ***names)
{
    struct panther_capabilities *capabilities = ARENA_NEW(arena, struct panther_capabilities);
    capabilities->arena = arena;
    if (plugin->iut == NULL || plugin->iut->get_implementation_capabilities == NULL ||
        plugin->iut->get_implementation_capabilities(capabilities) != 0) {
        capabilities->count = 0;
    }
    *names = capabilities->names;
    return capabilities->count;
}
