// The outcome of a case and what it owns.
#include "run.h"

#include "connection.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool run_say(struct run *run, enum panther_verdict verdict, enum panther_reason reason, const char *format, ...)
{
    va_list arguments;
    if (run->text[0] != '\0' && verdict <= run->verdict)
        return false;
    run->verdict = verdict;
    run->reason = reason;
    int used = 0;
    if (verdict == PANTHER_FAIL)
        used = snprintf(run->text, sizeof(run->text), "%s: ", run->section);
    va_start(arguments, format);
    vsnprintf(run->text + used, sizeof(run->text) - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

void run_note(struct run *run, const char *format, ...)
{
    char text[RUN_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    panther_log(run->service, PANTHER_WARNING, "%s: %s", run->section, text);
    panther_metric(run->service, "notes", 1, "", PANTHER_LOWER_IS_BETTER);
}

bool run_is_bad(const struct run *run)
{
    return run->verdict > PANTHER_PASS;
}

void run_at_end(struct run *run, void (*release)(void *), void *memory)
{
    if (!memory || run->kept_count == RUN_KEPT_MAX) {
        fprintf(stderr, "http_conformance: out of memory, or of places for it\n");
        abort();
    }
    run->kept[run->kept_count].release = release;
    run->kept[run->kept_count++].memory = memory;
}

void *run_memory(struct run *run, size_t bytes)
{
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    run_at_end(run, free, memory);
    return memory;
}

void run_release(struct run *run)
{
    while (run->connection_count > 0)
        connection_free(run->connections[--run->connection_count]);
    while (run->kept_count > 0) {
        run->kept_count--;
        run->kept[run->kept_count].release(run->kept[run->kept_count].memory);
    }
}

uint64_t run_deadline_ns(const struct run *run)
{
    uint64_t remaining = panther_remaining_ms(run->service), patience = run->settings->patience;
    return panther_now_ns(run->service) + (patience < remaining ? patience : remaining) * 1000000;
}

const char *run_path(struct run *run, uint64_t size)
{
    return panther_format(run->service, "/%" PRIu64 ".bin", size);
}

int64_t run_difference(const struct run *run, uint64_t offset, const void *data, size_t bytes)
{
    uint8_t expected[16384];
    for (size_t done = 0; done < bytes;) {
        size_t part = bytes - done < sizeof(expected) ? bytes - done : sizeof(expected);
        const uint8_t *got = (const uint8_t *)data + done;
        panther_content(panther_seed(run->service), offset + done, expected, part);
        for (size_t i = 0; i < part; i++)
            if (got[i] != expected[i])
                return (int64_t)(offset + done + i);
        done += part;
    }
    return -1;
}
