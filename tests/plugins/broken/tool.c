// broken_tool ADDRESS PORT: connects and says so. It exits with 0 whatever happened, as many tools do.
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// Long enough to be killed meanwhile.
#define LIFE_US 50000

int main(int argc, char **argv)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (argc != 3 || inet_pton(AF_INET, argv[1], &name.sin_addr) != 1)
        return 2;
    name.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    const int refused = connect(fd, (const struct sockaddr *)&name, sizeof(name));
    usleep(LIFE_US);
    puts(refused != 0 ? "refused" : "connected");
    return 0;
}
