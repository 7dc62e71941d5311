// Words and lines that people or programs write: names, quantities, tokens, references, patterns, output of tools. The first byte says
// as what the rest is read. What is accepted is written again and read as the same.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/guard/lines.h"
#include "agent/guard/pattern.h"
#include "agent/guard/printable.h"
#include "common/base/error.h"
#include "common/base/identity.h"
#include "common/base/memory.h"
#include "common/base/units.h"
#include "common/bus/token.h"
#include "common/schema/patterns.h"
#include "coordinator/experiment/reference.h"
#include "coordinator/report/readable.h"
#include "coordinator/report/value.h"
#include "services/testers/h2load/report.h"
#include "tests/fuzz/fuzz.h"

static void full_name(const char *text)
{
    struct full_name name, again;
    struct panther_error error = {0};
    char written[4 * FULL_NAME_MAX_BYTES];
    if (full_name_parse(text, &name, &error) < 0) {
        INVARIANT(error.message[0] != '\0');
        return;
    }
    full_name_format(&name, written, sizeof written);
    INVARIANT(full_name_parse(written, &again, &error) == 0);
    INVARIANT(name.is_last == again.is_last && name.run == again.run && name.repetition == again.repetition);
    INVARIANT(name.attempt == again.attempt && strcmp(name.test, again.test) == 0 && strcmp(name.service, again.service) == 0);
    INVARIANT(strcmp(name.combination, again.combination) == 0 && strcmp(name.stream, again.stream) == 0);
}

static void quantities(const char *text)
{
    uint64_t ms, ns, bytes, unsigned_number;
    int64_t number;
    double fraction;
    bool truth;
    char shown[64];
    if (duration_parse_ms(text, &ms)) {
        duration_format_ms(ms, shown, sizeof shown);
        // What fits into nanoseconds is the same time.
        INVARIANT(!duration_parse_ns(text, &ns) || ns / 1000000 == ms || ns / 1000000 + 1 == ms);
    }
    if (size_parse_bytes(text, &bytes))
        size_format(bytes, shown, sizeof shown);
    if (ratio_parse(text, &fraction))
        INVARIANT(fraction >= 0 && fraction <= 1);
    if (float_parse(text, &fraction))
        INVARIANT(isfinite(fraction));
    if (integer_parse(text, &number) && number >= 0 && text[0] != '+' && text[0] != '-')
        INVARIANT(!unsigned_parse(text, &unsigned_number) || unsigned_number == (uint64_t)number);
    boolean_parse(text, &truth);
}

static void token(const char *text)
{
    struct bus_token token, again;
    char written[BUS_TOKEN_BYTES];
    struct panther_error error = {0};
    if (bus_token_parse(text, &token, &error) < 0) {
        INVARIANT(strstr(error.message, text) == NULL || strlen(text) < 8); // a secret is not repeated
        return;
    }
    bus_token_format(&token, written);
    INVARIANT(strcmp(written, text) == 0);
    INVARIANT(bus_token_parse(written, &again, &error) == 0 && strcmp(again.secret_key, token.secret_key) == 0);
}

static const char *value_of(const struct reference *reference, void *context)
{
    (void)context;
    return reference_is(reference, "server", 2) ? "$(server.port) and $(seed)" : NULL;
}

static void reference(const char *text)
{
    struct reference reference;
    struct arena *arena = arena_new(0);
    for (const char *at = text; reference_next(at, &reference); at = reference.start + reference.length)
        INVARIANT(reference.start >= at && reference.length >= 4 && reference.start + reference.length <= text + strlen(text));
    INVARIANT(reference_is_in(text) == reference_next(text, &reference));
    if (reference_is_whole(text, &reference))
        INVARIANT(reference.start == text && reference.length == strlen(text));
    reference_put_in(text, value_of, NULL, false, arena);
    reference_put_in(text, value_of, NULL, true, arena);
    arena_free(&arena);
}

// The first line is the pattern, the rest is what a program printed, cut where it likes.
static void one_line(void *context, const char *line, size_t bytes, uint64_t offset)
{
    (void)offset;
    const struct pattern *pattern = context;
    if (pattern)
        pattern_matches(pattern, line, bytes);
    CLEANUP_FREE char *shown = printable(line, bytes, 100);
    INVARIANT(strlen(shown) <= 100);
}

static void pattern(const char *text, size_t bytes)
{
    static struct lines lines;
    struct pattern *pattern = NULL;
    struct panther_error error = {0};
    struct arena *arena = arena_new(0);
    CLEANUP_FREE char *first = memory_string(text);
    first[strcspn(first, "\n")] = '\0';
    bool is_regex = first[0] == '/';
    // What the coordinator lets through, every guard can compile.
    if (!patterns_refusal(first + is_regex, is_regex, arena))
        INVARIANT(pattern_new(&pattern, first + is_regex, is_regex, &error) == 0);
    arena_free(&arena);
    lines = (struct lines){0};
    size_t half = bytes / 2;
    lines_add(&lines, text, half, one_line, pattern);
    lines_add(&lines, text + half, bytes - half, one_line, pattern);
    lines_end(&lines, one_line, pattern);
    INVARIANT(lines.bytes == 0);
    pattern_free(&pattern);
}

static void shown(const char *text, size_t bytes)
{
    static const char *const columns[] = {"duration_ms", "size_bytes", "begin_wall_ns", "case_count", "text"};
    char line[200];
    struct text readable = {0};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        report_value(columns[i], text, line, sizeof line);
    readable_line(text, line, sizeof line);
    for (const char *c = line; *c; c++)
        INVARIANT((unsigned char)*c >= ' ' && *c != 0x7f); // nothing moves the cursor
    readable_cut(line, 10);
    INVARIANT(readable_width(line) <= 10);
    readable_append(&readable, text, bytes);
    INVARIANT(readable.length == 0 || strpbrk(text_string(&readable), "\033\a\b\r") == NULL);
    free(readable_utf8(text, bytes));
    text_free(&readable);
}

static void h2load(const char *text)
{
    struct report report;
    if (report_parse(text, &report))
        INVARIANT(isfinite(report.req_per_s) && isfinite(report.latency_mean_ms) && isfinite(report.latency_max_ms));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    // As C's texts are: up to the first zero, in a place of just that size.
    CLEANUP_FREE char *text = memory_new(size);
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 8) {
    case 0:
        full_name(text);
        break;
    case 1:
        quantities(text);
        break;
    case 2:
        token(text);
        break;
    case 3:
        reference(text);
        break;
    case 4:
        pattern(text, size - 1);
        break;
    case 5:
        shown(text, size - 1);
        break;
    default:
        h2load(text);
        break;
    }
    return 0;
}
