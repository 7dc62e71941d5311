#include "agent/shell/shell.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/environment/execution/probe.h"
#include "agent/environment/lab/probe.h"
#include "agent/environment/link/probe.h"
#include "agent/shell/bulk.h"
#include "agent/shell/capture_file.h"
#include "agent/shell/catalogue.h"
#include "agent/shell/cgroup.h"
#include "agent/shell/files.h"
#include "agent/shell/folder.h"
#include "agent/shell/guards.h"
#include "agent/shell/host.h"
#include "agent/shell/plans.h"
#include "agent/shell/pushed.h"
#include "agent/shell/survey.h"
#include "agent/shell/sweep.h"
#include "agent/shell/uplink.h"
#include "agent/shell/uploads.h"
#include "common/base/message.h"
#include "common/schema/environments.h"
#include "common/system/descriptors.h"
#include "common/system/file.h"
#include "common/system/log.h"

#ifndef PANTHER_VERSION
#define PANTHER_VERSION "0"
#endif

// Three or four for each of AGENT_INSTANCES_MAX instances that is not forgotten.
#define SHELL_DESCRIPTORS 4096

struct shell {
    const struct settings *settings;
    struct loop *loop;
    struct reactor *reactor;
    struct children *children;
    struct guards *guards;
    struct uplink *uplink;
    struct catalogue *catalogue;
    struct pushed *pushed;
    struct plans *plans;
    struct sweeps *sweeps;
    struct bulk *bulk;
    struct uploads *uploads;
    struct files *files;
    struct survey *survey;
    char host_id[ID128_TEXT_BYTES];
    char *cgroup;
    int lock;
    struct panther_error broken;
};

// ---- performing what the core decided

static void log_effect(const struct agent_effect *effect)
{
    static const enum log_level levels[] = {
        [AGENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
        [AGENT_LOG_INFO] = LOG_LEVEL_INFO,
        [AGENT_LOG_WARNING] = LOG_LEVEL_WARNING,
        [AGENT_LOG_ERROR] = LOG_LEVEL_ERROR,
    };
    log_line(levels[effect->log.level], "%s", effect->log.text);
}

static void on_surveyed(void *context, uint64_t session, uint64_t number, Pb__HostProcess *const *processes, size_t count,
                        uint64_t left_out)
{
    struct shell *shell = context;
    struct arena *arena = reactor_arena(shell->reactor);
    Pb__HostProcess **copies = ARENA_ARRAY(arena, Pb__HostProcess *, count + 1);
    for (size_t i = 0; i < count; i++)
        copies[i] = MESSAGE_COPY(processes[i], arena);
    struct agent_input input = {.kind = AGENT_INPUT_SURVEYED};
    input.survey.session = session;
    input.survey.number = number;
    input.survey.processes = copies;
    input.survey.count = count;
    input.survey.left_out = left_out;
    reactor_later(shell->reactor, &input);
}

static void read_capture(struct shell *shell, uint64_t session, const Pb__ReadCapture *asked)
{
    CLEANUP_FREE char *folder = folder_path(shell->settings->state, asked->instance, asked->generation);
    struct agent_input input = {.kind = AGENT_INPUT_CAPTURE};
    input.capture.session = session;
    input.capture.read = capture_file_read(folder, asked, reactor_arena(shell->reactor));
    reactor_later(shell->reactor, &input);
}

static void perform(void *context, const struct agent_effect *effect)
{
    struct shell *shell = context;
    switch (effect->kind) {
    case AGENT_EFFECT_OPEN_LINK:
        uplink_open(shell->uplink);
        break;
    case AGENT_EFFECT_CLOSE_LINK:
        uplink_close(shell->uplink);
        break;
    case AGENT_EFFECT_SEND:
        uplink_send(shell->uplink, effect->envelope);
        break;
    case AGENT_EFFECT_SEND_EVENTS:
        uplink_send_events(shell->uplink, effect->events.first, effect->events.count);
        break;
    case AGENT_EFFECT_PROBE:
        catalogue_probe(shell->catalogue);
        break;
    case AGENT_EFFECT_FETCH_FILE:
        files_fetch(shell->files, effect->hash, effect->folder);
        break;
    case AGENT_EFFECT_SPAWN:
        guards_spawn(shell->guards, effect->spec);
        break;
    case AGENT_EFFECT_ADOPT:
        guards_adopt(shell->guards, effect->row);
        break;
    case AGENT_EFFECT_GUARD:
        guards_send(shell->guards, effect->instance, effect->generation, effect->request);
        break;
    case AGENT_EFFECT_KILL_GUARD:
        guards_kill(shell->guards, effect->instance, effect->generation);
        break;
    case AGENT_EFFECT_SWEEP:
        sweeps_start(shell->sweeps, effect->instance, effect->generation);
        break;
    case AGENT_EFFECT_REMOVE_FOLDER:
        uploads_forget(shell->uploads, effect->instance, effect->generation);
        guards_forget(shell->guards, effect->instance, effect->generation);
        pushed_released(shell->pushed);
        break;
    case AGENT_EFFECT_PLACE_PLUGIN:
        pushed_take(shell->pushed, effect->place.session, effect->place.plugin);
        break;
    case AGENT_EFFECT_SURVEY:
        survey_start(shell->survey, effect->survey.session, effect->survey.number);
        break;
    case AGENT_EFFECT_PLAN:
        plans_ask(shell->plans, effect->plan.session, effect->plan.plugin);
        break;
    case AGENT_EFFECT_READ_CAPTURE:
        read_capture(shell, effect->capture.session, effect->capture.read);
        break;
    case AGENT_EFFECT_LOG:
        log_effect(effect);
        break;
    case AGENT_EFFECT_STOPPED:
        loop_stop(shell->loop, 0);
        break;
    }
}

static void on_broken(void *context, const struct panther_error *error)
{
    struct shell *shell = context;
    shell->broken = *error;
    loop_stop(shell->loop, error->code);
}

// ---- what the parts tell each other

static void on_bulk_port(void *context, uint32_t port)
{
    struct shell *shell = context;
    bulk_set_port(shell->bulk, port);
}

static void on_swept(void *context, uint64_t instance, uint32_t generation, uint32_t killed)
{
    struct shell *shell = context;
    if (killed > 0)
        log_info("%u processes of instance %llu.%u were left and are killed", killed, (unsigned long long)instance, generation);
    struct agent_input input = {.kind = AGENT_INPUT_SWEPT, .instance = instance, .generation = generation};
    input.swept.killed = killed;
    reactor_feed(shell->reactor, &input);
}

static void on_instance(void *context, uint64_t instance, uint32_t generation, const char *folder)
{
    const struct shell *shell = context;
    uploads_add(shell->uploads, instance, generation, folder);
}

static void on_event(void *context, uint64_t instance, uint32_t generation, const Pb__Event *event)
{
    const struct shell *shell = context;
    uploads_event(shell->uploads, instance, generation, event);
}

static void on_streams(void *context, uint64_t instance, uint32_t generation, const Pb__StreamsGrown *streams)
{
    const struct shell *shell = context;
    uploads_grown(shell->uploads, instance, generation, streams);
}

static void on_gone(void *context, uint64_t instance, uint32_t generation)
{
    const struct shell *shell = context;
    uploads_gone(shell->uploads, instance, generation);
}

static void on_uploaded(void *context, uint64_t instance, uint32_t generation)
{
    struct shell *shell = context;
    struct agent_input input = {.kind = AGENT_INPUT_BULK_DONE, .instance = instance, .generation = generation};
    reactor_later(shell->reactor, &input);
}

static void on_file(void *context, const char *hash, bool folder, const char *path, const char *why)
{
    struct shell *shell = context;
    struct arena *arena = reactor_arena(shell->reactor);
    struct agent_input input = {.kind = AGENT_INPUT_FILE};
    input.file.hash = arena_string(arena, hash);
    input.file.folder = folder;
    input.file.path = path ? arena_string(arena, path) : NULL;
    input.file.why = why ? arena_string(arena, why) : NULL;
    reactor_later(shell->reactor, &input);
}

static void on_signal(void *context, int signal_number)
{
    struct shell *shell = context;
    if (signal_number == SIGHUP) {
        log_info("SIGHUP: looking for plugins again");
        catalogue_anew(shell->catalogue);
        return;
    }
    log_info("%s: leaving; instances go on under their leases", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    struct agent_input input = {.kind = AGENT_INPUT_STOP};
    input.stop.why = "the agent is stopped";
    reactor_feed(shell->reactor, &input);
}

// ---- life

static void put_network(Pb__Hello *hello, const char *type, const char *why_not, struct arena *arena)
{
    Pb__EnvironmentPresence *network = hello->environments[hello->n_environments++] = ARENA_NEW(arena, Pb__EnvironmentPresence);
    pb__environment_presence__init(network);
    network->type = arena_string(arena, type);
    network->usable = !why_not;
    network->unusable_reason = arena_string(arena, why_not ? why_not : "");
}

// What programs can be started under here, whether a network can be emulated, and what a lab's kernel lacks.
static void put_environments(const struct shell *shell, Pb__Hello *hello, struct arena *arena)
{
    char why[PROBE_WHY_BYTES];
    size_t count;
    Pb__EnvironmentPresence **execution = probe_environments(arena, shell->cgroup, &count);
    hello->environments = ARENA_ARRAY(arena, Pb__EnvironmentPresence *, count + 2);
    memcpy(hello->environments, execution, count * sizeof *execution);
    hello->n_environments = count;
    put_network(hello, ENVIRONMENT_EMULATED, probe_network(why) ? NULL : why, arena);
    put_network(hello, ENVIRONMENT_NETEM, lab_probe_netem(), arena);
}

static Pb__Hello *self(const struct shell *shell, struct arena *arena)
{
    const struct settings *settings = shell->settings;
    char boot[BOOT_ID_BYTES];
    boot_id(boot);
    Pb__TestAddress *address = ARENA_NEW(arena, Pb__TestAddress);
    pb__test_address__init(address);
    address->network = arena_string(arena, "default");
    address->address = arena_string(arena, settings->address);
    Pb__Hello *hello = ARENA_NEW(arena, Pb__Hello);
    pb__hello__init(hello);
    hello->name = arena_string(arena, settings->peer.name);
    hello->host_id = arena_string(arena, shell->host_id);
    hello->boot_id = arena_string(arena, boot);
    hello->agent_version = arena_string(arena, PANTHER_VERSION);
    hello->slots = settings->slots;
    hello->labels = settings->labels;
    hello->n_labels = settings->label_count;
    hello->addresses = ARENA_NEW(arena, Pb__TestAddress *);
    hello->addresses[0] = address;
    hello->n_addresses = 1;
    hello->facts = host_facts(arena);
    put_environments(shell, hello, arena);
    return hello;
}

static void start(struct shell *shell)
{
    struct arena *arena = arena_new(0);
    struct agent_input input = {0};
    input.start.self = self(shell, arena);
    input.start.port_first = shell->settings->port_first;
    input.start.port_count = shell->settings->port_count;
    input.start.takes_no_shells = !shell->settings->takes_shells;
    log_info("agent %s on %s: %u slots, address %s, state in %s", shell->settings->peer.name, shell->settings->peer.coordinator,
             shell->settings->slots, shell->settings->address, shell->settings->state);
    reactor_start(shell->reactor, &input);
    arena_free(&arena);
    catalogue_scan(shell->catalogue);
}

struct leftover {
    struct shell *shell;
    const struct storage_loaded *loaded;
};

// A folder without a row is one that was forgotten just before the agent died.
static void on_folder(void *context, uint64_t instance, uint32_t generation)
{
    const struct leftover *leftover = context;
    for (size_t i = 0; i < leftover->loaded->row_count; i++)
        if (leftover->loaded->rows[i].instance == instance && leftover->loaded->rows[i].generation == generation)
            return;
    sweeps_start(leftover->shell->sweeps, instance, generation);
    guards_forget(leftover->shell->guards, instance, generation);
}

static void on_told(void *context)
{
    const struct shell *shell = context;
    pushed_told(shell->pushed);
}

// What was pushed comes first, unless nothing may be pushed here.
static void make_catalogue(struct shell *shell)
{
    const struct settings *settings = shell->settings;
    const struct pushed_place place = {
        shell->loop, shell->reactor, shell->children, shell->bulk, settings->state, settings->host_program, settings->takes_pushed_plugins};
    shell->pushed = pushed_new(&place);
    const char **folders = ARENA_ARRAY(settings->arena, const char *, settings->plugin_folder_count + 1);
    size_t count = 0;
    if (settings->takes_pushed_plugins)
        folders[count++] = pushed_folder(shell->pushed);
    for (size_t i = 0; i < settings->plugin_folder_count; i++)
        folders[count++] = settings->plugin_folders[i];
    shell->catalogue = catalogue_new(shell->loop, shell->reactor, shell->children, settings->host_program, folders, count, on_told, shell);
    pushed_use(shell->pushed, shell->catalogue);
    shell->plans = plans_new(shell->loop, shell->reactor, shell->children, shell->catalogue, settings->host_program);
}

static void make_parts(struct shell *shell)
{
    const struct settings *settings = shell->settings;
    static const struct guards_callbacks guards_callbacks = {on_instance, on_event, on_streams, on_gone};
    static const struct uplink_callbacks uplink_callbacks = {on_bulk_port};
    const struct guards_settings guards_settings = {
        .state = settings->state,
        .agent = settings->peer.name,
        .host_id = shell->host_id,
        .guard_program = settings->guard_program,
        .host_program = settings->host_program,
        .coordinator = settings->peer.coordinator,
        .cgroup = shell->cgroup,
        .stream_limit_bytes = settings->stream_limit_bytes,
        .reserve_bytes = settings->reserve_bytes,
    };
    shell->children = children_new(shell->loop);
    shell->sweeps = sweeps_new(shell->loop, settings->state, shell->host_id, shell->cgroup, on_swept, shell);
    shell->guards = guards_new(shell->loop, shell->reactor, shell->children, &guards_settings, &guards_callbacks, shell);
    shell->uplink = uplink_new(shell->loop, shell->reactor, &settings->peer, &uplink_callbacks, shell);
    shell->bulk = bulk_new(shell->loop, &settings->peer);
    make_catalogue(shell);
    shell->uploads = uploads_new(shell->loop, shell->bulk, on_uploaded, shell);
    CLEANUP_FREE char *files = path_join(settings->state, "files");
    shell->files = files_new(shell->loop, shell->bulk, shell->children, files, FILES_ONE_MAX_BYTES, on_file, shell);
}

static int open_state(struct shell *shell, struct panther_error *error)
{
    static const struct reactor_callbacks callbacks = {perform, on_broken};
    int result = folder_lock(shell->settings->state, &shell->lock, error);
    if (result == 0)
        result = host_id_read(shell->settings->state, shell->host_id, error);
    if (result == 0)
        result =
            reactor_new(&shell->reactor, shell->loop, shell->settings->state, shell->settings->reserve_bytes, &callbacks, shell, error);
    return result;
}

static void close_all(struct shell *shell)
{
    survey_free(&shell->survey);
    uploads_free(&shell->uploads);
    files_free(&shell->files);
    plans_free(&shell->plans);
    pushed_free(&shell->pushed);
    bulk_free(&shell->bulk);
    catalogue_free(&shell->catalogue);
    uplink_free(&shell->uplink);
    guards_free(&shell->guards);
    sweeps_free(&shell->sweeps);
    reactor_free(&shell->reactor);
    children_free(&shell->children);
    loop_free(&shell->loop);
    free(shell->cgroup);
    if (shell->lock >= 0)
        close(shell->lock);
}

static int run(struct shell *shell, struct panther_error *error)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    int result = open_state(shell, error);
    if (result < 0)
        return result;
    shell->cgroup = cgroup_base(shell->host_id);
    make_parts(shell);
    const struct survey_place place = {shell->guards, shell->children, shell->settings->state, shell->host_id};
    result = survey_new(&shell->survey, shell->loop, &place, on_surveyed, shell, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        loop_signal(shell->loop, signals[i], on_signal, shell);
    struct leftover leftover = {shell, reactor_loaded(shell->reactor)};
    folder_each(shell->settings->state, on_folder, &leftover);
    if (leftover.loaded->row_count == 0)
        files_trim(shell->files);
    start(shell);
    result = loop_run(shell->loop);
    if (result < 0 && error)
        *error = shell->broken;
    return result;
}

int shell_run(const struct settings *settings, struct panther_error *error)
{
    signal(SIGPIPE, SIG_IGN);
    descriptors_raise_limit(SHELL_DESCRIPTORS);
    struct shell shell = {.settings = settings, .lock = -1};
    bus_begin();
    shell.loop = loop_new();
    int result = run(&shell, error);
    close_all(&shell);
    bus_end();
    return result;
}
