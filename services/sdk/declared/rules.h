// Readers of what an instance is given and watched by: ports, certificate, content, files, readiness, log rules, outputs, build. Each takes
// the document as its member.
#ifndef PANTHER_SERVICES_SDK_DECLARED_RULES_H
#define PANTHER_SERVICES_SDK_DECLARED_RULES_H

#include "services/sdk/declared/document.h"

void read_ports(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_certificate(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_content(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_files(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_ready(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_log(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_outputs(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_build(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_drives(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_case_names(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_cases(struct reading *reading, const struct value *value, const struct key *key, void *member);

// A path inside of a folder: relative, and no part of it is "..".
bool path_stays(const char *path);

#endif
