// Reading values of the document by key, with mistakes that say where and what to do. Nothing here knows a key of the language.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_DOCUMENT_H
#define PANTHER_COORDINATOR_EXPERIMENT_DOCUMENT_H

#include "common/schema/diagnostics.h"

struct document {
    struct arena *arena; // what is resolved lives here
    struct diagnostics *diagnostics;
};

// What stands behind a key, for who writes the language down (language.h); the readers check it themselves.
enum document_shape {
    DOCUMENT_ANY,
    DOCUMENT_TEXT,      // any text; a reference too
    DOCUMENT_CHOICE,    // one of `choices`
    DOCUMENT_NUMBER,    // a whole number
    DOCUMENT_REAL,      // a number or a percentage
    DOCUMENT_BOOLEAN,   // true, false
    DOCUMENT_DURATION,  // 150ms
    DOCUMENT_SIZE,      // 64MiB
    DOCUMENT_TEXTS,     // a text or a list of texts
    DOCUMENT_MAP,       // of `keys`
    DOCUMENT_NAMED,     // a map of any names to maps of `keys`
    DOCUMENT_LIST,      // of maps of `keys`
    DOCUMENT_AXES,      // lists of texts, or maps of ids to texts or {implementation, options}
    DOCUMENT_SELECTORS, // a list of maps of any names to texts or lists of texts
    DOCUMENT_SETTINGS,  // a map of any names to texts or lists of texts
};

// What may stand in a map. A key of the language that this version does not carry out yet is refused, never ignored.
struct document_key {
    const char *name;
    bool later;
    enum document_shape shape;
    const struct document_key *keys; // of what stands behind it
    const char *const *choices;      // ended by NULL
    bool or_text;                    // beside a map or list, a text may stand there
    bool or_file;                    // beside a list, {file: PATH} may stand there; who sends the experiment puts the list in
    bool required;
    const char *help;
};
#define DOCUMENT_KEY(key_name, key_shape, ...)                                                                                             \
    {                                                                                                                                      \
        .name = (key_name), .shape = DOCUMENT_##key_shape, __VA_ARGS__                                                                     \
    }
#define DOCUMENT_LATER(key_name)                                                                                                           \
    {                                                                                                                                      \
        .name = (key_name), .later = true                                                                                                  \
    }
#define DOCUMENT_END                                                                                                                       \
    {                                                                                                                                      \
        .name = NULL                                                                                                                       \
    }

// `at` is the value that the mistake is about; NULL: of the whole file.
void document_error(const struct document *document, const struct value *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void document_warning(const struct document *document, const struct value *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void document_not_yet(const struct document *document, const struct value *at, const char *what);

// `noun` is the owner in messages: "a test", "the service \"server\"".
bool document_is_map(const struct document *document, const struct value *value, const char *noun);
bool document_is_list(const struct document *document, const struct value *value, const char *noun);
// Reports each key that is not in the table (ended by a NULL name) and each that comes later.
void document_check_keys(const struct document *document, const struct value *map, const struct document_key *keys, const char *noun);
// The value of a key, or NULL when it is absent or empty (`repeat:` with nothing behind it).
const struct value *document_get(const struct value *map, const char *key);

// What stands in either, in the arena: maps key by key and so on, anything else as `above` has it. Each keeps its place.
struct value *document_merge(struct arena *arena, const struct value *below, const struct value *above);

// "; did you mean \"X\"?" or "", in the arena.
const char *document_hint(const struct document *document, const char *word, const char *const *candidates, size_t count);

// Below, `what` names the value in messages. Absent values (NULL) leave the result as it was and are no mistake.
const char *document_text(const struct document *document, const struct value *value, const char *what);     // NULL: no text
const char *document_constant(const struct document *document, const struct value *value, const char *what); // a text without $(
bool document_boolean(const struct document *document, const struct value *value, const char *what, bool *result);
bool document_number(const struct document *document, const struct value *value, const char *what, uint64_t minimum, uint64_t maximum,
                     uint64_t *result);
bool document_duration(const struct document *document, const struct value *value, const char *what, uint64_t minimum_ms,
                       uint64_t maximum_ms, uint32_t *result_ms);
// A name that may stand in $(...) and in the names of cells: like name_is_valid, without dots.
bool document_word(const struct document *document, const struct value *place, const char *word, const char *what);
// A text or a list of texts, as scalars; a text that is given twice is a mistake. Returns how many.
size_t document_texts(const struct document *document, const struct value *value, const char *what, const struct value ***texts);

#endif
