// Where the evidence of a case lies, and what is read of it: the capture, the secrets, the bytes on both sides.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_EVIDENCE_H
#define PANTHER_TESTERS_QUIC_INTEROP_EVIDENCE_H

#include <panther/service.h>

#include "judge.h"

// Each returns 0, or below 0 with the reason in `problem` (EVIDENCE_PROBLEM_BYTES).
#define EVIDENCE_PROBLEM_BYTES 512

// dumpcap on an interface, from now on, of the packets from and to a UDP port; ready when it captures. The process's number.
int capture_begin(struct panther_service *service, const char *interface, unsigned port);
// Until a packet that is sent now is in its file.
int capture_settle(struct panther_service *service, char *problem);
// Asks the network to bring its capture to disk.
int network_flush(const char *folder, char *problem);
// All key logs of both sides as one file of the work folder; the number of files.
int secrets_collect(struct panther_service *service, const struct panther_case_peer *server, const struct panther_case_peer *client,
                    const char *path);
// Downloads of the client beside the files that the server had.
int downloads_compare(struct panther_service *service, const struct panther_case_peer *server, const struct panther_case_peer *client,
                      struct endings *endings);

#endif
