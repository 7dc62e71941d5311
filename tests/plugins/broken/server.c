// broken_server ADDRESS PORT sound|deaf|unbound|wrong: accepts connections and closes them; deaf to TERM, never bound, or ends
// with a status that means nothing good.
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void end_badly(int number)
{
    _exit(number == SIGTERM ? 3 : 4);
}

int main(int argc, char **argv)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != 4 || inet_pton(AF_INET, argv[1], &name.sin_addr) != 1)
        return 2;
    if (strcmp(argv[3], "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    if (strcmp(argv[3], "wrong") == 0)
        signal(SIGTERM, end_badly);
    while (strcmp(argv[3], "unbound") == 0)
        pause();
    name.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0 || listen(fd, 16) != 0) {
        perror("bind");
        return 1;
    }
    for (int client; (client = accept(fd, NULL, NULL)) >= 0; close(client))
        ;
    return 1;
}
