// Which descriptors are open in this process: what a plugin opened and did not close by the end of its cleanup is told. It harms
// nobody, since the process ends; in a plugin that keeps its work in one process it would.
#ifndef PANTHER_AGENT_HOST_OPEN_FILES_H
#define PANTHER_AGENT_HOST_OPEN_FILES_H

#include <stdbool.h>
#include <stddef.h>

// Above this number nobody looks.
#define OPEN_FILES_MAX 1024

struct open_files {
    bool is_open[OPEN_FILES_MAX];
};

void open_files_note(struct open_files *files);
// What is open now and was not then, as a text ("/tmp/x, socket:[12]"). Returns their number.
size_t open_files_since(const struct open_files *files, char *text, size_t bytes);

#endif
