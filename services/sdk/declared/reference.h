// One reference, $(NAME): which there are, what each is worth.
#ifndef PANTHER_SERVICES_SDK_DECLARED_REFERENCE_H
#define PANTHER_SERVICES_SDK_DECLARED_REFERENCE_H

#include "services/sdk/declared/template.h"

struct reference;

// NULL: it is none (a text), or a mistake that was told.
const struct reference *reference_parse(struct reading *reading, const char *name, const struct value *place, unsigned allowed);
const char *reference_text(const struct reference *reference, struct scope *scope);    // NULL: see template_text
const struct panther_option *reference_list_option(const struct reference *reference); // NULL: it is no list

#endif
