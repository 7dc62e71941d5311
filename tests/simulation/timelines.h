// What happens when in a simulated trial: as a story wishes it, or drawn, and put into a test.
#ifndef PANTHER_TESTS_SIMULATION_TIMELINES_H
#define PANTHER_TESTS_SIMULATION_TIMELINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/experiment.pb-c.h"
#include "tests/simulation/dice.h"

#define WISHED_ENTRIES_MAX 8

enum wished_deed {
    WISHED_KILL,
    WISHED_PAUSE,
    WISHED_DISK_FULL,
    WISHED_CLOCK,
    WISHED_LINK,
    WISHED_PARTITION,
    WISHED_RUN,
    WISHED_STOP,
    WISHED_START,
    WISHED_RESTART,
    WISHED_CASE, // the next one of the tester
};

enum wished_trigger { AFTER_THE_ONE_BEFORE, AFTER_ZERO, AFTER_START_OF_FIRST, WHEN_SERVER_IS_READY };

struct wished_entry {
    enum wished_deed deed;
    enum wished_trigger trigger;
    bool of_tester, background;
    uint32_t plus_ms, for_ms;
};

struct wished_timeline {
    struct wished_entry entries[WISHED_ENTRIES_MAX];
    size_t count;
    bool watches_first; // an assertion on the server's output, from the start of the first entry to the end of the last
};

struct timeline_may {
    bool is_sound, has_network, has_cases;
};

struct wished_timeline timeline_drawn(struct dice *dice, const struct timeline_may *may);
void timeline_put(Pb__Test *test, const struct wished_timeline *wished, struct arena *arena);
void timeline_watch(Pb__Assertion *assertion, const struct wished_timeline *wished, struct arena *arena);

#endif
