#include "agent/host/requests.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 1024 // of one command: arguments, environment, exit statuses

// protobuf-c's structs have no const; they are packed, not changed
char *request_text(const char *text)
{
    return (char *)(uintptr_t)text;
}

static size_t text_list(const char *const *texts, struct arena *arena, char ***list)
{
    size_t count = 0;
    while (texts != NULL && count < WORDS_MAX && texts[count] != NULL) {
        count++;
    }
    *list = ARENA_ARRAY(arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        (*list)[i] = request_text(texts[i]);
    }
    return count;
}

static size_t environment_list(const char *const *texts, struct arena *arena, Pb__EnvironmentEntry ***list)
{
    size_t count = 0;
    while (texts != NULL && count < WORDS_MAX && texts[count] != NULL) {
        count++;
    }
    *list = ARENA_ARRAY(arena, Pb__EnvironmentEntry *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const size_t name_bytes = strcspn(texts[i], "=");
        Pb__EnvironmentEntry *entry = ARENA_NEW(arena, Pb__EnvironmentEntry);
        pb__environment_entry__init(entry);
        entry->name = arena_string_bytes(arena, texts[i], name_bytes);
        entry->value = arena_string(arena, texts[i][name_bytes] == '=' ? texts[i] + name_bytes + 1 : "");
        (*list)[i] = entry;
    }
    return count;
}

static size_t status_list(const int *statuses, struct arena *arena, int32_t **list)
{
    size_t count = 0;
    while (statuses != NULL && count < WORDS_MAX && statuses[count] != 0) {
        count++;
    }
    *list = ARENA_ARRAY(arena, int32_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        (*list)[i] = statuses[i];
    }
    return count;
}

// ---- requests that the guard answers: one at a time

static uint32_t expect_answer(struct host *host)
{
    host->answer.is_here = false;
    return ++host->answer.token;
}

// The guard always answers, or it is gone and so are we: no time limit, so that a late answer can never be taken for another.
static int await_answer(struct host *host, char *problem)
{
    while (!host->answer.is_here) {
        host_wait_change(host, UINT64_MAX);
    }
    snprintf(problem, TEXT_MAX_BYTES, "%s", host->answer.problem);
    return host->answer.number > 0 && problem[0] == '\0' ? host->answer.number : PANTHER_FAILED;
}

static const char *send_spawn(struct host *host, uint32_t token, const struct panther_process *process, const char *program)
{
    struct arena *arena = arena_new(0);
    Pb__SpawnRequest request;
    Pb__HostNotice notice;
    pb__spawn_request__init(&request);
    pb__host_notice__init(&notice);
    request.token = token;
    request.name = request_text(process->name);
    request.n_argv = text_list(process->argv, arena, &request.argv);
    request.argv[0] = request_text(program);
    request.n_environment = environment_list(process->environment, arena, &request.environment);
    request.n_clean_statuses = status_list(process->clean_statuses, arena, &request.clean_statuses);
    request.working_directory = request_text(process->working_directory != NULL ? process->working_directory : "");
    request.finishes = process->finishes;
    request.clean_on_term = process->clean_on_term;
    request.want_output = process->want_output;
    request.stop_signal = process->stop_signal;
    notice.body_case = PB__HOST_NOTICE__BODY_SPAWN;
    notice.spawn = &request;
    const char *refusal = link_try(&host->plugin_link, &notice);
    arena_free(&arena);
    return refusal;
}

int request_spawn(void *context, const struct panther_process *process, const char *program, char *problem)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    const uint32_t token = expect_answer(host);
    snprintf(host->pending_name, sizeof(host->pending_name), "%s", process->name);
    host->pending_finishes = process->finishes;
    host->pending_want_output = process->want_output;
    pthread_mutex_unlock(&host->lock);
    const char *refusal = send_spawn(host, token, process, program);
    if (refusal != NULL) {
        snprintf(problem, TEXT_MAX_BYTES, "%s", refusal);
        return PANTHER_FAILED;
    }
    pthread_mutex_lock(&host->lock);
    const int number = await_answer(host, problem);
    pthread_mutex_unlock(&host->lock);
    return number;
}

int request_port(void *context, const char *name, Pb__Transport transport, unsigned wanted, char *problem)
{
    struct host *host = context;
    Pb__PortRequest request;
    Pb__HostNotice notice;
    pb__port_request__init(&request);
    pb__host_notice__init(&notice);
    pthread_mutex_lock(&host->lock);
    request.token = expect_answer(host);
    pthread_mutex_unlock(&host->lock);
    request.name = request_text(name);
    request.transport = transport;
    request.wanted = wanted;
    notice.body_case = PB__HOST_NOTICE__BODY_PORT;
    notice.port = &request;
    const char *refusal = link_try(&host->plugin_link, &notice);
    if (refusal != NULL) {
        snprintf(problem, TEXT_MAX_BYTES, "%s", refusal);
        return PANTHER_FAILED;
    }
    pthread_mutex_lock(&host->lock);
    const int port = await_answer(host, problem);
    pthread_mutex_unlock(&host->lock);
    return port;
}
