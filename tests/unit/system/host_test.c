// What this host says of itself, whatever it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/system/host.h"

static void a_host_is_known(void **state)
{
    (void)state;
    struct host_facts facts;
    host_facts_read(&facts);
    assert_int_equal(strncmp(facts.kernel, "Linux ", 6), 0);
    assert_string_not_equal(facts.architecture, "");
    assert_int_equal(facts.cpus, sysconf(_SC_NPROCESSORS_ONLN));
    assert_true(facts.memory_bytes > 0);
}

static void settings_are_of_the_interface_with_the_address(void **state)
{
    (void)state;
    struct host_settings settings;
    host_settings_read("127.0.0.1", &settings);
    assert_int_equal(strncmp(settings.interface, "lo (", 4), 0);
    assert_non_null(strstr(settings.interface, "mtu "));
    assert_non_null(strstr(settings.offloads, "gso")); // lo cannot do without
    host_settings_read("127.64.9.9", &settings);
    assert_int_equal(strncmp(settings.interface, "lo (", 4), 0);
    static const char *const nobodys[] = {"192.0.2.1", "", "x", "2001:db8::1"};
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++) {
        host_settings_read(nobodys[i], &settings);
        assert_string_equal(settings.interface, "");
        assert_string_equal(settings.offloads, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_host_is_known), cmocka_unit_test(settings_are_of_the_interface_with_the_address)};
    return cmocka_run_group_tests_name("system_host", tests, NULL, NULL);
}
