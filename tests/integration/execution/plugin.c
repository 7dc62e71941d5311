// Starts one program with words, ready when it says so; its clean status is 3, so that a tool's own status is never taken for it.
#include <panther/plugin.h>
#include <stdio.h>

struct starter {
    const char *program;
    struct panther_list words;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_STRING(struct starter, program, "", "what is started"),
    PANTHER_OPTION_LIST(struct starter, words, "", "its arguments"),
    PANTHER_OPTIONS_END,
};

static const struct starter *wanted;

static int initialize(struct panther_service *service, const void *settings)
{
    (void)service;
    wanted = settings;
    return 0;
}

static int start(struct panther_service *service)
{
    static const int clean[] = {3, 0};
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "%s", wanted->program);
    for (size_t i = 0; i < wanted->words.count; i++)
        panther_argument(service, &argv, "%s", wanted->words.items[i]);
    const int process = panther_spawn(service, .name = "subject", .argv = argv.items, .clean_statuses = clean);
    panther_ready_line(service, "subject.stdout", PANTHER_SUBSTRING, "ready");
    return process < 0 ? process : 0;
}

static int version(char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "1");
    return 0;
}

static const struct panther_iut iut = {.get_implementation_version = version};

PANTHER_PLUGIN(.name = "starter", .kind = PANTHER_IUT, .version = "1.0", .summary = "starts a program", .options = options,
               .settings_bytes = sizeof(struct starter), .initialize = initialize, .start = start, .iut = &iut);
