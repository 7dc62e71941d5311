// http_conformance against more servers as Debian 12 has them: HTTP/1.1 over TLS.
#include "real_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void apache2_with_http1(void **state)
{
    (void)state;
    run_all(
        &(const struct expectation){"apache2/service.yaml", "1.1", "true", CASES_OF("h1_range_head", "h1_chunked_http10"), NULL, false});
}

static void lighttpd_with_http1(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"lighttpd/service.yaml", "1.1", "true", CASES_OF("h1_if_match", "h1_if_unmodified_since"), NULL,
                                        false});
}

static void h2o_with_http1(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"h2o/service.yaml", "1.1", "true",
                                        CASES_OF("h1_absolute_form", "h1_range_unit", "h1_range_head", "h1_if_range", "h1_if_none_match",
                                                 "h1_if_match", "h1_if_unmodified_since", "h1_missing_host", "h1_two_hosts",
                                                 "h1_invalid_host", "h1_length_and_chunked", "h1_chunked_http10", "h1_two_lengths"),
                                        NULL, false});
}

static void caddy_with_http1(void **state)
{
    (void)state;
    run_all(&(const struct expectation){"caddy/service.yaml", "1.1", "true",
                                        CASES_OF("h1_range_unit", "h1_range_head", "h1_length_and_chunked", "h1_chunked_http10"), NULL,
                                        false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apache2_with_http1),
        cmocka_unit_test(lighttpd_with_http1),
        cmocka_unit_test(h2o_with_http1),
        cmocka_unit_test(caddy_with_http1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
