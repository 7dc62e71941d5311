// What each case demands of a transcript, and what it proves. Pure: the plugin collects the evidence.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_JUDGE_H
#define PANTHER_TESTERS_QUIC_INTEROP_JUDGE_H

#include <panther/service.h>

#include "transcript.h"

// Beside the capture: what both sides have on disk, and how the client says that it ended.
struct endings {
    bool client_passed;
    const char *client_text;
    size_t files, different; // downloads that lie there, and of them such as are not the server's bytes
    const char *first_different;
};

struct judgement {
    enum panther_verdict verdict;
    enum panther_reason reason;
    char text[512]; // names the side that broke the rule, and the section
};

// A case that is not known is an error, never a pass.
void judge(const char *case_name, const struct transcript *transcript, const struct endings *endings, struct judgement *judgement);

#endif
