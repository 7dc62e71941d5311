// Small pictures of numbers, as SVG inside HTML: they need nothing from elsewhere and can be printed.
#ifndef PANTHER_COORDINATOR_REPORT_PLOT_H
#define PANTHER_COORDINATOR_REPORT_PLOT_H

#include "coordinator/report/statistics.h"

struct text;

struct plot_group {
    const char *name;
    const struct sample *sample;
};
// A row a group: each value a dot over the common axis, and the group's mean as a line.
void plot_groups(struct text *out, const char *title, const char *unit, const struct plot_group *groups, size_t count);
// How often which value came, with the median, p95 and p99 named.
void plot_distribution(struct text *out, const char *title, const char *unit, const struct sample *sample);

struct plot_line {
    const char *name;
    const double *values;
};
// Values one after the other, each `step` after the one before; a line each, from 0 up. Nothing without lines.
void plot_lines(struct text *out, const char *title, const char *unit, const struct plot_line *lines, size_t count, size_t values,
                double step);

#endif
