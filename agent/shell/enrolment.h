// `panther-agent enroll TOKEN`: a new host makes a key pair and asks the coordinator, with a one-time key, to let it in.
#ifndef PANTHER_AGENT_SHELL_ENROLMENT_H
#define PANTHER_AGENT_SHELL_ENROLMENT_H

#include "common/base/error.h"

// state: where the host id is, or is made. Writes the key file; the secret never leaves this host. PANTHER_EEXISTS: there is a key already,
// which is not overwritten.
int enrolment_run(const char *token, const char *key_path, const char *state, struct panther_error *error);

#endif
