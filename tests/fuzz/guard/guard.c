// A guard between an agent and a plugin host that say anything, processes that print anything and end as they like. Beside not crashing:
// whatever it is told, what it tells its agent and its host passes common/wire; it always comes to its end; and its spool then holds
// events that pass common/wire, numbered without a hole, at most one answer to each command, and InstanceEnded last.
#include "agent/guard/guard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/spool.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guard/machine.h"
#include "tests/fuzz/parts.h"

#define PARTS_MAX 64
#define ROUNDS 4              // of the loop after each part: what it answers has been said by then
#define END_ROUNDS 3000       // at most 1 ms each; there is nothing to wait for
#define COMMANDS_SEEN_MAX 256 // numbers that are checked for a second answer

enum happening { FROM_AGENT, FROM_HOST, PRINTED, PRINTED_TO_STDERR, PROCESS_EXITS, HOST_DIES, AGENT_GOES, TERMINATED, HAPPENINGS };

static char folder[64];
static struct arena *arena;
static int agent_fd = -1;

// ---- before and after

static void remove_folder(void)
{
    folder_remove(folder, NULL);
}

static void begin(void)
{
    log_begin("fuzz", (enum log_level)(LOG_LEVEL_ERROR + 1)); // it would only repeat what the input says
    snprintf(folder, sizeof folder, "/dev/shm/panther-fuzz-guard-XXXXXX");
    INVARIANT(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    arena = arena_new(UNPACK_MAX_BYTES);
}

static char *text(const char *literal)
{
    return arena_string(arena, literal);
}

static Pb__OutputRule *output_rule(uint32_t number, const char *pattern, bool is_regex)
{
    Pb__OutputRule *rule = ARENA_NEW(arena, Pb__OutputRule);
    pb__output_rule__init(rule);
    rule->id = number;
    rule->pattern = text(pattern);
    rule->is_regex = is_regex;
    return rule;
}

static void write_spec(const char *instance_folder)
{
    Pb__GuardSpec spec;
    Pb__Initialize initialize;
    size_t bytes;
    Pb__OutputRule *rules[] = {output_rule(1, "error", false), output_rule(2, "^(GET|POST) .*[0-9]+$", true)};
    pb__guard_spec__init(&spec);
    pb__initialize__init(&initialize);
    spec.version = GUARD_PROTOCOL_VERSION;
    spec.instance = 7;
    spec.generation = 1;
    spec.agent = text("lab-a");
    spec.plugin_path = text("/plugins/null.so");
    spec.host_program = text("/bin/panther-service");
    spec.address = text("127.0.0.1");
    spec.port_first = 20000;
    spec.port_count = 16;
    spec.lease_expires_ns = UINT64_MAX / 2;
    spec.stream_limit_bytes = 64 * 1024;
    spec.initialize = &initialize;
    initialize.plugin = text("null");
    initialize.description_hash = text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    initialize.trial_name = text("r1/load/1#1");
    initialize.service = text("load");
    initialize.lease_ms = 30000;
    initialize.initialize_ms = initialize.start_ms = initialize.stop_ms = 5000;
    initialize.output_rules = rules;
    initialize.n_output_rules = 2;
    uint8_t *packed = wire_pack(&spec, arena, &bytes);
    char path[128];
    struct panther_error error = {0};
    snprintf(path, sizeof path, "%s/spec", instance_folder);
    if (file_write_atomic(path, packed, bytes, 0600, &error) < 0)
        PANIC("%s", error.message);
}

static struct guard *open_guard(const char *instance_folder)
{
    struct guard *guard = NULL;
    struct panther_error error = {0};
    folder_remove(instance_folder, NULL);
    INVARIANT(folder_make(instance_folder, 0700, NULL) == 0);
    write_spec(instance_folder);
    machine_begin();
    if (guard_open(&guard, instance_folder, &error) < 0)
        PANIC("%s", error.message);
    return guard;
}

// ---- the two who listen

static void hear(int fd, bool is_host)
{
    static uint8_t packet[GUARD_PACKET_MAX_BYTES + 1];
    ssize_t bytes;
    while (fd >= 0 && (bytes = recv(fd, packet, sizeof packet, MSG_DONTWAIT)) > 0) {
        struct panther_error error = {0};
        arena_reset(arena);
        const void *message = is_host ? (const void *)wire_host_request(packet, (size_t)bytes, arena, &error)
                                      : (const void *)wire_guard_notice(packet, (size_t)bytes, arena, &error);
        if (!message)
            PANIC("the guard tells its %s what is refused: %s", is_host ? "host" : "agent", error.message);
    }
}

static void pump(struct guard *guard)
{
    for (int i = 0; i < ROUNDS && guard->state != GUARD_ENDED; i++) {
        loop_run_once(guard->loop, 0);
        if (machine_has_ended_ones())
            guard_reap(guard);
        hear(agent_fd, false);
        hear(machine_host_fd(), true);
    }
}

static void connect_agent(struct guard *guard)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "guard.sock"};
    agent_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(agent_fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(agent_fd);
        agent_fd = -1;
    }
    pump(guard);
}

static void disconnect_agent(void)
{
    if (agent_fd >= 0)
        close(agent_fd);
    agent_fd = -1;
}

static void say(int fd, const struct part *part)
{
    if (fd < 0 || part->bytes == 0)
        return;
    ssize_t ignored = send(fd, part->data, part->bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
}

// The right first words, so that what follows is heard.
static void attach(struct guard *guard)
{
    Pb__GuardRequest request;
    Pb__GuardAttach attach;
    pb__guard_request__init(&request);
    pb__guard_attach__init(&attach);
    attach.version = GUARD_PROTOCOL_VERSION;
    attach.agent = text("lab-a");
    request.body_case = PB__GUARD_REQUEST__BODY_ATTACH;
    request.attach = &attach;
    struct part part = {0};
    part.data = wire_pack(&request, arena, &part.bytes);
    connect_agent(guard);
    say(agent_fd, &part);
    pump(guard);
}

static void happen(struct guard *guard, const struct part *part)
{
    uint8_t number = part->bytes ? part->data[0] : 0;
    switch ((enum happening)(part->kind % HAPPENINGS)) {
    case FROM_AGENT:
        say(agent_fd, part);
        break;
    case FROM_HOST:
        say(machine_host_fd(), part);
        break;
    case PRINTED:
    case PRINTED_TO_STDERR:
        machine_print(part->data, part->bytes, part->kind % HAPPENINGS == PRINTED_TO_STDERR);
        break;
    case PROCESS_EXITS:
        machine_exit(number);
        break;
    case HOST_DIES:
        machine_host_dies(number);
        break;
    case AGENT_GOES:
        disconnect_agent();
        if (number & 1)
            connect_agent(guard);
        else
            attach(guard);
        break;
    default:
        guard_end(guard, PB__END_CAUSE__END_CAUSE_GUARD_LOST, "told to end");
        break;
    }
    pump(guard);
}

// ---- what is left

struct answers {
    uint32_t numbers[COMMANDS_SEEN_MAX];
    size_t count;
};

static void answered_once(struct answers *answers, uint32_t number)
{
    for (size_t i = 0; i < answers->count; i++)
        INVARIANT(answers->numbers[i] != number);
    if (answers->count < COMMANDS_SEEN_MAX)
        answers->numbers[answers->count++] = number;
}

static void check_spool(void)
{
    const void *payload;
    size_t bytes;
    uint64_t sequence = 0;
    struct answers answers = {0};
    struct panther_error error = {0};
    Pb__Event__BodyCase last = PB__EVENT__BODY__NOT_SET;
    int fd = open("spool", O_RDONLY | O_CLOEXEC);
    struct spool_reader *reader = spool_reader_new(fd, 0);
    while (spool_next(reader, UINT64_MAX, &payload, &bytes, &error) == 1) {
        arena_reset(arena);
        const Pb__Event *event = wire_event(payload, bytes, arena, &error);
        if (!event)
            PANIC("event %llu of the spool is refused: %s", (unsigned long long)sequence + 1, error.message);
        INVARIANT(event->sequence == ++sequence && event->instance == 7 && event->generation == 1);
        if (event->body_case == PB__EVENT__BODY_COMMAND_DONE)
            answered_once(&answers, event->command_done->number);
        if (event->body_case == PB__EVENT__BODY_CASE_RESULT)
            answered_once(&answers, event->case_result->number);
        INVARIANT(last != PB__EVENT__BODY_INSTANCE_ENDED);
        last = event->body_case;
    }
    INVARIANT(last == PB__EVENT__BODY_INSTANCE_ENDED);
    spool_reader_free(&reader);
    close(fd);
}

static void end(struct guard *guard)
{
    guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, "the story is over");
    machine_host_dies(0);
    for (int i = 0; i < END_ROUNDS && guard->state != GUARD_ENDED; i++) {
        loop_run_once(guard->loop, 1);
        if (machine_has_ended_ones())
            guard_reap(guard);
    }
    INVARIANT(guard->state == GUARD_ENDED);
    check_spool();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part part;
    char instance_folder[80];
    if (!arena)
        begin();
    arena_reset(arena);
    snprintf(instance_folder, sizeof instance_folder, "%s/7.1", folder);
    struct guard *guard = open_guard(instance_folder);
    pump(guard);
    attach(guard);
    for (size_t i = 0; i < PARTS_MAX && guard->state < GUARD_ENDING && part_next(&data, &size, &part); i++)
        happen(guard, &part);
    end(guard);
    disconnect_agent();
    guard_close(&guard);
    machine_end();
    INVARIANT(chdir("/") == 0);
    return 0;
}
