// No library: four shapes, whose only difficulty is the text in them, which may be anybody's.
#include "coordinator/store/submission_text.h"

#include <inttypes.h>

static void append_string(struct text *out, const char *string)
{
    text_append(out, "\"");
    for (const char *byte = string; *byte; byte++) {
        if (*byte == '"' || *byte == '\\')
            text_append(out, "\\");
        if ((unsigned char)*byte < ' ')
            text_printf(out, "\\u%04x", (unsigned char)*byte);
        else
            text_append_bytes(out, byte, 1);
    }
    text_append(out, "\"");
}

static void append_pair(struct text *out, size_t index, const char *name, const char *value)
{
    text_append(out, index ? ",[" : "[");
    append_string(out, name);
    text_append(out, ",");
    append_string(out, value);
    text_append(out, "]");
}

void submission_files(const Pb__Experiment *experiment, struct text *out)
{
    text_append(out, "[");
    for (size_t i = 0; experiment && i < experiment->n_files; i++) {
        const Pb__FileReference *file = experiment->files[i];
        text_append(out, i ? ",{\"name\":" : "{\"name\":");
        append_string(out, file->name);
        text_append(out, ",\"path\":");
        append_string(out, file->path);
        text_printf(out, ",\"hash\":\"%s\",\"size_bytes\":%" PRIu64 ",\"folder\":%s}", file->hash, file->size_bytes,
                    file->folder ? "true" : "false");
    }
    text_append(out, "]");
}

void submission_overrides(const Pb__RunAccepted *run, struct text *out)
{
    text_append(out, "[");
    for (size_t i = 0; i < run->n_overrides; i++)
        append_pair(out, i, run->overrides[i]->path, run->overrides[i]->value);
    text_append(out, "]");
}

void submission_labels(const Pb__RunAccepted *run, struct text *out)
{
    text_append(out, "[");
    for (size_t i = 0; i < run->n_labels; i++)
        append_pair(out, i, run->labels[i]->name, run->labels[i]->value);
    text_append(out, "]");
}

void submission_cells(const Pb__Rerun *rerun, struct text *out)
{
    text_append(out, "[");
    for (size_t i = 0; rerun && i < rerun->n_cells; i++) {
        text_append(out, i ? "," : "");
        append_string(out, rerun->cells[i]);
    }
    text_append(out, "]");
}
