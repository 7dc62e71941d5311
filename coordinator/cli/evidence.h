// Where what is known of a run comes from: a coordinator, or a bundle that was opened. Whatever is read from here works from both.
#ifndef PANTHER_COORDINATOR_CLI_EVIDENCE_H
#define PANTHER_COORDINATOR_CLI_EVIDENCE_H

#include "coordinator/cli/client.h"

// The tables of a bundle are files of this folder in it, one JSON array each; content lies under its full name in the other.
#define EVIDENCE_TABLES "tables"
#define EVIDENCE_CONTENT "content"

struct evidence {
    struct client *client;
    const char *folder; // an opened bundle; NULL: the coordinator is asked
};

// All rows of a table below a name. 0, or an exit status with a word on stderr. Of a bundle: what it holds, below a service if one is
// named.
int evidence_table(struct evidence *evidence, Pb__Table table, const char *scope, struct table **rows);
// The content of a stream or artifact from offset on, at most limit_bytes; NUL-terminated, heap. What is not there is empty.
int evidence_read(struct evidence *evidence, const char *name, uint64_t offset, size_t limit_bytes, char **data, size_t *bytes);
// "cells": the name of a table's file.
const char *evidence_table_name(Pb__Table table);

#endif
