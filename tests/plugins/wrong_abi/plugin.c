// A plugin of a later ABI: must be refused, with both versions named.
#include <panther/plugin.h>

static const struct panther_iut iut = {NULL, NULL};

__attribute__((visibility("default")))
const struct panther_plugin panther_plugin_descriptor = {.abi_major = PANTHER_ABI_MAJOR + 1,
                                                         .struct_bytes = sizeof(struct panther_plugin),
                                                         .name = "wrong_abi",
                                                         .kind = PANTHER_IUT,
                                                         .version = "1.0",
                                                         .summary = "of a later ABI",
                                                         .iut = &iut};
