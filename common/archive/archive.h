// A folder as one file and back: how folders of an experiment travel. Used by coordinator/cli (packs) and the agent's `unpack` child;
// and how plugins that are folders get their hash.
// The only place with libarchive. What is packed depends on names, contents and executable bits alone, so the same folder has the same
// hash.
#ifndef PANTHER_COMMON_ARCHIVE_ARCHIVE_H
#define PANTHER_COMMON_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

// A folder that travels is content or a configuration, not a disk: what is above is a mistake in the path.
#define ARCHIVE_ENTRIES_MAX 65536
// Deeper is a loop of mounts, or an attack on path lengths.
#define ARCHIVE_DEPTH_MAX 32

// All regular files and folders below `folder`, as a tar archive; heap. Links, sockets and devices are refused by name.
int archive_pack(const char *folder, size_t max_bytes, char **data, size_t *bytes, struct panther_error *error);

// The same bytes, part by part, to whom they are given, and nothing of them is kept: so a folder has a hash. A sink that returns false ends
// it.
typedef bool archive_sink_fn(void *context, const void *data, size_t bytes);
int archive_write(const char *folder, size_t max_bytes, archive_sink_fn *sink, void *context, struct panther_error *error);

// Makes `folder`, which must not exist, from what archive_pack made, and syncs it. Nothing is written outside of it whatever the archive
// says; anything but regular files and folders is refused. After an error a part of the folder may be there.
int archive_unpack(const char *path, const char *folder, struct panther_error *error);

// The same, compressed with zstd: a .tar.zst, which other programs read too. max_bytes of the unpacking is of all files together.
int archive_write_zstd(const char *folder, size_t max_bytes, archive_sink_fn *sink, void *context, struct panther_error *error);
int archive_unpack_zstd(const char *path, const char *folder, uint64_t max_bytes, struct panther_error *error);

#endif
