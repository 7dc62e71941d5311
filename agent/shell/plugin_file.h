// What lies on the disk of a plugin: a file, or a folder with all in it. Used by the catalogue, which asks whether it changed (a stamp:
// names, sizes, times) and which content it is (a hash).
#ifndef PANTHER_AGENT_SHELL_PLUGIN_FILE_H
#define PANTHER_AGENT_SHELL_PLUGIN_FILE_H

#include "common/base/error.h"
#include "common/wire/wire.h"

// A plugin with everything linked in, or with the programs that it brings.
#define PLUGIN_FILE_MAX_BYTES ((size_t)256 * 1024 * 1024)

// folder: of a plugin in a folder of its own, else NULL. Cheap; says nothing about content.
void plugin_file_stamp(const char *path, const char *folder, char stamp[HASH_TEXT_BYTES]);
// Of a file its hash; of a folder that of its archive (common/archive): names, contents and executable bits, no times and no owners, so
// that the same folder has the same hash on every host. Links and devices in it are refused: they are not its content.
int plugin_file_hash(const char *path, const char *folder, char hash[HASH_TEXT_BYTES], struct panther_error *error);

#endif
