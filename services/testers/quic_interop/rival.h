// A TCP flow that competes with the connection for a path: when bytes of both arrived, in slices of time. Pure; for transcript.c, demands.c
// and the metrics.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_RIVAL_H
#define PANTHER_TESTERS_QUIC_INTEROP_RIVAL_H

#include "transcript.h"

// Adds bytes to the slice of that time; what is later than all of them is left out.
void rival_note(unsigned long long slices[SLICES_MAX], double after_s, unsigned long long bytes);
// Of the slices between the connection's first and last bytes, the share in which bytes of the rival arrived; 0: there was no transfer.
double rival_share(const struct transcript *transcript);
// Rates over that time.
double rival_kbits(const struct transcript *transcript);
double rival_kbits_of_both(const struct transcript *transcript);

#endif
