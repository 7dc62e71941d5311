// The options of a document, and what profiles and builds add to them.
#ifndef PANTHER_SERVICES_SDK_DECLARED_OPTION_H
#define PANTHER_SERVICES_SDK_DECLARED_OPTION_H

#include "services/sdk/declared/document.h"

void read_options(struct reading *reading, const struct value *value, const struct key *key, void *member);
void option_add_choice(struct reading *reading, const struct value *place, const char *name, const char *const *choices,
                       const char *default_value, const char *help);

void read_profiles(struct reading *reading, const struct value *value, const struct key *key, void *member); // the document
// The settings with the chosen profile in them, in the arena: a profile's value stands where an option has its default.
const void *profile_settings(const struct document *document, const void *settings, struct arena *arena);

#endif
