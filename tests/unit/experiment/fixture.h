// What the tests of the experiment language share: some plugins, and the way from a text to a resolved experiment.
#ifndef PANTHER_TESTS_UNIT_EXPERIMENT_FIXTURE_H
#define PANTHER_TESTS_UNIT_EXPERIMENT_FIXTURE_H

#include "coordinator/experiment/experiment.h"

// nginx, nghttpd (http servers), ngtcp2 (quic, both roles), h2load, quic_probe, quic_judge, null, fuzz (testers), emulated, lab (networks);
// in the arena.
struct experiment_plugins fixture_plugins(struct arena *arena);

struct resolution {
    struct arena *arena;
    struct diagnostics diagnostics;
    struct value *document;     // NULL: not YAML
    Pb__Experiment *experiment; // NULL: diagnostics has errors
};
// Every file that the text names "came", with the hash h-NAME. `overrides`: NULL, or "path=value" texts ended by NULL.
struct resolution *resolution_new(const char *file, const char *text, const char *const *overrides);
void resolution_free(struct resolution **resolution);
// "file:line:column: message", one a line, "warning: " before the message of one.
void resolution_report(const struct resolution *resolution, struct text *out);

#endif
