// The qlogs of a case, from both sides' work folders. For plugin.c.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_QLOGS_H
#define PANTHER_TESTERS_QUIC_INTEROP_QLOGS_H

#include <panther/service.h>

#include "testimony.h"

#define QLOG_FILES_MAX 64 // of one side and case: as many connections as a transcript tells apart

struct qlog_file {
    const char *name;
    struct panther_qlog qlog;
    struct account account;
};
struct qlog_files {
    size_t count;
    struct qlog_file files[QLOG_FILES_MAX];
};

// Those that were written since `began_s` (seconds since 1970): others are of cases before. To be called before the capture is brought to
// disk: then it holds all packets of which a qlog tells.
void qlogs_read(struct panther_service *service, const struct panther_case_peer *peer, double began_s, struct qlog_files *files);
void qlogs_sum(const struct qlog_files *files, const struct transcript *transcript, struct testimony *testimony);

#endif
