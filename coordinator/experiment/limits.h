// Limits of the language; those that other components share stand in common/base/limits.h.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_LIMITS_H
#define PANTHER_COORDINATOR_EXPERIMENT_LIMITS_H

#include <assert.h>

#include "common/base/identity.h"
#include "common/base/limits.h"

#define LANGUAGE_VERSION "1"
#define LANGUAGE_NUMBER 1

#define TESTS_MAX 256 // of one file: beyond it is generated, and axes say it shorter
#define FILES_MAX 256 // each is asked for and sent by itself
#define LABELS_MAX 32 // of a run or a host rule
#define LABEL_VALUE_MAX_BYTES 256

#define AXES_PER_TEST_MAX 8
#define AXIS_VALUES_MAX 10000
#define AXIS_ID_BYTES 41 // with NUL: the names of all axes' values fit a cell's name
static_assert(AXES_PER_TEST_MAX * AXIS_ID_BYTES + 2 * NAME_MAX_BYTES < FULL_NAME_MAX_BYTES, "r142/TEST/COMBINATION/2#1 fits a full name");

// Services in combinations that are checked before a run is accepted: some microseconds each, and the coordinator waits for it.
#define CHECKS_MAX 262144

#define REPEAT_TIMES_MAX 1000000
#define SELECTORS_MAX 64               // entries of exclude or include: each is compared with every combination
#define SAMPLED_ONE_IN_MAX 1000000     // fewer than one in a million is none
#define KEPT_MAX CASES_PER_SERVICE_MAX // combinations that are kept one by one: a list in one record
#define KEPT_LOOKED_AT_MAX 1048576     // combinations and pairs of all tests of a file: a second of work
#define CELLS_PER_TEST_MAX 10000000    // a verdict each in the journal: some GB
#define SEED_FIRST_BITS 53             // exact as a double and in JSON
#define SEED_DERIVED_BITS 31           // many programs take their seed as an int
#define RETRY_TIMES_MAX 100

#define TIMEOUT_MAX_MS UINT64_C(2592000000) // 30 days: fits 32 bits, and a campaign is shorter
#define LEASE_MIN_MS (2 * HEARTBEAT_MS)     // one heartbeat may be late
static_assert(TIMEOUT_MAX_MS <= UINT32_MAX, "timeouts travel as 32 bits");

#define QUEUE_MS 3600000
#define BUILD_MS 1800000
#define READY_MS 20000
#define CASE_MS 60000
#define TRIAL_MS 600000
#define STOP_MS 10000

// Initialize travels in one packet to the guard: settings, patterns, and the rest (peers, ports, names) a quarter.
#define SETTINGS_PER_SERVICE_MAX_BYTES (GUARD_PACKET_MAX_BYTES / 2)
#define PATTERNS_PER_TEST_MAX_BYTES (GUARD_PACKET_MAX_BYTES / 4)
#define ASSERTIONS_PER_TEST_MAX 256
#define EXPECTED_PER_TEST_MAX 1024   // known failures of one test: each is compared with what did not pass
#define EXPECT_BECAUSE_MAX_BYTES 512 // a sentence and a link

#define LINKS_MAX 1024               // of one network or fault, as written: beyond it is generated
#define SNAPLEN_MIN 64               // the headers
#define SNAPLEN_MAX 65535            // no IP packet is longer
#define CAPTURE_MIN_BYTES 65536      // a packet of any size fits
#define ENVIRONMENTS_MAX 32          // of one test: each type twice
#define TIMELINE_MAX 1024            // entries of one test
#define ARGUMENTS_MAX 64             // of a command on the timeline
#define COMMAND_LINE_MAX_BYTES 4000  // of such a command, together: a path's length is what one argument may have
#define ENVIRONMENTS_MAX_BYTES 16384 // texts of all execution environments of a test: they travel with the settings
#define FAULT_GROUPS_MAX 16          // that a partition makes

#endif
