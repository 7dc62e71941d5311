// That the cases of HTTP/2 can fail: a server that is wrong in a chosen way, one that dies, and none at all.
#include "wrong_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void wrong_http2(void **state)
{
    (void)state;
    must_fail("2", "careless",
              CASES_OF("h2_settings_length", "h2_settings_stream", "h2_enable_push", "h2_ping_stream", "h2_push_promise",
                       "h2_oversize_frame", "h2_even_stream", "h2_data_on_0", "h2_data_on_idle", "h2_data_padding", "h2_too_many_streams",
                       "h2_head", "h2_stream_window", "h2_negative_window", "h2_window_update_0", "h2_window_overflow",
                       "h2_interrupted_block", "h2_hpack_index", "h2_uppercase_name", "h2_no_method", "h2_invalid_preface"));
    must_fail("2", "h2-first", CASES_OF("h2_preface"));
    must_fail("2", "h2-no-ack", CASES_OF("h2_settings_ack"));
    must_fail("2", "h2-ping", CASES_OF("h2_ping"));
    must_fail("2", "h2-strict", CASES_OF("h2_unknown_frame"));
    must_fail("2", "h2-splits", CASES_OF("h2_continuation"));
    must_fail("2", "h2-uppercase", CASES_OF("h2_get"));
    must_fail("2", "h2-connection", CASES_OF("h2_get", "h2_multiplexing"));
    must_fail("2", "h2-hpack", CASES_OF("h2_get", "h2_hpack_table"));
}

static void refused_connection_is_a_fail(void **state)
{
    (void)state;
    must_not_pass("2", 1, "h2_invalid_preface");
}

static void dead_server_is_a_fail(void **state)
{
    (void)state;
    must_not_survive("2", "h2-dies", "h2_get");
    must_not_survive("2", "h2-dies", "h2_push_promise"); // to close is right there, but not to be gone
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_http2),
        cmocka_unit_test(refused_connection_is_a_fail),
        cmocka_unit_test(dead_server_is_a_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
