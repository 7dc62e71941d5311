// A tester that tests nothing: for benchmarks of the way from a case's dispatch to its verdict, and for experiments that try out what
// panther does with each verdict, with a slow case, with a tester that crashes or hangs.
#include <panther/plugin.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct null_settings {
    uint64_t delay;
    int64_t metrics;
    const char *verdict;
    const char *crash_in;
    const char *hang_in;
};

#define PHASES "none", "initialize", "start", "execute", "get_test_results", "stop", "cleanup"

static const struct panther_option options[] = {
    PANTHER_OPTION_DURATION(struct null_settings, delay, "0s", 0, 86400000, "how long a case takes, and the execution"),
    PANTHER_OPTION_INTEGER(struct null_settings, metrics, "0", 0, 64, "", "metrics that a case reports"),
    PANTHER_OPTION_CHOICE(struct null_settings, verdict, "pass", "of noop, of the numbered cases and of the execution", "pass", "inconc",
                          "fail", "error"),
    PANTHER_OPTION_CHOICE(struct null_settings, crash_in, "none", "the phase in which it crashes", PHASES),
    PANTHER_OPTION_CHOICE(struct null_settings, hang_in, "none", "the phase in which it hangs and ignores its deadline", PHASES),
    PANTHER_OPTIONS_END,
};

static const struct null_settings *settings_of(struct panther_service *service)
{
    return panther_settings(service);
}

static void crash(void)
{
    // not abort(): a real crash is a bad access
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

_Noreturn static void hang(void)
{
    for (;;) {
        pause();
    }
}

static void misbehave(struct panther_service *service, const char *phase)
{
    const struct null_settings *settings = settings_of(service);
    if (strcmp(settings->crash_in, phase) == 0) {
        crash();
    }
    if (strcmp(settings->hang_in, phase) == 0) {
        hang();
    }
}

static int null_initialize(struct panther_service *service, const void *settings)
{
    (void)settings;
    misbehave(service, "initialize");
    return 0;
}

static int null_start(struct panther_service *service)
{
    misbehave(service, "start");
    return 0;
}

static int null_stop(struct panther_service *service)
{
    misbehave(service, "stop");
    return 0;
}

static int null_cleanup(struct panther_service *service)
{
    misbehave(service, "cleanup");
    return 0;
}

static int null_get_test_results(struct panther_service *service)
{
    misbehave(service, "get_test_results");
    return 0;
}

static int give(struct panther_service *service, const char *verdict)
{
    if (strcmp(verdict, "pass") == 0) {
        return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "as asked");
    }
    if (strcmp(verdict, "fail") == 0) {
        return panther_result(service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "as asked");
    }
    if (strcmp(verdict, "inconc") == 0) {
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "as asked");
    }
    return panther_result(service, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "as asked");
}

static void report_metrics(struct panther_service *service, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        panther_metric(service, panther_format(service, "m%d", (int)i), (double)i, "", PANTHER_NEITHER_IS_BETTER);
    }
}

static int null_execute(struct panther_service *service)
{
    const struct null_settings *settings = settings_of(service);
    misbehave(service, "execute");
    const int paused = panther_pause(service, settings->delay);
    report_metrics(service, settings->metrics);
    return paused < 0 ? paused : give(service, settings->verdict);
}

// "slow" takes a second when no delay is given.
#define SLOW_MS 1000

static bool is_listed(const char *name);

static int null_run_test(struct panther_service *service, const struct panther_case *test_case)
{
    const struct null_settings *settings = settings_of(service);
    const char *name = test_case->name;
    const bool is_slow = strcmp(name, "slow") == 0;
    const bool is_named =
        strcmp(name, "pass") == 0 || strcmp(name, "fail") == 0 || strcmp(name, "inconc") == 0 || strcmp(name, "error") == 0;
    if (!is_listed(name)) {
        return panther_fail(service, "null has no case \"%s\"", name);
    }
    if (strcmp(name, "crash") == 0) {
        crash();
    }
    if (strcmp(name, "hang") == 0) {
        hang();
    }
    const int paused = panther_pause(service, is_slow && settings->delay == 0 ? SLOW_MS : settings->delay);
    if (paused < 0) {
        return paused;
    }
    report_metrics(service, settings->metrics);
    return give(service, is_named ? name : settings->verdict);
}

#define CASE(NAME)                                                                                                                         \
    {                                                                                                                                      \
        NAME, "a numbered noop", 0, NULL                                                                                                   \
    }
#define TEN(N)                                                                                                                             \
    CASE("n" #N "0"), CASE("n" #N "1"), CASE("n" #N "2"), CASE("n" #N "3"), CASE("n" #N "4"), CASE("n" #N "5"), CASE("n" #N "6"),          \
        CASE("n" #N "7"), CASE("n" #N "8"), CASE("n" #N "9")
#define HUNDRED(N) TEN(N##0), TEN(N##1), TEN(N##2), TEN(N##3), TEN(N##4), TEN(N##5), TEN(N##6), TEN(N##7), TEN(N##8), TEN(N##9)

static const struct panther_case cases[] = {
    {"noop", "ends at once", 0, NULL},
    {"pass", "passes", 0, NULL},
    {"fail", "fails (assertion)", 0, NULL},
    {"inconc", "is inconclusive (incomplete)", 0, NULL},
    {"error", "ends as an error (infrastructure)", 0, NULL},
    {"slow", "takes a second, or the delay", 0, NULL},
    {"crash", "crashes the tester", 0, NULL},
    {"hang", "never comes back, and ignores its deadline", 0, NULL},
    // n000 .. n999: many cases with names of their own, for benchmarks
    HUNDRED(0),
    HUNDRED(1),
    HUNDRED(2),
    HUNDRED(3),
    HUNDRED(4),
    HUNDRED(5),
    HUNDRED(6),
    HUNDRED(7),
    HUNDRED(8),
    HUNDRED(9),
    {NULL, NULL, 0, NULL},
};

static bool is_listed(const char *name)
{
    for (const struct panther_case *known = cases; known->name != NULL; known++) {
        if (strcmp(known->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct panther_tester tester = {.cases = cases, .run_test = null_run_test, .get_test_results = null_get_test_results};

PANTHER_PLUGIN(.name = "null", .kind = PANTHER_TESTER, .version = "1.0", .summary = "tests nothing: for benchmarks and faults",
               .options = options, .settings_bytes = sizeof(struct null_settings), .drives = PANTHER_DRIVES({"server", NULL, NULL, false}),
               .initialize = null_initialize, .start = null_start, .stop = null_stop, .execute = null_execute, .cleanup = null_cleanup,
               .tester = &tester);
