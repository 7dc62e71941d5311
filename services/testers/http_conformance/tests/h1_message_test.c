// Responses of HTTP/1.1 as a server may and may not write them, cut short anywhere, and with every byte changed.
#include "../h1_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum h1_state parse(const char *text, bool ended, const char *method, struct h1_response *response)
{
    const char *problem;
    enum h1_state state = h1_parse(text, strlen(text), ended, method, response, &problem);
    assert_int_equal(state == H1_INVALID, problem != NULL);
    return state;
}

static void assert_body(const char *text, bool ended, const char *expected)
{
    struct h1_response response;
    char body[256] = {0};
    assert_int_equal(parse(text, ended, "GET", &response), H1_COMPLETE);
    assert_int_equal(response.body_bytes, strlen(expected));
    h1_copy_body(text, &response, body);
    assert_string_equal(body, expected);
}

static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nConnection: a, close\r\n\r\n"
                              "5;x=y\r\nHello\r\n00c\r\n, pipelined \r\n6\r\nworld!\r\n0\r\nX-Trailer: 1\r\n\r\n";

static void finds_the_end_of_a_body(void **state)
{
    (void)state;
    assert_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHelloHTTP/1.1", false, "Hello");
    assert_body("HTTP/1.1 200 \r\ncontent-length:\t0 \r\n\r\n", false, "");
    assert_body("HTTP/1.0 404 Not Found\r\n\r\nto the end", true, "to the end");
    assert_body(chunked, false, "Hello, pipelined world!");
}

static void some_responses_have_no_body(void **state)
{
    (void)state;
    struct h1_response response;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    assert_int_equal(parse(head, false, "HEAD", &response), H1_COMPLETE);
    assert_int_equal(response.length, 1000);
    assert_int_equal(response.consumed, strlen(head));
    assert_int_equal(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", false, "GET", &response), H1_COMPLETE);
    assert_int_equal(parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", false, "GET", &response), H1_COMPLETE);
    assert_int_equal(response.consumed, 25);
    assert_int_equal(parse("HTTP/1.1 204 No Content\r\n\r\n", false, "GET", &response), H1_COMPLETE);
}

static void refuses_what_a_server_must_not_send(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\001b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nHello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nHello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHello\r\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct h1_response response;
        if (parse(wrong[i], false, "GET", &response) != H1_INVALID)
            fail_msg("%s", wrong[i]);
    }
}

static void a_response_cut_short_is_incomplete(void **state)
{
    (void)state;
    for (size_t length = 0; length < strlen(chunked); length++) {
        struct h1_response response;
        const char *problem;
        char *cut = malloc(length + 1); // so that a read behind its end is seen
        memcpy(cut, chunked, length);
        assert_int_equal(h1_parse(cut, length, true, "GET", &response, &problem), H1_INCOMPLETE);
        free(cut);
    }
}

// Whatever the bytes are, it stays inside of them, and what it takes is not more than there is.
static void any_bytes_are_safe(void **state)
{
    (void)state;
    size_t bytes = strlen(chunked);
    char *changed = malloc(bytes), *body = malloc(bytes);
    for (size_t at = 0; at < bytes; at++)
        for (int value = 0; value < 256; value++) {
            struct h1_response response;
            const char *problem;
            memcpy(changed, chunked, bytes);
            changed[at] = (char)value;
            if (h1_parse(changed, bytes, true, "GET", &response, &problem) != H1_COMPLETE)
                continue;
            assert_true(response.consumed <= bytes && response.body_bytes <= bytes);
            h1_copy_body(changed, &response, body);
        }
    free(changed);
    free(body);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    struct h1_response response;
    const char *problem;
    size_t bytes = H1_HEAD_MAX_BYTES + 100;
    char *text = malloc(bytes);
    memset(text, 'a', bytes);
    memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
    assert_int_equal(h1_parse(text, bytes, false, "GET", &response, &problem), H1_INVALID);
    for (size_t i = 17; i + 6 < bytes; i += 6)
        memcpy(text + i, "a: 1\r\n", 6);
    assert_int_equal(h1_parse(text, bytes, false, "GET", &response, &problem), H1_INVALID);
    free(text);
}

static void tokens_stand_in_lists(void **state)
{
    (void)state;
    struct h1_response response;
    assert_int_equal(parse(chunked, false, "GET", &response), H1_COMPLETE);
    assert_true(h1_has_token(&response, "connection", "CLOSE"));
    assert_false(h1_has_token(&response, "connection", "clos"));
    assert_null(h1_find(&response, "content-length"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_end_of_a_body),
        cmocka_unit_test(some_responses_have_no_body),
        cmocka_unit_test(refuses_what_a_server_must_not_send),
        cmocka_unit_test(a_response_cut_short_is_incomplete),
        cmocka_unit_test(any_bytes_are_safe),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(tokens_stand_in_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
