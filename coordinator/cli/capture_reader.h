// What the networks of a trial capture, as far as it is there: from the agents while they capture, then from the artifacts. For capture.c.
#ifndef PANTHER_COORDINATOR_CLI_CAPTURE_READER_H
#define PANTHER_COORDINATOR_CLI_CAPTURE_READER_H

#include "coordinator/cli/client.h"

struct capture_reader;
// service: "": its networks or, when it has none, all its services.
struct capture_reader *capture_reader_new(struct client *client, const char *trial, const char *service);
void capture_reader_free(struct capture_reader **reader);
// Appends what has come since the last look; *is_done: nothing more will. 0, or an exit status with a word on stderr.
int capture_reader_look(struct capture_reader *reader, struct text *out, bool *is_done);
bool capture_reader_has_sources(const struct capture_reader *reader);
bool capture_reader_is_incomplete(const struct capture_reader *reader); // a word about it is on stderr

#endif
