// The numbers of one column of a text file, read line by line: a log of a million requests costs no memory.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/units.h"
#include "services/sdk/declared/metric.h"

// A line that is longer is no table's.
#define LINE_MAX_BYTES 65536
// What is read of one file: an hour of a load tool. A larger one tells nothing.
#define FILE_MAX_BYTES (1024LL * 1024 * 1024)

// The next field: *field becomes its begin, its length is returned, *rest what follows. False: there is none.
static bool next_field(char **rest, char separator, char **field)
{
    char *begin = *rest;
    if (begin == NULL) {
        return false;
    }
    if (separator == ' ') {
        begin += strspn(begin, " \t");
        if (*begin == '\0') {
            return false;
        }
    }
    char *end = separator == ' ' ? strpbrk(begin, " \t") : strchr(begin, separator);
    *rest = end != NULL ? end + 1 : NULL;
    if (end != NULL) {
        *end = '\0';
    }
    *field = begin;
    return true;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t\"");
    size_t bytes = strlen(text);
    while (bytes > 0 && strchr(" \t\"\r", text[bytes - 1]) != NULL) {
        text[--bytes] = '\0';
    }
    return text;
}

// Where the column of this name is, from 1; 0: nowhere.
static int64_t column_named(char *header, char separator, const char *name)
{
    char *field = NULL;
    for (int64_t column = 1; next_field(&header, separator, &field); column++) {
        if (strcmp(trimmed(field), name) == 0) {
            return column;
        }
    }
    return 0;
}

static void add_line(char *line, const struct metric_rule *rule, int64_t column, struct histogram *histogram)
{
    char *field = NULL;
    double number = 0;
    for (int64_t i = 0; i < column; i++) {
        if (!next_field(&line, rule->separator[0], &field)) {
            return;
        }
    }
    if (float_parse(trimmed(field), &number)) {
        histogram_add(histogram, number);
    }
}

static int read_lines(FILE *file, const struct metric_rule *rule, struct histogram *histogram, const char **problem)
{
    static char line[LINE_MAX_BYTES];
    int64_t column = rule->column, bytes = 0;
    for (size_t number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
        const size_t length = strlen(line);
        const bool is_whole = length > 0 && line[length - 1] == '\n';
        bytes += (int64_t)length;
        if (bytes > FILE_MAX_BYTES) {
            *problem = "its file has more than 1 GiB";
            return PANTHER_FAILED;
        }
        if (!is_whole && !feof(file)) {
            *problem = "its file has a line of more than 64 KiB";
            return PANTHER_FAILED;
        }
        line[length - (is_whole ? 1 : 0)] = '\0';
        if (number == 1 && rule->header) {
            column = rule->column_name != NULL ? column_named(line, rule->separator[0], rule->column_name) : column;
        } else {
            add_line(line, rule, column, histogram);
        }
        if (column == 0) {
            *problem = "its file has no such column";
            return PANTHER_FAILED;
        }
    }
    return 0;
}

int column_read(const struct metric_rule *rule, const char *path, struct histogram *histogram, const char **problem)
{
    struct stat status;
    const bool is_there = stat(path, &status) == 0;
    FILE *file = is_there && S_ISREG(status.st_mode) ? fopen(path, "re") : NULL; // a pipe would hold up the judge
    if (file == NULL) {
        *problem = is_there ? "its file cannot be read" : "there is no such file";
        return PANTHER_MISSING;
    }
    const int result = read_lines(file, rule, histogram, problem);
    fclose(file);
    return result;
}
