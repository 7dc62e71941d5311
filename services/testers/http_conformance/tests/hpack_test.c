// HPACK against the examples of RFC 7541, appendix C; frames.
#include "../frame.h"
#include "../hpack.h"
#include "../huffman.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    size_t bytes;
    char text[1024]; // "name: value\n" for each field
};

static void see(void *context, const char *name, size_t name_bytes, const char *value, size_t value_bytes)
{
    struct seen *seen = context;
    seen->bytes += (size_t)snprintf(seen->text + seen->bytes, sizeof(seen->text) - seen->bytes, "%.*s: %.*s\n", (int)name_bytes, name,
                                    (int)value_bytes, value);
    assert_true(seen->bytes < sizeof(seen->text));
}

static size_t from_hex(const char *hex, uint8_t *data)
{
    size_t bytes = 0;
    for (; *hex; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        data[bytes++] = (uint8_t)byte;
    }
    return bytes;
}

static void assert_block(struct hpack_table *table, const char *hex, const char *fields, size_t table_bytes)
{
    uint8_t *data = malloc(strlen(hex));
    struct seen seen = {0};
    assert_null(hpack_decode(table, data, from_hex(hex, data), see, &seen));
    assert_string_equal(seen.text, fields);
    assert_int_equal(table->bytes, table_bytes);
    free(data);
}

#define FIRST ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
#define SECOND FIRST "cache-control: no-cache\n"
#define THIRD ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value\n"

static void requests_of_appendix_c(void **state)
{
    (void)state;
    static const char *const blocks[2][3] = {
        // C.3, without the Huffman code
        {"828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
         "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"},
        // C.4, with it
        {"828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"}};
    for (size_t i = 0; i < 2; i++) {
        struct hpack_table table;
        hpack_table_init(&table);
        assert_block(&table, blocks[i][0], FIRST, 57);
        assert_block(&table, blocks[i][1], SECOND, 110);
        assert_block(&table, blocks[i][2], THIRD, 164);
        assert_string_equal(table.entries[0].name.data, "custom-key");
        hpack_table_free(&table);
        assert_int_equal(table.count, 0);
    }
}

// C.6: responses with the Huffman code in a table of 256 bytes, which evicts
static void responses_of_appendix_c(void **state)
{
    (void)state;
    struct hpack_table table;
    hpack_table_init(&table);
    table.limit = 256;
    assert_block(&table, "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
                 ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com\n", 222);
    assert_block(&table, "4883640effc1c0bf",
                 ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com\n", 222);
    assert_block(
        &table,
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f"
        "9587316065c003ed4ee5b1063d5007",
        ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\n"
        "content-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n",
        215);
    hpack_table_free(&table);
}

static void literals_of_appendix_c(void **state)
{
    (void)state;
    struct hpack_table table;
    hpack_table_init(&table);
    assert_block(&table, "400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header\n", 55); // C.2.1
    assert_block(&table, "040c2f73616d706c652f70617468", ":path: /sample/path\n", 55);                               // C.2.2
    assert_block(&table, "100870617373776f726406736563726574", "password: secret\n", 55);                            // C.2.3
    assert_block(&table, "82", ":method: GET\n", 55);                                                                // C.2.4
    assert_block(&table, "2082", ":method: GET\n", 0); // a table of no size keeps nothing
    hpack_table_free(&table);
}

static void wrong_blocks_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "80",               // index 0
        "be",               // index 62 of an empty table
        "ff808080808001",   // an integer without an end
        "ffffffffff7f",     // and one that is too large
        "40",               // a literal without a name
        "400a6375",         // a name that is cut short
        "400161",           // a field without a value
        "00017882ffff",     // padding of 8 bits
        "00017884ffffffff", // EOS
        "0001788100",       // padding that is not the beginning of EOS
        "8220",             // a size update behind a field
        "3fe2ff03",         // a size above the setting
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct hpack_table table;
        struct seen seen = {0};
        uint8_t *data = malloc(32);
        size_t bytes = from_hex(wrong[i], data);
        data = realloc(data, bytes);
        hpack_table_init(&table);
        if (!hpack_decode(&table, data, bytes, see, &seen))
            fail_msg("%s", wrong[i]);
        hpack_table_free(&table);
        free(data);
    }
}

// Codes of appendix B, of each length: the rest of the table follows from the lengths.
static void symbols_of_appendix_b(void **state)
{
    (void)state;
    static const struct {
        uint8_t symbol;
        uint32_t code;
        unsigned bits;
    } rows[] = {{0, 0x1ff8, 13},      {1, 0x7fffd8, 23},   {9, 0xffffea, 24},    {10, 0x3ffffffc, 30}, {13, 0x3ffffffd, 30},
                {22, 0x3ffffffe, 30}, {33, 0x3f8, 10},     {37, 0x15, 6},        {48, 0x0, 5},         {60, 0x7ffc, 15},
                {92, 0x7fff0, 19},    {116, 0x9, 5},       {122, 0x7b, 7},       {123, 0x7ffe, 15},    {126, 0x1ffd, 13},
                {127, 0xffffffc, 28}, {128, 0xfffe6, 20},  {192, 0x3ffffe0, 26}, {203, 0x7ffffde, 27}, {230, 0x1fffe8, 21},
                {249, 0xffffffe, 28}, {255, 0x3ffffee, 26}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[4];
        char text[8];
        size_t length;
        unsigned padding = (8 - rows[i].bits % 8) % 8, bytes = (rows[i].bits + padding) / 8;
        uint32_t padded = rows[i].code << padding | ((1U << padding) - 1);
        for (unsigned k = 0; k < bytes; k++)
            data[k] = (uint8_t)(padded >> (8 * (bytes - 1 - k)));
        assert_true(huffman_decode(data, bytes, text, sizeof(text), &length));
        assert_int_equal(length, 1);
        assert_int_equal((uint8_t)text[0], rows[i].symbol);
        assert_false(huffman_decode(data, bytes, text, 0, &length)); // there is no room
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct hpack_table table;
    struct hpack_block block = {0};
    struct seen seen = {0};
    char value[300];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    hpack_put(&block, HPACK_INDEXED, "x-long", value);
    hpack_put(&block, HPACK_NOT_INDEXED, "x", "");
    hpack_put_index(&block, 62);
    hpack_table_init(&table);
    assert_null(hpack_decode(&table, block.data, block.bytes, see, &seen));
    assert_int_equal(seen.bytes, 2 * (8 + 299 + 1) + 4);
    hpack_table_free(&table);
}

static void frames_are_read_as_written(void **state)
{
    (void)state;
    uint8_t data[FRAME_HEADER_BYTES + 5] = {0};
    struct frame frame;
    const uint8_t *content;
    size_t bytes;
    frame_write_header(data, 5, FRAME_DATA, FLAG_PADDED, 0x12345677);
    memcpy(data + FRAME_HEADER_BYTES, "\2ab\0\0", 5);
    for (size_t length = 0; length < sizeof(data); length++)
        assert_int_equal(frame_read(data, length, FRAME_DEFAULT_MAX_BYTES, &frame), 0);
    assert_int_equal(frame_read(data, sizeof(data), FRAME_DEFAULT_MAX_BYTES, &frame), sizeof(data));
    assert_int_equal(frame.stream, 0x12345677);
    assert_true(frame_content(&frame, &content, &bytes));
    assert_int_equal(bytes, 2);
    assert_memory_equal(content, "ab", 2);
    data[FRAME_HEADER_BYTES] = 5;
    assert_false(frame_content(&frame, &content, &bytes));
    assert_int_equal(frame_read(data, sizeof(data), 4, &frame), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_appendix_c),     cmocka_unit_test(responses_of_appendix_c), cmocka_unit_test(literals_of_appendix_c),
        cmocka_unit_test(wrong_blocks_are_refused),   cmocka_unit_test(symbols_of_appendix_b),   cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(frames_are_read_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
