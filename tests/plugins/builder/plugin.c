// An IUT that compiles the program it runs, for the tests of the build cache: how it compiles, how long that takes and whether it dies
// meanwhile are options.
#include <panther/build.h>
#include <panther/plugin.h>
#include <unistd.h>

struct builder {
    const char *source, *counter, *define, *tool;
    uint64_t takes, dies_after, fill, limit;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct builder, source, PANTHER_REQUIRED, "a C file that is compiled"),
    PANTHER_OPTION_STRING(struct builder, counter, PANTHER_REQUIRED, "a file that grows by a line with each compilation"),
    PANTHER_OPTION_STRING(struct builder, define, "", "text of the macro DEFINED"),
    PANTHER_OPTION_STRING(struct builder, tool, "cc", "what says its version"),
    PANTHER_OPTION_DURATION(struct builder, takes, "0s", 0, 60000, "how long a compilation sleeps when half of it is there"),
    PANTHER_OPTION_DURATION(struct builder, dies_after, "0s", 0, 60000, "the plugin is killed so long after it began to build"),
    PANTHER_OPTION_SIZE(struct builder, fill, "0", 0, 1073741824, "size of a file that is made besides"),
    PANTHER_OPTION_SIZE(struct builder, limit, "0", 0, 1073741824, "of the cache"),
    PANTHER_OPTIONS_END,
};

static const char *folder;

static int initialize(struct panther_service *service, const void *settings)
{
    const struct builder *builder = settings;
    static const char half[] = "echo built >>\"$COUNTER\"; head -c \"$FILL\" /dev/zero >half && exec sleep \"$TAKES\"";
    const char *const environment[] = {panther_format(service, "COUNTER=%s", builder->counter),
                                       panther_format(service, "FILL=%llu", (unsigned long long)builder->fill),
                                       panther_format(service, "TAKES=%.3f", (double)builder->takes / 1000), NULL};
    const struct panther_build_command commands[] = {
        {.name = "half", .argv = PANTHER_TEXTS("sh", "-c", half), .environment = environment},
        {.name = "cc",
         .argv = PANTHER_TEXTS("cc", panther_format(service, "-DDEFINED=\"%s\"", builder->define), "-o", PANTHER_BUILD_FOLDER "/program",
                               builder->source)},
    };
    const char *const *const tools[] = {PANTHER_TEXTS(builder->tool, "--version"), NULL};
    if (builder->dies_after > 0)
        ualarm((useconds_t)builder->dies_after * 1000, 0);
    folder = panther_build(service, .inputs = PANTHER_TEXTS(builder->source), .tools = tools, .command_count = 2, .commands = commands,
                           .size_limit_bytes = builder->limit);
    return folder ? PANTHER_OK : PANTHER_FAILED;
}

static int start(struct panther_service *service)
{
    int program =
        panther_spawn(service, .name = "program", .argv = PANTHER_TEXTS(panther_format(service, "%s/program", folder)), .finishes = true);
    return program < 0 ? program : PANTHER_OK;
}

static const struct panther_iut builder = {NULL, NULL};

PANTHER_PLUGIN(.name = "builder", .kind = PANTHER_IUT, .version = "1.0", .summary = "compiles what it runs",
               .protocols = PANTHER_PROTOCOLS({"test", PANTHER_TEXTS("1"), PANTHER_TEXTS("server")}), .options = options,
               .settings_bytes = sizeof(struct builder), .programs = PANTHER_TEXTS("cc"), .initialize = initialize, .start = start,
               .iut = &builder, .builds = true);
