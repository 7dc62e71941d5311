// panther/options.h: the options of a plugin, one line each, beside the struct they fill. The table checks what an experiment
// says (before anything runs), fills the struct for initialize(), and is shown by `panther-coord plugins NAME`.
//
//   struct nginx { int64_t workers; bool tls; const char *log_level; };
//   static const struct panther_option options[] = {
//       PANTHER_OPTION_INTEGER(struct nginx, workers, "1", 1, 64, "", "worker processes"),
//       PANTHER_OPTION_BOOLEAN(struct nginx, tls, "true", "serve over TLS"),
//       PANTHER_OPTION_CHOICE(struct nginx, log_level, "error", "what nginx logs", "debug", "info", "error"),
//       PANTHER_OPTIONS_END,
//   };
//
// The option's name is the member's name. DEFAULT is a text as a user would write it ("1", "10s", "64MiB", "99.9%", "a,b"), or
// PANTHER_REQUIRED. A member of the wrong C type does not compile. Texts belong to the host and live until cleanup has returned.
#ifndef PANTHER_OPTIONS_H
#define PANTHER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum panther_option_type { // numbers are those of the wire's OptionType; PORT goes there as an integer
    PANTHER_OPTION_TYPE_STRING = 1,
    PANTHER_OPTION_TYPE_INTEGER = 2,
    PANTHER_OPTION_TYPE_FLOAT = 3,
    PANTHER_OPTION_TYPE_BOOLEAN = 4,
    PANTHER_OPTION_TYPE_CHOICE = 5,
    PANTHER_OPTION_TYPE_DURATION = 6,
    PANTHER_OPTION_TYPE_SIZE = 7,
    PANTHER_OPTION_TYPE_RATIO = 8,
    PANTHER_OPTION_TYPE_LIST = 9,
    PANTHER_OPTION_TYPE_FILE = 10,
    PANTHER_OPTION_TYPE_PORT = 100,
};

struct panther_list {
    size_t count;
    const char *const *items;
};

struct panther_option {
    const char *name;
    enum panther_option_type type;
    bool required;
    bool has_range;
    size_t offset;             // of the member in the settings struct
    const char *default_value; // NULL: none
    double minimum, maximum;   // of the typed value: durations in ms, sizes in bytes
    const char *const *choices;
    const char *unit; // only to show; durations and sizes have theirs in the value
    const char *help; // one line
};

#define PANTHER_REQUIRED NULL
#define PANTHER_OPTIONS_END                                                                                                                \
    {                                                                                                                                      \
        NULL, PANTHER_OPTION_TYPE_STRING, false, false, 0, NULL, 0, 0, NULL, NULL, NULL                                                    \
    }

// offsetof, and a compile error when the member has another type
#define PANTHER_MEMBER(STRUCT, MEMBER, TYPE) _Generic(((STRUCT *)0)->MEMBER, TYPE : offsetof(STRUCT, MEMBER))
#define PANTHER_OPTION_(STRUCT, MEMBER, C_TYPE, TYPE, DEFAULT, HAS_RANGE, MINIMUM, MAXIMUM, CHOICES, UNIT, HELP)                           \
    {                                                                                                                                      \
#MEMBER, PANTHER_OPTION_TYPE_##TYPE, (DEFAULT) == NULL, HAS_RANGE, PANTHER_MEMBER(STRUCT, MEMBER, C_TYPE), DEFAULT, MINIMUM,       \
            MAXIMUM, CHOICES, UNIT, HELP                                                                                                   \
    }

// const char *: never NULL; "" when the default is ""
#define PANTHER_OPTION_STRING(STRUCT, MEMBER, DEFAULT, HELP)                                                                               \
    PANTHER_OPTION_(STRUCT, MEMBER, const char *, STRING, DEFAULT, false, 0, 0, NULL, "", HELP)
// int64_t
#define PANTHER_OPTION_INTEGER(STRUCT, MEMBER, DEFAULT, MINIMUM, MAXIMUM, UNIT, HELP)                                                      \
    PANTHER_OPTION_(STRUCT, MEMBER, int64_t, INTEGER, DEFAULT, true, MINIMUM, MAXIMUM, NULL, UNIT, HELP)
// double
#define PANTHER_OPTION_FLOAT(STRUCT, MEMBER, DEFAULT, MINIMUM, MAXIMUM, UNIT, HELP)                                                        \
    PANTHER_OPTION_(STRUCT, MEMBER, double, FLOAT, DEFAULT, true, MINIMUM, MAXIMUM, NULL, UNIT, HELP)
// bool
#define PANTHER_OPTION_BOOLEAN(STRUCT, MEMBER, DEFAULT, HELP)                                                                              \
    PANTHER_OPTION_(STRUCT, MEMBER, bool, BOOLEAN, DEFAULT, false, 0, 0, NULL, "", HELP)
// const char *: one of the texts that follow HELP
#define PANTHER_OPTION_CHOICE(STRUCT, MEMBER, DEFAULT, HELP, ...)                                                                          \
    PANTHER_OPTION_(STRUCT, MEMBER, const char *, CHOICE, DEFAULT, false, 0, 0, ((const char *const[]){__VA_ARGS__, NULL}), "", HELP)
// uint64_t, milliseconds; the bounds as well
#define PANTHER_OPTION_DURATION(STRUCT, MEMBER, DEFAULT, MINIMUM_MS, MAXIMUM_MS, HELP)                                                     \
    PANTHER_OPTION_(STRUCT, MEMBER, uint64_t, DURATION, DEFAULT, true, MINIMUM_MS, MAXIMUM_MS, NULL, "", HELP)
// uint64_t, bytes; the bounds as well
#define PANTHER_OPTION_SIZE(STRUCT, MEMBER, DEFAULT, MINIMUM_BYTES, MAXIMUM_BYTES, HELP)                                                   \
    PANTHER_OPTION_(STRUCT, MEMBER, uint64_t, SIZE, DEFAULT, true, MINIMUM_BYTES, MAXIMUM_BYTES, NULL, "", HELP)
// double, 0..1
#define PANTHER_OPTION_RATIO(STRUCT, MEMBER, DEFAULT, HELP)                                                                                \
    PANTHER_OPTION_(STRUCT, MEMBER, double, RATIO, DEFAULT, true, 0, 1, NULL, "", HELP)
// struct panther_list
#define PANTHER_OPTION_LIST(STRUCT, MEMBER, DEFAULT, HELP)                                                                                 \
    PANTHER_OPTION_(STRUCT, MEMBER, struct panther_list, LIST, DEFAULT, false, 0, 0, NULL, "", HELP)
// const char *: path of a file that travelled with the experiment ($(file.NAME)); NULL when the default is "" and none was given
#define PANTHER_OPTION_FILE(STRUCT, MEMBER, DEFAULT, HELP)                                                                                 \
    PANTHER_OPTION_(STRUCT, MEMBER, const char *, FILE, DEFAULT, false, 0, 0, NULL, "", HELP)
// uint16_t: what panther_port_wanted() takes; 0: any free one
#define PANTHER_OPTION_PORT(STRUCT, MEMBER, DEFAULT, HELP)                                                                                 \
    PANTHER_OPTION_(STRUCT, MEMBER, uint16_t, PORT, DEFAULT, true, 0, 65535, NULL, "", HELP)

#endif
