// One stream or artifact on its way to the coordinator; for uploads.c and upload_item.c.
#ifndef PANTHER_AGENT_SHELL_UPLOAD_ITEM_H
#define PANTHER_AGENT_SHELL_UPLOAD_ITEM_H

#include "agent/shell/bulk.h"

struct upload_item;
struct upload_item_owner {
    struct bulk *bulk;
    const char *folder;
    uint64_t instance;
    uint32_t generation;
    void (*on_complete)(void *context); // this item needs nothing more
    void (*on_unwanted)(void *context); // the coordinator knows nothing of the instance
    void *context;
};
struct upload_item *upload_item_new(const struct upload_item_owner *owner, bool is_stream, const char *name);
void upload_item_free(struct upload_item **item);
const char *upload_item_name(const struct upload_item *item);
bool upload_item_is_stream(const struct upload_item *item);
bool upload_item_is_complete(const struct upload_item *item);
void upload_item_grown(struct upload_item *item, uint64_t bytes);
// It grows no more. hash: of all that is in the file, as the guard said; NULL: found out here.
void upload_item_ended(struct upload_item *item, uint64_t bytes, const char *hash);

#endif
