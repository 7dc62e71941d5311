// Tables of a valid message and what one change makes of it. In the text format a later field replaces an earlier one, so a change
// is text that stands behind the valid text.
#ifndef PANTHER_TESTS_UNIT_WIRE_EXPECT_H
#define PANTHER_TESTS_UNIT_WIRE_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/wire.h"
#include "tests/messages/text_format.h"

#define HASH "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define ID "\"0123456789abcdef0123456789abcdef\""
#define KEY "\"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\""

struct change {
    const char *text;
    const char *reason; // NULL: still valid
};

// before + valid + change + after must be valid for change "", and have the reason of each change.
#define EXPECT(type, invalid, before, valid, after, changes)                                                                               \
    do {                                                                                                                                   \
        expect_one(&pb__##type##__descriptor, (const char *(*)(const void *))(invalid), before, valid, after, &(struct change){"", NULL}); \
        for (size_t expect_index = 0; expect_index < sizeof(changes) / sizeof *(changes); expect_index++)                                  \
            expect_one(&pb__##type##__descriptor, (const char *(*)(const void *))(invalid), before, valid, after,                          \
                       &(changes)[expect_index]);                                                                                          \
    } while (0)

static inline void expect_one(const ProtobufCMessageDescriptor *descriptor, const char *(*invalid)(const void *), const char *before,
                              const char *valid, const char *after, const struct change *change)
{
    struct arena *arena = arena_new(0);
    const char *text = arena_printf(arena, "%s %s %s %s", before, valid, change->text, after);
    const char *reason = invalid(message_parse(descriptor, text, arena));
    if (reason == NULL && change->reason != NULL)
        fail_msg("accepted: %.300s\nwanted: %s", text, change->reason);
    if (reason != NULL && (change->reason == NULL || strcmp(reason, change->reason) != 0))
        fail_msg("%.300s\nreason: %s\nwanted: %s", text, reason, change->reason == NULL ? "(valid)" : change->reason);
    arena_free(&arena);
}

#endif
