// What libFuzzer calls, and replay.c in its place.
#ifndef PANTHER_TESTS_FUZZ_FUZZ_H
#define PANTHER_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
