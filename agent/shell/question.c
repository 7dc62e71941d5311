#define _GNU_SOURCE // pipe2
#include "agent/shell/question.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/memory.h"

#define NS_PER_MS UINT64_C(1000000)

struct output {
    int fd;
    struct loop_source *source;
    struct text text;
    size_t max_bytes;
    struct question *question;
};

struct question {
    struct loop *loop;
    struct children *children;
    question_answered_fn *callback;
    void *context;
    pid_t pid;
    int pidfd;
    bool ended, timed_out, too_long;
    struct process_end end;
    struct output answer, complaint;
    struct loop_source *timer;
};

static const char *last_line(struct text *text)
{
    while (text->length > 0 && text->data[text->length - 1] == '\n')
        text->data[--text->length] = '\0';
    const char *line = text->length ? strrchr(text->data, '\n') : NULL;
    return line ? line + 1 : text_string(text);
}

static const char *complaint(struct question *question, char *text, size_t bytes)
{
    const char *line = last_line(&question->complaint.text);
    if (question->timed_out)
        snprintf(text, bytes, "did not answer in time");
    else if (question->too_long)
        snprintf(text, bytes, "its answer is too long");
    else if (question->end.signal)
        snprintf(text, bytes, "crashed with signal %d while it was loaded", question->end.signal);
    else if (*line)
        snprintf(text, bytes, "%s", line);
    else
        snprintf(text, bytes, "ended with status %d", question->end.status);
    return text;
}

static void answer_when_done(struct question *question)
{
    if (!question->ended || question->answer.fd >= 0 || question->complaint.fd >= 0)
        return;
    loop_timer_set(question->timer, 0);
    bool good = question->end.status == 0 && !question->timed_out && !question->too_long;
    char why[QUESTION_COMPLAINT_MAX_BYTES];
    if (good)
        question->callback(question->context, text_string(&question->answer.text), question->answer.text.length, NULL);
    else
        question->callback(question->context, NULL, 0, complaint(question, why, sizeof why));
}

static void output_close(struct output *output)
{
    loop_remove(&output->source);
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
}

static void on_output(void *context, int fd, uint32_t epoll_events)
{
    struct output *output = context;
    char buffer[4096];
    (void)epoll_events;
    ssize_t bytes = read(fd, buffer, sizeof buffer);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (bytes > 0 && output->text.length + (size_t)bytes <= output->max_bytes)
        text_append_bytes(&output->text, buffer, (size_t)bytes);
    else if (bytes > 0 && output == &output->question->answer)
        output->question->too_long = true;
    if (bytes > 0)
        return;
    output_close(output);
    answer_when_done(output->question);
}

static void on_ended(void *context, const struct process_end *end)
{
    struct question *question = context;
    question->ended = true;
    question->end = *end;
    answer_when_done(question);
}

static void on_timeout(void *context)
{
    struct question *question = context;
    question->timed_out = true;
    if (!question->ended)
        process_signal(question->pidfd, SIGKILL);
    output_close(&question->answer); // something that it started may hold them open
    output_close(&question->complaint);
    answer_when_done(question);
}

static int output_open(struct output *output, struct question *question, size_t max_bytes, int *write_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return PANTHER_ESYSTEM;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    output->question = question;
    output->max_bytes = max_bytes;
    output->fd = ends[0];
    output->source = loop_watch(question->loop, ends[0], EPOLLIN, on_output, output);
    *write_end = ends[1];
    return 0;
}

static int start(struct question *question, const char *const *argv, struct panther_error *error)
{
    int answer_end = -1, complaint_end = -1;
    int result = output_open(&question->answer, question, QUESTION_ANSWER_MAX_BYTES, &answer_end);
    if (result == 0)
        result = output_open(&question->complaint, question, QUESTION_COMPLAINT_MAX_BYTES, &complaint_end);
    if (result < 0)
        result = error_system(error, errno, "no pipe to ask %s", argv[0]);
    const struct process_descriptor descriptors[] = {{answer_end, STDOUT_FILENO}, {complaint_end, STDERR_FILENO}};
    const struct process_start start = {
        .program = argv[0], .argv = argv, .place = PROCESS_PLACE_GROUP, .descriptors = descriptors, .descriptor_count = 2};
    if (result == 0)
        result = process_spawn(&start, &question->pid, &question->pidfd, error);
    if (answer_end >= 0)
        close(answer_end);
    if (complaint_end >= 0)
        close(complaint_end);
    return result;
}

int question_ask(struct question **out, struct loop *loop, struct children *children, const char *const *argv, uint32_t timeout_ms,
                 question_answered_fn *callback, void *context, struct panther_error *error)
{
    struct question *question = NEW(struct question);
    question->loop = loop;
    question->children = children;
    question->callback = callback;
    question->context = context;
    question->answer.fd = question->complaint.fd = question->pidfd = -1;
    question->timer = loop_timer(loop, on_timeout, question);
    int result = start(question, argv, error);
    if (result < 0) {
        question_free(&question);
        return result;
    }
    children_watch(children, question->pid, on_ended, question);
    loop_timer_set(question->timer, clock_boottime_ns() + timeout_ms * NS_PER_MS);
    *out = question;
    return 0;
}

void question_free(struct question **address)
{
    struct question *question = *address;
    if (!question)
        return;
    *address = NULL;
    if (question->pidfd >= 0 && !question->ended) {
        process_signal(question->pidfd, SIGKILL);
        children_forget(question->children, question->pid);
    }
    if (question->pidfd >= 0)
        close(question->pidfd);
    output_close(&question->answer);
    output_close(&question->complaint);
    loop_remove(&question->timer);
    text_free(&question->answer.text);
    text_free(&question->complaint.text);
    free(question);
}
