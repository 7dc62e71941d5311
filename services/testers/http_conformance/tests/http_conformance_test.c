// http_conformance under the real guard and host, against nginx and nghttpd as Debian 12 has them.
#include "real_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nginx_with_http1(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"nginx.so", "1.1", "false", CASES_OF("h1_unknown_method", "h1_range_head"), NULL, false});
}

static void nginx_with_http1_over_tls(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"nginx.so", "1.1", "true", CASES_OF("h1_unknown_method", "h1_range_head"), NULL, false});
}

static void nginx_with_http2(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"nginx.so", "2", "false",
                                        CASES_OF("h2_data_on_idle", "h2_rst_on_idle", "h2_window_update_on_idle", "h2_connection_field",
                                                 "h2_transfer_encoding", "h2_te", "h2_pseudo_behind"),
                                        NULL, false});
}

static void nghttpd_with_http2_over_tls(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"nghttpd.so", "2", "true", CASES_OF("h2_lower_stream"), NULL, false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nginx_with_http1),
        cmocka_unit_test(nginx_with_http1_over_tls),
        cmocka_unit_test(nginx_with_http2),
        cmocka_unit_test(nghttpd_with_http2_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
