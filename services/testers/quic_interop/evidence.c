// See evidence.h.
#define _GNU_SOURCE // memmem, O_PATH
#include "evidence.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CAPTURE_FILE "interop.pcapng"
#define MARK_PORT 9       // discard: nobody answers
#define SETTLE_MS 5000    // dumpcap writes what it has several times a second
#define SETTLE_STEP_MS 20 // between two looks
#define ANSWER_S 5        // the network answers at once
#define CHUNK_BYTES 65536

static int say(char *problem, const char *text, const char *detail)
{
    snprintf(problem, EVIDENCE_PROBLEM_BYTES, "%s%s", text, detail);
    return -1;
}

// ---- an own capture

// What others send on the interface is left out: a file that grows all the time always ends in the middle of a packet.
int capture_begin(struct panther_service *service, const char *interface, unsigned port)
{
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "dumpcap");
    panther_argument(service, &argv, "-q");
    panther_argument(service, &argv, "-i");
    panther_argument(service, &argv, "%s", interface);
    panther_argument(service, &argv, "-f");
    panther_argument(service, &argv, "udp port %u or udp port %u", MARK_PORT, port > 0 ? port : MARK_PORT);
    panther_argument(service, &argv, "-w");
    panther_argument(service, &argv, "%s", panther_path(service, CAPTURE_FILE));
    panther_artifact(service, CAPTURE_FILE, "pcap");
    const int process = panther_spawn(service, .name = "dumpcap", .argv = argv.items, .stop_signal = 2);
    if (process >= 0) {
        panther_ready_line(service, "dumpcap.stderr", PANTHER_SUBSTRING, "File: ");
    }
    return process;
}

static bool file_holds(const char *path, const char *text)
{
    static char chunk[CHUNK_BYTES + 64];
    const size_t overlap = strlen(text);
    size_t kept = 0;
    bool found = false;
    FILE *file = fopen(path, "re");
    for (size_t got; file != NULL && !found && (got = fread(chunk + kept, 1, CHUNK_BYTES, file)) > 0;) {
        found = memmem(chunk, kept + got, text, overlap) != NULL;
        const size_t rest = kept + got < overlap ? kept + got : overlap;
        memmove(chunk, chunk + kept + got - rest, rest);
        kept = rest;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static void send_mark(const char *address, const char *mark)
{
    const bool is_v6 = strchr(address, ':') != NULL;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(MARK_PORT)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(MARK_PORT)};
    inet_pton(is_v6 ? AF_INET6 : AF_INET, address, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr);
    const int socket_fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd >= 0) {
        sendto(socket_fd, mark, strlen(mark), 0, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, is_v6 ? sizeof(v6) : sizeof(v4));
        close(socket_fd);
    }
}

int capture_settle(struct panther_service *service, char *problem)
{
    static unsigned marks;
    char mark[48];
    snprintf(mark, sizeof(mark), "panther-interop-mark-%u.%u.", (unsigned)getpid(), ++marks);
    for (unsigned waited = 0; waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
        if (waited % 500 == 0) {
            send_mark(panther_own_address(service), mark);
        }
        if (file_holds(panther_path(service, CAPTURE_FILE), mark)) {
            return 0;
        }
        if (panther_pause(service, SETTLE_STEP_MS) < 0) {
            break;
        }
    }
    return say(problem, "the capture does not show a packet that was sent just now", "");
}

// ---- the network's

// By the folder's descriptor: a path in a deep state folder does not fit into a socket's address.
static int connect_in(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_S};
    const int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fd = folder_fd >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/link.control", folder_fd);
    const bool is_connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                              setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0;
    if (folder_fd >= 0) {
        close(folder_fd);
    }
    if (!is_connected && fd >= 0) {
        close(fd);
    }
    return is_connected ? fd : -1;
}

int network_flush(const char *folder, char *problem)
{
    static const char request[] = "{\"flush\":true}\n";
    char answer[256] = "";
    const int fd = connect_in(folder);
    if (fd < 0) {
        return say(problem, folder, "/link.control does not answer");
    }
    ssize_t got = -1;
    if (write(fd, request, sizeof(request) - 1) == (ssize_t)sizeof(request) - 1) {
        got = read(fd, answer, sizeof(answer) - 1);
    }
    close(fd);
    answer[got > 0 ? got : 0] = '\0';
    return strstr(answer, "true") != NULL ? 0 : say(problem, "the network does not flush its capture: ", answer);
}

// ---- secrets

static int append(FILE *into, const char *path)
{
    static char chunk[CHUNK_BYTES];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
        fwrite(chunk, 1, got, into);
    }
    fclose(file);
    return 1;
}

int secrets_collect(struct panther_service *service, const struct panther_case_peer *server, const struct panther_case_peer *client,
                    const char *path)
{
    static const char *const patterns[] = {"*.keys", "*.keylog", "*keys.log"};
    const char *const folders[] = {server->folder, client->folder};
    FILE *into = fopen(path, "we");
    int count = 0;
    for (size_t i = 0; into != NULL && i < 2 * 3; i++) {
        glob_t found = {0};
        if (folders[i / 3] != NULL && glob(panther_format(service, "%s/%s", folders[i / 3], patterns[i % 3]), 0, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc; j++) {
                count += append(into, found.gl_pathv[j]);
            }
        }
        globfree(&found);
    }
    if (into != NULL) {
        fclose(into);
    }
    return count;
}

// ---- bytes

static bool are_equal(const char *left_path, const char *right_path)
{
    static char left_chunk[CHUNK_BYTES], right_chunk[CHUNK_BYTES];
    FILE *left = fopen(left_path, "re"), *right = fopen(right_path, "re");
    bool equal = left != NULL && right != NULL;
    for (size_t got = 1; equal && got > 0;) {
        got = fread(left_chunk, 1, sizeof(left_chunk), left);
        equal = fread(right_chunk, 1, sizeof(right_chunk), right) == got && memcmp(left_chunk, right_chunk, got) == 0;
    }
    if (left != NULL) {
        fclose(left);
    }
    if (right != NULL) {
        fclose(right);
    }
    return equal;
}

int downloads_compare(struct panther_service *service, const struct panther_case_peer *server, const struct panther_case_peer *client,
                      struct endings *endings)
{
    glob_t found = {0};
    if (glob(panther_format(service, "%s/downloads/*/*", client->folder), 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *name = strrchr(found.gl_pathv[i], '/') + 1;
            endings->files++;
            if (!are_equal(found.gl_pathv[i], panther_format(service, "%s/www/%s", server->folder, name))) {
                endings->first_different = endings->different++ == 0 ? panther_format(service, "%s", name) : endings->first_different;
            }
        }
    }
    globfree(&found);
    return 0;
}
