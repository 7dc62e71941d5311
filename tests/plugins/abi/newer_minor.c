// A plugin of the next minor version: it may use what is not here, and must be refused.
#include <panther/plugin.h>

static const struct panther_iut iut = {NULL, NULL};

__attribute__((visibility("default")))
const struct panther_plugin panther_plugin_descriptor = {.abi_major = PANTHER_ABI_MAJOR,
                                                         .abi_minor = PANTHER_ABI_MINOR + 1,
                                                         .struct_bytes = sizeof(struct panther_plugin),
                                                         .name = "newer_minor",
                                                         .kind = PANTHER_IUT,
                                                         .version = "1.0",
                                                         .summary = "built with a newer SDK",
                                                         .iut = &iut};
