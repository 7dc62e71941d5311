// Names that people read and paste, and ids that machines compare.
//   run        r142
//   test       r142/load
//   cell       r142/load/nginx,20ms/2      (r142/load/2 when the test has no axes)
//   trial      r142/load/nginx,20ms/2#1    (attempt 1)
//   service    r142/load/nginx,20ms/2#1/server     stream: .../server/nginx.stderr
#ifndef PANTHER_COMMON_BASE_IDENTITY_H
#define PANTHER_COMMON_BASE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define ID128_TEXT_BYTES 33 // 32 hex digits and NUL
#define NAME_MAX_BYTES 64   // agents, services, tests, plugins, axes
#define FULL_NAME_MAX_BYTES 512

void id128_text(const uint8_t bytes[16], char text[ID128_TEXT_BYTES]);
bool id128_is_valid(const char *text);
// [a-z0-9] then [a-z0-9._-]*, at most NAME_MAX_BYTES - 1
bool name_is_valid(const char *name);
// "shell.2.output", "shell.2.input": what a person saw and typed inside of a service (`panther-coord shell`), no output of the service.
bool stream_is_of_shell(const char *stream);

// A name taken apart; empty or 0 = that part is not given. "@last" sets is_last instead of run.
struct full_name {
    bool is_last;
    uint64_t run;
    char test[NAME_MAX_BYTES];
    char combination[FULL_NAME_MAX_BYTES];
    uint32_t repetition;
    uint32_t attempt;
    char service[NAME_MAX_BYTES];
    char stream[FULL_NAME_MAX_BYTES];
};
int full_name_parse(const char *text, struct full_name *name, struct panther_error *error);
void full_name_format(const struct full_name *name, char *text, size_t text_bytes);

#endif
