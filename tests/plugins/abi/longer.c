// A descriptor that is longer than this version's says that it is of this version: its headers were others.
#include <panther/plugin.h>

static const struct panther_iut iut = {NULL, NULL};

__attribute__((visibility("default")))
const struct panther_plugin panther_plugin_descriptor = {.abi_major = PANTHER_ABI_MAJOR,
                                                         .abi_minor = PANTHER_ABI_MINOR,
                                                         .struct_bytes = sizeof(struct panther_plugin) + 8,
                                                         .name = "longer",
                                                         .kind = PANTHER_IUT,
                                                         .version = "1.0",
                                                         .summary = "too long",
                                                         .iut = &iut};
