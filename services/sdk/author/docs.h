// Parts of `panther-plugin docs`: what is wrong goes to one list, printed as FILE:LINE: what to do.
#ifndef PANTHER_SERVICES_SDK_AUTHOR_DOCS_H
#define PANTHER_SERVICES_SDK_AUTHOR_DOCS_H

#include "services/sdk/author/author.h"
#include "services/sdk/author/document.h"

struct docs {
    const char *root;           // src references are relative to it and stay below it
    const char *const *plugins; // folders with built plugins; NULL-terminated
    bool write;                 // replace what is generated instead of complaining
    struct arena *arena;
    struct text *sink; // where problems go instead of stdout; NULL: there
    size_t files, plugin_files, references, problems, written;
};
void docs_problem(struct docs *docs, const char *path, size_t line, const char *format, ...) __attribute__((format(printf, 4, 5)));

// docs_references.c: `<!-- src: path[:first[-last]] -->`, relative links with their anchors, TODO:VERIFY
void docs_check_references(struct docs *docs, const struct document *document);
// docs_plugin.c: a plugin's README: its sections, and its table of options against the plugin's own
void docs_check_plugin(struct docs *docs, const struct document *document, const char *plugin_path);

#endif
