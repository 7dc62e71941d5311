// The contract of a plugin: its clauses, one function each, and what they are judged with. `panther-plugin check` prints them; the table
// in contract.c is the list that help, man page and README are checked against.
#ifndef PANTHER_SERVICES_SDK_AUTHOR_CONTRACT_H
#define PANTHER_SERVICES_SDK_AUTHOR_CONTRACT_H

#include "panther/test.h"
#include "services/sdk/author/author.h"
#include "services/sdk/harness/harness.h"

#define CONTRACT_LIST_MAX 32
// Deadline of initialize, start and stop of an instance under check.
#define CONTRACT_PHASE_MS 10000
#define CONTRACT_CASE_MS 60000
// Of a plugin that compiles: its first initialize; the others find what it made.
#define CONTRACT_BUILD_MS 900000

enum judgement_state { JUDGED_GOOD, JUDGED_BAD, JUDGED_SKIPPED };
struct judgement {
    enum judgement_state state;
    char text[1024]; // why; of a good one: what is worth knowing
    uint64_t took_ns;
};

// A service beside the plugin: one that a tester drives, or a server that a client IUT talks to.
struct contract_peer {
    const char *word;   // in the plugin's table of drives; of a client IUT "server"
    const char *plugin; // its path
    char *options;      // "name=value,name=value"; NULL: its defaults
    const char *role;
    bool is_drive;
    struct panther_test *test; // running; NULL: not started yet
};

struct contract {
    const char *path, *readme;
    const char *options[CONTRACT_LIST_MAX]; // "name=value"
    size_t option_count;
    const char *drives[CONTRACT_LIST_MAX]; // "word=plugin"
    size_t drive_count;
    const char *needs[CONTRACT_LIST_MAX]; // "[name=]plugin"
    size_t need_count;
    const char *case_name; // that clauses run; the first one of the table unless it was said
    const char *protocol, *version, *role;
    bool quick; // fewer repetitions, for a suite of many plugins
    struct arena *arena;
    const Pb__PluginDescription *description;
    char *builds; // of a plugin that compiles: the folder whose build cache its instances share; NULL: none yet
    struct contract_peer peers[CONTRACT_LIST_MAX];
    size_t peer_count;
    bool peers_are_known;
    char peer_problem[512]; // why a service that it needs cannot be started; empty: none
};

struct clause {
    const char *name, *summary;
    const char *after; // the clause without which this one cannot be judged; NULL: none
    void (*check)(struct contract *contract, struct judgement *judgement);
};
extern const struct clause contract_clauses[];
extern const size_t contract_clause_count;

// The first words that are said stay.
void judge_bad(struct judgement *judgement, const char *format, ...) __attribute__((format(printf, 2, 3)));
void judge_skip(struct judgement *judgement, const char *format, ...) __attribute__((format(printf, 2, 3)));
void judge_note(struct judgement *judgement, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool contract_is_tester(const struct contract *contract)
{
    return contract->description->kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER;
}

// contract_instance.c: an instance with the options that were said, on the services that it needs; NULL: these are not there (skipped).
struct panther_test *contract_instance(struct contract *contract, struct judgement *judgement);
struct panther_test *contract_bare(struct contract *contract);  // the same without these services
struct panther_test *contract_plain(struct contract *contract); // ... and without the options
void contract_end_builds(struct contract *contract);
// The same with them, initialized and ready; NULL: it did not get so far (bad).
struct panther_test *contract_running(struct contract *contract, struct judgement *judgement);
bool contract_start(struct panther_test *test, struct judgement *judgement);
// stop, cleanup, end: bad when one of them is not as it should be.
void contract_finish(struct panther_test *test, struct judgement *judgement);
// The same where how it ends is not what is judged: its host is killed, so that a plugin that is deaf to a stop costs no time.
void contract_drop(struct panther_test *test);
// contract_peers.c
struct panther_test *contract_peer_instance(const struct contract *contract, const struct contract_peer *peer);
bool contract_find_peers(struct contract *contract, struct judgement *judgement);
bool contract_start_peers(struct contract *contract, struct judgement *judgement);
void contract_end_peers(struct contract *contract);

// Processes of an instance besides its guard and its host, in the arena as "pid name, ..."; "" when there are none.
const char *contract_processes(const struct contract *contract, const struct panther_test *test);
const Pb__Endpoint *const *contract_endpoints(const struct panther_test *test, size_t *count);

// contract_load.c
void clause_loads(struct contract *contract, struct judgement *judgement);
void clause_descriptor(struct contract *contract, struct judgement *judgement);
void clause_usable(struct contract *contract, struct judgement *judgement);
void clause_options(struct contract *contract, struct judgement *judgement);
void clause_defaults(struct contract *contract, struct judgement *judgement);
// contract_life.c
void clause_initialize(struct contract *contract, struct judgement *judgement);
void clause_lifecycle(struct contract *contract, struct judgement *judgement);
void clause_ready(struct contract *contract, struct judgement *judgement);
void clause_stop(struct contract *contract, struct judgement *judgement);
void clause_broken_start(struct contract *contract, struct judgement *judgement);
void clause_generations(struct contract *contract, struct judgement *judgement);
// contract_traces.c
void clause_processes(struct contract *contract, struct judgement *judgement);
void clause_ports(struct contract *contract, struct judgement *judgement);
void clause_descriptors(struct contract *contract, struct judgement *judgement);
void clause_log(struct contract *contract, struct judgement *judgement);
// contract_files.c
void clause_files(struct contract *contract, struct judgement *judgement);
// contract_work.c
void clause_status(struct contract *contract, struct judgement *judgement);
void clause_cancel(struct contract *contract, struct judgement *judgement);
void clause_verdict(struct contract *contract, struct judgement *judgement);
void clause_memory(struct contract *contract, struct judgement *judgement);
// contract_evidence.c
void clause_killed(struct contract *contract, struct judgement *judgement);
void clause_unknown_case(struct contract *contract, struct judgement *judgement);
void clause_absent(struct contract *contract, struct judgement *judgement);
// contract_docs.c
void clause_docs(struct contract *contract, struct judgement *judgement);

#endif
