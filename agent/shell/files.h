// Files and folders by hash, kept in a folder: fetched once, checked, shared. Of experiments (STATE/files) and of pushed plugins.
#ifndef PANTHER_AGENT_SHELL_FILES_H
#define PANTHER_AGENT_SHELL_FILES_H

#include "agent/shell/bulk.h"
#include "agent/shell/children.h"

// Kept between trials; the least recently used go first, at the agent's start and after a fetch.
#define FILES_KEPT_MAX_BYTES (UINT64_C(2) << 30)
// One file: what a coordinator takes.
#define FILES_ONE_MAX_BYTES (UINT64_C(1) << 30)

struct files;
// path NULL: it cannot be had, and why.
typedef void file_fn(void *context, const char *hash, bool folder, const char *path, const char *why);
// Below `folder`; what is larger than max_bytes cannot be had.
struct files *files_new(struct loop *loop, struct bulk *bulk, struct children *children, const char *folder, uint64_t max_bytes,
                        file_fn *callback, void *context);
void files_free(struct files **files);
// Answered in the loop, also when it is there already. Asking again while it is fetched is answered once.
// `folder`: the content is an archive, the path that of the folder in it, which a child of its own has unpacked.
void files_fetch(struct files *files, const char *hash, bool folder);
// What that child does, `panther-agent unpack ARCHIVE FOLDER`: its exit status.
int files_unpack(const char *archive, const char *folder);
// Removes what exceeds the limit. Only when no instance runs: a running one may use any of them.
void files_trim(struct files *files);

#endif
