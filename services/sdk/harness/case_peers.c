// What a test says of the driven services as the next cases have them.
#include <string.h>

#include "services/sdk/harness/harness.h"

static Pb__RunCase *template_of(struct panther_test *test)
{
    if (test->run_case == NULL) {
        test->run_case = ARENA_NEW(test->arena, Pb__RunCase);
        pb__run_case__init(test->run_case);
        test->run_case->peers = ARENA_ARRAY(test->arena, Pb__CasePeer *, PEERS_OF_TEST_MAX);
        test->run_case->conditions = ARENA_ARRAY(test->arena, Pb__Setting *, SETTINGS_OF_TEST_MAX);
    }
    return test->run_case;
}

void harness_fill_case(const struct panther_test *test, Pb__RunCase *run_case)
{
    if (test->run_case != NULL) {
        run_case->n_peers = test->run_case->n_peers;
        run_case->peers = test->run_case->peers;
        run_case->n_conditions = test->run_case->n_conditions;
        run_case->conditions = test->run_case->conditions;
    }
}

// As initialize knows it; of a word that drives nothing there ("network") one is made.
static const Pb__Peer *initialized_peer(struct panther_test *test, const char *word)
{
    const Pb__Initialize *initialize = test->initialize;
    const char *service = word;
    for (size_t i = 0; i < initialize->n_drives; i++) {
        if (strcmp(initialize->drives[i]->name, word) == 0 && initialize->drives[i]->n_services > 0) {
            service = initialize->drives[i]->services[0];
        }
    }
    for (size_t i = 0; i < initialize->n_peers; i++) {
        if (strcmp(initialize->peers[i]->service, service) == 0) {
            return initialize->peers[i];
        }
    }
    Pb__Peer *peer = ARENA_NEW(test->arena, Pb__Peer);
    pb__peer__init(peer);
    peer->service = arena_string(test->arena, service);
    peer->host = arena_string(test->arena, "harness");
    return peer;
}

static Pb__Outcome *outcome_of(struct panther_test *test, const struct panther_test_outcome *from)
{
    Pb__Outcome *outcome = ARENA_NEW(test->arena, Pb__Outcome);
    pb__outcome__init(outcome);
    outcome->verdict = (Pb__Verdict)from->verdict;
    outcome->reason = (Pb__Reason)from->reason;
    outcome->text = arena_string(test->arena, from->text);
    return outcome;
}

static Pb__CasePeer *place_of(struct panther_test *test, const char *drive)
{
    Pb__RunCase *run_case = template_of(test);
    for (size_t i = 0; i < run_case->n_peers; i++) {
        if (strcmp(run_case->peers[i]->drive, drive) == 0) {
            return run_case->peers[i];
        }
    }
    INVARIANT(run_case->n_peers < PEERS_OF_TEST_MAX);
    return run_case->peers[run_case->n_peers++] = ARENA_NEW(test->arena, Pb__CasePeer);
}

// When it was executed: what a capture shows of this case begins then.
static void put_stamps(const struct panther_test *driven, Pb__CasePeer *wire)
{
    for (size_t i = 0; driven != NULL && i < driven->event_count; i++) {
        const Pb__Event *event = driven->events[i];
        if (event->body_case == PB__EVENT__BODY_COMMAND_DONE && strcmp(event->command_done->phase, "execute") == 0) {
            wire->ended_ns = event->boottime_ns;
            wire->began_ns = event->boottime_ns - event->command_done->duration_ns;
        }
    }
}

void panther_test_case_peer(struct panther_test *test, const struct panther_test_case_peer *peer)
{
    Pb__CasePeer *wire = place_of(test, peer->drive);
    Pb__Peer *now = ARENA_NEW(test->arena, Pb__Peer);
    *now = *initialized_peer(test, peer->drive);
    const char *folder = peer->driven != NULL ? peer->driven->spec->work_path : peer->folder;
    now->instance = peer->driven != NULL ? peer->driven->spec->instance : 1;
    now->generation = peer->driven != NULL ? peer->driven->spec->generation : 1;
    now->folder = arena_string(test->arena, folder != NULL ? folder : "");
    pb__case_peer__init(wire);
    wire->drive = arena_string(test->arena, peer->drive);
    wire->peer = now;
    wire->profile = arena_string(test->arena, peer->profile != NULL ? peer->profile : "");
    wire->executed = peer->executed != NULL;
    if (wire->executed) {
        put_stamps(peer->driven, wire);
    }
    wire->outcome = peer->executed != NULL ? outcome_of(test, peer->executed) : NULL;
}

void panther_test_case_condition(struct panther_test *test, const char *key, const char *value)
{
    Pb__RunCase *run_case = template_of(test);
    Pb__Setting *setting = ARENA_NEW(test->arena, Pb__Setting);
    INVARIANT(run_case->n_conditions < SETTINGS_OF_TEST_MAX);
    pb__setting__init(setting);
    setting->name = arena_string(test->arena, key);
    setting->values = ARENA_ARRAY(test->arena, char *, 1);
    setting->values[setting->n_values++] = arena_string(test->arena, value);
    run_case->conditions[run_case->n_conditions++] = setting;
}
