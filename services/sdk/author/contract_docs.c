// The clause about the README: it is there, and what it says is what the plugin says.
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "services/sdk/author/contract.h"
#include "services/sdk/author/docs.h"

static char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_string_bytes(arena, path, slash == path ? 1 : (size_t)(slash - path)) : arena_string(arena, ".");
}

// A plugin of panther's own build.
static const char *in_sources(const char *name, struct arena *arena)
{
    static const char *const places[] = {"iut/*", "testers"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof places / sizeof *places; i++) {
        glob_t paths;
        if (glob(arena_printf(arena, PANTHER_SOURCE "/services/%s/%s/README.md", places[i], name), 0, NULL, &paths) == 0)
            found = arena_string(arena, paths.gl_pathv[0]);
        globfree(&paths);
    }
    return found;
}

// Beside a service.yaml; beside NAME.so as NAME.md or, of a folder, README.md; above a build; installed.
static const char *find_readme(const struct contract *contract)
{
    const char *folder = folder_of(contract->arena, contract->path), *name = contract->description->name;
    const char *places[] = {arena_printf(contract->arena, "%s/%s.md", folder, name),
                            arena_printf(contract->arena, "%s/README.md", folder),
                            arena_printf(contract->arena, "%s/../%s.md", folder, name),
                            arena_printf(contract->arena, "%s/../../README.md", folder),
                            arena_printf(contract->arena, "%s/../../../README.md", folder),
                            arena_printf(contract->arena, "%s/../../../share/doc/panther/plugins/%s.md", folder, name),
                            arena_printf(contract->arena, "%s/../../../../share/doc/panther/plugins/%s.md", folder, name)};
    const char *title = arena_printf(contract->arena, "# %s", name);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct document document;
        if (document_read(&document, places[i], contract->arena, NULL) == 0 && document.count > 0 && strcmp(document.lines[0], title) == 0)
            return places[i];
    }
    return in_sources(name, contract->arena);
}

// The first src reference of a document, without its lines; NULL: it has none.
static const char *first_source(const struct document *document, struct arena *arena)
{
    for (size_t i = 0; i < document->count; i++) {
        const char *at = document->is_code[i] ? NULL : strstr(document->lines[i], "<!-- src: ");
        if (at)
            return arena_string_bytes(arena, at + strlen("<!-- src: "), strcspn(at + strlen("<!-- src: "), ": "));
    }
    return NULL;
}

// References are relative to the root of the tree that holds the README: the nearest folder above it in which the first one is there.
static const char *root_of(const char *readme, const char *source, struct arena *arena)
{
    for (char *folder = folder_of(arena, readme);; folder = folder_of(arena, folder)) {
        if (!source || file_exists(arena_printf(arena, "%s/%s", folder, source)))
            return folder;
        if (strcmp(folder, "/") == 0 || strcmp(folder, ".") == 0)
            return folder_of(arena, readme);
    }
}

static bool is_installed(const char *readme)
{
    return strstr(readme, "/doc/panther/plugins/") != NULL;
}

static void check_readme(struct contract *contract, const char *readme, struct judgement *judgement)
{
    struct panther_error error = {0};
    struct document document;
    struct text problems = {0};
    struct docs docs = {.arena = contract->arena, .sink = &problems};
    if (document_read(&document, readme, contract->arena, &error) < 0) {
        judge_bad(judgement, "%s", error.message);
        return;
    }
    docs.root = root_of(readme, first_source(&document, contract->arena), contract->arena);
    docs_check_plugin(&docs, &document, contract->path);
    if (!is_installed(readme)) // an installed one is without its sources
        docs_check_references(&docs, &document);
    if (docs.problems)
        judge_bad(judgement, "%s", text_string(&problems));
    else
        judge_note(judgement, "%s", readme);
    text_free(&problems);
}

void clause_docs(struct contract *contract, struct judgement *judgement)
{
    char real[PATH_MAX];
    const char *readme = contract->readme ? contract->readme : find_readme(contract);
    if (!readme || !realpath(readme, real))
        judge_bad(judgement, "there is no README whose title is \"# %s\" beside it, nor an installed one (--readme FILE names it)",
                  contract->description->name);
    else
        check_readme(contract, arena_string(contract->arena, real), judgement);
}
