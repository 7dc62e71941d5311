// How the checks of common/wire are written, and the limits that only they need. A check is a function from a message to NULL or a
// static reason that names the field; `unsound` has run before, so pointers of required shape are there and enums are known.
#ifndef PANTHER_COMMON_WIRE_CHECK_H
#define PANTHER_COMMON_WIRE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/wire/wire.h"

#define LIST_MAX CASES_PER_SERVICE_MAX // entries of any list: the longest that is meant is the cases of one tester
#define TOKEN_MAX_BYTES 127            // names that others choose: cases, metrics, capabilities
#define SHORT_MAX_BYTES 255            // versions, roles, units, kinds, labels' values
#define LABEL_VALUE_MAX_BYTES 256
#define PATH_MAX_BYTES 4095                 // PATH_MAX less NUL
#define ADDRESS_MAX_BYTES 63                // numeric IPv6 with a scope
#define PATTERN_MAX_BYTES 1024              // of an output rule: POSIX regexes grow badly
#define SETTING_VALUE_MAX_BYTES (64 * 1024) // a text option that is a configuration file: half of a guard's packet
#define SETTINGS_MAX 256
#define FILES_MAX 256          // of one experiment
#define OUTPUT_RULES_MAX 256   // of one service: as many assertions as a test may have
#define OVERRIDES_MAX 256      // --set on one command line
#define RERUN_CELLS_MAX 20000  // that are named one by one: at some 60 bytes each a third of a frame
#define RERUN_TIMES_MAX 100000 // one cell over and over for days
#define FEW_MAX 64             // labels, addresses, roles, drives: what a person writes by hand
#define METRICS_MAX 256        // of one result: it is one event
#define FINDINGS_MAX 64        // of one result
#define LINK_RULES_MAX (SERVICES_PER_TEST_MAX * SERVICES_PER_TEST_MAX) // one per ordered pair of services
#define COMMANDS_PER_FRAME_MAX 1024
#define ARGUMENTS_MAX 1024 // of one process
#define PLUGINS_PER_HOST_MAX 1024
#define ENVIRONMENTS_PER_HOST_MAX 256 // types, and options of theirs
#define INSTANCES_PER_HOST_MAX 4096
#define BULK_ENVELOPE_MAX_BYTES (256 * 1024) // HaveBlobs with HASHES_MAX hashes
#define HASHES_MAX 2048
static_assert(HASHES_MAX * (HASH_TEXT_BYTES + 3) < BULK_ENVELOPE_MAX_BYTES, "hashes fit into their envelope");
#define DESCRIPTION_MAX_BYTES (1024 * 1024) // a suite of 10,000 cases at 100 bytes each
static_assert(DESCRIPTION_MAX_BYTES < CONTROL_FRAME_MAX_BYTES, "a description travels in a frame");
#define RECORD_MAX_BYTES (16 * 1024 * 1024) // CasesReleased: CASES_PER_SERVICE_MAX cases of TOKEN_MAX_BYTES
static_assert(CASES_PER_SERVICE_MAX * (TOKEN_MAX_BYTES + 2) < RECORD_MAX_BYTES, "all cases fit into a record");
#define RECORD_UNPACK_MAX_BYTES (64 * 1024 * 1024)

#define REFUSE(condition, reason)                                                                                                          \
    do {                                                                                                                                   \
        if (condition)                                                                                                                     \
            return (reason);                                                                                                               \
    } while (0)
// A nested message's reason is the outer one's.
#define NESTED(check)                                                                                                                      \
    do {                                                                                                                                   \
        const char *nested_reason = (check);                                                                                               \
        if (nested_reason != NULL)                                                                                                         \
            return nested_reason;                                                                                                          \
    } while (0)
#define EACH(count, items, check)                                                                                                          \
    do {                                                                                                                                   \
        for (size_t each_index = 0; each_index < (count); each_index++)                                                                    \
            NESTED(check((items)[each_index]));                                                                                            \
    } while (0)

// What holds for any message, found by its descriptor: known enum values, no hole in a list, no list over LIST_MAX, a oneof
// that has its message, and a body where there is a oneof.
const char *unsound(const void *message);

// ---- texts (NULL counts as empty)
bool is_empty(const char *text);
bool is_within(const char *text, size_t max_bytes);
bool is_token(const char *text); // 1 .. TOKEN_MAX_BYTES printable bytes without space at an end
bool is_name_or_empty(const char *text);
bool is_hash(const char *text); // 64 lower-case hex digits
bool is_hash_or_empty(const char *text);
bool is_boot_id(const char *text);     // 128 bits in hex, with or without dashes
bool is_curve_key(const char *text);   // 40 characters of Z85
bool is_address(const char *text);     // numeric
bool is_stream_name(const char *text); // a file name without folders
bool is_inner_path(const char *text);  // relative, without ".."
bool are_within(size_t count, char *const *texts, size_t count_max, size_t max_bytes);
bool are_names(size_t count, char *const *texts, size_t count_max);
bool are_tokens(size_t count, char *const *texts, size_t count_max);
bool are_hashes(size_t count, char *const *texts, size_t count_max);

// ---- nested messages, by the file of proto/ that defines them
const char *outcome_check(const Pb__Outcome *outcome);
const char *endpoint_check(const Pb__Endpoint *endpoint);
const char *setting_check(const Pb__Setting *setting);
const char *execution_environment_check(const Pb__ExecutionEnvironment *environment);
const char *metric_check(const Pb__Metric *metric);
const char *file_reference_check(const Pb__FileReference *file);
const char *label_check(const Pb__Label *label);
const char *override_check(const Pb__Override *override);
const char *rerun_check(const Pb__Rerun *rerun); // NULL is right
const char *drive_check(const Pb__Drive *drive);

const char *description_check(const Pb__PluginDescription *description);
const char *described_plugin_check(const Pb__DescribedPlugin *described);
const char *presence_check(const Pb__PluginPresence *presence);

const char *initialize_check(const Pb__Initialize *initialize);
const char *run_case_check(const Pb__RunCase *run_case);
const char *execute_check(const Pb__Execute *execute);
const char *stop_check(const Pb__Stop *stop);
const char *network_check(const Pb__Network *network);
const char *fault_check(const Pb__Fault *fault);
const char *run_beside_check(const Pb__RunBeside *run);
const char *fault_began_check(const Pb__FaultBegan *began);
const char *fault_ended_check(const Pb__FaultEnded *ended);
const char *command_check(const Pb__Command *command);
const char *command_done_check(const Pb__CommandDone *done);
const char *case_started_check(const Pb__CaseStarted *started);
const char *case_result_check(const Pb__CaseResult *result);
const char *note_check(const Pb__Note *note);
const char *event_check(const Pb__Event *event);

const char *host_facts_check(const Pb__HostFacts *facts);
const char *test_address_check(const Pb__TestAddress *address);
const char *capture_read_check(const Pb__CaptureRead *read);
const char *shell_turn_check(const Pb__ShellTurn *turn);
const char *shell_turned_check(const Pb__ShellTurned *turned);
const char *shell_call_check(const Pb__ShellCall *call);
const char *shell_answer_check(const Pb__ShellAnswer *answer);
const char *refused_check(const Pb__Refused *refused);
const char *request_check(const Pb__Request *request);
const char *reply_check(const Pb__Reply *reply);
const char *guard_spec_check(const Pb__GuardSpec *spec);
const char *experiment_check(const Pb__Experiment *experiment);
const char *cell_plan_check(const Pb__CellPlan *plan);

#endif
