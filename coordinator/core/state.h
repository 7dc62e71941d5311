// What the files of the core share: the whole state, and how a step speaks. Not for use outside coordinator/core.
#ifndef PANTHER_COORDINATOR_CORE_STATE_H
#define PANTHER_COORDINATOR_CORE_STATE_H

#include "common/base/limits.h"
#include "coordinator/core/core.h"
#include "coordinator/core/durable.h"

// Cells that are looked at for placement per run and step, so that one that has to wait does not hold up those behind it.
#define PLACEMENT_LOOKAHEAD_CELLS 64
// Cells that a cancelled run ends per step: a run of a million must not stop the loop.
#define CANCELLED_CELLS_PER_STEP 512
// Runs that are open at once: each holds its experiment (up to a MiB of text) in memory. Who submits more is told to come back.
#define RUNS_OPEN_MAX 1000
// Trials that live at once in the whole lab: bounds memory, far above the slots of 1,000 hosts.
#define TRIALS_LIVE_MAX 20000
// Cells that end in one step because they found no host in time.
#define EXPIRED_CELLS_PER_STEP 512
// Ticks come every 100 ms. After a longer pause of our own, silence is no sign: what came meanwhile is not read yet.
#define TICK_PAUSE_MS 1000
// Plugins of one host: as wire lets one message have.
#define PRESENCES_MAX 1024
// From the end of a trial's stop until its hosts are declared silent: stop deadlines come from the plan, this is the slack.
#define WIND_DOWN_SLACK_MS 30000

struct agent_live {   // volatile: one per agent heard in this life of the coordinator
    const char *name; // the map's key
    uint64_t route;   // 0: no session
    uint64_t session;
    uint64_t heard_ns;
    uint64_t stamp_ns;   // the last one of its own clock that we know: of Hello or of a heartbeat
    uint64_t stamped_ns; // when it came
    bool suspect;
    Pb__Hello *hello;            // heap copy, without plugins and instances
    struct presence **presences; // by name of plugin; presences.c
    size_t presence_count;
    bool on_roster;
    size_t filed_under;     // instances placed here, as the roster has filed it
    uint64_t outbox_target; // reconcile instances once the outbox is read up to here
    bool reconciled;
    bool rebooted;           // since its last session
    bool clock_is_known;     // offset and error were measured in this session or before
    int64_t clock_offset_ns; // agent's boottime minus ours
    uint64_t clock_error_ns;
    uint64_t disk_free_bytes;
    bool disk_is_short; // nothing is placed there
};

struct instance_link {             // volatile: per live instance
    uint64_t lease_until_ns;       // our clock: nothing of it lives after this (last grant + length + ladder)
    uint32_t cases_sent;           // index of the next case to send in this session
    bool beside_is_held;           // faults or runs wait for a case that has a number before theirs
    bool listed;                   // the agent said it has it
    bool setups_known, has_setups; // setups.c, once looked at
    bool forsaken;                 // the agent knows nothing of it any more, but its guard may live: until its lease is over
};

struct trial_link {         // volatile: per live trial
    uint64_t deadline_ns;   // of the work
    uint64_t wind_down_ns;  // 0: not stopping yet; else no more leases after this
    uint64_t held_until_ns; // 0: not looked at
    bool hold_refused;      // it was cut short, and its verdict is none to hold it for
};

struct run_link {
    uint64_t known_since_ns;   // it was accepted, or the coordinator restarted
    uint64_t waiting_since_ns; // nothing of the run could be placed since then
    bool gates_asked;          // its cells have ended, its gates are being judged
};

struct core {
    struct core_options options;
    char *version, *endpoint, *server_key;
    struct durable *durable;
    // ---- volatile
    struct map *agents;         // name -> struct agent_live
    struct map *routes;         // route -> struct agent_live of the session
    struct roster *roster;      // of agents that can take work
    struct map *presences;      // what hosts have, each once: hosts of a lab are alike
    struct map *instance_links; // id -> struct instance_link
    struct map *trial_links;    // id -> struct trial_link
    struct map *run_links;      // number -> struct run_link
    struct survey *survey;      // of what lives; survey.c
    struct passed *passed;      // questions that agents answer; passed.c
    struct shells *shells;      // turns on their way; shells.c
    struct pushes *pushes;      // of plugins to agents; pushes.c
    struct map *counters;       // name -> uint64_t on the heap
    struct map *cases;          // description hash -> map of its cases by name, made when first asked for
    bool started;
    bool is_full, is_low; // the disk: see core_event
    char *space_why;
    Pb__DiskSpace *disk;     // heap; NULL: not known yet
    bool placement_due;      // something changed that may let a cell start
    uint64_t ticked_ns;      // last tick
    uint64_t lab_changed_ns; // an agent came, went, fell silent, or has other plugins
    uint64_t start_ns;
    uint64_t steady_ns;   // of the journal's own clock, then (Record)
    uint64_t placed_ns;   // last try
    size_t expired_cells; // that ended without a host in this step
    // ---- the step at hand
    const struct core_event *event;
    struct core_effects *effects;
    uint64_t ids; // of sessions given out
};

// ---- speaking (core.c)
Pb__Record *core_record(struct core *core);                                   // a new record in the effects' arena, wall time set
void core_emit(struct core *core, Pb__Record *record);                        // keeps it and applies it at once
Pb__Envelope *core_send(struct core *core, uint64_t route, uint64_t session); // fill its body
Pb__Envelope *core_send_urgent(struct core *core, uint64_t route, uint64_t session);
Pb__Envelope *core_send_prompt(struct core *core, uint64_t route, uint64_t session); // never overtakes a Welcome
Pb__Reply *core_reply(struct core *core, uint64_t route, uint64_t request);
Pb__Reply *core_reply_urgent(struct core *core, uint64_t route, uint64_t request); // live state: seen also while the disk is full
void core_refuse(struct core *core, uint64_t route, uint64_t request, int code, uint32_t retry_after_ms, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void core_close(struct core *core, uint64_t route);
Pb__Outcome *core_outcome(struct core *core, int verdict, int reason, const char *text);
bool core_builds(const struct core *core, const struct instance *instance); // its plugin compiles in initialize
struct instance_link *core_instance_link(struct core *core, const struct instance *instance);
struct trial_link *core_trial_link(struct core *core, const struct trial *trial);
// Its time to wind down has passed: no lease is granted any more, so that it ends in bounded time whatever its agents do.
bool core_trial_is_over(struct core *core, const struct trial *trial);
// Until when what starts now, or is granted a lease now, may live.
uint64_t core_lease_until(const struct core *core, const struct instance *instance);

// NEW_MESSAGE(core, Pb__Stop, pb__stop): in the effects' arena, initialised
#define NEW_MESSAGE(core, type, prefix)                                                                                                    \
    ({                                                                                                                                     \
        type *message_ = ARENA_NEW((core)->effects->arena, type);                                                                          \
        prefix##__init(message_);                                                                                                          \
        message_;                                                                                                                          \
    })

// ---- sessions.c: agents
void sessions_message(struct core *core); // an envelope from a peer with the agent's role
void sessions_gone(struct core *core, uint64_t route);
void sessions_tick(struct core *core); // suspect, lost, leases
void sessions_key_revoked(struct core *core, const char *name);
struct agent_live *sessions_agent(const struct core *core, const char *name); // NULL: not heard in this life
bool agent_live_is_connected(const struct agent_live *agent);
bool agent_live_is_fresh(const struct core *core, const struct agent_live *agent); // a lease can begin there
const char *agent_live_state(const struct agent_live *agent);

// for hello.c
struct agent_identity *sessions_identity(const struct core *core, const struct agent_live *agent);
void sessions_lose(struct core *core, struct instance *instance, const char *text);
void sessions_end(struct core *core, struct agent_live *agent);
void sessions_lab_changed(struct core *core);

// ---- hello.c
void hello_take(struct core *core, const Pb__Hello *hello);
void hello_reconcile(struct core *core, struct agent_live *agent); // once its outbox has been read to where it stood at Hello
size_t hello_wanted(struct core *core, Pb__PluginPresence *const *plugins, size_t count, char ***wanted); // hashes of descriptions

// ---- presences.c: which plugins a host has
struct presence {
    Pb__PluginPresence *is;
    size_t users;                             // agents that have it
    const Pb__PluginDescription *description; // once it was looked up; kept for ever
};
struct presence *presences_find(const struct agent_live *agent, const char *plugin); // NULL: it has none of this name
// Adds to what it has, or replaces it.
void presences_take(struct core *core, struct agent_live *agent, Pb__PluginPresence *const *plugins, size_t count);
void presences_drop(struct core *core, struct agent_live *agent, char *const *names, size_t count);
void presences_clear(struct core *core, struct agent_live *agent);
bool presences_are_shadowed(Pb__PluginPresence *const *plugins, size_t index);                         // by one of the same name before it
const Pb__PluginDescription *presence_description(const struct core *core, struct presence *presence); // NULL: not known

// ---- roster.c: agents that are reconciled, the least used first, then by name
struct roster *roster_new(void);
void roster_free(struct roster **roster);
void roster_enter(struct core *core, struct agent_live *agent);
void roster_leave(struct core *core, struct agent_live *agent);
void roster_refile(struct core *core, const char *agent); // something was placed there, or has left
size_t roster_count(const struct roster *roster);
struct agent_live *roster_at(const struct roster *roster, size_t index);
bool roster_has_free_slot(const struct roster *roster);

// ---- clients: requests.c
void requests_message(struct core *core);
void requests_submit(struct core *core);
// "r12" or "@last". False: there is no such run, and it was refused. run: NULL when it has ended.
bool requests_find_run(struct core *core, uint64_t request, const char *text, uint64_t *number, struct run **run);

// ---- pushes.c: plugins on their way to agents
struct pushes;
struct pushes *pushes_new(void);
void pushes_free(struct pushes **pushes);
void pushes_request(struct core *core, uint64_t request, const Pb__PushPlugin *asked);
void pushes_placed(struct core *core, const struct agent_live *agent, const Pb__PluginPlaced *placed);

// ---- passed.c: questions of clients that an agent answers
typedef void passed_silent_fn(struct core *core, uint64_t route, uint64_t request);
struct passed_question {
    uint64_t number; // 0: free
    uint64_t route, request, until_ns;
    passed_silent_fn *silent; // tells who asked that the agent has not answered
    char agent[NAME_MAX_BYTES];
};
struct passed *passed_new(void);
void passed_free(struct passed **passed);
// The number to ask the agent with; 0: too many are on their way, and who asked is refused.
uint64_t passed_add(struct core *core, uint64_t request, const struct agent_live *agent, uint32_t patience_ms, passed_silent_fn *silent);
// false: this agent was not asked that, or answered it before.
bool passed_take(struct core *core, const struct agent_live *agent, uint64_t number, struct passed_question *taken);
void passed_tick(struct core *core);

// ---- plans.c: what plugins would run
void plans_request(struct core *core, uint64_t request, const Pb__PlanCommands *plan);
void plans_answered(struct core *core, const struct agent_live *agent, const Pb__PluginPlanned *answer);

// ---- captures.c: what trials capture, while it is written
void captures_request(struct core *core, uint64_t request, const Pb__Capture *capture);
void captures_answered(struct core *core, const struct agent_live *agent, const Pb__CaptureRead *read);

// ---- shells.c: turns of shells inside of services
struct shells;
struct shells *shells_new(void);
void shells_free(struct shells **shells);
void shells_request(struct core *core, uint64_t request, const Pb__Shell *shell);
void shells_answered(struct core *core, const struct agent_live *agent, const Pb__ShellAnswer *answer);
void shells_tick(struct core *core);

// ---- survey.c: what lives on the hosts
struct survey;
struct survey *survey_new(void);
void survey_free(struct survey **survey);
void survey_request(struct core *core, uint64_t request, const Pb__ListProcesses *list);
void survey_answered(struct core *core, const struct agent_live *agent, const Pb__Surveyed *surveyed);
void survey_tick(struct core *core);

// ---- lists.c: `after` is a cursor
void annotations_request(struct core *core, uint64_t request, const Pb__Annotate *said);
void annotations_retention(struct core *core);
void lists_agents(struct core *core, uint64_t request, uint64_t after);
void lists_plugins(struct core *core, uint64_t request, const Pb__ListPlugins *list);
void lists_keys(struct core *core, uint64_t request, uint64_t after);

// ---- keys.c
void keys_add(struct core *core, uint64_t request, const Pb__AddKey *add);
void keys_add_all(struct core *core, uint64_t request, const Pb__AddKeys *add); // or none
void keys_revoke(struct core *core, uint64_t request, const char *name);
void keys_enroll(struct core *core);

// ---- runs.c: which cell next
void runs_schedule(struct core *core);
bool runs_cell_waits(const struct run *run, uint32_t test, uint64_t cell);      // for the repetition before it
void runs_gated(struct core *core, uint64_t run, const Pb__RunGates *gates);    // of no run that is open: nothing
bool runs_retry_is_due(const struct trial *trial, const Pb__TrialEnded *ended); // so its cell is not decided
void runs_trial_ended(struct core *core, struct trial *trial, Pb__TrialEnded *ended);

// ---- dry_run.c
void dry_run_show(struct core *core, Pb__Submitted *submitted, const Pb__Experiment *experiment);

// ---- status.c
void status_request(struct core *core, uint64_t request, const Pb__GetStatus *get);

// ---- confidence.c
bool confidence_is_reached(const Pb__RepeatUntil *until, const struct tally *tally);

// ---- placement.c
struct placement {
    struct agent_live **agents; // one per service of the plan, in the arena
    const char *problem;        // why not; NULL: placed
    bool hopeless;              // no agent of this lab could ever take it as it is now
};
void placement_find(struct core *core, const Pb__CellPlan *plan, struct arena *arena, struct placement *placement);
// placement_why.c: in words, in the arena
const char *placement_nobody(const struct core *core, const Pb__ServicePlan *service, struct arena *arena); // why no agent could take it
const char *placement_full(const struct core *core, const Pb__ServicePlan *service, struct arena *arena);   // why none can now
// Services that can only be on one host, and are more than any agent that was heard of has slots for; NULL: none.
const char *placement_together(const struct core *core, const Pb__CellPlan *plan, struct arena *arena);
bool placement_has(const struct agent_live *agent, uint64_t cpus, uint64_t memory_bytes); // its host, whoever has reserved them
bool placement_fits(const struct core *core, const struct agent_live *agent, const Pb__ServicePlan *service); // however full it is
// For cell after cell: one that wants what an earlier one did not get is not searched for again. Both live in the arena.
struct placement_failed {
    const Pb__CellPlan *plan; // NULL: none yet
    struct placement placement;
};
void placement_find_next(struct core *core, const Pb__CellPlan *plan, struct arena *arena, struct placement_failed *failed,
                         struct placement *placement);

// ---- skew.c: different versions of a plugin on hosts that may take it, as warnings of a dry run
void skew_look(struct core *core, Pb__Submitted *submitted, const Pb__CellPlan *plan, struct map *looked_at); // each plugin once

// A moment in the clock of some host: no earlier than, no later than.
struct moment_range {
    uint64_t from_ns, to_ns;
};

// ---- trials.c
void trials_start(struct core *core, struct run *run, uint32_t test, uint64_t cell, uint32_t attempt, Pb__CellPlan *plan,
                  const struct placement *placement);
void trials_advance(struct core *core, struct trial *trial); // issues what is due, until nothing is
void trials_tick(struct core *core);
bool trials_case_is_supported(const struct core *core, const struct instance *instance, const char *name);
void trials_release(struct core *core, struct instance *instance, char **cases, size_t count, const char *entry); // none: Execute
size_t trials_supported_cases(struct core *core, const struct instance *instance, char ***cases);
const struct trial *trials_find(const struct core *core, const char *name); // that is not over; NULL: there is none
void trials_stop(struct core *core, struct trial *trial, const struct outcome *outcome, bool cancel);

bool trials_needs_are_at(const struct instance *instance, unsigned state); // what it needs is there, or further, and not past it
bool trials_plugin_executes(const struct core *core, const struct instance *instance);

// ---- setups.c: cases that want something of what they drive
bool setups_has(struct core *core, const struct instance *instance);           // some of its cases do
bool setups_wait(struct core *core, const struct instance *tester);            // for another tester of the trial
bool setups_execute(const struct core *core, const struct instance *instance); // a case does, so that the trial does not
bool setups_advance(struct core *core, struct instance *tester);               // towards its next case; true: something was decided
bool setups_is_down(const struct instance *instance);                          // stopped, or it did not come up
bool setups_have_network(const struct trial *trial);
// Every driven service has the profile that the case wants of it.
bool setups_profiles_exist(const struct core *core, const struct instance *tester, const Pb__CaseDescription *description);

// ---- holds.c: trials whose services stay up
bool holds_begin(struct core *core, struct trial *trial); // its work is done; true: it is held
// It was cut short, and may be held: only its testers are stopped before that is known.
bool holds_are_open(struct core *core, const struct trial *trial);
// Its testers have stopped. true: now it is known.
bool holds_decide(struct core *core, struct trial *trial);
bool holds_is_held(const struct trial *trial);
bool holds_advance(struct core *core, struct trial *trial); // true: its time is over
void holds_release(struct core *core, uint64_t request, const Pb__Release *release);
void holds_drained(struct core *core, const char *agent);
void holds_show(struct core *core, Pb__Status *status, const struct run *of); // NULL: of all runs

// ---- renewals.c: generations
// profile: NULL: the same; "": the experiment's. for_tester: whose next case wants it; NULL: none.
void renewal_decide(struct core *core, struct instance *instance, const char *profile, const char *why, const struct instance *for_tester);
bool renewals_advance(struct core *core, struct trial *trial); // true: something was decided

// ---- initialize.c
#define OPTION_PROFILE "profile" // of a service, that a case may set (services/sdk/SERVICE_YAML.md, "profiles")
Pb__Peer *commands_peer(struct core *core, const struct instance *needed);
size_t environments_of(const Pb__CellPlan *plan, const Pb__ServicePlan *service, Pb__ExecutionEnvironment ***environments,
                       struct arena *arena);
uint32_t environments_trial_ms(const struct trial *trial, uint64_t ms, struct arena *arena); // a deadline of all of it

// ---- commands.c
Pb__Command *commands_new(struct core *core, const struct instance *instance, uint32_t number);
void commands_decide(struct core *core, struct instance *instance, Pb__Command *command, const struct instance *for_tester);
void commands_prepared_case(struct core *core, struct instance *tester, const Pb__CaseDescription *description); // the next one, now
uint32_t commands_case_timeout_ms(const struct core *core, const struct instance *instance, const char *name);
const char *commands_initialize(struct core *core, struct instance *instance); // NULL, or why it cannot be told to initialize
void commands_issue(struct core *core, struct instance *instance, Pb__Command__BodyCase kind); // start, stop, cleanup
void commands_execute(struct core *core, struct instance *instance);                           // if released and not answered
void commands_cases(struct core *core, struct instance *instance);                             // keeps the window full
void commands_resend(struct core *core, struct instance *instance);                            // a new session: what is open goes out again
void commands_beside(struct core *core, struct instance *instance, const Pb__Fault *fault, const Pb__RunBeside *run); // one of both
void commands_beside_held(struct core *core, struct instance *instance); // faults and runs that had to wait for a case, when they need not
bool commands_case_waits(struct core *core, const struct instance *instance); // it has its number, and was not sent in this session
const Pb__CaseDescription *commands_case(const struct core *core, const struct instance *instance, const char *name);

// ---- timeline.c
void timeline_zero(struct core *core, struct trial *trial);    // all services are ready
bool timeline_releases(const struct instance *instance);       // the timeline gives this tester its cases
bool timeline_advance(struct core *core, struct trial *trial); // what is due, while the trial runs; true: something was recorded
bool timeline_is_done(const struct trial *trial);              // every entry has ended
void timeline_tell(struct core *core, struct trial *trial);    // marks of what its entries have told
// ---- timeline_due.c
const Pb__TimelineEntry *timeline_plan(const struct trial *trial, const struct entry *entry);
bool timeline_is_clock(const Pb__TimelineEntry *plan);
bool timeline_is_up(const struct instance *instance); // ready, or at work
bool timeline_is_due(const struct core *core, const struct trial *trial, size_t index);
bool timeline_agent_now(const struct core *core, const char *name, uint64_t *now_ns); // its boottime; false: it is away
bool moment_here(const struct core *core, const struct moment *moment, const char *agent, struct moment_range *range);

// ---- verdicts.c
const char *verdicts_missing(const struct instance *instance); // NULL: its evidence is complete
// A session has just begun, and two heartbeats tell how far its clock is from others: windows across hosts are judged then.
bool verdicts_wait_for_clocks(struct core *core, struct trial *trial);
Pb__TrialEnded *verdicts_trial(struct core *core, const struct trial *trial);
// While it still lives: that evidence is still to come is no fault of it.
Pb__TrialEnded *verdicts_so_far(struct core *core, const struct trial *trial);

// ---- verdicts_window.c: assertions on what was seen how often, and when
struct observation {
    int verdict;
    const char *text;
};
void verdicts_observe(struct core *core, const struct trial *trial, const Pb__Assertion *assertion, uint32_t rule,
                      struct observation *observation);

#endif
