// Any bytes are a report with entries, whole or with what is wrong with it. The first byte says as what.
#include <string.h>

#include "common/base/error.h"
#include "services/sdk/declared/report.h"
#include "tests/fuzz/fuzz.h"

static const char *const passed[] = {"ok", "true", NULL}, *const failed[] = {"false", NULL};

static void read_as(char kind, struct report *report, const char *text, size_t bytes)
{
    const struct json_form form = {
        .list = kind == 'n' ? "tests" : NULL, .name = "name", .status = "status", .passed = passed, .failed = failed};
    switch (kind) {
    case 'j':
        report_read_junit(report, text);
        break;
    case 't':
        report_read_tap(report, text);
        break;
    default:
        report_read_json(report, text, bytes, &form);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report report = {.arena = arena_new(0)};
    if (size > 0) {
        const char *text = arena_string_bytes(report.arena, (const char *)data + 1, size - 1);
        read_as((char)data[0], &report, text, size - 1);
    }
    for (size_t i = 0; i < report.count; i++) {
        INVARIANT(report.items[i].name != NULL && report.items[i].group != NULL && report.items[i].status <= REPORT_SKIPPED);
        INVARIANT(strlen(report.items[i].name) <= 6 * size);
    }
    INVARIANT(report.count <= size);
    report_free(&report);
    arena_free(&report.arena);
    return 0;
}
