// Quantities as people write them. All parsers take the whole text or refuse it.
#ifndef PANTHER_COMMON_BASE_UNITS_H
#define PANTHER_COMMON_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// "150ms" "60s" "30m" "2h" "3d" "1.5s"; a bare number is refused (a unit is required), except "0".
bool duration_parse_ms(const char *text, uint64_t *ms);
bool duration_parse_ns(const char *text, uint64_t *ns); // also "us", "ns"
// "64MiB" "1GiB" "10kB" "512B"; a bare number is bytes.
bool size_parse_bytes(const char *text, uint64_t *bytes);
// "99.9%" -> 0.999, "0.999" -> 0.999
bool ratio_parse(const char *text, double *ratio);
bool integer_parse(const char *text, int64_t *number); // decimal, optional sign, or 0x
bool unsigned_parse(const char *text, uint64_t *number);
bool float_parse(const char *text, double *number); // finite
bool boolean_parse(const char *text, bool *value);  // true/false, yes/no, on/off

void duration_format_ms(uint64_t ms, char *text, size_t bytes); // "1m 02s", "2.41s", "37ms"
void size_format(uint64_t bytes_count, char *text, size_t bytes);

#endif
