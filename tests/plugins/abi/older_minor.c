// A plugin of ABI 1.0, whose descriptor ended before `tester`: it must load and run, and nothing may be read behind its end.
#include <panther/plugin.h>
#include <stddef.h>
#include <stdio.h>

static int version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "0.9");
    return 0;
}

static int start(struct panther_service *service)
{
    return panther_spawn(service, .name = "sleep", .argv = PANTHER_TEXTS("sleep", "60")) < 0 ? -1 : 0;
}

static const struct panther_iut iut = {.get_implementation_version = version};
static const char behind[] = "whoever follows this reads behind the descriptor";

__attribute__((visibility("default"))) const struct panther_plugin panther_plugin_descriptor = {
    .abi_major = 1,
    .abi_minor = 0,
    .struct_bytes = offsetof(struct panther_plugin, tester),
    .name = "older_minor",
    .kind = PANTHER_IUT,
    .version = "1.0",
    .summary = "built with an older SDK",
    .protocols = PANTHER_PROTOCOLS({"http", PANTHER_TEXTS("1.1"), PANTHER_TEXTS("server")}),
    .start = start,
    .iut = &iut,
    .tester = (const struct panther_tester *)(const void *)behind};
