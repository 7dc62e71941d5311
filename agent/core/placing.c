// From the intent to the spawn: slot, ports, plugin, lease, files. What cannot be placed is refused by two events, so that the
// coordinator gets its answer in the same way as from a living instance.
#include <string.h>

#include "agent/core/state.h"

static uint64_t first_lease_ns(const struct agent_core *core, const Pb__Initialize *initialize)
{
    uint64_t stamp_ns = initialize->lease_stamp_ns;
    if (stamp_ns == 0)
        stamp_ns = core->session.answered_ns ? core->session.answered_ns : core->session.hello_ns;
    if (stamp_ns > core->input->now_ns)
        stamp_ns = core->input->now_ns;
    uint64_t length_ms = initialize->lease_ms ? initialize->lease_ms : LEASE_MS;
    return stamp_ns + length_ms * NS_PER_MS;
}

struct instance *agent_begin(struct agent_core *core, const Pb__Command *command)
{
    Pb__GuardSpec spec;
    pb__guard_spec__init(&spec);
    spec.version = GUARD_PROTOCOL_VERSION;
    spec.instance = command->instance;
    spec.generation = command->generation;
    spec.agent = core->self->name;
    spec.initialize = command->initialize;
    spec.boot_id = core->self->boot_id;
    spec.lease_expires_ns = first_lease_ns(core, command->initialize);
    if (core->self->n_addresses > 0)
        spec.address = core->self->addresses[0]->address;
    if (command->initialize->network_place)
        spec.address = command->initialize->network_place->address;
    struct agent_row row = {.instance = command->instance, .generation = command->generation, .last_command = 1, .spec = &spec};
    struct instance *instance = agent_instance_add(core, &row, INSTANCE_WAITING);
    instance->lease_ns = spec.lease_expires_ns;
    instance->passed_command = 1; // it is in the specification
    return instance;
}

static void record_intent(struct agent_core *core, struct instance *instance)
{
    struct agent_record *record = agent_record_add(core, AGENT_RECORD_INTENT);
    record->row = instance->row;
    record->row.spec = message_copy(instance->spec, core->out->arena);
    instance->recorded = true;
    core->out->urgent = true;
}

// ---- end

void agent_end(struct agent_core *core, struct instance *instance)
{
    uint64_t id = instance->row.instance;
    agent_instance_move(core, instance, INSTANCE_ENDED);
    agent_instance_forget_if_done(core, instance);
    size_t count = 0;
    struct instance **successors = ARENA_ARRAY(core->out->arena, struct instance *, map_count(core->instances) + 1);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        struct instance *other = e->value;
        if (other->row.instance == id && other->state == INSTANCE_WAITING)
            successors[count++] = other;
    }
    if (count > 0) // only the newest can wait: it discards the others
        agent_place(core, successors[count - 1]);
    agent_clearing_go_on(core);
}

static Pb__Event *refused_command(struct agent_core *core, struct instance *instance, const char *why)
{
    Pb__Event *event = agent_outbox_event(core, instance, PB__EVENT__BODY_COMMAND_DONE);
    event->command_done = ARENA_NEW(core->out->arena, Pb__CommandDone);
    pb__command_done__init(event->command_done);
    event->command_done->number = 1;
    event->command_done->status = PB__COMMAND_STATUS__COMMAND_STATUS_FAILED;
    event->command_done->phase = arena_string(core->out->arena, "initialize");
    event->command_done->text = arena_string(core->out->arena, why);
    return event;
}

static Pb__Event *ended(struct agent_core *core, struct instance *instance, Pb__EndCause cause, const char *why)
{
    Pb__Event *event = agent_outbox_event(core, instance, PB__EVENT__BODY_INSTANCE_ENDED);
    event->instance_ended = ARENA_NEW(core->out->arena, Pb__InstanceEnded);
    pb__instance_ended__init(event->instance_ended);
    event->instance_ended->cause = cause;
    event->instance_ended->text = arena_string(core->out->arena, why);
    return event;
}

void agent_refuse(struct agent_core *core, struct instance *instance, Pb__EndCause cause, const char *why)
{
    why = arena_string(core->out->arena, why);
    agent_log(core, AGENT_LOG_WARNING, "instance %llu.%u is refused: %s", (unsigned long long)instance->row.instance,
              instance->row.generation, why);
    if (!instance->recorded)
        record_intent(core, instance);
    agent_outbox_append_own(core, instance, refused_command(core, instance, why), why);
    agent_outbox_append_own(core, instance, ended(core, instance, cause, why), why);
    instance->row.ended = true;
    instance->bulk_done = true;
    agent_end(core, instance);
}

// ---- placing

static size_t slots_taken(const struct agent_core *core)
{
    size_t taken = 0;
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e))
        taken += agent_instance_lives(e->value);
    return taken;
}

static const char *problem(struct agent_core *core, struct instance *instance)
{
    const Pb__Initialize *initialize = instance->spec->initialize;
    if (instance->row.discarded)
        return "it was discarded before it was made";
    if (core->storage_full)
        return "the disk of this host is full";
    if (slots_taken(core) >= core->self->slots)
        return arena_printf(core->out->arena, "no free slot: all %u are taken", core->self->slots);
    if (initialize->n_files > AGENT_FILES_PER_INSTANCE_MAX)
        return "more files than an instance may have";
    const char *plugin = agent_plugin_problem(core, initialize->plugin, initialize->description_hash, core->out->arena);
    if (plugin)
        return plugin;
    if (!agent_ports_take(core, initialize->port_wished, &instance->spec->port_first, &instance->spec->port_count))
        return "no free block of ports";
    return NULL;
}

static void set_text(char **field, const char *text)
{
    if (*field != protobuf_c_empty_string)
        free(*field);
    *field = memory_string(text);
}

// An option that is `$(file.NAME)` becomes the path of that file on this host, and so does a program.
static void put_in_paths(const Pb__Initialize *initialize)
{
    for (size_t f = 0; initialize->program && f < initialize->n_files; f++)
        if (strcmp(initialize->program->hash, initialize->files[f]->hash) == 0 && !initialize->files[f]->folder)
            set_text(&initialize->program->path, initialize->files[f]->path);
    for (size_t s = 0; s < initialize->n_settings; s++) {
        const Pb__Setting *setting = initialize->settings[s];
        for (size_t v = 0; v < setting->n_values; v++) {
            for (size_t f = 0; f < initialize->n_files; f++) {
                char *reference = memory_printf("$(file.%s)", initialize->files[f]->name);
                if (strcmp(setting->values[v], reference) == 0)
                    set_text(&setting->values[v], initialize->files[f]->path);
                free(reference);
            }
        }
    }
}

static void spawn(struct agent_core *core, struct instance *instance)
{
    put_in_paths(instance->spec->initialize);
    instance->spec->lease_expires_ns = instance->lease_ns;
    agent_instance_move(core, instance, INSTANCE_SPAWNING);
    struct agent_effect *effect = agent_effect_later(core, AGENT_EFFECT_SPAWN);
    effect->instance = instance->row.instance;
    effect->generation = instance->row.generation;
    effect->spec = message_copy(instance->spec, core->out->arena);
}

static void fetch(struct agent_core *core, struct instance *instance)
{
    const Pb__Initialize *initialize = instance->spec->initialize;
    free(instance->file_is_there);
    instance->file_is_there = memory_new(initialize->n_files * sizeof *instance->file_is_there);
    agent_instance_move(core, instance, INSTANCE_FETCHING);
    for (size_t i = 0; i < initialize->n_files; i++) {
        struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_FETCH_FILE);
        effect->hash = arena_string(core->out->arena, initialize->files[i]->hash);
        effect->folder = initialize->files[i]->folder;
    }
}

void agent_place(struct agent_core *core, struct instance *instance)
{
    if (agent_instance_predecessor_lives(core, instance)) {
        record_intent(core, instance);
        return;
    }
    if (!core->catalogue_known)
        return; // an intent of the life before: agent_place_waiting carries it out
    if (core->input->now_ns >= instance->lease_ns) {
        agent_refuse(core, instance, PB__END_CAUSE__END_CAUSE_LEASE, "its lease had run out before it was made");
        return;
    }
    const char *why = problem(core, instance);
    if (why) {
        agent_refuse(core, instance, PB__END_CAUSE__END_CAUSE_REFUSED, why);
        return;
    }
    const Pb__Initialize *initialize = instance->spec->initialize;
    set_text(&instance->spec->plugin_path, agent_plugin_find(core, initialize->plugin, initialize->description_hash)->presence->path);
    record_intent(core, instance);
    if (initialize->n_files > 0)
        fetch(core, instance);
    else
        spawn(core, instance);
}

// ---- files

// The file that has arrived is this one, and still waited for.
static bool is_waited_for(const struct instance *instance, size_t index, const struct agent_input *input)
{
    const Pb__FileReference *file = instance->spec->initialize->files[index];
    return !instance->file_is_there[index] && file->folder == input->file.folder && strcmp(file->hash, input->file.hash) == 0;
}

// Is everything there now?
static bool mark_file(struct instance *instance, const struct agent_input *input)
{
    const Pb__Initialize *initialize = instance->spec->initialize;
    bool complete = true;
    for (size_t i = 0; i < initialize->n_files; i++) {
        if (is_waited_for(instance, i, input)) {
            set_text(&initialize->files[i]->path, input->file.path);
            instance->file_is_there[i] = true;
        }
        complete = complete && instance->file_is_there[i];
    }
    return complete;
}

static bool needs_file(const struct instance *instance, const void *input)
{
    if (instance->state != INSTANCE_FETCHING)
        return false;
    for (size_t i = 0; i < instance->spec->initialize->n_files; i++)
        if (is_waited_for(instance, i, input))
            return true;
    return false;
}

static size_t instances_in(struct agent_core *core, struct instance ***list, bool (*wanted)(const struct instance *, const void *),
                           const void *argument)
{
    size_t count = 0;
    *list = ARENA_ARRAY(core->out->arena, struct instance *, map_count(core->instances) + 1);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e))
        if (wanted(e->value, argument))
            (*list)[count++] = e->value;
    return count;
}

void agent_file_arrived(struct agent_core *core)
{
    struct instance **list;
    const struct agent_input *input = core->input;
    size_t count = instances_in(core, &list, needs_file, input);
    for (size_t i = 0; i < count; i++) {
        if (!input->file.path)
            agent_refuse(core, list[i], PB__END_CAUSE__END_CAUSE_REFUSED, input->file.why);
        else if (mark_file(list[i], input))
            spawn(core, list[i]);
    }
}

// ---- what waits

static bool is_waiting(const struct instance *instance, const void *nothing)
{
    (void)nothing;
    return instance->state == INSTANCE_WAITING;
}

// After a restart nobody knows what is installed until it was looked for.
void agent_place_waiting(struct agent_core *core)
{
    struct instance **list;
    size_t count = instances_in(core, &list, is_waiting, NULL);
    for (size_t i = 0; i < count; i++)
        if (list[i]->state == INSTANCE_WAITING) // not if the end of its predecessor has placed it
            agent_place(core, list[i]);
}

// ---- leases of what is not spawned yet

static bool is_expired(const struct instance *instance, const void *now_ns)
{
    return (instance->state == INSTANCE_FETCHING || instance->state == INSTANCE_WAITING) && *(const uint64_t *)now_ns >= instance->lease_ns;
}

void agent_placing_tick(struct agent_core *core)
{
    if (core->fetching == 0)
        return;
    struct instance **list;
    size_t count = instances_in(core, &list, is_expired, &core->input->now_ns);
    for (size_t i = 0; i < count; i++)
        agent_refuse(core, list[i], PB__END_CAUSE__END_CAUSE_LEASE, "its lease ran out before it was made");
}

uint64_t agent_placing_deadline(const struct agent_core *core)
{
    uint64_t earliest_ns = 0;
    if (core->fetching == 0)
        return 0;
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *instance = e->value;
        if (instance->state != INSTANCE_FETCHING && instance->state != INSTANCE_WAITING)
            continue;
        if (earliest_ns == 0 || instance->lease_ns < earliest_ns)
            earliest_ns = instance->lease_ns;
    }
    return earliest_ns;
}
