// The fate of packet n: the same from the same seed, and the shares that were asked for. Nothing here is random: the seeds are fixed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "agent/environment/link/fate.h"

#define PACKETS 20000
// How far the mean of independent draws may be from what was asked: five deviations.
#define DEVIATIONS_2 25.0

static bool same(const struct fate *left, const struct fate *right)
{
    return left->number == right->number && left->end == right->end && left->duplicate == right->duplicate &&
           left->corrupt == right->corrupt && left->reorder == right->reorder && left->mark == right->mark &&
           left->delay_ns == right->delay_ns && left->chance == right->chance;
}

static size_t differences(struct fates *left, struct fates *right, const struct conditions *conditions)
{
    size_t count = 0;
    for (size_t i = 0; i < 1000; i++) {
        struct fate one = fates_next(left, conditions), other = fates_next(right, conditions);
        count += !same(&one, &other);
    }
    return count;
}

static struct conditions many(void)
{
    return (struct conditions){.delay_ms = 10,
                               .jitter_ms = 5,
                               .loss = 0.1,
                               .burst = 3,
                               .duplicate = 0.1,
                               .corrupt = 0.1,
                               .reorder = 0.1,
                               .ecn = CONDITION_ECN_MARK,
                               .ecn_mark = 0.1};
}

static void the_same_seed_is_the_same_fate(void **state)
{
    (void)state;
    struct conditions conditions = many();
    struct fates one, other;
    fates_begin(&one, 42, "client", "server");
    fates_begin(&other, 42, "client", "server");
    assert_int_equal(differences(&one, &other, &conditions), 0);
    fates_begin(&one, 42, "client", "server"); // anew: n is 1 again
    fates_begin(&other, 42, "client", "server");
    assert_int_equal(fates_next(&one, &conditions).number, 1);
    assert_int_equal(fates_next(&other, &conditions).number, 1);
    assert_int_equal(differences(&one, &other, &conditions), 0);
}

static void another_seed_direction_or_name_is_another_fate(void **state)
{
    (void)state;
    struct conditions conditions = many();
    static const struct {
        uint64_t seed;
        const char *from, *to;
    } others[] = {{43, "client", "server"}, {42, "server", "client"}, {42, "clients", "erver"}, {42, "client", "server2"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct fates one, other;
        fates_begin(&one, 42, "client", "server");
        fates_begin(&other, others[i].seed, others[i].from, others[i].to);
        assert_int_equal(differences(&one, &other, &conditions), 1000); // the chance alone makes each differ
    }
}

// A change of the generator would make yesterday's runs unrepeatable: these are its losses, for good.
static void the_generator_stays_as_it_is(void **state)
{
    (void)state;
    static const uint64_t lost[] = {12, 35, 39, 44, 48, 53, 66, 82, 83, 94, 104, 108, 119, 122, 124, 134};
    struct conditions conditions = {.loss = 0.1};
    struct fates fates;
    size_t found = 0;
    fates_begin(&fates, 1, "client", "server");
    while (found < sizeof lost / sizeof *lost) {
        struct fate fate = fates_next(&fates, &conditions);
        if (fate.end == FATE_LOST)
            assert_int_equal(fate.number, lost[found++]);
        assert_true(fate.number <= lost[sizeof lost / sizeof *lost - 1]);
    }
}

static void one_condition_does_not_move_the_draws_of_another(void **state)
{
    (void)state;
    struct conditions conditions = many(), without = many();
    struct fates one, other;
    without.duplicate = without.corrupt = without.reorder = 0;
    without.delay_ms = without.jitter_ms = 0;
    fates_begin(&one, 7, "a", "b");
    fates_begin(&other, 7, "a", "b");
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(fates_next(&one, &conditions).end, fates_next(&other, &without).end);
}

struct seen {
    size_t lost, duplicate, corrupt, reorder, mark;
};

static struct seen look(uint64_t seed, const struct conditions *conditions, size_t packets)
{
    struct seen seen = {0};
    struct fates fates;
    fates_begin(&fates, seed, "client", "server");
    for (size_t i = 0; i < packets; i++) {
        struct fate fate = fates_next(&fates, conditions);
        seen.lost += fate.end == FATE_LOST;
        seen.duplicate += fate.duplicate;
        seen.corrupt += fate.corrupt;
        seen.reorder += fate.reorder;
        seen.mark += fate.mark;
    }
    return seen;
}

static void within_bounds(const char *what, uint64_t seed, size_t seen, double share)
{
    double mean = PACKETS * share, off = (double)seen - mean;
    if (off * off > DEVIATIONS_2 * mean * (1 - share))
        fail_msg("seed %llu, %s: %zu of %d, asked for %g", (unsigned long long)seed, what, seen, PACKETS, share);
}

static void shares_are_what_was_asked_for(void **state)
{
    (void)state;
    static const double shares[] = {0.001, 0.01, 0.2, 0.5, 0.97};
    for (uint64_t seed = 0; seed < 5; seed++) {
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            double share = shares[i];
            struct conditions conditions = {.loss = share, .duplicate = share, .corrupt = share, .reorder = share};
            conditions.ecn = CONDITION_ECN_MARK;
            conditions.ecn_mark = share;
            struct seen seen = look(seed, &conditions, PACKETS);
            within_bounds("lost", seed, seen.lost, share);
            within_bounds("duplicate", seed, seen.duplicate, share);
            within_bounds("corrupt", seed, seen.corrupt, share);
            within_bounds("reorder", seed, seen.reorder, share);
            within_bounds("mark", seed, seen.mark, share);
        }
    }
}

static void nothing_and_everything_are_exact(void **state)
{
    (void)state;
    struct conditions none = {0}, all = {.loss = 1, .duplicate = 1, .corrupt = 1, .reorder = 1};
    struct seen seen = look(9, &none, PACKETS);
    assert_int_equal(seen.lost + seen.duplicate + seen.corrupt + seen.reorder + seen.mark, 0);
    seen = look(9, &all, PACKETS);
    assert_int_equal(seen.lost, PACKETS);
    assert_int_equal(seen.duplicate, PACKETS);
    assert_int_equal(seen.corrupt, PACKETS);
    assert_int_equal(seen.reorder, PACKETS);
}

// The draws of a packet are independent: of two tenths together a hundredth.
static void losses_and_duplicates_are_independent(void **state)
{
    (void)state;
    struct conditions conditions = {.loss = 0.1, .duplicate = 0.1};
    struct fates fates;
    size_t both = 0;
    fates_begin(&fates, 11, "client", "server");
    for (size_t i = 0; i < PACKETS; i++) {
        struct fate fate = fates_next(&fates, &conditions);
        both += fate.end == FATE_LOST && fate.duplicate;
    }
    within_bounds("both", 11, both, 0.01);
}

// Bursts are that long in the mean and come so seldom that the share stays. Losses hang together, so the bounds are wider: a twentieth.
static void bursts_have_their_length_and_their_share(void **state)
{
    (void)state;
    static const struct {
        double loss;
        uint32_t burst;
    } asked[] = {{0.05, 4}, {0.2, 10}, {0.5, 2}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct conditions conditions = {.loss = asked[i].loss, .burst = asked[i].burst};
        struct fates fates;
        size_t lost = 0, bursts = 0, packets = 400000;
        bool before = false;
        fates_begin(&fates, 5, "client", "server");
        for (size_t n = 0; n < packets; n++) {
            bool is_lost = fates_next(&fates, &conditions).end == FATE_LOST;
            lost += is_lost;
            bursts += is_lost && !before;
            before = is_lost;
        }
        double share = (double)lost / (double)packets, length = (double)lost / (double)bursts;
        if (share < asked[i].loss * 0.95 || share > asked[i].loss * 1.05 || length < asked[i].burst * 0.95 ||
            length > asked[i].burst * 1.05)
            fail_msg("loss %g in bursts of %u: %g in bursts of %g", asked[i].loss, asked[i].burst, share, length);
    }
}

// Where a share needs longer bursts than were asked for, the share is kept.
static void a_high_share_makes_bursts_longer(void **state)
{
    (void)state;
    struct conditions conditions = {.loss = 0.9, .burst = 2};
    size_t lost = look(5, &conditions, 400000).lost;
    assert_in_range(lost, 356000, 364000);
}

static void drops_are_by_number_and_only_these(void **state)
{
    (void)state;
    struct conditions conditions = {.drop_nth = {1, 2, 5, 1000}, .drop_count = 4};
    struct fates fates;
    fates_begin(&fates, 3, "client", "server");
    for (uint64_t n = 1; n <= 1100; n++)
        assert_int_equal(fates_next(&fates, &conditions).end, n == 1 || n == 2 || n == 5 || n == 1000 ? FATE_NTH : FATE_ARRIVES);
}

static void down_is_before_all_else(void **state)
{
    (void)state;
    struct conditions conditions = {.down = true, .drop_nth = {1}, .drop_count = 1, .loss = 1};
    struct fates fates;
    fates_begin(&fates, 3, "client", "server");
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(fates_next(&fates, &conditions).end, FATE_DOWN);
}

static void jitter_is_even_and_never_below_zero(void **state)
{
    (void)state;
    struct conditions conditions = {.delay_ms = 20, .jitter_ms = 5}, wide = {.delay_ms = 1, .jitter_ms = 5};
    struct fates fates;
    size_t quarters[4] = {0};
    fates_begin(&fates, 3, "client", "server");
    for (size_t i = 0; i < PACKETS; i++) {
        uint64_t ns = fates_next(&fates, &conditions).delay_ns;
        assert_in_range(ns, 15000000, 25000000 - 1);
        quarters[(ns - 15000000) / 2500000]++;
    }
    for (size_t i = 0; i < 4; i++)
        within_bounds("a quarter of the jitter", 3, quarters[i], 0.25);
    size_t at_once = 0;
    fates_begin(&fates, 3, "client", "server");
    for (size_t i = 0; i < PACKETS; i++) {
        uint64_t ns = fates_next(&fates, &wide).delay_ns;
        assert_true(ns < 6000000);
        at_once += ns == 0;
    }
    within_bounds("at once", 3, at_once, 0.4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_is_the_same_fate),
        cmocka_unit_test(another_seed_direction_or_name_is_another_fate),
        cmocka_unit_test(the_generator_stays_as_it_is),
        cmocka_unit_test(one_condition_does_not_move_the_draws_of_another),
        cmocka_unit_test(shares_are_what_was_asked_for),
        cmocka_unit_test(nothing_and_everything_are_exact),
        cmocka_unit_test(losses_and_duplicates_are_independent),
        cmocka_unit_test(bursts_have_their_length_and_their_share),
        cmocka_unit_test(a_high_share_makes_bursts_longer),
        cmocka_unit_test(drops_are_by_number_and_only_these),
        cmocka_unit_test(down_is_before_all_else),
        cmocka_unit_test(jitter_is_even_and_never_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
