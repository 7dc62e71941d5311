// Output rules (assertions on output, matched at the source) and line watches (readiness), against the lines of streams.
#ifndef PANTHER_AGENT_GUARD_RULES_H
#define PANTHER_AGENT_GUARD_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

struct events;
struct rules;
struct rule_matches; // of one stream

typedef void line_seen_fn(void *context, uint32_t watch, const char *line);

int rules_new(struct rules **out, const Pb__GuardSpec *spec, struct events *events, line_seen_fn *line_seen, void *context,
              struct panther_error *error);
void rules_free(struct rules **rules);
int rules_add_watch(struct rules *rules, const Pb__WatchLine *watch, struct panther_error *error);

struct rule_matches *rule_matches_new(struct rules *rules, const char *stream, uint32_t process);
// Of a stream that says nothing about the service: it matches nothing.
struct rule_matches *rule_matches_none(struct rules *rules, const char *stream);
bool rule_matches_are_wanted(const struct rule_matches *matches); // would a line be compared with anything?
// A line of this stream: OutputMatch for the first one of each rule, or the first 256 (`every`), LineSeen for a watch.
void rule_matches_line(struct rule_matches *matches, const char *line, size_t bytes, uint64_t offset);
// A line captured before the youngest watch was made: compared with that one only.
void rule_matches_old_line(struct rule_matches *matches, const char *line, size_t bytes);
// The last match of each rule that matched more often than was told becomes an event, then all is freed.
void rule_matches_end(struct rule_matches **matches);

#endif
