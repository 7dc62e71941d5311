#include "agent/host/processes.h"

#include <string.h>

void processes_add(struct processes *processes, int number, const char *name, bool finishes, bool want_output)
{
    struct process process = {
        .number = number, .name = memory_string(name), .is_running = true, .finishes = finishes, .want_output = want_output};
    APPEND(processes->items, processes->count, processes->capacity) = process;
}

struct process *processes_find(struct processes *processes, int number)
{
    for (size_t i = processes->count; i > 0; i--) {
        if (processes->items[i - 1].number == number) {
            return &processes->items[i - 1];
        }
    }
    return NULL;
}

void processes_exited(struct processes *processes, int number, const struct panther_exit *exit)
{
    struct process *process = processes_find(processes, number);
    if (process != NULL) {
        process->is_running = false;
        process->exit = *exit;
    }
}

static bool is_stderr(const char *stream)
{
    static const char end[] = ".stderr";
    const size_t length = strlen(stream);
    return length >= sizeof(end) - 1 && strcmp(stream + length - (sizeof(end) - 1), end) == 0;
}

void processes_output(struct processes *processes, int number, const char *stream, const void *data, size_t bytes)
{
    struct process *process = processes_find(processes, number);
    if (process == NULL || !process->want_output) {
        return;
    }
    struct text *output = &process->output[is_stderr(stream)];
    const size_t room = PANTHER_OUTPUT_MAX_BYTES - output->length;
    text_append_bytes(output, data, bytes < room ? bytes : room);
}

const struct process *processes_crashed(const struct processes *processes)
{
    for (size_t i = 0; i < processes->count; i++) {
        if (!processes->items[i].is_running && !processes->items[i].finishes) {
            return &processes->items[i];
        }
    }
    return NULL;
}

size_t processes_running(const struct processes *processes)
{
    size_t running = 0;
    for (size_t i = 0; i < processes->count; i++) {
        running += processes->items[i].is_running;
    }
    return running;
}

void processes_forget_ended(struct processes *processes)
{
    size_t kept = 0;
    for (size_t i = 0; i < processes->count; i++) {
        struct process *process = &processes->items[i];
        if (process->is_running || !(process->is_told || process->is_old)) {
            process->is_old = !process->is_running;
            processes->items[kept++] = *process;
            continue;
        }
        free(process->name);
        text_free(&process->output[0]);
        text_free(&process->output[1]);
    }
    processes->count = kept;
}
