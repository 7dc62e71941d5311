// See timelines.h.
#include "tests/simulation/timelines.h"

#include <stdio.h>
#include <string.h>

static char *text(struct arena *arena, const char *words)
{
    return arena_string(arena, words);
}

// ---- drawing

#define PLUS_MOST_MS 1500
#define FOR_MOST_MS 1500
#define ENTRIES_MOST 6

// What the server is when the entries before have been done.
enum server_is { SERVER_LIVES, SERVER_IS_DEAD, SERVER_IS_STOPPED };

static enum wished_deed draw_deed(struct dice *dice, const struct timeline_may *may, enum server_is server)
{
    static const enum wished_deed living[] = {WISHED_KILL, WISHED_PAUSE, WISHED_PAUSE,   WISHED_DISK_FULL,
                                              WISHED_RUN,  WISHED_STOP,  WISHED_RESTART, WISHED_CLOCK};
    if (may->has_network && dice_chance(dice, 300))
        return dice_chance(dice, 500) ? WISHED_LINK : WISHED_PARTITION;
    if (server == SERVER_IS_STOPPED)
        return dice_chance(dice, 500) ? WISHED_START : WISHED_RESTART;
    if (server == SERVER_IS_DEAD)
        return dice_chance(dice, 600) ? WISHED_RESTART : dice_chance(dice, 500) ? WISHED_RUN : WISHED_DISK_FULL;
    return living[dice_below(dice, sizeof living / sizeof *living)];
}

static enum server_is server_after(enum wished_deed deed, enum server_is before)
{
    switch (deed) {
    case WISHED_KILL:
        return SERVER_IS_DEAD;
    case WISHED_STOP:
        return SERVER_IS_STOPPED;
    case WISHED_START:
    case WISHED_RESTART:
    case WISHED_CLOCK:
        return SERVER_LIVES;
    default:
        return before;
    }
}

static bool is_taken_back(enum wished_deed deed)
{
    return deed == WISHED_PAUSE || deed == WISHED_DISK_FULL || deed == WISHED_LINK || deed == WISHED_PARTITION;
}

// In a sound one only what may overlap anything stands in the background, at once, and each waits for the one before it.
static struct wished_entry draw_entry(struct dice *dice, const struct timeline_may *may, enum server_is server)
{
    struct wished_entry entry = {.deed = draw_deed(dice, may, server), .plus_ms = (uint32_t)dice_below(dice, PLUS_MOST_MS)};
    if (is_taken_back(entry.deed))
        entry.for_ms = dice_chance(dice, 800) ? (uint32_t)dice_between(dice, 1, FOR_MOST_MS) : 0;
    entry.background = dice_chance(dice, 200) && (!may->is_sound || entry.deed == WISHED_DISK_FULL);
    if (entry.background && may->is_sound)
        entry.plus_ms = 0;
    entry.of_tester = dice_chance(dice, 200) && (entry.deed == WISHED_RUN || entry.deed == WISHED_DISK_FULL);
    if (!may->is_sound && dice_chance(dice, 200))
        entry.trigger = (enum wished_trigger)dice_between(dice, AFTER_ZERO, WHEN_SERVER_IS_READY);
    return entry;
}

struct wished_timeline timeline_drawn(struct dice *dice, const struct timeline_may *may)
{
    struct wished_timeline timeline = {.watches_first = dice_chance(dice, 400)};
    enum server_is server = SERVER_LIVES;
    size_t count = (size_t)dice_between(dice, 1, ENTRIES_MOST);
    for (size_t i = 0; i < count; i++) {
        bool anything = !may->is_sound && dice_chance(dice, 100);
        struct wished_entry entry = draw_entry(dice, may, anything ? SERVER_LIVES : server);
        server = server_after(entry.deed, server);
        timeline.entries[timeline.count++] = entry;
    }
    if (may->has_cases && dice_chance(dice, 300)) {
        size_t at = (size_t)dice_below(dice, timeline.count + 1);
        memmove(&timeline.entries[at + 1], &timeline.entries[at], (timeline.count - at) * sizeof *timeline.entries);
        timeline.entries[at] = (struct wished_entry){.deed = WISHED_CASE};
        timeline.count++;
    }
    return timeline;
}

// ---- into a test

static char *id_of(size_t index, struct arena *arena)
{
    return arena_printf(arena, "entry-%zu", index + 1);
}

static Pb__Fault *fault_of(const struct wished_entry *wished, char *id, struct arena *arena)
{
    static const char *const kinds[] = {"kill", "pause", "disk_full", "clock", "link", "partition"};
    Pb__Fault *fault = ARENA_NEW(arena, Pb__Fault);
    pb__fault__init(fault);
    fault->id = id;
    fault->kind = text(arena, kinds[wished->deed]);
    fault->for_ms = wished->for_ms;
    return fault;
}

static Pb__RunBeside *run_of(char *id, struct arena *arena)
{
    Pb__RunBeside *run = ARENA_NEW(arena, Pb__RunBeside);
    pb__run_beside__init(run);
    run->argv = ARENA_NEW(arena, char *);
    run->argv[run->n_argv++] = text(arena, "/bin/true");
    run->timeout_ms = 2000;
    run->id = id;
    return run;
}

static Pb__Trigger *trigger_of(const struct wished_entry *wished, size_t index, struct arena *arena)
{
    Pb__Trigger *trigger = ARENA_NEW(arena, Pb__Trigger);
    bool is_first = index == 0;
    pb__trigger__init(trigger);
    trigger->plus_ms = wished->plus_ms;
    if (wished->trigger == WHEN_SERVER_IS_READY) {
        trigger->ready = ARENA_NEW(arena, char *);
        trigger->ready[trigger->n_ready++] = text(arena, "server");
    } else if (!is_first && wished->trigger != AFTER_ZERO) {
        trigger->end = wished->trigger == AFTER_THE_ONE_BEFORE;
        trigger->entry = id_of(trigger->end ? index - 1 : 0, arena);
    }
    return trigger;
}

static void fill(Pb__TimelineEntry *entry, const Pb__Test *test, const struct wished_entry *wished, size_t *next_case, struct arena *arena)
{
    bool of_network = wished->deed == WISHED_LINK || wished->deed == WISHED_PARTITION;
    bool of_tester = wished->of_tester || wished->deed == WISHED_CASE;
    entry->service = text(arena, of_network ? "" : of_tester ? "load" : "server");
    if (wished->deed <= WISHED_PARTITION) {
        entry->body_case = PB__TIMELINE_ENTRY__BODY_FAULT;
        entry->fault = fault_of(wished, entry->id, arena);
    } else if (wished->deed == WISHED_RUN) {
        entry->body_case = PB__TIMELINE_ENTRY__BODY_RUN;
        entry->run = run_of(entry->id, arena);
    } else if (wished->deed == WISHED_CASE) {
        entry->body_case = PB__TIMELINE_ENTRY__BODY_RUN_CASE;
        entry->run_case = test->services[1]->cases[(*next_case)++];
    } else {
        entry->body_case = PB__TIMELINE_ENTRY__BODY_CHANGE;
        entry->change = (Pb__ServiceChange)(PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP + (wished->deed - WISHED_STOP));
    }
}

static void add(Pb__Test *test, const struct wished_entry *wished, size_t *next_case, struct arena *arena)
{
    size_t index = test->n_timeline;
    Pb__TimelineEntry *entry = test->timeline[test->n_timeline++] = ARENA_NEW(arena, Pb__TimelineEntry);
    pb__timeline_entry__init(entry);
    entry->id = id_of(index, arena);
    entry->background = wished->background;
    fill(entry, test, wished, next_case, arena);
    if (wished->plus_ms || wished->trigger != AFTER_THE_ONE_BEFORE)
        entry->trigger = trigger_of(wished, index, arena);
}

// A timeline that runs a case runs all of them: the others come at its end.
void timeline_put(Pb__Test *test, const struct wished_timeline *wished, struct arena *arena)
{
    size_t next_case = 0;
    if (!wished->count)
        return;
    test->timeline = ARENA_ARRAY(arena, Pb__TimelineEntry *, wished->count + test->services[1]->n_cases);
    for (size_t i = 0; i < wished->count; i++)
        if (wished->entries[i].deed != WISHED_CASE || next_case < test->services[1]->n_cases)
            add(test, &wished->entries[i], &next_case, arena);
    while (next_case && next_case < test->services[1]->n_cases)
        add(test, &(struct wished_entry){.deed = WISHED_CASE}, &next_case, arena);
}

static Pb__Moment *moment(char *entry, bool end, struct arena *arena)
{
    Pb__Moment *moment = ARENA_NEW(arena, Pb__Moment);
    pb__moment__init(moment);
    moment->entry = entry;
    moment->end = end;
    return moment;
}

void timeline_watch(Pb__Assertion *assertion, const struct wished_timeline *wished, struct arena *arena)
{
    assertion->window = ARENA_NEW(arena, Pb__Window);
    pb__window__init(assertion->window);
    assertion->window->since = moment(id_of(0, arena), false, arena);
    assertion->window->until = moment(id_of(wished->count - 1, arena), true, arena);
}
