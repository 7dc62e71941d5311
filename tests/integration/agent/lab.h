// A scripted coordinator and a real panther-agent: the test says what the coordinator answers and looks at what the agent sent.
#ifndef PANTHER_TESTS_INTEGRATION_AGENT_LAB_H
#define PANTHER_TESTS_INTEGRATION_AGENT_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/map.h"
#include "common/base/message.h"
#include "common/bus/bus.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

#define LAB_GONE_MAX 32
#define LAB_WAIT_MS 20000

struct lab_file {
    uint8_t *data;
    size_t bytes;
    bool complete;
};

struct lab {
    char root[64], plugins[128], state[128];
    struct loop *loop;
    struct bus_server *server, *bulk;
    struct bus_peer_file keys, agent_key;
    bus_route route;
    pid_t pid;
    // what the coordinator is
    char store_id[64];
    uint64_t incarnation, session;
    bool refuses; // every Hello, as busy
    bool holds_acknowledgements;
    bool is_deaf;      // answers no heartbeat
    bool is_bulk_deaf; // answers no bulk request
    uint32_t lease_ms; // granted with each heartbeat; 0: nothing
    // what it heard
    Pb__Hello *hello; // the newest
    unsigned hellos, goodbyes, heartbeats, changed, bulk_unanswered;
    char goodbye[512];
    Pb__PluginsChanged *plugins_changed; // the last one; two may come at once, so what is gone is kept of all
    char *gone[LAB_GONE_MAX];
    size_t gone_count;
    Pb__Descriptions *descriptions;
    char epoch[64];
    uint64_t last_seen; // acknowledged
    Pb__Event **events; // in order of their sequence, without repeats
    size_t event_count, event_capacity;
    unsigned repeats, holes;
    struct map *files; // "7.1/name" -> struct lab_file
    const void *blob;  // what its bulk gives to who asks for blob_hash; begins as a small page
    size_t blob_bytes;
    char blob_hash[HASH_TEXT_BYTES];
    Pb__PluginPlaced *placed; // the newest
    struct arena *arena;
};

int lab_begin(void **state);
int lab_end(void **state);

void lab_start(struct lab *lab, const char *const *more); // the agent, with more flags (NULL-terminated; may be NULL)
void lab_kill(struct lab *lab);                           // SIGKILL, and reaped
int lab_wait_exit(struct lab *lab);                       // its exit status

bool lab_run_until(struct lab *lab, bool (*done)(struct lab *lab, uint64_t argument), uint64_t argument);
#define LAB_UNTIL(lab, done, argument)                                                                                                     \
    do {                                                                                                                                   \
        if (!lab_run_until((lab), (done), (argument)))                                                                                     \
            fail_msg("%s(%llu) did not come true", #done, (unsigned long long)(argument));                                                 \
    } while (0)
bool lab_is_live(struct lab *lab, uint64_t hellos); // that many Hellos were answered
bool lab_has_ended(struct lab *lab, uint64_t instance);
bool lab_has_forgotten(struct lab *lab, uint64_t instance); // its folder is gone

// Commands; generation 1.
void lab_send(struct lab *lab, const Pb__Envelope *envelope);
void lab_command(struct lab *lab, uint64_t instance, uint32_t number, Pb__Command__BodyCase body, const char *argument);
struct lab_wish {
    const char *plugin;
    const char *options[8]; // name, value, ...; NULL-terminated
    uint32_t lease_ms;
    const char *file_hash; // one file, named "site"
};
void lab_initialize(struct lab *lab, uint64_t instance, const struct lab_wish *wish);
void lab_acknowledge(struct lab *lab);

// What came.
const Pb__Event *lab_done(struct lab *lab, uint64_t instance, uint32_t number);   // CommandDone
const Pb__Event *lab_result(struct lab *lab, uint64_t instance, uint32_t number); // CaseResult
const Pb__Event *lab_ended(struct lab *lab, uint64_t instance);
bool lab_has_done(struct lab *lab, uint64_t instance_and_number); // instance * 1000 + number
bool lab_has_result(struct lab *lab, uint64_t instance_and_number);
const Pb__PluginPresence *lab_plugin(Pb__PluginPresence *const *plugins, size_t count, const char *name);
size_t lab_marked(const struct lab *lab, uint64_t instance); // processes that carry its mark
pid_t lab_guard(const struct lab *lab, uint64_t instance);
void lab_check_sequences(struct lab *lab); // outbox without holes, spools without holes or repeats

#endif
