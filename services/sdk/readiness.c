// Readiness: what a plugin declares; the host probes it after start() has returned (agent/host/probe.c).
#include "services/sdk/handle.h"

static struct readiness *declare(struct panther_service *service, enum readiness_kind kind, const char *text)
{
    if (service->readiness_count == READINESS_MAX) {
        panther_fail(service, "more than %d readiness conditions", READINESS_MAX);
        return NULL;
    }
    struct readiness *readiness = &service->readiness[service->readiness_count++];
    *readiness = (struct readiness){.kind = kind, .text = text != NULL ? arena_string(service->arena, text) : ""};
    return readiness;
}

void panther_ready_tcp(struct panther_service *service, int port)
{
    struct readiness *readiness = declare(service, READINESS_TCP, NULL);
    if (readiness != NULL) {
        readiness->port = port;
    }
}

void panther_ready_udp(struct panther_service *service, int port)
{
    struct readiness *readiness = declare(service, READINESS_UDP, NULL);
    if (readiness != NULL) {
        readiness->port = port;
    }
}

void panther_ready_http(struct panther_service *service, int port, const char *path, int status)
{
    struct readiness *readiness = declare(service, READINESS_HTTP, path);
    if (readiness != NULL) {
        readiness->port = port;
        readiness->status = status;
    }
}

void panther_ready_line(struct panther_service *service, const char *stream, enum panther_match match, const char *pattern)
{
    struct readiness *readiness = declare(service, READINESS_LINE, pattern);
    if (readiness != NULL) {
        readiness->watch = panther_watch_line(service, stream, match, pattern);
    }
}

void panther_ready_file(struct panther_service *service, const char *path)
{
    declare(service, READINESS_FILE, path[0] == '/' ? path : panther_path(service, "%s", path));
}

void panther_ready_when(struct panther_service *service, const char *what, bool (*is_ready)(struct panther_service *service))
{
    struct readiness *readiness = declare(service, READINESS_CALLBACK, what);
    if (readiness != NULL) {
        readiness->is_ready = is_ready;
    }
}
