// Two captures that grow, a piece at a time, as hosts under test wrote them. The first byte says how long the pieces are; every other piece
// is of the second capture. What comes out is whole blocks: one section before all others, and packets of interfaces that stand before
// them.
#include <string.h>

#include "common/base/memory.h"
#include "coordinator/cli/capture_blocks.h"
#include "tests/fuzz/fuzz.h"

#define SECTION 0x0a0d0d0aU

static uint32_t number_at(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

static void check(const struct text *out)
{
    const char *at = text_string(out);
    uint32_t interfaces = 0;
    for (size_t left = out->length; left > 0;) {
        INVARIANT(left >= 12);
        uint32_t type = number_at(at), length = number_at(at + 4);
        INVARIANT(length >= 12 && length % 4 == 0 && length <= left && number_at(at + length - 4) == length);
        INVARIANT((type == SECTION) == (left == out->length));
        interfaces += type == 1;
        INVARIANT((type != 5 && type != 6) || (length >= 16 && number_at(at + 8) < interfaces));
        at += length;
        left -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture_blocks *blocks = capture_blocks_new();
    struct capture_source *sources[] = {capture_blocks_source(blocks, "network on lab-a"), capture_blocks_source(blocks, "")};
    bool is_damaged[2] = {false};
    struct text out = {0};
    size_t piece = size && data[0] ? 4U * data[0] : SIZE_MAX, at = size > 0;
    for (unsigned turn = 0; at < size; turn++) {
        size_t bytes = size - at < piece ? size - at : piece;
        unsigned of = turn % 2;
        if (!is_damaged[of])
            is_damaged[of] = capture_blocks_add(sources[of], data + at, bytes, &out, NULL) < 0;
        at += bytes;
    }
    for (unsigned of = 0; of < 2; of++)
        INVARIANT(capture_blocks_end(sources[of]) <= size);
    check(&out);
    text_free(&out);
    capture_blocks_free(&blocks);
    return 0;
}
