// Files that are written into the work folder: texts, templates and copies from the plugin's folder.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/units.h"
#include "common/system/file.h"
#include "services/sdk/declared/rules.h"

bool path_stays(const char *path)
{
    if (path[0] == '/' || path[0] == '\0') {
        return false;
    }
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) {
            return false;
        }
    }
    return true;
}

static const char *file_of_plugin(struct reading *reading, const struct value *value, const struct key *key)
{
    const char *name = text_of(reading, value, key->name);
    if (name == NULL) {
        return NULL;
    }
    if (!path_stays(name)) {
        MISTAKE(reading, value, "%s: \"%.80s\" does not lie in the plugin's folder", key->name, name);
        return NULL;
    }
    const char *path = arena_printf(reading->arena, "%s/%s", reading->document->folder, name);
    if (!file_exists(path)) {
        MISTAKE(reading, value, "%s: there is no file %.80s in the plugin's folder", key->name, name);
        return NULL;
    }
    return path;
}

static void read_file_template(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct file_rule *file = member;
    struct panther_error error = {0};
    CLEANUP_FREE char *text = NULL;
    size_t bytes = 0;
    const char *path = file_of_plugin(reading, value, key);
    if (path == NULL) {
        return;
    }
    if (file_read(path, DECLARED_TEXT_MAX_BYTES, &text, &bytes, &error) < 0) {
        MISTAKE(reading, value, "template: %.200s", error.message);
    } else if (strlen(text) != bytes) {
        MISTAKE(reading, value, "template: %.80s is no text; to copy it as it is: copy", value->text);
    } else {
        file->text = template_parse_file(reading, arena_string(reading->arena, text), path, key->allowed);
    }
}

static void read_copy(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct file_rule *file = member;
    file->copy = file_of_plugin(reading, value, key);
}

static void read_mode(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    const char *text = text_of(reading, value, key->name);
    unsigned mode = 0;
    char rest = '\0';
    if (text != NULL && (sscanf(text, "%o%c", &mode, &rest) != 1 || mode == 0 || mode > 0777 || text[0] != '0')) {
        MISTAKE(reading, value, "mode is octal, such as 0755, not \"%.80s\"", text);
        return;
    }
    *(int64_t *)member = (int64_t)mode;
}

static const struct key file_keys[] = {
    KEY("path", read_template, offsetof(struct file_rule, path), .required = true, .allowed = REFERENCES_COMPILE),
    KEY("text", read_template, offsetof(struct file_rule, text), .allowed = REFERENCES_RUN & ~(unsigned)REFERENCES_CASE),
    KEY("template", read_file_template, 0, .allowed = REFERENCES_RUN & ~(unsigned)REFERENCES_CASE),
    KEY("copy", read_copy, 0),
    KEY("mode", read_mode, offsetof(struct file_rule, mode)),
    KEY("when", read_when, offsetof(struct file_rule, when)),
};

static void check_file(struct reading *reading, const struct value *value, const struct file_rule *file)
{
    static const char *const sources[] = {"text", "template", "copy"};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        count += value_get(value, sources[i]) != NULL;
    }
    if (count != 1) {
        MISTAKE(reading, value, "a file has one of text, template, copy");
    }
    if (file->path != NULL && template_is_literal(file->path) && !path_stays(template_source(file->path))) {
        MISTAKE(reading, value_get(value, "path"), "the path does not lie in the work folder");
    }
}

void read_files(struct reading *reading, const struct value *value, const struct key *key, void *member)
{
    struct document *document = member;
    if (!is_list(reading, value, key->name)) {
        return;
    }
    document->files = ARENA_ARRAY(reading->arena, struct file_rule, value->count + 1);
    for (size_t i = 0; i < value->count; i++) {
        struct file_rule *file = &document->files[document->file_count++];
        if (KEYS_READ(reading, value->items[i], "a file", file_keys, file)) {
            check_file(reading, value->items[i], file);
        }
    }
}
