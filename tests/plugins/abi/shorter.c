// A descriptor that ends before what every version has: it is none.
#include <panther/plugin.h>

static const struct panther_iut iut = {NULL, NULL};

__attribute__((visibility("default"))) const struct panther_plugin panther_plugin_descriptor = {.abi_major = PANTHER_ABI_MAJOR,
                                                                                                .abi_minor = 0,
                                                                                                .struct_bytes = sizeof(uint64_t),
                                                                                                .name = "shorter",
                                                                                                .kind = PANTHER_IUT,
                                                                                                .version = "1.0",
                                                                                                .summary = "too short",
                                                                                                .iut = &iut};
