// The hosts of a run as they were set then, in a document: each once, unless it was set anew meanwhile.
#ifndef PANTHER_COORDINATOR_REPORT_REPORT_HOSTS_H
#define PANTHER_COORDINATOR_REPORT_REPORT_HOSTS_H

#include "coordinator/report/table.h"

// Of the instances: "host", how many instances were there, how it was set. clock_error_us is the worst of them. Hosts on which none was
// initialised are not in it.
struct table *report_hosts(const struct table *instances);
// "Linux 6.1 x86_64, Debian, 2 cpus, 4.0GiB, governor performance; clock tsc, synchronised (at most 3 ms off)". The host's own texts are as
// it said them.
void report_host_line(const struct table *hosts, size_t row, struct text *out);

#endif
