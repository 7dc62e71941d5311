// Every state of a session and of an instance, with every event that there is: what it leads to stands in a table; a pair that is not in
// the table changes nothing. No pair brings the core down.
#include "tests/unit/agent_core/story.h"

#include <string.h>

#include "agent/core/state.h"

struct happening {
    const char *name;
    void (*happen)(struct story *story);
};
struct place {
    const char *name; // of the state it leads to
    void (*lead)(struct story *story);
};

static uint32_t generation; // of instance 7: that it is about

// ---- events of a session

static void plain(struct story *story, enum agent_input_kind kind)
{
    struct agent_input input = story_input(kind, 7, generation);
    story_feed(story, &input);
}

static void link_up(struct story *story)
{
    plain(story, AGENT_INPUT_LINK_UP);
}

static void link_lost(struct story *story)
{
    struct agent_input lost = story_input(AGENT_INPUT_LINK_LOST, 0, 0);
    lost.link_lost.why = "cable";
    story_feed(story, &lost);
}

static void welcome(struct story *story)
{
    story_welcome(story, story->disk.facts.acknowledged);
}

static void welcome_of_another_store(struct story *story)
{
    story->store_id = "33333333333333333333333333333333";
    welcome(story);
}

static void refuse(struct story *story, Pb__RefusalCode code)
{
    Pb__Refused refused = PB__REFUSED__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    refused.code = code;
    envelope.body_case = PB__ENVELOPE__BODY_REFUSED;
    envelope.refused = &refused;
    story_message(story, &envelope);
}

static void refused(struct story *story)
{
    refuse(story, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY);
}

static void session_unknown(struct story *story)
{
    refuse(story, PB__REFUSAL_CODE__REFUSAL_CODE_SESSION);
}

static void impossible_message(struct story *story)
{
    Pb__Hello hello = PB__HELLO__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.session = agent_core_session(story->core);
    envelope.body_case = PB__ENVELOPE__BODY_HELLO;
    envelope.hello = &hello;
    story_message(story, &envelope);
}

static void acknowledged(struct story *story)
{
    story_acknowledge(story, 0);
}

static void silence(struct story *story)
{
    // One tick, long after all deadlines of a session.
    story->now_ns += 2 * AGENT_STORE_OLDER_MS * MS;
    plain(story, AGENT_INPUT_TICK);
}

static void stop(struct story *story)
{
    struct agent_input input = story_input(AGENT_INPUT_STOP, 0, 0);
    input.stop.why = "SIGTERM";
    story_feed(story, &input);
}

static const struct happening session_events[] = {
    {"catalogue", story_catalogue},
    {"link up", link_up},
    {"link lost", link_lost},
    {"welcome", welcome},
    {"another store", welcome_of_another_store},
    {"refused", refused},
    {"session unknown", session_unknown},
    {"impossible", impossible_message},
    {"acknowledged", acknowledged},
    {"silence", silence},
    {"stop", stop},
};

// ---- states of a session

static void to_disconnected(struct story *story)
{
    (void)story;
}

static void to_connecting(struct story *story)
{
    story_catalogue(story);
}

static void to_greeting(struct story *story)
{
    to_connecting(story);
    link_up(story);
}

static void to_refused(struct story *story)
{
    to_greeting(story);
    refused(story);
}

static void to_backing_off(struct story *story)
{
    story_live(story);
    link_lost(story);
}

static void to_clearing(struct story *story)
{
    story_live(story);
    story_run(story, 7);
    link_lost(story);
    story_later(story, AGENT_BACKOFF_MOST_MS);
    link_up(story);
    welcome_of_another_store(story);
}

static void to_leaving(struct story *story)
{
    story_live(story);
    stop(story);
}

static const struct place session_states[] = {
    {"disconnected", to_disconnected}, {"connecting", to_connecting},   {"greeting", to_greeting}, {"live", story_live},
    {"refused", to_refused},           {"backing off", to_backing_off}, {"clearing", to_clearing}, {"leaving", to_leaving},
};

// The store that "another store" is in place of is known only after a first Welcome.
static const char session_table[] = "disconnected: catalogue -> connecting\n"
                                    "disconnected: stop -> leaving\n"
                                    "connecting: link up -> greeting\n"
                                    "connecting: link lost -> backing off\n"
                                    "connecting: stop -> leaving\n"
                                    "greeting: link lost -> backing off\n"
                                    "greeting: welcome -> live\n"
                                    "greeting: another store -> live\n"
                                    "greeting: refused -> refused\n"
                                    "greeting: session unknown -> backing off\n"
                                    "greeting: silence -> backing off\n"
                                    "greeting: stop -> leaving\n"
                                    "live: link lost -> backing off\n"
                                    "live: refused -> refused\n"
                                    "live: session unknown -> backing off\n"
                                    "live: impossible -> backing off\n"
                                    "live: silence -> backing off\n"
                                    "live: stop -> leaving\n"
                                    "refused: silence -> connecting\n"
                                    "refused: stop -> leaving\n"
                                    "backing off: silence -> connecting\n"
                                    "backing off: stop -> leaving\n"
                                    "clearing: stop -> leaving\n";

// ---- events of an instance

static void guard_attaches(struct story *story)
{
    story_attached(story, 7, generation, 1);
}

static void guard_detaches(struct story *story)
{
    plain(story, AGENT_INPUT_GUARD_DETACHED);
}

static void guard_ends(struct story *story, enum agent_input_kind kind)
{
    struct agent_input input = story_input(kind, 7, generation);
    input.gone.why = "killed by signal 9";
    story_feed(story, &input);
}

static void guard_gone(struct story *story)
{
    guard_ends(story, AGENT_INPUT_GUARD_GONE);
}

static void not_spawned(struct story *story)
{
    guard_ends(story, AGENT_INPUT_NOT_SPAWNED);
}

static void never_spawned(struct story *story)
{
    plain(story, AGENT_INPUT_NEVER_SPAWNED);
}

static void note_spooled(struct story *story)
{
    story_spool(story, 7, generation, 1, 1, 50, false);
}

static void end_spooled(struct story *story)
{
    story_spool(story, 7, generation, 1, 1, 50, true);
}

static void swept(struct story *story)
{
    plain(story, AGENT_INPUT_SWEPT);
}

static void file(struct story *story, const char *path)
{
    struct agent_input input = story_input(AGENT_INPUT_FILE, 0, 0);
    input.file.hash = STORY_FILE;
    input.file.path = path;
    input.file.why = "no such blob";
    story_feed(story, &input);
}

static void file_there(struct story *story)
{
    file(story, "/files/b");
}

static void file_missing(struct story *story)
{
    file(story, NULL);
}

static void bulk_done(struct story *story)
{
    plain(story, AGENT_INPUT_BULK_DONE);
}

static void initialized_again(struct story *story)
{
    story_initialize(story, 7, generation);
}

static void started(struct story *story)
{
    story_command(story, 7, generation, 2, PB__COMMAND__BODY_START);
}

static void committed(struct story *story)
{
    story_commit(story);
}

static void lease_over(struct story *story)
{
    story->now_ns += 31000 * MS;
    plain(story, AGENT_INPUT_TICK);
}

static const struct happening instance_events[] = {
    {"guard attaches", guard_attaches},
    {"guard detaches", guard_detaches},
    {"guard gone", guard_gone},
    {"not spawned", not_spawned},
    {"never spawned", never_spawned},
    {"note spooled", note_spooled},
    {"end spooled", end_spooled},
    {"swept", swept},
    {"file there", file_there},
    {"file missing", file_missing},
    {"bulk done", bulk_done},
    {"initialize again", initialized_again},
    {"start", started},
    {"committed", committed},
    {"lease over", lease_over},
};

// ---- states of an instance: of 7.1, but what waits for it is 7.2

static void initialize_with_file(struct story *story)
{
    Pb__Command command = PB__COMMAND__INIT, *list[] = {&command};
    Pb__Commands commands = PB__COMMANDS__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    Pb__Initialize *initialize = story_initialize_message(story);
    Pb__FileReference file = PB__FILE_REFERENCE__INIT, *files[] = {&file};
    file.hash = arena_string(story->arena, STORY_FILE);
    initialize->files = files;
    initialize->n_files = 1;
    command.instance = 7;
    command.generation = command.number = 1;
    command.body_case = PB__COMMAND__BODY_INITIALIZE;
    command.initialize = initialize;
    commands.commands = list;
    commands.n_commands = 1;
    envelope.session = story->session;
    envelope.body_case = PB__ENVELOPE__BODY_COMMANDS;
    envelope.commands = &commands;
    story_message(story, &envelope);
}

static void to_waiting(struct story *story)
{
    story_live(story);
    story_run(story, 7);
    story_initialize(story, 7, generation = 2);
}

static void to_fetching(struct story *story)
{
    story_live(story);
    initialize_with_file(story);
}

static void to_spawning(struct story *story)
{
    story_live(story);
    story_initialize(story, 7, 1);
    story_commit(story);
}

static void to_attached(struct story *story)
{
    story_live(story);
    story_run(story, 7);
}

static void to_detached(struct story *story)
{
    to_attached(story);
    guard_detaches(story);
}

static void to_sweeping(struct story *story)
{
    to_attached(story);
    guard_gone(story);
}

static void to_ended(struct story *story)
{
    to_sweeping(story);
    swept(story);
}

static const struct place instance_states[] = {
    {"waiting", to_waiting},   {"fetching", to_fetching}, {"spawning", to_spawning}, {"attached", to_attached},
    {"detached", to_detached}, {"sweeping", to_sweeping}, {"ended", to_ended},
};

static const char instance_table[] = "waiting: lease over -> ended\n"
                                     "fetching: file there -> spawning\n"
                                     "fetching: file missing -> ended\n"
                                     "fetching: lease over -> ended\n"
                                     "spawning: guard attaches -> attached\n"
                                     "spawning: guard gone -> sweeping\n"
                                     "spawning: not spawned -> ended\n"
                                     "attached: guard detaches -> detached\n"
                                     "attached: guard gone -> sweeping\n"
                                     "detached: guard attaches -> attached\n"
                                     "detached: guard gone -> sweeping\n"
                                     "detached: never spawned -> spawning\n"
                                     "sweeping: swept -> ended\n";

// ---- the walk

typedef const char *state_of(const struct story *story);

static const char *session_of(const struct story *story)
{
    return agent_core_session_state(story->core);
}

static const char *instance_of(const struct story *story)
{
    const struct instance *instance = agent_instance_find(story->core, 7, generation);
    return instance ? lifecycle_name(agent_instance_lifecycle(), instance->state) : "forgotten";
}

static void walk_pair(const struct place *place, const struct happening *happening, state_of *state, struct text *table)
{
    void *made = NULL;
    generation = 1;
    story_begin(&made);
    struct story *story = made;
    place->lead(story);
    assert_string_equal(state(story), place->name);
    happening->happen(story);
    if (strcmp(state(story), place->name) != 0)
        text_printf(table, "%s: %s -> %s\n", place->name, happening->name, state(story));
    story_commit(story);
    story_later(story, 60000); // whatever it led to, it goes on
    story_end(&made);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void every_event_in_every_state_of_a_session(void **state)
{
    (void)state;
    struct text table = {0};
    for (size_t s = 0; s < COUNT(session_states); s++)
        for (size_t e = 0; e < COUNT(session_events); e++)
            walk_pair(&session_states[s], &session_events[e], session_of, &table);
    assert_string_equal(text_string(&table), session_table);
    text_free(&table);
}

static void every_event_in_every_state_of_an_instance(void **state)
{
    (void)state;
    struct text table = {0};
    for (size_t s = 0; s < COUNT(instance_states); s++)
        for (size_t e = 0; e < COUNT(instance_events); e++)
            walk_pair(&instance_states[s], &instance_events[e], instance_of, &table);
    assert_string_equal(text_string(&table), instance_table);
    text_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state_of_a_session),
        cmocka_unit_test(every_event_in_every_state_of_an_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
