// panther/content.h: content that both ends can make for themselves. A server plugin serves /BYTES.bin made from the trial's seed; a
// tester compares what it got with the same bytes, without a file having to travel. Phases: any; threads: the plugin's.
//
// The generator (splitmix64, public domain, by counter so that any part can be made alone): byte k of the content is byte k mod 8, least
// significant first, of mix(seed + (k div 8 + 1) * 0x9e3779b97f4a7c15), where mix(z) is
//   z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;  z = (z ^ z >> 27) * 0x94d049bb133111eb;  z ^ z >> 31        (all modulo 2^64)
#ifndef PANTHER_CONTENT_H
#define PANTHER_CONTENT_H

#include <panther/options.h>
#include <panther/service.h>

#define PANTHER_SITE_SIZES_MAX 32
#define PANTHER_CONTENT_MAX_BYTES (4ULL * 1024 * 1024 * 1024)

// Bytes [offset, offset + bytes) of the content of this seed.
void panther_content(uint64_t seed, uint64_t offset, void *data, size_t bytes);

// A folder for a web server in the work folder: index.html (a copy of page; NULL: a default page) or, when page is a folder, a copy of all
// in it (and the default index.html when it has none), and, for each of the sizes ("1KiB", "5MiB", "1000"), BYTES.bin from the trial's
// seed. Returns the folder's path; NULL: failed, the reason is kept.
const char *panther_site(struct panther_service *service, const char *folder, const struct panther_list *sizes, const char *page);

#define PANTHER_HASH_TEXT_BYTES 65 // SHA-256 in hex, NUL-terminated
// Of a file (relative to the work folder, or absolute), with its size. PANTHER_MISSING: it cannot be read.
int panther_hash_file(struct panther_service *service, const char *path, char hash[PANTHER_HASH_TEXT_BYTES], uint64_t *bytes);
// Of the first bytes of the content of this seed.
void panther_hash_content(uint64_t seed, uint64_t bytes, char hash[PANTHER_HASH_TEXT_BYTES]);

#endif
