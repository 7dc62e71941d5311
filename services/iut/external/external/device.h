// A device as the external plugin knows it: where it is, and whether it answers there.
#ifndef EXTERNAL_DEVICE_H
#define EXTERNAL_DEVICE_H

#include <panther/options.h>
#include <panther/service.h>

#define DEVICE_PORTS_MAX 16 // endpoints of an instance

struct device_port {
    const char *name;
    unsigned number, transports;
};

struct device {
    const char *address; // numeric
    size_t port_count;
    struct device_port ports[DEVICE_PORTS_MAX];
};

// From "HOST" and "NAME=NUMBER/tcp", "NAME=NUMBER/udp", "NAME=NUMBER/tcp+udp". 0, or below 0 with the reason kept.
int device_read(struct panther_service *service, const char *host, const struct panther_list *ports, struct device *device);
const struct device_port *device_port_named(const struct device *device, const char *name); // NULL: none
const struct device_port *device_first_tcp(const struct device *device);                    // NULL: none
// Does it accept a connection there within this time?
bool device_accepts(const struct device *device, const struct device_port *port, int timeout_ms);

#endif
