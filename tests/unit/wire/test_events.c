// An outbox sends what it keeps, without unpacking it: the frame must be the one that packing would have made.
#include "expect.h"

#include "common/base/message.h"

static void packed_events_make_the_frame_that_messages_make(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    Pb__Envelope *envelope = message_parse(&pb__envelope__descriptor,
                                           "version: 1 session: 77 events { epoch: " ID " first: 300"
                                           " events { instance: 1 generation: 1 sequence: 1 note { text: \"small\" } }"
                                           " events { instance: 1 generation: 1 sequence: 2 note { text: \"x\"*200 } }"
                                           " events { instance: 1 generation: 1 sequence: 3 note { text: \"y\"*4000 } } }",
                                           arena);
    struct wire_bytes packed[3];
    for (size_t i = 0; i < 3; i++)
        packed[i].data = wire_pack(envelope->events->events[i], arena, &packed[i].bytes);
    size_t bytes, frame_bytes;
    const uint8_t *whole = wire_pack(envelope, arena, &bytes);
    const uint8_t *frame = wire_pack_events(1, 77, envelope->events->epoch, 300, packed, 3, arena, &frame_bytes);
    assert_int_equal(frame_bytes, bytes);
    assert_memory_equal(frame, whole, bytes);
    Pb__Envelope *received = wire_envelope(frame, frame_bytes, arena, &error);
    assert_non_null(received);
    assert_true(message_equal(received, envelope));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packed_events_make_the_frame_that_messages_make)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
