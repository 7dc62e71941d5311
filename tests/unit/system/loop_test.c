// The loop: order of timers, removal inside callbacks, rounds, signals, a wake from another thread.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/system/loop.h"

#define MS UINT64_C(1000000)

struct world {
    struct loop *loop;
    struct loop_source *sources[200];
    int fired[200];
    size_t fired_count;
    int pipes[2][2];
    int calls, rounds;
};

struct timer_context {
    struct world *world;
    int number;
};

static void fire(void *context)
{
    struct timer_context *timer = context;
    timer->world->fired[timer->world->fired_count++] = timer->number;
}

static void stop(void *context)
{
    struct world *world = context;
    loop_stop(world->loop, 5);
}

static void timers_fire_in_order_of_their_time(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    struct timer_context contexts[100];
    uint64_t now_ns = clock_boottime_ns();
    for (int i = 0; i < 100; i++) {
        contexts[i] = (struct timer_context){&world, (i * 37) % 100};
        world.sources[i] = loop_timer(world.loop, fire, &contexts[i]);
        loop_timer_set(world.sources[i], now_ns + (uint64_t)contexts[i].number * MS / 10);
    }
    loop_timer_set(world.sources[5], 0);                 // idle again
    loop_timer_set(world.sources[6], now_ns + 1);        // moved to the front
    loop_timer_set(world.sources[7], now_ns + 100 * MS); // and to the end
    struct loop_source *last = loop_timer(world.loop, stop, &world);
    loop_timer_set(last, now_ns + 120 * MS);
    assert_int_equal(loop_run(world.loop), 5);
    assert_int_equal(world.fired_count, 99);
    assert_int_equal(world.fired[98], contexts[7].number);
    for (size_t i = 2; i < 98; i++) // the first two: number 0, and the one that was moved
        assert_true(world.fired[i] > world.fired[i - 1] || i == 2);
    for (size_t i = 0; i < world.fired_count; i++)
        assert_int_not_equal(world.fired[i], contexts[5].number);
    loop_free(&world.loop);
    assert_null(world.loop);
}

static void timer_is_never_early(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    struct loop_source *timer = loop_timer(world.loop, stop, &world);
    uint64_t due_ns = clock_boottime_ns() + 30 * MS;
    loop_timer_set(timer, due_ns);
    loop_run(world.loop);
    assert_true(clock_boottime_ns() >= due_ns);
    loop_remove(&timer);
    loop_free(&world.loop);
}

static void remove_other(void *context, int fd, uint32_t events)
{
    (void)events;
    struct world *world = context;
    world->calls++;
    loop_remove(&world->sources[fd == world->pipes[0][0] ? 1 : 0]);
}

// Both are ready in one round; whichever comes first removes the other, which must not be called any more.
static void no_stale_callback_follows_a_removal(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(world.pipes[i]), 0);
        assert_int_equal(write(world.pipes[i][1], "x", 1), 1);
        world.sources[i] = loop_watch(world.loop, world.pipes[i][0], EPOLLIN, remove_other, &world);
    }
    loop_run_once(world.loop, 1000);
    assert_int_equal(world.calls, 1);
    loop_free(&world.loop);
    for (int i = 0; i < 4; i++)
        close(world.pipes[i / 2][i % 2]);
}

static void remove_itself(void *context)
{
    struct world *world = context;
    world->calls++;
    loop_remove(&world->sources[0]);
    loop_remove(&world->sources[1]); // due at the same time
}

static void timer_removes_itself_and_its_neighbour(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    for (int i = 0; i < 2; i++) {
        world.sources[i] = loop_timer(world.loop, remove_itself, &world);
        loop_timer_set(world.sources[i], 1);
    }
    loop_run_once(world.loop, 1000);
    assert_int_equal(world.calls, 1);
    loop_remove(&world.sources[0]); // NULL by now: accepted
    loop_free(&world.loop);
}

static void set_again(void *context)
{
    struct world *world = context;
    world->calls++;
    loop_timer_set(world->sources[0], 1); // in the past, for ever
}

static void timer_that_is_always_due_starves_nobody(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    world.sources[0] = loop_timer(world.loop, set_again, &world);
    loop_timer_set(world.sources[0], 1);
    loop_run_once(world.loop, 1000);
    assert_in_range(world.calls, 1, 1000);
    loop_free(&world.loop);
}

static int count_round(void *context)
{
    struct world *world = context;
    if (++world->rounds == 3) {
        loop_stop(world->loop, 0);
        return 0;
    }
    return 1; // do not wait
}

static void round_hook_asks_for_another_round(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    loop_after_round(world.loop, count_round, &world);
    loop_wake(world.loop);
    assert_int_equal(loop_run(world.loop), 0);
    assert_int_equal(world.rounds, 3);
    loop_free(&world.loop);
}

static void take_signal(void *context, int number)
{
    struct world *world = context;
    world->fired[world->fired_count++] = number;
}

static void signals_arrive_as_calls(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    assert_int_equal(loop_signal(world.loop, SIGUSR1, take_signal, &world), 0);
    assert_int_equal(loop_signal(world.loop, SIGUSR2, take_signal, &world), 0);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    while (world.fired_count < 2)
        loop_run_once(world.loop, 1000);
    assert_int_equal(world.fired[0] + world.fired[1], SIGUSR1 + SIGUSR2);
    loop_free(&world.loop);
}

static void *wake(void *context)
{
    loop_wake(context);
    return NULL;
}

static int stop_at_once(void *context)
{
    stop(context);
    return 0;
}

static void another_thread_wakes_the_loop(void **state)
{
    (void)state;
    struct world world = {.loop = loop_new()};
    pthread_t thread;
    loop_after_round(world.loop, stop_at_once, &world);
    assert_int_equal(pthread_create(&thread, NULL, wake, world.loop), 0);
    assert_int_equal(loop_run(world.loop), 5); // would wait for ever
    pthread_join(thread, NULL);
    loop_free(&world.loop);
}

static void random_numbers_differ(void **state)
{
    (void)state;
    assert_true(random_u64() != random_u64());
    assert_true(clock_wall_ns() > 1600000000LL * 1000000000LL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_of_their_time),
        cmocka_unit_test(timer_is_never_early),
        cmocka_unit_test(no_stale_callback_follows_a_removal),
        cmocka_unit_test(timer_removes_itself_and_its_neighbour),
        cmocka_unit_test(timer_that_is_always_due_starves_nobody),
        cmocka_unit_test(round_hook_asks_for_another_round),
        cmocka_unit_test(signals_arrive_as_calls),
        cmocka_unit_test(another_thread_wakes_the_loop),
        cmocka_unit_test(random_numbers_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
