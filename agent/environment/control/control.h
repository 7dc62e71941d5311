// link.control: a Unix socket in the work folder of a network; a connection brings one request, a line of JSON, and gets one line. The
// guard lays faults and the conditions of cases through it; a judge has the capture written to disk. panther-link and panther-lab listen
// there.
#ifndef PANTHER_AGENT_ENVIRONMENT_CONTROL_CONTROL_H
#define PANTHER_AGENT_ENVIRONMENT_CONTROL_CONTROL_H

#include <stddef.h>

#include "common/base/error.h"
#include "common/system/loop.h"

#define CONTROL_FILE "link.control"

struct control;
// 0: it is done; the line has no newline. One request is answered before the next is read.
typedef int control_fn(void *context, const char *line, size_t bytes, struct panther_error *error);

int control_listen(struct control **out, struct loop *loop, const char *path, control_fn *request, void *context,
                   struct panther_error *error);
void control_close(struct control **control);

#endif
