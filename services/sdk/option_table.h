// An option table of a plugin -> the wire's descriptions, and checked values -> the typed struct.
#ifndef PANTHER_SERVICES_SDK_OPTION_TABLE_H
#define PANTHER_SERVICES_SDK_OPTION_TABLE_H

#include "common/base/error.h"
#include "common/base/memory.h"
#include "panther/plugin.h"
#include "panther/v1/plugin.pb-c.h"
#include "panther/v1/types.pb-c.h"

#define OPTIONS_MAX 256 // of one plugin: more than a person can read

size_t option_table_count(const struct panther_option *options); // NULL: 0
bool option_table_has(const struct panther_option *options, const char *name);
// NULL: sound; else what is wrong with the table, in the arena (a name twice, a default that its own range refuses, ...).
const char *option_table_problem(const struct panther_plugin *plugin, struct arena *arena);
size_t option_table_describe(const struct panther_option *options, struct arena *arena, Pb__OptionDescription ***descriptions);
// Checks the values given, adds defaults, and makes the plugin's settings struct (NULL when it has none). All in the arena.
int option_table_settings(const struct panther_plugin *plugin, const Pb__Setting *const *given, size_t given_count, struct arena *arena,
                          void **settings, Pb__Setting ***checked, size_t *checked_count, struct panther_error *error);

#endif
