// Stands in for a test that Ivy compiled: takes name=value arguments, prints events and markers as such a test does, and ends in any way
// that it is told. Sends one message of minip to the server first, so that there is traffic, and a server that can be crashed by it.
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BYE 5

static const char *argument(int argc, char **argv, const char *name, const char *otherwise)
{
    size_t length = strlen(name);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
            return argv[i] + length + 1;
    return otherwise;
}

// A HELLO that is answered; with `crash` a PING whose header promises 65535 bytes.
static void exchange(int argc, char **argv, const char *what)
{
    static const char hello[14] = "MP\1\1\0\0\0\7\0\0\0\1\0\0", lie[14] = "MP\1\3\0\0\0\7\0\0\0\2\xff\xff";
    char answer[64];
    struct sockaddr_in server = {.sin_family = AF_INET};
    server.sin_addr.s_addr = htonl((uint32_t)strtoul(argument(argc, argv, "server_addr", "0"), NULL, 10));
    server.sin_port = htons((uint16_t)strtoul(argument(argc, argv, "server_port", "0"), NULL, 10));
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    connect(client, (const struct sockaddr *)&server, sizeof(server));
    printf("> client_send({hello,session:7})\n");
    if (send(client, hello, sizeof(hello), 0) < 0)
        perror("send");
    if (strcmp(what, "unanswered") == 0)
        return;
    struct pollfd ready = {.fd = client, .events = POLLIN};
    if (poll(&ready, 1, 2000) == 1 && recv(client, answer, sizeof(answer), 0) == 14)
        printf("< server_send({welcome,session:7})\n");
    if (strcmp(what, "crash") == 0 && send(client, lie, sizeof(lie), 0) < 0)
        perror("send");
    close(client);
}

// Plays the server for one client, until that says BYE.
static void serve(int argc, char **argv)
{
    char datagram[64];
    struct sockaddr_in own = {.sin_family = AF_INET}, peer;
    socklen_t peer_bytes = sizeof(peer);
    own.sin_addr.s_addr = htonl((uint32_t)strtoul(argument(argc, argv, "server_addr", "0"), NULL, 10));
    own.sin_port = htons((uint16_t)strtoul(argument(argc, argv, "server_port", "0"), NULL, 10));
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(server, (const struct sockaddr *)&own, sizeof(own)) != 0)
        perror("bind");
    char type;
    do {
        ssize_t bytes = recvfrom(server, datagram, sizeof(datagram), 0, (struct sockaddr *)&peer, &peer_bytes);
        type = datagram[3]++; // each answer's type is one more
        printf("< client_send(%zd)\n", bytes);
        sendto(server, datagram, (size_t)bytes, 0, (const struct sockaddr *)&peer, peer_bytes);
        printf("> server_send(%zd)\n", bytes);
    } while (type != BYE);
}

static void print_marker(const char *marker)
{
    if (strcmp(marker, "violation") == 0) {
        printf("assumption_failed(\"minip_packet.ivy: line 4\")\n");
        fprintf(stderr, "minip_packet.ivy: line 4: error: assumption failed\n");
    } else if (strcmp(marker, "named") == 0) {
        printf("assumption_failed(\"minip_packet.ivy: line 12: pong_repeats_payload\")\n");
    } else if (strcmp(marker, "assertion") == 0) {
        printf("assertion_failed(\"minip_shim.ivy: line 30\")\n");
    } else if (strcmp(marker, "completed") == 0) {
        printf("test_completed\n");
    } else if (strcmp(marker, "refused") == 0) {
        fprintf(stderr, "sendto: Connection refused\n");
    } else if (strcmp(marker, "quoted") == 0) {
        printf("> client_send({data:\"assumption_failed(\\\"x.ivy: line 1\\\") test_completed\"})\n");
    }
    fflush(stdout);
}

static _Noreturn void end(const char *way)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"segv", SIGSEGV}, {"abort", SIGABRT}, {"kill", SIGKILL}, {"term", SIGTERM}};
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (strcmp(way, signals[i].name) != 0)
            continue;
        signal(signals[i].number, SIG_DFL);
        raise(signals[i].number);
    }
    if (strcmp(way, "bad_alloc") == 0) {
        fprintf(stderr, "terminate called after throwing an instance of 'std::bad_alloc'\n");
        exit(1);
    }
    while (strcmp(way, "hang") == 0)
        pause();
    exit((int)strtol(way, NULL, 10));
}

// "hello completed 0": what this run does, the first line of a file, which goes from it.
static void next_of_script(const char *path, char *traffic, char *marker, char *way)
{
    char rest[8192];
    FILE *file = fopen(path, "r+");
    if (!file || fscanf(file, "%31s %31s %31s\n", traffic, marker, way) != 3)
        exit(99);
    size_t bytes = fread(rest, 1, sizeof(rest), file);
    rewind(file);
    fwrite(rest, 1, bytes, file);
    fflush(file);
    if (ftruncate(fileno(file), (off_t)bytes) != 0)
        perror(path);
    fclose(file);
}

int main(int argc, char **argv)
{
    char traffic[32], marker[32], way[32];
    const char *script = argument(argc, argv, "standin_script", NULL);
    snprintf(traffic, sizeof(traffic), "%s", argument(argc, argv, "standin_traffic", "hello"));
    snprintf(marker, sizeof(marker), "%s", argument(argc, argv, "standin_marker", "completed"));
    snprintf(way, sizeof(way), "%s", argument(argc, argv, "standin_end", "0"));
    if (script)
        next_of_script(script, traffic, marker, way);
    // the share in percent of the seeds that find a violation
    unsigned share = (unsigned)strtoul(argument(argc, argv, "standin_share", "0"), NULL, 10);
    unsigned seed = (unsigned)strtoul(argument(argc, argv, "seed", "0"), NULL, 10);
    for (int i = 1; i < argc; i++)
        fprintf(stderr, "%s\n", argv[i]);
    if (strcmp(traffic, "serve") == 0)
        serve(argc, argv);
    else if (strcmp(traffic, "none") != 0)
        exchange(argc, argv, traffic);
    if (seed % 100 < share) {
        print_marker("violation");
        return 1;
    }
    print_marker(marker);
    end(way);
}
