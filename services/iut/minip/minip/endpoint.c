// Arguments, socket, buffer and seeded mistakes of minip_server and minip_client.
#include "endpoint.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "%s: %s\n", what, value);
    exit(2);
}

static enum minip_variant variant_named(const char *name)
{
    static const char *const names[] = {"functional", "flaky", "failing", "vulnerable"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum minip_variant)i;
    refuse("no such variant", name);
}

void minip_arguments_read(int argc, char *const *argv, struct minip_arguments *arguments, struct minip_endpoint *endpoint)
{
    const char *variant = "functional", *share = "0.1", *seed = "1";
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"--address", &arguments->address},
        {"--port", &arguments->port},
        {"--count", &arguments->count},
        {"--size", &arguments->size},
        {"--timeout", &arguments->timeout},
        {"--variant", &variant},
        {"--share", &share},
        {"--seed", &seed},
    };
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < sizeof(known) / sizeof(known[0]) && strcmp(known[k].name, argv[i]) != 0)
            k++;
        if (k == sizeof(known) / sizeof(known[0]))
            refuse("no such option", argv[i]);
        if (i + 1 == argc)
            refuse("an option without its value", argv[i]);
        *known[k].value = argv[i + 1];
    }
    endpoint->variant = variant_named(variant);
    endpoint->share = strtod(share, NULL);
    endpoint->random = strtoull(seed, NULL, 0);
}

static void make_buffer(struct minip_endpoint *endpoint)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
        refuse("no memory for", "the receive buffer");
    endpoint->buffer = pages + page - (MINIP_MESSAGE_MAX + 1);
}

void minip_open(struct minip_endpoint *endpoint, const struct minip_arguments *arguments, bool is_server)
{
    struct addrinfo *found, hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    if (!arguments->address || !arguments->port || getaddrinfo(arguments->address, arguments->port, &hints, &found) != 0)
        refuse("--address and --port are needed, as numbers; not", arguments->address ? arguments->address : "nothing");
    endpoint->socket = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int (*use)(int, const struct sockaddr *, socklen_t) = is_server ? bind : connect;
    if (endpoint->socket < 0 || use(endpoint->socket, found->ai_addr, found->ai_addrlen) != 0) {
        perror(is_server ? "bind" : "connect");
        exit(2);
    }
    freeaddrinfo(found);
    make_buffer(endpoint);
}

// splitmix64
static uint64_t next_random(struct minip_endpoint *endpoint)
{
    uint64_t z = endpoint->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

bool minip_goes_wrong(struct minip_endpoint *endpoint, unsigned ways, unsigned *way)
{
    if (endpoint->variant != MINIP_FLAKY)
        return false;
    bool wrong = (double)(next_random(endpoint) >> 11) / 0x1p53 < endpoint->share;
    *way = (unsigned)(next_random(endpoint) % ways);
    return wrong;
}
