// The folder law: who may include what. Reads a table and every .c and .h below the folders that it names, and says each include
// that no row allows as `file:line: ...`. usage: law_includes TABLE ROOT
#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS_MAX 200
#define WORDS_MAX 100
#define LINE_MAX_BYTES 4096 // also of a path

// "may FOLDER WORD..."   what files in FOLDER (and below, unless a longer row fits) may include
// "only WORD FOLDER..."  what may stand in these folders and nowhere else: <header.h>, or a text of the program
struct row {
    char *words[WORDS_MAX];
    size_t count;
};

static struct row may[ROWS_MAX], only[ROWS_MAX];
static size_t may_count, only_count;
static unsigned files, violations;

// ---- the table

static void read_row(char *line, const char *path, unsigned number)
{
    struct row row = {0};
    for (char *word = strtok(line, " \t\n"); word != NULL && row.count < WORDS_MAX; word = strtok(NULL, " \t\n")) {
        row.words[row.count] = strdup(word);
        if (row.words[row.count++] == NULL)
            abort();
    }
    if (row.count == 0)
        return;
    bool is_may = strcmp(row.words[0], "may") == 0;
    if ((!is_may && strcmp(row.words[0], "only") != 0) || row.count < 2 || may_count == ROWS_MAX || only_count == ROWS_MAX) {
        fprintf(stderr, "%s:%u: a row is \"may FOLDER WORD...\" or \"only WORD FOLDER...\"\n", path, number);
        exit(2);
    }
    if (is_may)
        may[may_count++] = row;
    else
        only[only_count++] = row;
}

static void read_table(const char *path)
{
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        line[strcspn(line, "#")] = '\0';
        read_row(line, path, number);
    }
    fclose(file);
}

static bool is_inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// The row with the longest folder that the file is in.
static const struct row *row_of(const char *path)
{
    const struct row *best = NULL;
    for (size_t i = 0; i < may_count; i++) {
        if (is_inside(path, may[i].words[1]) && (best == NULL || strlen(may[i].words[1]) > strlen(best->words[1])))
            best = &may[i];
    }
    return best;
}

// ---- judgement

__attribute__((format(printf, 3, 4))) static void report(const char *path, unsigned line, const char *format, ...)
{
    va_list arguments;
    printf("%s:%u: ", path, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    violations++;
}

static bool may_include_system(const struct row *row, const char *name)
{
    for (size_t i = 2; i < row->count; i++) {
        const char *word = row->words[i];
        size_t length = strlen(word);
        if (strcmp(word, "<*>") == 0 || strcmp(word, name) == 0)
            return true;
        if (length > 3 && strcmp(word + length - 3, "/*>") == 0 && strncmp(word, name, length - 2) == 0)
            return true; // <panther/*>
    }
    return false;
}

// Beside the file itself, or from a folder `tests` what it tests: "../report.h".
static bool is_near(const char *path, const char *name)
{
    if (strncmp(name, "../", 3) == 0)
        return strchr(name + 3, '/') == NULL && strstr(path, "/tests/") != NULL;
    const char *slash = strrchr(path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    return strchr(name, '/') == NULL || (strncmp(name, path, folder) == 0 && strchr(name + folder, '/') == NULL);
}

static bool may_include_ours(const struct row *row, const char *path, const char *name)
{
    if (is_near(path, name))
        return true;
    bool is_generated = strncmp(name, "panther/v1/", 11) == 0;
    bool is_public = !is_generated && strncmp(name, "panther/", 8) == 0;
    for (size_t i = 2; i < row->count; i++) {
        const char *word = row->words[i];
        if (is_generated ? strcmp(word, "proto") == 0 : is_public ? strcmp(word, "<panther/*>") == 0 : is_inside(name, word))
            return true;
    }
    return false;
}

static void judge_only(const char *path, unsigned line, const char *text)
{
    for (size_t i = 0; i < only_count; i++) {
        bool is_allowed = false;
        if (strstr(text, only[i].words[1]) == NULL)
            continue;
        for (size_t j = 2; j < only[i].count; j++)
            is_allowed = is_allowed || is_inside(path, only[i].words[j]);
        if (!is_allowed)
            report(path, line, "%s stands here, and may only in %s", only[i].words[1], only[i].count > 2 ? only[i].words[2] : "no folder");
    }
}

static void judge_include(const struct row *row, const char *path, unsigned line, char *text)
{
    char *name = text + strspn(text, " \t");
    bool is_system = *name == '<';
    char *end = strchr(name + 1, is_system ? '>' : '"');
    if (end == NULL)
        return;
    end[is_system ? 1 : 0] = '\0';
    if (is_system ? !may_include_system(row, name) : !may_include_ours(row, path, name + 1))
        report(path, line, "includes %s, which is not for %s", is_system ? name : name + 1, row->words[1]);
}

static void judge_file(const char *root, const char *path)
{
    char full[3 * LINE_MAX_BYTES], line[LINE_MAX_BYTES];
    snprintf(full, sizeof full, "%s/%s", root, path);
    FILE *file = fopen(full, "r");
    const struct row *row = row_of(path);
    if (file == NULL || row == NULL) {
        report(path, 1, "no row of the table is for this file");
        if (file != NULL)
            fclose(file);
        return;
    }
    files++;
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        char *comment = strstr(line, "//");
        if (comment != NULL && strchr(comment, '"') == NULL)
            *comment = '\0';
        judge_only(path, number, line);
        char *start = line + strspn(line, " \t");
        if (*start != '#')
            continue;
        start += 1 + strspn(start + 1, " \t");
        if (strncmp(start, "include", 7) == 0)
            judge_include(row, path, number, start + 7);
    }
    fclose(file);
}

// ---- the tree, in alphabetical order

static bool is_source(const char *name)
{
    size_t length = strlen(name);
    return length > 2 && (strcmp(name + length - 2, ".c") == 0 || strcmp(name + length - 2, ".h") == 0);
}

static void walk(const char *root, const char *path)
{
    char full[3 * LINE_MAX_BYTES];
    struct dirent **entries;
    snprintf(full, sizeof full, "%s/%s", root, path);
    int count = scandir(full, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char inner[2 * LINE_MAX_BYTES];
        struct stat status;
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        snprintf(full, sizeof full, "%s/%s", root, inner);
        bool is_hidden = entries[i]->d_name[0] == '.';
        if (!is_hidden && lstat(full, &status) == 0 && S_ISDIR(status.st_mode))
            walk(root, inner);
        else if (!is_hidden && is_source(inner))
            judge_file(root, inner);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int count, char **arguments)
{
    static const char *const tops[] = {"agent", "common", "coordinator", "deploy", "proto", "services"};
    if (count != 3) {
        fprintf(stderr, "usage: law_includes TABLE ROOT\n");
        return 2;
    }
    read_table(arguments[1]);
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        walk(arguments[2], tops[i]);
    printf("%u files, %u violations of the folder law\n", files, violations);
    return files == 0 || violations > 0;
}
