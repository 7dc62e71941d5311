// An author's mistake: a default that the option's own range refuses.
#include <panther/plugin.h>

struct bad_settings {
    int64_t workers;
};

static const struct panther_option options[] = {
    PANTHER_OPTION_INTEGER(struct bad_settings, workers, "65", 1, 64, "", "worker processes"),
    PANTHER_OPTIONS_END,
};

static const struct panther_iut iut = {NULL, NULL};

PANTHER_PLUGIN(.name = "bad_default", .kind = PANTHER_IUT, .version = "1.0", .summary = "has a default out of its range",
               .options = options, .settings_bytes = sizeof(struct bad_settings), .iut = &iut);
