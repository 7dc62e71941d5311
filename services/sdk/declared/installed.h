// What is installed on this host, by the commands that a service.yaml names: version and capabilities.
#ifndef PANTHER_SERVICES_SDK_DECLARED_INSTALLED_H
#define PANTHER_SERVICES_SDK_DECLARED_INSTALLED_H

#include "services/sdk/declared/document.h"

int installed_version(const struct document *document, char *text, size_t text_bytes); // 0, or below 0: not known
int installed_capabilities(const struct document *document, struct panther_capabilities *capabilities);
bool installed_has(const struct document *document, const char *capability);

// Keys "implementation.version" and "implementation.capabilities".
void read_version_rule(struct reading *reading, const struct value *value, const struct key *key, void *member); // struct version_rule
void read_capabilities(struct reading *reading, const struct value *value, const struct key *key, void *member); // the document

#endif
