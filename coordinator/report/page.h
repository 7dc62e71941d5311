// The frame of an HTML page of ours: one file, no other is fetched, readable without scripts and on paper.
#ifndef PANTHER_COORDINATOR_REPORT_PAGE_H
#define PANTHER_COORDINATOR_REPORT_PAGE_H

#include "common/base/memory.h"

void page_begin(struct text *out, const char *title);
void page_end(struct text *out);
void page_cell(struct text *out, const char *value);            // <td>, as text
void page_verdict(struct text *out, const char *verdict);       // <td> in the verdict's colour
void page_headings(struct text *out, const char *const *names); // <table> and its first row; NULL-terminated

#endif
