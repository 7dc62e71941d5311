// Stands in for panther-guard: answers the agent and writes FLOOD_EVENTS metrics into its spool as fast as it can, in groups as a
// busy guard makes them, then InstanceEnded. For the way spool -> outbox -> coordinator alone.
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "common/system/spool.h"
#include "common/wire/wire.h"

#define GROUP 64

static Pb__GuardSpec *spec;
static struct spool *spool;
static uint64_t sequence;

static void add(Pb__Event *event)
{
    event->instance = spec->instance;
    event->generation = spec->generation;
    event->sequence = ++sequence;
    event->boottime_ns = clock_boottime_ns();
    event->wall_ns = clock_wall_ns();
    event->service = spec->initialize->service;
    size_t bytes;
    uint8_t *data = wire_pack(event, NULL, &bytes);
    spool_add(spool, data, bytes);
    free(data);
}

static void add_result(uint32_t number)
{
    char name[] = "noop", text[] = "as asked";
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    Pb__CaseResult result = PB__CASE_RESULT__INIT;
    Pb__Event event = PB__EVENT__INIT;
    outcome.verdict = PB__VERDICT__VERDICT_PASS;
    outcome.text = text;
    result.number = number;
    result.name = name;
    result.outcome = &outcome;
    event.body_case = PB__EVENT__BODY_CASE_RESULT;
    event.case_result = &result;
    add(&event);
}

static void add_end(void)
{
    Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
    Pb__Event event = PB__EVENT__INIT;
    ended.cause = PB__END_CAUSE__END_CAUSE_CLEANED;
    event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
    event.instance_ended = &ended;
    add(&event);
}

static void notify(int fd, const Pb__GuardNotice *notice)
{
    size_t bytes;
    uint8_t *data = wire_pack(notice, NULL, &bytes);
    send(fd, data, bytes, MSG_NOSIGNAL); // an agent that is gone reads the spool later
    free(data);
}

static void say_state(int fd)
{
    Pb__GuardState state = PB__GUARD_STATE__INIT;
    Pb__GuardNotice notice = PB__GUARD_NOTICE__INIT;
    state.version = GUARD_PROTOCOL_VERSION;
    state.instance = spec->instance;
    state.generation = spec->generation;
    state.last_command = 1;
    state.spool_bytes = spool_bytes(spool);
    state.lease_expires_ns = spec->lease_expires_ns;
    notice.body_case = PB__GUARD_NOTICE__BODY_STATE;
    notice.state = &state;
    notify(fd, &notice);
}

static void say(int fd)
{
    Pb__SpoolGrown grown = PB__SPOOL_GROWN__INIT;
    Pb__GuardNotice notice = PB__GUARD_NOTICE__INIT;
    grown.bytes = spool_bytes(spool);
    grown.sequence = sequence;
    notice.body_case = PB__GUARD_NOTICE__BODY_SPOOL;
    notice.spool = &grown;
    notify(fd, &notice);
}

static void sync_and_say(int fd)
{
    if (spool_sync(spool, NULL) < 0)
        exit(1);
    say(fd);
}

// As a guard tells of results, and then the power goes.
static void write_and_say(int fd)
{
    if (spool_write(spool, NULL) < 0)
        exit(1);
    say(fd);
}

static void damage(void)
{
    int fd = open("spool", O_WRONLY);
    if (fd < 0 || pwrite(fd, "?", 1, SPOOL_HEADER_BYTES + 4) != 1)
        exit(1);
    close(fd);
}

static void drain(int fd)
{
    static char buffer[GUARD_PACKET_MAX_BYTES];
    while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ;
}

static int accept_agent(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "guard.sock"};
    int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0)
        exit(1);
    int fd = accept(listener, NULL, NULL);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    poll(&poll_fd, 1, 10000);
    drain(fd);
    return fd;
}

static void write_identity(void)
{
    char boot[BOOT_ID_BYTES], text[128];
    uint64_t ticks = 0;
    boot_id(boot);
    process_start_time(getpid(), &ticks);
    int length = snprintf(text, sizeof text, "%d\n%llu\n%s\n", (int)getpid(), (unsigned long long)ticks, boot);
    if (file_write_atomic("guard.pid", text, (size_t)length, 0600, NULL) < 0)
        exit(1);
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(0);
    char *data;
    size_t bytes;
    const char *count = getenv("FLOOD_EVENTS");
    uint32_t events = count ? (uint32_t)strtoul(count, NULL, 10) : 1000;
    if (argc != 3 || chdir(argv[2]) < 0 || file_read("spec", CONTROL_FRAME_MAX_BYTES, &data, &bytes, NULL) < 0)
        return 1;
    spec = wire_guard_spec(data, bytes, arena, NULL);
    if (!spec || spool_open(&spool, "spool", NULL) < 0)
        return 1;
    write_identity();
    int fd = accept_agent();
    say_state(fd);
    if (getenv("FLOOD_DAMAGE")) {
        add_result(1);
        if (spool_sync(spool, NULL) < 0)
            return 1;
        damage();
        sync_and_say(fd);
        pause();
    }
    if (getenv("FLOOD_UNSYNCED")) {
        for (uint32_t i = 0; i < GROUP; i++)
            add_result(i + 1);
        write_and_say(fd);
        pause();
    }
    for (uint32_t i = 0; i < events; i++) {
        add_result(i + 1);
        if (i % GROUP == GROUP - 1) {
            sync_and_say(fd);
            drain(fd);
        }
    }
    add_end();
    sync_and_say(fd);
    return 0;
}
