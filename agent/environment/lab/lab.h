// panther-lab: what `network_environment: {type: lab}` does on one host, for one service of a trial. Shapes what the service's host sends
// to the other services' hosts (tc), drops what a partition keeps from it (nft), captures (dumpcap), and undoes all of it.
// Started by services/environments/lab; main.c wires these parts.
#ifndef PANTHER_AGENT_ENVIRONMENT_LAB_LAB_H
#define PANTHER_AGENT_ENVIRONMENT_LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/schema/conditions.h"

// ---- network.c: what is wanted: network.json, and layers of conditions over it

struct lab_peer {
    const char *service, *address;
    bool is_ipv6;
};
struct lab_network {
    struct arena *arena;
    const char *service, *address;
    const char *control; // endpoint of the coordinator; "": not known
    struct lab_peer *peers;
    size_t peer_count;
    bool captures;
    uint32_t snaplen;
    uint64_t capture_limit_bytes;
    struct lab_layer *layers; // in the order in which they were laid; the first is the trial's own
    size_t layer_count, layer_capacity;
};
int lab_network_read(struct lab_network *network, const char *text, size_t bytes, struct panther_error *error);
int lab_network_load(struct lab_network *network, const char *path, struct panther_error *error);
void lab_network_free(struct lab_network *network); // also when reading it failed
// `links`: a JSON array of {from, to, conditions}. The same name takes the layer's place. Refuses what a lab cannot do.
struct json_t;
int lab_network_lay(struct lab_network *network, const char *name, const struct json_t *links, struct panther_error *error);
void lab_network_lift(struct lab_network *network, const char *name);
// What holds for packets from here to the peer, and whether packets of the peer to here are dropped.
int lab_network_conditions(const struct lab_network *network, size_t peer, struct conditions *out, bool *is_cut,
                           struct panther_error *error);
// The coordinator's address is among the peers': conditions would reach the control path.
int lab_network_spares_control(const struct lab_network *network, struct panther_error *error);

// ---- command.c: tc, nft and ip

// Runs it with `input` (NULL: none) at its stdin; what it printed is in `output` (may be NULL). Fails with its words.
int lab_command(const char *const *argv, const char *input, struct text *output, struct panther_error *error);

// ---- route.c

#define LAB_DEVICE_BYTES 16
// The one interface behind which all peers are, seen from the own address.
int lab_route(const struct lab_network *network, char device[LAB_DEVICE_BYTES], struct panther_error *error);

// ---- shape.c: from conditions to tc and nft

struct lab_shape;
struct lab_shape *lab_shape_new(const struct lab_network *network, const char *device);
void lab_shape_free(struct lab_shape **shape);
// The commands that lead from what is there to what the network wants; both empty: nothing to do.
int lab_shape_plan(struct lab_shape *shape, struct text *tc, struct text *nft, struct panther_error *error);
int lab_shape_apply(struct lab_shape *shape, struct panther_error *error);
void lab_shape_forget(struct lab_shape *shape); // nothing of it is there any more
bool lab_shape_is_needed(struct lab_shape *shape);
// Takes away what is ours on the device, whoever made it; also when device or tables are gone.
int lab_shape_undo(const char *device, struct panther_error *error);

// ---- note.c: who shapes the device, and what is to be undone

#define LAB_RUN_FOLDER "/run/panther/lab"
struct lab_note;
// Exclusive. What a dead one left is undone before. PANTHER_EEXISTS: somebody else shapes this device.
int lab_note_take(struct lab_note **out, const char *run_folder, const char *device, const char *who, struct panther_error *error);
// Undoes and gives the device back.
void lab_note_release(struct lab_note **note);
// All that dead ones left in this network namespace.
int lab_note_undo_all(const char *run_folder, struct panther_error *error);
// `panther-lab --keep`: waits at stdin for the end of who started it, then undoes.
int lab_note_keep(const char *run_folder, const char *device);

// ---- capture.c

struct lab_capture;
struct loop;
// ended: dumpcap went; why: in its words.
typedef void lab_capture_fn(void *context, bool begun, const char *why);
// dumpcap on the device, of packets between the own address and the peers': `changed` is called when it has begun, and when it ended.
int lab_capture_start(struct lab_capture **out, struct loop *loop, const struct lab_network *network, const char *device,
                      lab_capture_fn *changed, void *context, struct panther_error *error);
void lab_capture_stop(struct lab_capture **capture); // waits until its file is whole

#endif
