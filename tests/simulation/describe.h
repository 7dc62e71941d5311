// Messages, records and events as one line of a trace. The texts live until the call of the agenda that is at hand has returned.
#ifndef PANTHER_TESTS_SIMULATION_DESCRIBE_H
#define PANTHER_TESTS_SIMULATION_DESCRIBE_H

#include <stdbool.h>

#include "panther/v1/envelope.pb-c.h"
#include "panther/v1/journal.pb-c.h"

struct world;
struct agent_record;

const char *describe_envelope(struct world *world, const Pb__Envelope *envelope);
const char *describe_record(struct world *world, const Pb__Record *record);
const char *describe_event(struct world *world, const Pb__Event *event);
const char *describe_agent_record(struct world *world, const struct agent_record *record); // NULL: not worth a line
bool trace_shows(const struct world *world, const Pb__Envelope *envelope);

#endif
