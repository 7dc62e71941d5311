// Versions of programs, and what an experiment asks of one: `implementation: {name: nginx, version: ">=1.22, <2"}`.
#ifndef PANTHER_COMMON_SCHEMA_VERSION_H
#define PANTHER_COMMON_SCHEMA_VERSION_H

#include <stdbool.h>

#include "common/base/error.h"

#define VERSION_WANTED_MAX_BYTES 128

// Numbers are compared as numbers, what stands between them as text, and a shorter version is the smaller one: 1.9 < 1.10 < 1.10.1,
// 1.1.1a < 1.1.1n. Below 0, 0 or above 0.
int version_compare(const char *left, const char *right);
// Conditions with commas between them, all of which have to hold: "1.22" (that, or 1.22.1, ...), "=1.22.1", ">=1.22", ">1", "<=2", "<2".
// 0, or PANTHER_EINVALID with what is wrong.
int version_check(const char *wanted, struct panther_error *error);
// False too when it is not known which version it is ("") or `wanted` is wrong. An empty `wanted` holds for all.
bool version_fits(const char *version, const char *wanted);

#endif
