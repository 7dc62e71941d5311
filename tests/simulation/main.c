// panther-sim: runs simulated labs, one per seed, until a promise breaks. See --help and README.md.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulation/rarities.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/story.h"
#include "tests/simulation/world.h"

#define EXIT_BROKEN 1
#define EXIT_USAGE 2
#define JOBS_MAX 64
#define PROGRESS_S 10

struct options {
    uint64_t seeds, from;
    unsigned jobs;
    const char *story;
    bool trace, covers, keeps_going, counts;
};

static const char help[] =
    "usage: panther-sim [--seeds N] [--from S] [--jobs N] [--trace] [--counts] [--covers] [--keep-going]\n"
    "       panther-sim --story NAME [--trace]\n"
    "\n"
    "Simulates labs: the coordinator's and the agents' real cores, everything else a model, and whatever can go wrong goes wrong.\n"
    "The same seed is the same run, byte for byte.\n"
    "\n"
    "  --seeds N     how many seeds to run (1)\n"
    "  --from S      the first one (1)\n"
    "  --jobs N      processes that share them (1)\n"
    "  --trace       write what happens, one line each\n"
    "  --counts      at the end, say how often each fault and each rare branch happened\n"
    "  --covers      fail when one of them never happened\n"
    "  --keep-going  after a broken promise, go on with the next seed\n"
    "  --story NAME  run one of the canonical stories instead; \"list\" names them\n"
    "\n"
    "Ends with 0 when every promise held, 1 when one broke (the seed, the promise and the command that replays it are printed), 2 for a\n"
    "mistake on the command line.\n";

static volatile uint64_t seed_now;

// A core that finds itself in an impossible state aborts: that is a finding too.
static void on_abort(int signal_number)
{
    char line[128];
    (void)signal_number;
    int bytes = snprintf(line, sizeof line, "\nseed %" PRIu64 ": a core aborted\nreplay: panther-sim --from %" PRIu64 " --trace\n",
                         seed_now, seed_now);
    (void)!write(STDOUT_FILENO, line, (size_t)bytes);
    _exit(EXIT_BROKEN);
}

// ---- one seed

static bool report(const struct world *world, uint64_t seed, const char *story)
{
    if (!world->broken_property)
        return true;
    printf("\n%s\n  %s\n", world->broken_property, world->broken_text);
    if (story)
        printf("replay: panther-sim --story %s --trace\n", story);
    else
        printf("seed %" PRIu64 ", replay: panther-sim --from %" PRIu64 " --trace\n", seed, seed);
    fflush(stdout);
    return false;
}

static bool run_seed(const struct options *options, uint64_t seed, uint64_t *rarities)
{
    seed_now = seed;
    struct world *world = scenario_run(seed, rarities, options->trace ? stdout : NULL);
    bool held = report(world, seed, NULL);
    world_free(&world);
    return held;
}

static void progress(const struct options *options, uint64_t done, time_t began)
{
    static time_t told;
    time_t now = time(NULL);
    if (options->trace || now - (told ? told : began) < PROGRESS_S)
        return;
    told = now;
    fprintf(stderr, "%" PRIu64 " seeds in %lld s, at %" PRIu64 "\n", done, (long long)(now - began), seed_now);
}

// The share of one process: every `jobs`-th seed.
static bool run_share(const struct options *options, unsigned share, uint64_t *rarities)
{
    bool held = true;
    time_t began = time(NULL);
    for (uint64_t i = share; i < options->seeds && (held || options->keeps_going); i += options->jobs) {
        held &= run_seed(options, options->from + i, rarities);
        progress(options, i / options->jobs + 1, began);
    }
    return held;
}

// ---- several processes

static void add_counts(int fd, uint64_t *rarities)
{
    uint64_t counts[RARITY_COUNT];
    if (read(fd, counts, sizeof counts) == (ssize_t)sizeof counts)
        for (size_t i = 0; i < RARITY_COUNT; i++)
            rarities[i] += counts[i];
    close(fd);
}

static pid_t start_share(const struct options *options, unsigned share, int *fd)
{
    int ends[2];
    if (pipe(ends) < 0) {
        perror("pipe");
        exit(EXIT_USAGE);
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        static uint64_t counts[RARITY_COUNT];
        bool held = run_share(options, share, counts);
        fflush(stdout);
        bool told = write(ends[1], counts, sizeof counts) == (ssize_t)sizeof counts;
        _exit(held && told ? 0 : EXIT_BROKEN);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

static bool run_shares(const struct options *options, uint64_t *rarities)
{
    pid_t pids[JOBS_MAX];
    int fds[JOBS_MAX];
    bool held = true;
    for (unsigned i = 0; i < options->jobs; i++)
        pids[i] = start_share(options, i, &fds[i]);
    for (unsigned i = 0; i < options->jobs; i++) {
        int status = 0;
        add_counts(fds[i], rarities);
        while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR) {
        }
        held &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return held;
}

// ---- what was covered

static bool counted(const struct options *options, const uint64_t *rarities)
{
    bool all = true;
    for (size_t i = 0; i < RARITY_COUNT; i++) {
        if (options->counts)
            printf("%10" PRIu64 "  %s\n", rarities[i], rarity_name((enum rarity)i));
        if (options->covers && rarities[i] == 0) {
            printf("never happened: %s\n", rarity_name((enum rarity)i));
            all = false;
        }
    }
    return all;
}

// ---- the command line

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno || *end || end == text || *text == '-') {
        fprintf(stderr, "panther-sim: \"%s\" is not a number\n", text);
        exit(EXIT_USAGE);
    }
    return value;
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"seeds", 1, NULL, 'n'},  {"from", 1, NULL, 'f'},       {"jobs", 1, NULL, 'j'},   {"trace", 0, NULL, 't'}, {"story", 1, NULL, 's'},
        {"covers", 0, NULL, 'c'}, {"keep-going", 0, NULL, 'k'}, {"counts", 0, NULL, 'r'}, {"help", 0, NULL, 'h'},  {NULL, 0, NULL, 0}};
    struct options options = {.seeds = 1, .from = 1, .jobs = 1};
    int choice;
    while ((choice = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (choice) {
        case 'n':
            options.seeds = number(optarg);
            break;
        case 'f':
            options.from = number(optarg);
            break;
        case 'j':
            options.jobs = (unsigned)number(optarg);
            break;
        case 't':
            options.trace = true;
            break;
        case 's':
            options.story = optarg;
            break;
        case 'c':
            options.covers = true;
            break;
        case 'k':
            options.keeps_going = true;
            break;
        case 'r':
            options.counts = true;
            break;
        case 'h':
            fputs(help, stdout);
            exit(0);
        default:
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc || options.jobs == 0 || options.jobs > JOBS_MAX) {
        fputs(help, stderr);
        exit(EXIT_USAGE);
    }
    return options;
}

static int tell_story(const struct options *options, uint64_t *rarities)
{
    struct world *world = story_run(options->story, rarities, options->trace ? stdout : NULL);
    if (!world)
        return strcmp(options->story, "list") == 0 ? 0 : EXIT_USAGE;
    bool held = report(world, 0, options->story);
    world_free(&world);
    return held ? 0 : EXIT_BROKEN;
}

int main(int argc, char **argv)
{
    static uint64_t rarities[RARITY_COUNT];
    struct options options = parse(argc, argv);
    signal(SIGABRT, on_abort);
    if (options.story)
        return tell_story(&options, rarities);
    bool held = options.jobs > 1 ? run_shares(&options, rarities) : run_share(&options, 0, rarities);
    held = counted(&options, rarities) && held;
    if (held && !options.trace)
        printf("%" PRIu64 " seeds from %" PRIu64 ": every promise held\n", options.seeds, options.from);
    return held ? 0 : EXIT_BROKEN;
}
