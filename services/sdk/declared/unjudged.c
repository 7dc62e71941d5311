// Stands for the judge until it is there.
#include "services/sdk/declared/evidence.h"
static void missing(struct reading *reading, const struct value *value, const struct key *key)
{
    MISTAKE(reading, value, "%s is not read yet", key->name);
}
void read_metrics(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    (void)member;
    missing(reading, value, key);
}
void read_results(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    (void)member;
    missing(reading, value, key);
}
bool metric_is_known(const struct document *document, const char *name)
{
    return document == NULL && name == NULL;
}
