#include "coordinator/cli/log_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/report/json.h"
#include "coordinator/report/readable.h"

void log_lines_begin(struct log_lines *lines, enum report_format format, bool colour)
{
    *lines = (struct log_lines){.format = format, .colour = colour, .terminal = isatty(STDOUT_FILENO)};
}

static void print_json(struct log_lines *lines, const struct log_origin *origin, const char *data, size_t bytes)
{
    static const char *const columns[] = {"name", "text", "host", "time_ns"};
    CLEANUP_FREE char *text = readable_utf8(data, bytes);
    CLEANUP_FREE char *time = origin->time_ns ? memory_printf("%" PRId64, origin->time_ns) : memory_string("");
    if (lines->format == REPORT_JSON) {
        fputs(lines->any ? "," : "[", stdout);
    }
    json_print_object(stdout, columns, (const char *const[]){origin->name, text, origin->host, time}, origin->host ? 4 : 2);
    lines->any = true;
}

void log_lines_one(struct log_lines *lines, const struct log_origin *origin, const char *data, size_t bytes)
{
    if (lines->format != REPORT_TABLE) {
        print_json(lines, origin, data, bytes);
        return;
    }
    if (lines->prefixed) {
        printf("%s%s%s%s%s| ", lines->colour ? "\033[2m" : "", origin->name, origin->host ? " " : "", origin->host ? origin->host : "",
               lines->colour ? REPORT_COLOUR_END : "");
    }
    if (lines->terminal) {
        struct text text = {0};
        readable_append(&text, data, bytes && data[bytes - 1] == '\r' ? bytes - 1 : bytes);
        fwrite(text_string(&text), 1, text.length, stdout);
        text_free(&text);
    } else {
        fwrite(data, 1, bytes, stdout);
    }
    putchar('\n');
}

static void print_line(struct log_lines *lines, const char *name, const char *data, size_t bytes)
{
    log_lines_one(lines, &(struct log_origin){.name = name}, data, bytes);
}

static bool is_raw(const struct log_lines *lines)
{
    return lines->format == REPORT_TABLE && !lines->prefixed && !lines->terminal;
}

void log_lines_print(struct log_lines *lines, const char *name, struct text *rest, const void *data, size_t bytes)
{
    if (is_raw(lines)) {
        fwrite(data, 1, bytes, stdout);
        return;
    }
    const char *at = data, *newline;
    while (bytes > 0 && (newline = memchr(at, '\n', bytes))) {
        size_t length = (size_t)(newline - at);
        text_append_bytes(rest, at, length);
        print_line(lines, name, text_string(rest), rest->length);
        text_clear(rest);
        at += length + 1;
        bytes -= length + 1;
    }
    text_append_bytes(rest, at, bytes);
    if (rest->length > LOG_LINE_MAX_BYTES) {
        log_lines_flush(lines, name, rest);
    }
}

void log_lines_flush(struct log_lines *lines, const char *name, struct text *rest)
{
    if (rest->length) {
        print_line(lines, name, text_string(rest), rest->length);
        text_clear(rest);
    }
}

void log_lines_end(struct log_lines *lines)
{
    if (lines->format == REPORT_JSON) {
        fputs(lines->any ? "]\n" : "[]\n", stdout);
    }
}
