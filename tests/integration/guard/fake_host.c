// A plugin host for tests of the guard: speaks guard.proto and does what the names of its cases say, crashes and floods included.
// A case is a line of words; its result is pass with what came of it as text. Setting "start", if given, is such a line too.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "common/wire/wire.h"

#define CHANNEL 3
#define WORDS_MAX 8

static struct arena *arena;
static Pb__GuardSpec *spec;
static Pb__HostRequest *waiting[256]; // commands that came while a case waited for something
static size_t waiting_count;
static size_t output_bytes; // of all copies so far
static char last_exit[64];

static void send_notice(Pb__HostNotice *notice)
{
    size_t bytes;
    uint8_t *data = wire_pack(notice, NULL, &bytes);
    if (send(CHANNEL, data, bytes, MSG_NOSIGNAL) < 0)
        _exit(3);
    free(data);
}

static Pb__HostRequest *receive(void)
{
    static char buffer[GUARD_PACKET_MAX_BYTES];
    struct panther_error error;
    ssize_t got = recv(CHANNEL, buffer, sizeof buffer, 0);
    if (got <= 0)
        _exit(0);
    Pb__HostRequest *request = wire_host_request(buffer, (size_t)got, arena, &error);
    if (!request) {
        fprintf(stderr, "fake_host: %s\n", error.message);
        _exit(4);
    }
    return request;
}

// The next message of this kind; commands that come meanwhile wait.
static Pb__HostRequest *await(Pb__HostRequest__BodyCase kind)
{
    for (;;) {
        Pb__HostRequest *request = receive();
        if (request->body_case == PB__HOST_REQUEST__BODY_PROCESS_OUTPUT)
            output_bytes += request->process_output->data.len;
        if (request->body_case == kind)
            return request;
        if (request->body_case == PB__HOST_REQUEST__BODY_PROCESS_EXITED)
            snprintf(last_exit, sizeof last_exit, "%d %d", request->process_exited->status, request->process_exited->signal);
        else if (request->number > 0)
            waiting[waiting_count++] = MESSAGE_COPY(request, NULL);
    }
}

static const char *setting(const char *name, size_t index)
{
    for (size_t i = 0; i < spec->initialize->n_settings; i++) {
        const Pb__Setting *mine = spec->initialize->settings[i];
        if (strcmp(mine->name, name) == 0 && index < mine->n_values)
            return mine->values[index];
    }
    return NULL;
}

static bool has_flag(const char *name, const char *flag)
{
    for (size_t i = 1; setting(name, i); i++)
        if (strcmp(setting(name, i), flag) == 0)
            return true;
    return false;
}

// ---- what a case may do

static void do_logs(int count)
{
    static char text[] = "a line of a hundred bytes, more or less, as a plugin would write it when something went as planned";
    Pb__HostNotice notice;
    Pb__HostLog log;
    pb__host_notice__init(&notice);
    pb__host_log__init(&log);
    log.level = 1;
    log.text = text;
    notice.body_case = PB__HOST_NOTICE__BODY_LOG;
    notice.log = &log;
    for (int i = 0; i < count; i++)
        send_notice(&notice);
}

static void do_metrics(int count)
{
    static char name[] = "count", unit[] = "1";
    Pb__HostNotice notice;
    Pb__Metric metric;
    pb__host_notice__init(&notice);
    pb__metric__init(&metric);
    metric.name = name;
    metric.unit = unit;
    notice.body_case = PB__HOST_NOTICE__BODY_METRIC;
    notice.metric = &metric;
    for (int i = 0; i < count; i++) {
        metric.value = i;
        send_notice(&notice);
    }
}

static void do_spawn(char *name, char *text, size_t bytes)
{
    static char shell[] = "/bin/sh", option[] = "-c";
    static uint32_t token;
    char *argv[] = {shell, option, memory_string(setting(name, 0))};
    Pb__HostNotice notice;
    Pb__SpawnRequest spawn;
    pb__host_notice__init(&notice);
    pb__spawn_request__init(&spawn);
    spawn.token = ++token;
    spawn.name = name;
    spawn.n_argv = 3;
    spawn.argv = argv;
    spawn.finishes = has_flag(name, "finishes");
    spawn.clean_on_term = has_flag(name, "term");
    spawn.want_output = has_flag(name, "output");
    if (has_flag(name, "program")) { // not a shell's line but a program
        argv[0] = argv[2];
        spawn.n_argv = 1;
    }
    notice.body_case = PB__HOST_NOTICE__BODY_SPAWN;
    notice.spawn = &spawn;
    send_notice(&notice);
    const Pb__SpawnAnswer *answer = await(PB__HOST_REQUEST__BODY_SPAWNED)->spawned;
    if (*answer->problem)
        snprintf(text, bytes, "%s", answer->problem);
    else
        snprintf(text, bytes, "%u %u", answer->process, answer->pid);
}

static void do_signal(uint32_t process, int number, bool ladder)
{
    Pb__HostNotice notice;
    Pb__SignalRequest request;
    pb__host_notice__init(&notice);
    pb__signal_request__init(&request);
    request.process = process;
    request.signal = number;
    request.kill_ladder = ladder;
    request.grace_ms = 300;
    notice.body_case = PB__HOST_NOTICE__BODY_SIGNAL;
    notice.signal = &request;
    send_notice(&notice);
}

static void do_wait_exit(char *text, size_t bytes)
{
    if (!*last_exit) {
        const Pb__HostProcessExited *exited = await(PB__HOST_REQUEST__BODY_PROCESS_EXITED)->process_exited;
        snprintf(last_exit, sizeof last_exit, "%d %d", exited->status, exited->signal);
    }
    snprintf(text, bytes, "%s %zu", last_exit, output_bytes);
    *last_exit = '\0';
}

static void do_port(const char *transport, uint32_t wanted, char *text, size_t bytes)
{
    static char name[] = "main";
    Pb__HostNotice notice;
    Pb__PortRequest request;
    pb__host_notice__init(&notice);
    pb__port_request__init(&request);
    request.token = 1;
    request.name = name;
    request.transport = strcmp(transport, "tcp") == 0   ? PB__TRANSPORT__TRANSPORT_TCP
                        : strcmp(transport, "udp") == 0 ? PB__TRANSPORT__TRANSPORT_UDP
                                                        : PB__TRANSPORT__TRANSPORT_TCP_UDP;
    request.wanted = wanted;
    notice.body_case = PB__HOST_NOTICE__BODY_PORT;
    notice.port = &request;
    send_notice(&notice);
    const Pb__PortAnswer *answer = await(PB__HOST_REQUEST__BODY_PORT)->port;
    if (*answer->problem)
        snprintf(text, bytes, "%s", answer->problem);
    else
        snprintf(text, bytes, "%u", answer->port);
}

static void do_line(uint32_t process, char *pattern, bool is_regex, char *text, size_t bytes)
{
    static uint32_t watch;
    static char stream[] = "stdout";
    Pb__HostNotice notice;
    Pb__WatchLine request;
    pb__host_notice__init(&notice);
    pb__watch_line__init(&request);
    request.watch = ++watch;
    request.process = process;
    request.pattern = pattern;
    request.is_regex = is_regex;
    request.stream = stream;
    notice.body_case = PB__HOST_NOTICE__BODY_WATCH_LINE;
    notice.watch_line = &request;
    send_notice(&notice);
    snprintf(text, bytes, "%s", await(PB__HOST_REQUEST__BODY_LINE_SEEN)->line_seen->line);
}

static void do_artifact(char *path, char *kind, bool pattern)
{
    Pb__HostNotice notice;
    Pb__DeclareArtifact declared;
    pb__host_notice__init(&notice);
    pb__declare_artifact__init(&declared);
    declared.path = path;
    declared.kind = kind;
    declared.pattern = pattern;
    notice.body_case = PB__HOST_NOTICE__BODY_ARTIFACT;
    notice.artifact = &declared;
    send_notice(&notice);
}

static void do_break(const char *how)
{
    if (strcmp(how, "crash") == 0) {
        fprintf(stderr, "fake_host: about to crash\n");
        signal(SIGSEGV, SIG_DFL); // a sanitizer would make an exit of it
        raise(SIGSEGV);
    } else if (strcmp(how, "killed") == 0) {
        raise(SIGKILL);
    } else if (strcmp(how, "exit") == 0) {
        _exit(7);
    } else if (strcmp(how, "hang") == 0) {
        for (;;)
            pause();
    } else if (strcmp(how, "garbage") == 0) {
        send(CHANNEL, "\xff\xff\xff garbage", 11, MSG_NOSIGNAL);
        pause();
    } else if (strcmp(how, "fork") == 0) { // a child of the plugin's own, out of its group
        if (fork() == 0) {
            setsid();
            for (;;)
                pause();
        }
    }
}

static void obey(const char *line, char *text, size_t bytes)
{
    char *words[WORDS_MAX + 1] = {0};
    size_t count = 0;
    char *copy = memory_string(line);
    for (char *word = strtok(copy, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
        words[count++] = word;
    const char *verb = words[0];
    *text = '\0';
    if (strcmp(verb, "logs") == 0)
        do_logs(atoi(words[1]));
    else if (strcmp(verb, "metrics") == 0)
        do_metrics(atoi(words[1]));
    else if (strcmp(verb, "spawn") == 0)
        do_spawn(words[1], text, bytes);
    else if (strcmp(verb, "end") == 0)
        do_signal((uint32_t)atoi(words[1]), 0, true);
    else if (strcmp(verb, "signal") == 0)
        do_signal((uint32_t)atoi(words[1]), atoi(words[2]), false);
    else if (strcmp(verb, "wait-exit") == 0)
        do_wait_exit(text, bytes);
    else if (strcmp(verb, "port") == 0)
        do_port(words[1], words[2] ? (uint32_t)atoi(words[2]) : 0, text, bytes);
    else if (strcmp(verb, "line") == 0)
        do_line((uint32_t)atoi(words[1]), words[2], words[3] != NULL, text, bytes);
    else if (strcmp(verb, "artifact") == 0)
        do_artifact(words[1], words[2], words[3] != NULL);
    else if (strcmp(verb, "sleep") == 0)
        usleep((useconds_t)atoi(words[1]) * 1000);
    else
        do_break(verb);
    free(copy);
}

// ---- commands

static void answer_done(uint32_t number)
{
    Pb__HostNotice notice;
    Pb__CommandDone done;
    pb__host_notice__init(&notice);
    pb__command_done__init(&done);
    done.number = number;
    done.status = PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    notice.body_case = PB__HOST_NOTICE__BODY_DONE;
    notice.done = &done;
    send_notice(&notice);
}

static void run_case(uint32_t number, Pb__RunCase *run)
{
    static char text[TEXT_MAX_BYTES];
    Pb__HostNotice notice;
    Pb__CaseResult result;
    Pb__Outcome outcome;
    pb__host_notice__init(&notice);
    obey(run->name, text, sizeof text);
    pb__case_result__init(&result);
    pb__outcome__init(&outcome);
    outcome.verdict = PB__VERDICT__VERDICT_PASS;
    outcome.text = text;
    result.number = number;
    result.name = run->name;
    result.outcome = &outcome;
    notice.body_case = PB__HOST_NOTICE__BODY_CASE_RESULT;
    notice.case_result = &result;
    send_notice(&notice);
}

static void take_initialize(const Pb__HostRequest *request)
{
    char text[TEXT_MAX_BYTES];
    spec = MESSAGE_COPY(request->initialize->spec, NULL);
    if (setting("initialize", 0))
        obey(setting("initialize", 0), text, sizeof text);
    answer_done(request->number);
}

static void take(Pb__HostRequest *request)
{
    char text[TEXT_MAX_BYTES];
    switch (request->body_case) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        take_initialize(request);
        break;
    case PB__HOST_REQUEST__BODY_RUN_CASE:
        run_case(request->number, request->run_case);
        break;
    case PB__HOST_REQUEST__BODY_START:
        if (setting("start", 0))
            obey(setting("start", 0), text, sizeof text);
        answer_done(request->number);
        break;
    case PB__HOST_REQUEST__BODY_EXECUTE:
    case PB__HOST_REQUEST__BODY_STOP:
    case PB__HOST_REQUEST__BODY_CLEANUP:
        answer_done(request->number);
        break;
    case PB__HOST_REQUEST__BODY_PROCESS_EXITED:
        snprintf(last_exit, sizeof last_exit, "%d %d", request->process_exited->status, request->process_exited->signal);
        break;
    case PB__HOST_REQUEST__BODY_PROCESS_OUTPUT:
        output_bytes += request->process_output->data.len;
        break;
    default:
        break;
    }
}

int main(void)
{
    arena = arena_new(0);
    for (;;) {
        if (waiting_count > 0) {
            Pb__HostRequest *request = waiting[0];
            memmove(waiting, waiting + 1, --waiting_count * sizeof *waiting);
            take(request);
        } else {
            arena_reset(arena);
            take(receive());
        }
    }
}
