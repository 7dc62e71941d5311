// Limits that more than one component must agree on; each states its unit and why. Limits of one component stand in its folder.
#ifndef PANTHER_COMMON_BASE_LIMITS_H
#define PANTHER_COMMON_BASE_LIMITS_H

#include <assert.h>

// Of a hash that a person reads: enough to tell two apart, as people do with commits.
#define HASH_SHOWN_BYTES 12

#define PROTOCOL_VERSION 1
#define JOURNAL_FORMAT 1
#define GUARD_PROTOCOL_VERSION 1

// A control frame. The largest is Hello of a host with some hundred plugins (~2 KiB each with probes) or a submission's text.
#define CONTROL_FRAME_MAX_BYTES (4 * 1024 * 1024)
// What unpacking one frame may allocate. protobuf-c needs up to ~40 bytes per wire byte for hostile input: capped, not scaled.
#define UNPACK_MAX_BYTES (32 * 1024 * 1024)
// libzmq drops the connection above ZMQ_MAXMSGSIZE without a word, so ours stands below it and is answered.
#define ZMQ_FRAME_MAX_BYTES (8 * 1024 * 1024)
static_assert(ZMQ_FRAME_MAX_BYTES > CONTROL_FRAME_MAX_BYTES, "our own limit must strike first");

#define EXPERIMENT_TEXT_MAX_BYTES (1024 * 1024)
static_assert(EXPERIMENT_TEXT_MAX_BYTES < CONTROL_FRAME_MAX_BYTES, "a submission is one frame");

// A packet between agent, guard and host: below the default wmem_max (212,992), and small enough for a spool page.
#define GUARD_PACKET_MAX_BYTES (128 * 1024)
// One command: Initialize with its settings, peers and files goes to the host inside the spec, in one packet.
#define COMMAND_MAX_BYTES (96 * 1024)
static_assert(COMMAND_MAX_BYTES + 5 * 4096 < GUARD_PACKET_MAX_BYTES, "a spec is a command and some paths");
// One event in the spool, the outbox and the journal: a case result with metrics is some hundred bytes.
#define EVENT_MAX_BYTES (64 * 1024)
// What a Gap names when it is not a stream that lacks something but the events themselves: notes, metrics, starts of cases.
#define GAP_OF_EVENTS "events"
// Matches of one output rule in one stream that are told one by one, when a window asks for their moments: enough to see when it began.
#define MATCHES_TOLD_MAX 256
// Events of one control frame and one outbox commit.
#define EVENTS_PER_FRAME_MAX 256
// A chunk of a stream or artifact.
#define BULK_CHUNK_MAX_BYTES (256 * 1024)
// Parts of a stream of which StreamEnd says when they were read: at some ten bytes each a small event, and every line of most logs.
#define READ_TIMES_MAX 256
// The same of a stream that still grows, in memory only: 4 KiB a stream.
#define READ_MARKS_MAX 256
// Text fields in events (tails, reasons): what a person reads.
#define TEXT_MAX_BYTES 4096

// Keys that are added at once: a lab. At some 120 bytes each far below a control frame.
#define KEYS_PER_REQUEST_MAX 10000

// Cases that are on their way to one tester at once: enough to hide a commit (5 ms) at 10,000 cases/s.
#define CASES_IN_FLIGHT_MAX 64
#define CASES_PER_SERVICE_MAX 100000
#define SERVICES_PER_TEST_MAX 64
#define PORTS_PER_INSTANCE 16
// A network's endpoints are the places of the services.
#define ENDPOINTS_PER_INSTANCE SERVICES_PER_TEST_MAX

// Processes that an agent names when it is asked what lives: far above what its slots start, and with 100 bytes each below a frame.
#define HOST_PROCESSES_MAX 4096
static_assert(HOST_PROCESSES_MAX * 512 < CONTROL_FRAME_MAX_BYTES, "an answer is one frame, also with a reason for each");

// A piece of a capture that is followed passes through the control link: a tenth of a second at 10 Mbit/s, less than a heartbeat.
// What a plugin says that it would run: some commands, each of some hundred words.
#define PLAN_TEXT_MAX_BYTES (64 * 1024)
#define CAPTURE_PIECE_MAX_BYTES (128 * 1024)
static_assert(CAPTURE_PIECE_MAX_BYTES + 4096 < CONTROL_FRAME_MAX_BYTES, "an answer is one frame");

// A piece of what is typed into a shell or printed by it: with its envelopes half of a guard's packet.
#define SHELL_PIECE_MAX_BYTES (32 * 1024)
static_assert(2 * SHELL_PIECE_MAX_BYTES < GUARD_PACKET_MAX_BYTES, "a turn of a shell is one packet");
// What the command of a shell may hold, all its words together: what a person types.
#define SHELL_ARGUMENTS_MAX_BYTES (16 * 1024)
// How long a guard keeps a turn of a shell that has nothing to say: one round every two seconds from who waits.
#define SHELL_WAIT_MAX_MS 2000

// A trial that is held keeps hosts from others: a working day and its evening.
#define HOLD_MAX_MS (12 * 3600 * 1000)

// Liveness, all by default and in milliseconds: heartbeat < suspect < lost < lease.
#define HEARTBEAT_MS 1000
#define SUSPECT_MS 3000
#define LOST_MS 10000
#define LEASE_MS 30000
// The kill ladder after the lease: TERM, grace, KILL, sweep.
#define KILL_LADDER_MS 5000
static_assert(HEARTBEAT_MS < SUSPECT_MS && SUSPECT_MS < LOST_MS && LOST_MS < LEASE_MS, "heartbeat < suspect < lost < lease");

#endif
