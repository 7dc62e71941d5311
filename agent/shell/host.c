#include "agent/shell/host.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/host.h"
#include "common/system/loop.h"

Pb__HostFacts *host_facts(struct arena *arena)
{
    struct host_facts read;
    host_facts_read(&read);
    Pb__HostFacts *facts = ARENA_NEW(arena, Pb__HostFacts);
    pb__host_facts__init(facts);
    facts->kernel = arena_string(arena, read.kernel);
    facts->architecture = arena_string(arena, read.architecture);
    facts->distribution = arena_string(arena, read.distribution);
    facts->cpus = read.cpus;
    facts->memory_bytes = read.memory_bytes;
    return facts;
}

int host_id_read(const char *state, char host_id[ID128_TEXT_BYTES], struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(state, "host_id");
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (!file_exists(path)) {
        uint8_t fresh[16];
        random_bytes(fresh, sizeof fresh);
        id128_text(fresh, host_id);
        CLEANUP_FREE char *line = memory_printf("%s\n", host_id);
        return file_write_atomic(path, line, strlen(line), 0644, error);
    }
    int result = file_read(path, 256, &text, &bytes, error);
    if (result < 0)
        return result;
    text[strcspn(text, " \n")] = '\0';
    if (!id128_is_valid(text))
        return error_set(error, PANTHER_EINVALID, "%s does not hold 32 hex digits; remove it to get a new host id", path);
    memcpy(host_id, text, ID128_TEXT_BYTES);
    return 0;
}

// ---- address

static struct addrinfo *resolve(const char *endpoint)
{
    static const char scheme[] = "tcp://";
    if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0)
        return NULL;
    CLEANUP_FREE char *host = memory_string(endpoint + sizeof scheme - 1);
    char *colon = strrchr(host, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    char *start = host;
    size_t length = strlen(host);
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        start++;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    return getaddrinfo(start, colon + 1, &hints, &found) == 0 ? found : NULL;
}

// A connected UDP socket sends nothing, but the kernel picks the source address.
static char *source_address(const struct addrinfo *to, struct arena *arena)
{
    struct sockaddr_storage own;
    socklen_t bytes = sizeof own;
    char text[NI_MAXHOST];
    char *result = NULL;
    int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0 && getsockname(fd, (struct sockaddr *)&own, &bytes) == 0 &&
        getnameinfo((const struct sockaddr *)&own, bytes, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
        result = arena_string(arena, text);
    close(fd);
    return result;
}

char *host_address_towards(const char *endpoint, struct arena *arena)
{
    struct addrinfo *found = resolve(endpoint);
    char *address = found ? source_address(found, arena) : NULL;
    if (found)
        freeaddrinfo(found);
    return address;
}
