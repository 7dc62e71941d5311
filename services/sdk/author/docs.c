// panther-plugin docs [DIR]: is the documentation true? Every Markdown file below DIR: its references to sources, its links; and the
// README of every plugin: its sections, and its options against what the built plugin says of itself.
#include <argp.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "common/system/process.h"
#include "services/sdk/author/docs.h"

#define PLUGIN_FOLDERS_MAX 16
// Deeper than any tree of sources; a loop of mounts ends here.
#define DEPTH_MAX 32

struct arguments {
    const char *folder, *root;
    const char *plugins[PLUGIN_FOLDERS_MAX + 1];
    size_t plugin_count;
    bool write;
};

void docs_problem(struct docs *docs, const char *path, size_t line, const char *format, ...)
{
    va_list arguments;
    char text[2048];
    docs->problems++;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (docs->sink)
        text_printf(docs->sink, "%s%s:%zu: %s", docs->sink->length ? "; " : "", path, line ? line : 1, text);
    else
        printf("%s:%zu: %s\n", path, line ? line : 1, text);
}

static bool ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), wanted = strlen(ending);
    return length >= wanted && strcmp(name + length - wanted, ending) == 0;
}

// A plugin has one of three forms: a file, a folder with it, a folder with its declaration.
// Also out of the tree, built where its README says.
static char *plugin_of(const struct docs *docs, const char *folder, const char *name)
{
    char *built = author_plugin_at(arena_printf(docs->arena, "%s/build/plugins", folder), name, docs->arena);
    if (built)
        return built;
    for (size_t i = 0; docs->plugins[i]; i++) {
        char *path = author_plugin_at(docs->plugins[i], name, docs->arena);
        if (path)
            return path;
    }
    return NULL;
}

// A folder with service.yaml is a plugin; one with plugin.c holds the sources of the plugin of its own name, which is built elsewhere.
static void check_plugin(struct docs *docs, const char *folder, const struct document *document)
{
    const char *name = author_last_name(folder, docs->arena);
    const char *declared = arena_printf(docs->arena, "%s/service.yaml", folder);
    if (file_exists(declared)) {
        docs_check_plugin(docs, document, declared);
        return;
    }
    if (!file_exists(arena_printf(docs->arena, "%s/plugin.c", folder)))
        return;
    char *plugin = plugin_of(docs, folder, name);
    if (plugin)
        docs_check_plugin(docs, document, plugin);
    else
        docs_problem(docs, document->path, 1, "the plugin %s is not built in any folder of --plugins", name);
}

static void check_file(struct docs *docs, const char *folder, const char *name)
{
    struct document document;
    struct panther_error error = {0};
    const char *path = arena_printf(docs->arena, "%s/%s", folder, name);
    docs->files++;
    if (document_read(&document, path, docs->arena, &error) < 0) {
        docs_problem(docs, path, 0, "%s", error.message);
        return;
    }
    docs_check_references(docs, &document);
    if (strcmp(name, "README.md") == 0)
        check_plugin(docs, folder, &document);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "build") != 0;
}

static void walk(struct docs *docs, const char *folder, int depth)
{
    struct dirent **entries = NULL;
    int count = depth < DEPTH_MAX ? scandir(folder, &entries, is_visible, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        struct stat status;
        const char *path = arena_printf(docs->arena, "%s/%s", folder, entries[i]->d_name);
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
            walk(docs, path, depth + 1);
        else if (ends_in(entries[i]->d_name, ".md"))
            check_file(docs, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

// ---- command line

enum { KEY_ROOT = 300, KEY_PLUGINS, KEY_WRITE };

static const struct argp_option options[] = {
    {"root", KEY_ROOT, "DIR", 0, "what src references are relative to (default: the folder itself)", 0},
    {"plugins", KEY_PLUGINS, "DIR", 0, "where built plugins are; may be repeated (default: beside this program)", 0},
    {"write", KEY_WRITE, NULL, 0, "write the tables of options as the plugins have them", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_ROOT:
        arguments->root = argument;
        return 0;
    case KEY_PLUGINS:
        if (arguments->plugin_count == PLUGIN_FOLDERS_MAX)
            argp_error(state, "at most %d folders of plugins", PLUGIN_FOLDERS_MAX);
        arguments->plugins[arguments->plugin_count++] = argument;
        return 0;
    case KEY_WRITE:
        arguments->write = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->folder)
            argp_error(state, "one folder at a time; %s is too many", argument);
        arguments->folder = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int author_docs(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "[DIR]",
                                     "Checks the documentation below DIR (default: here): every `<!-- src: path[:lines] -->` and every "
                                     "relative link leads somewhere, the README of a plugin has its sections, and its table of options "
                                     "is the plugin's.\vExit status: 0 all is true, 1 something is not, 2 wrong usage.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    const char *folder = arguments.folder ? arguments.folder : ".";
    CLEANUP_FREE char *programs = program_folder();
    CLEANUP_FREE char *beside = memory_printf("%s/../plugins", programs), *installed = memory_printf("%s/../lib/panther/plugins", programs);
    if (arguments.plugin_count == 0) {
        arguments.plugins[0] = beside;
        arguments.plugins[1] = installed;
    }
    struct docs docs = {
        .root = arguments.root ? arguments.root : folder, .plugins = arguments.plugins, .write = arguments.write, .arena = arena_new(0)};
    if (!file_exists(folder)) {
        fprintf(stderr, "panther-plugin: there is no folder %s\n", folder);
        arena_free(&docs.arena);
        return AUTHOR_USAGE;
    }
    walk(&docs, folder, 0);
    if (docs.written)
        printf("%zu tables of options written\n", docs.written);
    printf("%zu files, %zu of plugins, %zu references: %zu problems\n", docs.files, docs.plugin_files, docs.references, docs.problems);
    arena_free(&docs.arena);
    return docs.problems ? AUTHOR_BAD : AUTHOR_GOOD;
}
