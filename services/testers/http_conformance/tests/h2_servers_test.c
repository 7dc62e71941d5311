// http_conformance against more servers as Debian 12 has them: HTTP/2 without TLS, where h2c by Upgrade is tried as well.
#include "real_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void apache2_with_http2(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"apache2/service.yaml", "2", "false", CASES_OF("h2_lower_stream"), NULL, true});
}

static void lighttpd_with_http2(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"lighttpd/service.yaml", "2", "false", NO_CASES, NULL, true});
}

static void h2o_with_http2(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"h2o/service.yaml", "2", "false", CASES_OF("h2_empty_path"), NULL, true});
}

static void caddy_with_http2(void **state)
{
    (void)state;
    run_all(&(const struct expectation){
        "caddy/service.yaml", "2", "false", NO_CASES,
        CASES_OF("h2_window_update_0_stream", "h2_window_overflow_stream", "h2_data_after_end", "h2_headers_after_end", "h2_trailers"),
        true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apache2_with_http2),
        cmocka_unit_test(lighttpd_with_http2),
        cmocka_unit_test(h2o_with_http2),
        cmocka_unit_test(caddy_with_http2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
