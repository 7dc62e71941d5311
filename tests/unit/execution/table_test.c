// The table of execution environments: what cannot be together, factors, what a host lacks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/schema/environments.h"
#include "common/schema/schema.h"

static char names[8][16];

static Pb__ExecutionEnvironment made(int slot, const char *type)
{
    Pb__ExecutionEnvironment environment = PB__EXECUTION_ENVIRONMENT__INIT;
    strncpy(names[slot], type, sizeof names[slot] - 1);
    environment.type = names[slot];
    return environment;
}

static const char *conflict(const char *left, const char *right)
{
    Pb__ExecutionEnvironment one = made(0, left), other = made(1, right);
    const char *why = environments_conflict(&one, &other), *back = environments_conflict(&other, &one);
    assert_true((why == NULL) == (back == NULL)); // in either order
    return why;
}

static void what_cannot_be_together(void **state)
{
    (void)state;
    assert_non_null(conflict("memcheck", "helgrind"));
    assert_non_null(conflict("callgrind", "massif"));
    assert_non_null(conflict("strace", "gdb"));
    assert_non_null(conflict("asan", "memcheck"));
    assert_non_null(conflict("asan", "tsan"));
    assert_non_null(conflict("asan", "strace")); // because of its leaks
    assert_non_null(conflict("gperf_heap", "asan"));
    assert_non_null(conflict("strace", "memcheck"));
    assert_non_null(conflict("perf", "callgrind"));
    assert_non_null(conflict("strace", "strace"));
    assert_null(conflict("strace", "perf"));
    assert_null(conflict("limits", "sandbox"));
    assert_null(conflict("limits", "memcheck"));
    assert_null(conflict("asan", "ubsan"));
    assert_null(conflict("gperf_cpu", "gperf_heap"));
}

static void factors_multiply_up_to_a_limit(void **state)
{
    (void)state;
    Pb__ExecutionEnvironment strace = made(0, "strace"), perf = made(1, "perf"), limits = made(2, "limits"), memcheck = made(3, "memcheck");
    Pb__ExecutionEnvironment *list[] = {&strace, &perf, &limits, &memcheck};
    assert_int_equal(environments_factor(list, 0), 1);
    assert_int_equal(environments_factor(list, 3), 10);
    assert_int_equal(environments_deadline_ms(list, 1, 20000), 100000);
    assert_int_equal(environments_factor(list, 4), ENVIRONMENT_FACTOR_MAX);
    assert_int_equal(environments_deadline_ms(list, 4, UINT32_MAX), UINT32_MAX);
}

// Every default is what its own option takes.
static void defaults_are_valid(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    for (size_t kind = 0; kind < ENVIRONMENTS; kind++) {
        size_t count;
        const Pb__OptionDescription *const *options = environment_options(&environment_types[kind], arena, &count);
        assert_int_equal(environment_types[kind].kind, kind);
        assert_ptr_equal(environment_named(environment_types[kind].name), &environment_types[kind]);
        for (size_t i = 0; i < count; i++) {
            const char *reason = NULL, *set = options[i]->default_value;
            if (*set) // it reaches programs as it stands, where what somebody sets does as it is normalised
                assert_string_equal(schema_normalise(options[i], set, arena, &reason), set);
        }
    }
    assert_null(environment_named("valgrind"));
    assert_string_equal(environment_nearest("memchek"), "memcheck");
    arena_free(&arena);
}

static void what_a_host_lacks_is_said(void **state)
{
    (void)state;
    static char cpu[] = "cpu", limits_cpu[] = "limits.cpu", none[] = "no cgroup", half[] = "0.5", missing[] = "strace is not installed";
    struct arena *arena = arena_new(0);
    Pb__ExecutionEnvironment strace = made(0, "strace"), limits = made(1, "limits"), gdb = made(2, "gdb");
    Pb__EnvironmentPresence has_limits = PB__ENVIRONMENT_PRESENCE__INIT, has_cpu = PB__ENVIRONMENT_PRESENCE__INIT,
                            has_strace = PB__ENVIRONMENT_PRESENCE__INIT;
    has_limits.type = limits.type;
    has_limits.usable = true;
    has_cpu.type = limits_cpu;
    has_cpu.unusable_reason = none;
    has_strace.type = strace.type;
    has_strace.unusable_reason = missing;
    Pb__EnvironmentPresence *presences[] = {&has_limits, &has_cpu, &has_strace};
    Pb__ExecutionEnvironment *wanted = &limits;
    assert_null(environments_unusable(&wanted, 1, presences, 3, arena));
    Pb__PlacedSetting setting = PB__PLACED_SETTING__INIT, *settings[] = {&setting};
    char *values[] = {half};
    setting.name = cpu;
    setting.values = values;
    setting.n_values = 1;
    limits.options = settings;
    limits.n_options = 1;
    assert_string_equal(environments_unusable(&wanted, 1, presences, 3, arena), "limits.cpu: no cgroup");
    wanted = &strace;
    assert_string_equal(environments_unusable(&wanted, 1, presences, 3, arena), "strace is not installed");
    wanted = &gdb;
    assert_string_equal(environments_unusable(&wanted, 1, presences, 3, arena), "its agent does not know gdb");
    assert_string_equal(environments_refused("strace", presences, 3), "strace is not installed");
    assert_null(environments_refused("limits", presences, 3));
    assert_null(environments_refused("network.emulated", presences, 3)); // nothing was said
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_together),
        cmocka_unit_test(factors_multiply_up_to_a_limit),
        cmocka_unit_test(defaults_are_valid),
        cmocka_unit_test(what_a_host_lacks_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
