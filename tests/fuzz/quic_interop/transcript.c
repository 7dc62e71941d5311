// What the tester quic_interop reads of a capture: tshark's fields output. Counts stay within what a text of that size can hold.
#include "services/testers/quic_interop/transcript.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define SERVER_PORT 14533

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const interfaces[][SIDES] = {{"", ""}, {"client", "server"}};
    for (size_t i = 0; i < 2; i++) {
        const struct vantage vantage = {SERVER_PORT, {interfaces[i][CLIENT], interfaces[i][SERVER]}, i == 0 ? "" : "rival"};
        struct transcript transcript;
        char problem[128] = "";
        const bool is_read = transcript_read((const char *)data, size, &vantage, &transcript, problem, sizeof(problem));
        must(is_read == (problem[0] == '\0'));
        must(transcript.datagrams[CLIENT] + transcript.datagrams[SERVER] <= size + 1);
        must(transcript.heard[CLIENT] + transcript.heard[SERVER] <= size + 1);
        must(transcript.connections <= CONNECTIONS_MAX && transcript.streams <= STREAMS_MAX && transcript.endpoints <= ENDPOINTS_MAX);
    }
    return 0;
}
