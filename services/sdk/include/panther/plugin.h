// panther/plugin.h: what a service plugin is. A plugin is one shared object with one descriptor, made by PANTHER_PLUGIN(...).
// It runs one implementation under test (IUT) or one tester, alone in a process of its own (panther-service), one process per
// instance: a crash harms nobody else, and plain static variables are the instance's own.
//
// Phases. One plugin thread calls everything except get_status; each call has a deadline (panther_remaining_ms in service.h).
//
//   function          | when                                                          | if NULL
//   ------------------+---------------------------------------------------------------+-----------------------------------------
//   initialize        | once per generation; settings are checked and typed; ask for  | nothing to do
//                     | ports, write configuration files; no process may live yet     |
//   start             | after every service it needs is ready; spawn and declare      | nothing to start
//                     | readiness; then the host waits until the instance is ready    |
//   get_status        | any time, from another thread, also while another call runs:  | the host's own view
//                     | answer from memory                                            |
//   execute           | the main job, once: a client IUT does its transfer, a tester  | tester: the cases by run_test;
//                     | without cases works until its deadline or cancel              | server IUT: nothing
//   tester.run_test   | case by case; panther_result() says how it went               | a tester has run_test or execute
//   tester.get_test_  | after the cases, while stop is worked on: what the tester     | the coordinator's sum
//     results         | sums up over all of them (panther_metric, panther_result)     |
//   stop              | the cancel flag is set first, then, when the running call has | every process: its stop signal, grace,
//                     | returned, stop is called; what still lives afterwards is      | KILL
//                     | ended by the host                                             |
//   restart           | no command of ABI 1.0 calls it: a restart is a new generation | stop + start
//                     | in a new process. Reserved so that the guide's interface is whole.
//   cleanup           | always, also after a failed initialize or start               | nothing: the work folder goes by itself
//   plan              | pure: `panther-service --plan`, no instance exists; the       | "known at run time"
//                     | commands that start would run                                 |
//
// Every function returns 0, or panther_fail(service, "why") for what a person should read; any other number is a failure too.
//
// ABI rule. The host loads a plugin when the major numbers are equal and the plugin's minor is not above the host's. A minor
// version only adds: members at the end of struct panther_plugin, panther_iut, panther_tester and of the request structs
// (each carries its size), functions, constants. Elements of tables (options, cases, protocols, drives) change only with the major.
//
// Changelog
//   1.0  first version
//   1.1  panther_plugin_folder, panther_finding, panther_endpoint_external, panther_build; builds in struct panther_plugin
//   1.2  PANTHER_NETWORK; setups, conditions and evidence in struct panther_tester, panther_case_peer, panther_case_condition
//   1.3  panther/qlog.h
#ifndef PANTHER_PLUGIN_H
#define PANTHER_PLUGIN_H

#include <panther/options.h>
#include <panther/service.h>
#include <stddef.h>
#include <stdint.h>

#define PANTHER_ABI_MAJOR 1
#define PANTHER_ABI_MINOR 3

// A network is what the other services of a trial are placed in: the one kind whose initialize spawns (network.json in the work folder says
// what to make), because its endpoints, named after the services, have to be there before they are.
enum panther_kind { PANTHER_IUT = 1, PANTHER_TESTER = 2, PANTHER_NETWORK = 3 };

// Lists of texts end with NULL, tables with an element whose name is NULL.
#define PANTHER_TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct panther_protocol {
    const char *name;            // "http"
    const char *const *versions; // PANTHER_TEXTS("1.1", "2")
    const char *const *roles;    // PANTHER_TEXTS("server")
};
#define PANTHER_PROTOCOLS(...) ((const struct panther_protocol[]){__VA_ARGS__, {NULL, NULL, NULL}})

// A service that a tester works on: the word under `drives:` in an experiment.
struct panther_drive {
    const char *name;     // "server"
    const char *protocol; // "http"
    const char *role;     // "server"
    bool required;
};
#define PANTHER_DRIVES(...) ((const struct panther_drive[]){__VA_ARGS__, {NULL, NULL, NULL, false}})

// A case that a tester can run.
struct panther_case {
    const char *name;
    const char *summary;
    uint32_t timeout_ms; // 0: the experiment's
    // Capabilities that every driven service must have; NULL: none. One that reads like the trial's protocol ("http/2") is also the
    // version that the trial must speak: else the case is none (unsupported) and not run.
    const char *const *needs;
};
#define PANTHER_CASES(...) ((const struct panther_case[]){__VA_ARGS__, {NULL, NULL, 0, NULL}})

// What a case needs of a driven service before run_test is called (1.2). A service without a line stays as it is.
struct panther_case_setup {
    const char *name;    // of the case
    const char *drive;   // "server": each service behind that word of the drives
    const char *profile; // value of its option `profile`; NULL: as the experiment set it
    bool execute;        // its execute() runs, and ends, before run_test is called
    bool fresh;          // a new generation, even where the profile stays
};
#define PANTHER_CASE_SETUPS(...) ((const struct panther_case_setup[]){__VA_ARGS__, {NULL, NULL, NULL, false, false}})

// What the network between the driven services does in a case, as an experiment says it: {"longrtt", "delay", "375ms"} (1.2).
struct panther_case_condition {
    const char *name; // of the case
    const char *key;  // "delay", "loss", "rate", ...
    const char *value;
};
#define PANTHER_CASE_CONDITIONS(...) ((const struct panther_case_condition[]){__VA_ARGS__, {NULL, NULL, NULL}})

struct panther_status {
    char state[32];  // one word: "serving"
    char text[256];  // one line for a person
    double progress; // 0..1; below 0: not known
};

struct panther_capabilities;
void panther_capability(struct panther_capabilities *capabilities, const char *name);
// Runs a program without an instance and returns its first `text_bytes` of output (stdout and stderr), for the two functions
// that ask what is installed; five seconds at most. Returns its exit status, or below 0 when it could not run.
int panther_command_output(const char *const *argv, char *text, size_t text_bytes);

// The part of an IUT (the guide's IImplementationManager; that kind is PANTHER_IUT says that it is no tester).
// Both are called without an instance, too: on every host, to list what is installed there.
struct panther_iut {
    int (*get_implementation_version)(char *text, size_t text_bytes); // "1.22.1"
    int (*get_implementation_capabilities)(struct panther_capabilities *capabilities);
};

// The part of a tester (the guide's ITesterManager).
struct panther_tester {
    const struct panther_case *cases; // NULL: it has execute
    int (*run_test)(struct panther_service *service, const struct panther_case *test_case);
    int (*get_test_results)(struct panther_service *service);
    int (*get_tool_version)(char *text, size_t text_bytes); // of the tool it uses; NULL: the plugin's version
    // 1.2: what cases need. A tester with setups gets its cases one at a time.
    const struct panther_case_setup *setups;
    const struct panther_case_condition *conditions;
    const char *const *evidence; // what its cases judge from: PANTHER_TEXTS("capture", "keylog", "qlog")
};

struct panther_plan;
void panther_plan_command(struct panther_plan *plan, const char *const *argv);

struct panther_plugin {
    uint16_t abi_major, abi_minor; // these three are filled by PANTHER_PLUGIN
    uint32_t struct_bytes;
    const char *name; // "nginx": lower case, digits, . _ -
    enum panther_kind kind;
    const char *version; // of the plugin
    const char *summary; // one line
    const struct panther_protocol *protocols;
    const struct panther_option *options; // NULL: none
    size_t settings_bytes;                // size of the struct that the options fill
    const char *const *programs;          // that must be installed; NULL: none
    const struct panther_drive *drives;   // of a tester
    int (*initialize)(struct panther_service *service, const void *settings);
    int (*start)(struct panther_service *service);
    int (*stop)(struct panther_service *service);
    int (*restart)(struct panther_service *service);
    int (*get_status)(struct panther_service *service, struct panther_status *status);
    int (*execute)(struct panther_service *service);
    int (*cleanup)(struct panther_service *service);
    int (*plan)(const void *settings, struct panther_plan *plan);
    const struct panther_iut *iut;
    const struct panther_tester *tester;
    bool builds; // 1.1: initialize compiles (panther/build.h), so it has the time of `timeouts: {build: ...}`
};

#define PANTHER_DESCRIPTOR_SYMBOL "panther_plugin_descriptor"
extern const struct panther_plugin panther_plugin_descriptor;

// PANTHER_PLUGIN(.name = "nginx", .kind = PANTHER_IUT, ...); once per shared object.
#define PANTHER_PLUGIN(...)                                                                                                                \
    __attribute__((visibility("default"))) const struct panther_plugin panther_plugin_descriptor = {                                       \
        .abi_major = PANTHER_ABI_MAJOR, .abi_minor = PANTHER_ABI_MINOR, .struct_bytes = sizeof(struct panther_plugin), __VA_ARGS__}

#endif
