// Processes, ports, lines and time of a running instance: checks what a plugin asks for and hands it to the host's backend.
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "services/sdk/handle.h"
#include "services/sdk/program.h"

const char *panther_format(struct panther_service *service, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = handle_format(handle_arena(service), format, arguments);
    va_end(arguments);
    return text;
}

void panther_argument(struct panther_service *service, struct panther_arguments *list, const char *format, ...)
{
    va_list arguments;
    if (list->count >= PANTHER_ARGUMENTS_MAX) {
        panther_fail(service, "more than %d arguments for one program", PANTHER_ARGUMENTS_MAX);
        return;
    }
    va_start(arguments, format);
    list->items[list->count++] = handle_format(handle_arena(service), format, arguments);
    va_end(arguments);
    list->items[list->count] = NULL;
}

const char *panther_program(struct panther_service *service, const char *name)
{
    return program_find(name, handle_arena(service));
}

// The members of an older plugin's struct that it did not know are zero.
static struct panther_process process_of(const struct panther_process *given)
{
    struct panther_process process = {0};
    const size_t bytes = given->struct_bytes < sizeof(process) ? given->struct_bytes : sizeof(process);
    memcpy(&process, given, bytes);
    return process;
}

int panther_spawn_process(struct panther_service *service, const struct panther_process *given)
{
    const struct panther_process process = process_of(given);
    char problem[TEXT_MAX_BYTES] = "";
    if (process.name == NULL || process.argv == NULL || process.argv[0] == NULL) {
        return panther_fail(service, "panther_spawn needs a name and an argv");
    }
    const char *program = program_find(process.argv[0], handle_arena(service));
    if (program == NULL) {
        return panther_fail(service, "program %s is not installed", process.argv[0]);
    }
    const int number = service->backend->spawn(service->context, &process, program, problem);
    return number > 0 ? number : panther_fail(service, "cannot start %s: %s", process.name, problem);
}

int panther_wait(struct panther_service *service, int process, uint64_t timeout_ms, struct panther_exit *exit)
{
    struct panther_exit ignored;
    return service->backend->wait(service->context, process, timeout_ms, exit != NULL ? exit : &ignored);
}

bool panther_is_running(struct panther_service *service, int process)
{
    return service->backend->is_running(service->context, process);
}

int panther_signal(struct panther_service *service, int process, int signal_number)
{
    return service->backend->signal(service->context, process, signal_number);
}

int panther_end(struct panther_service *service, int process, uint64_t grace_ms)
{
    return service->backend->end(service->context, process, grace_ms);
}

const char *panther_output(struct panther_service *service, int process, enum panther_stream stream, size_t *bytes)
{
    size_t ignored = 0;
    return service->backend->output(service->context, process, stream, handle_arena(service), bytes != NULL ? bytes : &ignored);
}

int panther_watch_line(struct panther_service *service, const char *stream, enum panther_match match, const char *pattern)
{
    return service->backend->watch_line(service->context, stream != NULL ? stream : "", match == PANTHER_REGEX, pattern);
}

int panther_wait_line(struct panther_service *service, int watch, uint64_t timeout_ms, const char **line)
{
    char text[TEXT_MAX_BYTES] = "";
    const int result = service->backend->wait_line(service->context, watch, timeout_ms, text);
    if (result == PANTHER_OK && line != NULL) {
        *line = arena_string(handle_arena(service), text);
    }
    return result;
}

// ---- ports

int panther_port(struct panther_service *service, const char *name, unsigned transports)
{
    return panther_port_wanted(service, name, transports, 0);
}

static void endpoint_add(struct panther_service *service, const char *name, const char *address, unsigned transports, int port)
{
    Pb__Endpoint *endpoint = ARENA_NEW(service->arena, Pb__Endpoint);
    pb__endpoint__init(endpoint);
    endpoint->name = arena_string(service->arena, name);
    endpoint->address = arena_string(service->arena, address);
    endpoint->port = (uint32_t)port;
    endpoint->transport = (Pb__Transport)transports;
    service->endpoints[service->endpoint_count++] = endpoint;
}

static int check_endpoint(struct panther_service *service, const char *name, unsigned transports)
{
    if (transports == 0 || transports > (PANTHER_TCP | PANTHER_UDP)) {
        return panther_fail(service, "port %s: %u is neither PANTHER_TCP, PANTHER_UDP nor both", name, transports);
    }
    if (service->endpoint_count == ENDPOINTS_PER_INSTANCE) {
        return panther_fail(service, "port %s: an instance has at most %d endpoints", name, ENDPOINTS_PER_INSTANCE);
    }
    return PANTHER_OK;
}

int panther_endpoint_external(struct panther_service *service, const char *name, const char *address, unsigned port, unsigned transports)
{
    unsigned char number[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, address, number) != 1 && inet_pton(AF_INET6, address, number) != 1) {
        return panther_fail(service, "port %s: \"%s\" is no numeric address", name, address);
    }
    if (port == 0 || port > UINT16_MAX) {
        return panther_fail(service, "port %s: %u is no port", name, port);
    }
    const int result = check_endpoint(service, name, transports);
    if (result == PANTHER_OK) {
        endpoint_add(service, name, address, transports, (int)port);
    }
    return result;
}

int panther_port_wanted(struct panther_service *service, const char *name, unsigned transports, unsigned wanted)
{
    char problem[TEXT_MAX_BYTES] = "";
    const int result = check_endpoint(service, name, transports);
    if (result != PANTHER_OK) {
        return result;
    }
    const int port = service->backend->port(service->context, name, (Pb__Transport)transports, wanted, problem);
    if (port <= 0) {
        return panther_fail(service, "port %s: %s", name, problem);
    }
    endpoint_add(service, name, panther_own_address(service), transports, port);
    return port;
}

// ---- time

uint64_t panther_now_ns(const struct panther_service *service)
{
    return service->backend->now_ns(service->context);
}

uint64_t panther_remaining_ms(const struct panther_service *service)
{
    const uint64_t now = service->backend->now_ns(service->context);
    const uint64_t deadline = service->backend->deadline_ns(service->context);
    return deadline > now ? (deadline - now) / 1000000 : 0;
}

bool panther_is_cancelled(const struct panther_service *service)
{
    return service->backend->is_cancelled(service->context);
}

int panther_cancel_fd(const struct panther_service *service)
{
    return service->backend->cancel_fd(service->context);
}

int panther_pause(struct panther_service *service, uint64_t ms)
{
    return service->backend->pause(service->context, ms);
}
