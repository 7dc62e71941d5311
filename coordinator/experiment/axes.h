// The axes of a test: its combinations are their cartesian product, numbered by mixed radix, the last axis fastest.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_AXES_H
#define PANTHER_COORDINATOR_EXPERIMENT_AXES_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

extern const struct document_key axes_value_keys[]; // of a value that is a map

// Reads `axes:` into test->axes and counts test->combinations, the whole product (0: an axis is broken, and was reported).
void axes_read(const struct document *document, const struct value *axes, bool is_covered, Pb__Test *test);
const Pb__Axis *axes_find(const Pb__Test *test, const char *name, size_t *index); // index may be NULL; NULL: no such axis
size_t axes_find_value(const Pb__Axis *axis, const char *text);                   // by its id, or its text; n_values: it has none such
bool axes_has_maps(const Pb__Axis *axis);
// What a text may be: each value of the axis that it is as a whole ($(axes.NAME)), else only itself.
size_t axes_texts(const Pb__Test *test, const char *text); // how many
const char *axes_text(const Pb__Test *test, const char *text, size_t index);
uint64_t axes_combination(const Pb__Test *test, uint64_t number); // number of test->combinations -> in the whole product
// The value that each axis has in a combination, into values[test->n_axes].
void axes_values(const Pb__Test *test, uint64_t combination, const Pb__AxisValue **values);
char *axes_combination_name(const Pb__Test *test, uint64_t combination, struct arena *arena); // "nginx,20ms"

#endif
