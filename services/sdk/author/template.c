#include "services/sdk/author/template.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/process.h"

#define TEMPLATE_MAX_BYTES ((size_t)256 * 1024)
#define WORDS_MAX 16

struct word {
    const char *name, *value;
};

struct making {
    const struct template_values *values;
    struct arena *arena;
    struct word words[WORDS_MAX];
    size_t word_count;
};

// ---- where from, where to

// Beside an installed program; of a build, those of its sources.
static const char *templates(struct arena *arena)
{
    CLEANUP_FREE char *programs = program_folder();
    const char *installed = arena_printf(arena, "%s/../share/panther/templates", programs);
    return file_exists(installed) ? installed : PANTHER_TEMPLATES;
}

// The root of panther's own tree when we are in it; NULL: we are not.
static const char *find_tree(struct arena *arena)
{
    char here[4096];
    if (!getcwd(here, sizeof here))
        return NULL;
    for (char *folder = here; *folder; *strrchr(folder, '/') = '\0')
        if (file_exists(arena_printf(arena, "%s/services/sdk/include/panther/plugin.h", folder)) &&
            file_exists(arena_printf(arena, "%s/services/iut", folder)))
            return arena_string(arena, folder);
    return NULL;
}

static bool is_empty(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    bool empty = true;
    while (entries && (entry = readdir(entries)))
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    if (entries)
        closedir(entries);
    return empty;
}

// In the tree, the path from its root, with a slash: what src references begin with.
static const char *choose_folder(struct template_values *values)
{
    const char *tree = values->folder ? NULL : find_tree(values->arena);
    const char *place = values->is_tester ? "testers" : arena_printf(values->arena, "iut/%s", values->protocol);
    values->in_tree = tree != NULL;
    if (!tree) {
        values->folder = values->folder ? values->folder : values->name;
        return "";
    }
    values->folder = arena_printf(values->arena, "%s/services/%s/%s", tree, place, values->name);
    return arena_printf(values->arena, "services/%s/%s/", place, values->name);
}

// ---- words

static void add_word(struct making *making, const char *name, const char *value)
{
    INVARIANT(making->word_count < WORDS_MAX);
    making->words[making->word_count++] = (struct word){name, value};
}

static const char *upper(const char *text, struct arena *arena)
{
    char *copy = arena_string(arena, text);
    for (char *c = copy; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return copy;
}

// A backslash stands twice in C, and in YAML's double quotes.
static const char *quoted(const char *text, struct arena *arena)
{
    struct text twice = {0};
    for (; *text; text++)
        text_printf(&twice, *text == '\\' ? "\\\\" : "%c", *text);
    char *copy = arena_string(arena, text_string(&twice));
    text_free(&twice);
    return copy;
}

static void set_words(struct making *making, const char *source)
{
    const struct template_values *values = making->values;
    bool is_http = strcmp(values->protocol, "http") == 0;
    const char *request = is_http ? "GET / HTTP/1.1\\r\\nHost: panther\\r\\nConnection: close\\r\\n\\r\\n" : "hello\\n";
    add_word(making, "NAME", values->name);
    add_word(making, "UPPER", upper(values->name, making->arena));
    add_word(making, "PROTOCOL", values->protocol);
    add_word(making, "VERSION", values->version ? values->version : is_http && values->is_tester ? "1.1" : "1");
    add_word(making, "SRC", source);
    add_word(making, "SEND", quoted(request, making->arena));
    add_word(making, "SEND_TEXT", request);
    add_word(making, "EXPECT", is_http ? "HTTP/1." : "hello");
}

static const char *value_of(const struct making *making, const char *name, size_t length)
{
    for (size_t i = 0; i < making->word_count; i++)
        if (strlen(making->words[i].name) == length && strncmp(making->words[i].name, name, length) == 0)
            return making->words[i].value;
    return NULL;
}

static void replace(const struct making *making, const char *from, struct text *to)
{
    while (*from) {
        size_t before = strcspn(from, "@"), length = from[before] ? strcspn(from + before + 1, "@") : 0;
        const char *value = from[before] ? value_of(making, from + before + 1, length) : NULL;
        text_append_bytes(to, from, before);
        from += before;
        if (value) {
            text_append(to, value);
            from += length + 2;
        } else if (*from) {
            text_append_bytes(to, from++, 1);
        }
    }
}

// ---- files

static int write_file(const struct making *making, const char *from, const char *to, struct panther_error *error)
{
    CLEANUP_FREE char *template = NULL;
    struct text text = {0};
    struct stat status;
    size_t bytes;
    int problem = file_read(from, TEMPLATE_MAX_BYTES, &template, &bytes, error);
    if (problem < 0)
        return problem;
    replace(making, template, &text);
    mode_t mode = stat(from, &status) == 0 && (status.st_mode & 0100) ? 0755 : 0644;
    problem = file_write_atomic(to, text_string(&text), text.length, mode, error);
    text_free(&text);
    return problem;
}

// "NAME_test.c.in" -> "mystack_test.c"; NULL: not for this kind of folder.
static const char *name_of(const struct making *making, const char *template)
{
    size_t length = strlen(template);
    const char *alone = making->values->in_tree ? ".alone" : ".tree", *wanted = making->values->in_tree ? ".tree" : ".alone";
    if (length <= 3 || strcmp(template + length - 3, ".in") != 0)
        return NULL;
    char *name = arena_string_bytes(making->arena, template, length - 3);
    if (strstr(name, alone))
        return NULL;
    char *ending = strstr(name, wanted);
    if (ending)
        *ending = '\0';
    return strncmp(name, "NAME", 4) == 0 ? arena_printf(making->arena, "%s%s", making->values->name, name + 4) : name;
}

static int make_folder(const struct making *making, const char *from, const char *to, struct panther_error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(from, &entries, NULL, alphasort), problem = count < 0 ? error_system(error, errno, "cannot read %s", from) : 0;
    if (problem == 0)
        problem = folder_make(to, 0755, error);
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name, *source = arena_printf(making->arena, "%s/%s", from, entry);
        struct stat status;
        bool is_folder = stat(source, &status) == 0 && S_ISDIR(status.st_mode);
        const char *name = is_folder ? entry : name_of(making, entry);
        if (problem == 0 && entry[0] != '.' && name) {
            const char *target = arena_printf(making->arena, "%s/%s", to, name);
            problem = is_folder ? make_folder(making, source, target, error) : write_file(making, source, target, error);
        }
        free(entries[i]);
    }
    free(entries);
    return problem;
}

// A protocol that the tree does not know yet gets its folder, which is picked up by the list in it.
static int make_protocol(const struct template_values *values, struct panther_error *error)
{
    static const char list[] = "# Folders with their own CMakeLists.txt are picked up by themselves.\npanther_folders()\n";
    const char *slash = strrchr(values->folder, '/');
    const char *path = arena_printf(values->arena, "%.*s/CMakeLists.txt", (int)(slash - values->folder), values->folder);
    return file_exists(path) ? 0 : file_write_atomic(path, list, sizeof list - 1, 0644, error);
}

int template_make(struct template_values *values, struct panther_error *error)
{
    struct making making = {.values = values, .arena = values->arena};
    const char *source = choose_folder(values);
    const char *kind = arena_printf(values->arena, "%s/%s_%s", templates(values->arena), values->is_tester ? "tester" : "iut",
                                    values->yaml ? "yaml" : "c");
    set_words(&making, source);
    if (!file_exists(kind))
        return error_set(error, PANTHER_ENOTFOUND, "the templates are not installed: there is no %s", kind);
    if (file_exists(values->folder) && !is_empty(values->folder))
        return error_set(error, PANTHER_EEXISTS, "%s is there already; nothing was written", values->folder);
    int problem = make_folder(&making, kind, values->folder, error);
    if (problem == 0 && values->in_tree)
        problem = make_protocol(values, error);
    if (problem < 0)
        folder_remove(values->folder, NULL);
    return problem;
}
