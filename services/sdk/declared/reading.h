// Reading a service.yaml by tables of keys: each map of the language has a table that says which keys it has, who reads each, and where
// its value goes. An unknown key, a wrong kind and a missing key are mistakes with their places; all of a file are told at once.
#ifndef PANTHER_SERVICES_SDK_DECLARED_READING_H
#define PANTHER_SERVICES_SDK_DECLARED_READING_H

#include <stdint.h>

#include "common/schema/diagnostics.h"

struct document;

// A service.yaml, a template, a page of text: what a person writes. 1 MiB, as an experiment.
#define DECLARED_TEXT_MAX_BYTES (1024 * 1024)
// A word that is shown and sent as such (a version, a role, a unit, a choice); the wire takes no longer one.
#define DECLARED_WORD_MAX_BYTES 120
// Words of one list, as the wire's.
#define DECLARED_WORDS_MAX 64
// A line for a person: a summary, a line of help.
#define DECLARED_LINE_MAX_BYTES 2000
// Items of one list or map of the language (arguments, cases, options, rules): far above what a person reads.
#define DECLARED_ITEMS_MAX 4096

struct reading {
    struct arena *arena; // lives as long as the document
    struct diagnostics *diagnostics;
    struct document *document; // in the making: what stands above is read before what refers to it
};

#define MISTAKE(reading, place, ...) diagnostics_error((reading)->diagnostics, (place)->line, (place)->column, __VA_ARGS__)

struct key {
    const char *name;
    void (*read)(struct reading *reading, const struct value *value, const struct key *key, void *member);
    size_t offset; // of the member that it fills
    bool required;
    const char *const *words; // read_word: what may stand there, ends with NULL; the member (int) becomes its index
    int64_t minimum, maximum; // read_integer; read_duration in ms; read_size in bytes; read_text: at most so many bytes
    unsigned allowed;         // read_template: REFERENCES_...
};

// KEY("name", read_text, offsetof(struct x, name), .required = true)
#define KEY(NAME, READ, OFFSET, ...)                                                                                                       \
    {                                                                                                                                      \
        .name = (NAME), .read = (READ), .offset = (OFFSET), __VA_ARGS__                                                                    \
    }

// Fills the struct by the table. noun: how a message names the map ("a port"). False: it is no map.
bool keys_read(struct reading *reading, const struct value *map, const char *noun, const struct key *keys, size_t count, void *into);
#define KEYS_READ(reading, map, noun, keys, into) keys_read(reading, map, noun, keys, sizeof(keys) / sizeof((keys)[0]), into)

// What a key may be read by. A member is left as it is when its value is a mistake.
void read_text(struct reading *reading, const struct value *value, const struct key *key, void *member); // const char *: not empty
void read_name(struct reading *reading, const struct value *value, const struct key *key,
               void *member); // const char *: as experiments name things
void read_any_text(struct reading *reading, const struct value *value, const struct key *key, void *member); // const char *
void read_boolean(struct reading *reading, const struct value *value, const struct key *key, void *member);  // bool
void read_integer(struct reading *reading, const struct value *value, const struct key *key, void *member);  // int64_t
void read_number(struct reading *reading, const struct value *value, const struct key *key, void *member);   // double
void read_duration(struct reading *reading, const struct value *value, const struct key *key, void *member); // uint64_t, ms
void read_size(struct reading *reading, const struct value *value, const struct key *key, void *member);     // uint64_t, bytes
void read_word(struct reading *reading, const struct value *value, const struct key *key, void *member);     // int
void read_texts(struct reading *reading, const struct value *value, const struct key *key, void *member); // const char *const *: NULL ends
void read_words(struct reading *reading, const struct value *value, const struct key *key,
                void *member); // the same of short, printable texts
void read_statuses(struct reading *reading, const struct value *value, const struct key *key, void *member);  // struct statuses
void read_signal(struct reading *reading, const struct value *value, const struct key *key, void *member);    // int: "TERM", "SIGINT", "15"
void read_template(struct reading *reading, const struct value *value, const struct key *key, void *member);  // const struct template *
void read_templates(struct reading *reading, const struct value *value, const struct key *key, void *member); // struct templates: a list
// A POSIX extended expression, compiled once to see whether it is one; it may hold references, then it is checked when they are known.
void read_pattern(struct reading *reading, const struct value *value, const struct key *key, void *member);     // const struct template *
void read_when(struct reading *reading, const struct value *value, const struct key *key, void *member);        // const struct condition *
void read_environment(struct reading *reading, const struct value *value, const struct key *key, void *member); // struct environment
void read_stop(struct reading *reading, const struct value *value, const struct key *key, void *member);        // struct stop_rule
// One command or a list of them; the key "run" takes finishes and stop as well.
void read_commands(struct reading *reading, const struct value *value, const struct key *key, void *member); // struct commands

// The text of a scalar; NULL (and a mistake): it is none, or empty.
const char *text_of(struct reading *reading, const struct value *value, const char *noun);
// Is it a list (or a map: for_each_key) of at most DECLARED_ITEMS_MAX? Else a mistake.
bool is_list(struct reading *reading, const struct value *value, const char *noun);
bool is_map(struct reading *reading, const struct value *value, const char *noun);
// `there is no NOUN "word"; did you mean "near"?`
void unknown(struct reading *reading, const struct value *place, const char *noun, const char *word, const char *const *candidates,
             size_t count);

#endif
