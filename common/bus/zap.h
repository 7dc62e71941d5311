// Who may shake hands (ZAP, RFC 27): an actor with a hash map. Internal to common/bus; bus.h has the public calls.
// Our own, because zauth rescans its folder of certificates at each lookup: 107 s for 5,000 handshakes.
#ifndef PANTHER_COMMON_BUS_ZAP_H
#define PANTHER_COMMON_BUS_ZAP_H

#define ZAP_DOMAIN "panther"
// A process that answers ZAP is a server: CURVE's work for its many peers is done by libzmq's threads, one per server socket.
#define ZAP_IO_THREADS 2u

// Idempotent. Must run before a server binds: libzmq lets everybody in while nobody answers ZAP.
void zap_begin(void);
void zap_end(void);

#endif
