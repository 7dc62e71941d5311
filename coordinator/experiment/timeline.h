// `timeline:` of a test: what is done to whom, and when.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_TIMELINE_H
#define PANTHER_COORDINATOR_EXPERIMENT_TIMELINE_H

#include "coordinator/experiment/scope.h"

extern const struct document_key timeline_keys[], timeline_after_keys[], timeline_when_keys[];

void timeline_read(struct scope *scope, const struct value *timeline); // into scope->test; services are known
// Cases are known now: those on the timeline must be among those of their tester.
void timeline_check_cases(const struct scope *scope);
// A command with the axes of a combination put in: it may be too long for one packet.
void timeline_check_run(const struct document *document, const Pb__TimelineEntry *entry);
// An entry by its id; reports with the nearest one. NULL: there is none.
const Pb__TimelineEntry *timeline_find(const struct scope *scope, const struct value *place, const char *id);
// `{start_of: ID, plus: 5s}` or `{end_of: ID}`; the entry is checked by the caller. False after a mistake.
bool timeline_read_moment(const struct document *document, const struct value *map, const char *noun, const struct document_key *keys,
                          Pb__Moment *moment);

#endif
