// JSON: a list of objects, each with a name and a status, by names of members that the service.yaml gives.
#include <jansson.h>
#include <string.h>

#include "services/sdk/declared/report.h"

static bool is_among(const char *const *words, const char *word)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

// A text as it is, true and false and numbers as they are written.
static const char *text_of_json(struct arena *arena, const json_t *value)
{
    if (json_is_string(value)) {
        return arena_string(arena, json_string_value(value));
    }
    if (json_is_integer(value)) {
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    }
    return json_is_true(value) ? "true" : json_is_false(value) ? "false" : NULL;
}

static void add_entry(struct report *report, const json_t *entry, const struct json_form *form)
{
    const char *name = text_of_json(report->arena, json_object_get(entry, form->name));
    const char *status = text_of_json(report->arena, json_object_get(entry, form->status));
    if (name == NULL || status == NULL) {
        report->problem = arena_printf(report->arena, "an entry lacks \"%s\" or \"%s\"", form->name, form->status);
        return;
    }
    report_add(report, "", name,
               is_among(form->failed, status)   ? REPORT_FAILED
               : is_among(form->passed, status) ? REPORT_PASSED
                                                : REPORT_SKIPPED);
}

void report_read_json(struct report *report, const char *text, size_t bytes, const struct json_form *form)
{
    json_error_t error;
    size_t index = 0;
    json_t *entry = NULL;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    const json_t *list = root != NULL && form->list != NULL ? json_object_get(root, form->list) : root;
    if (root == NULL) {
        report->problem = arena_printf(report->arena, "line %d: %s", error.line, error.text);
    } else if (!json_is_array(list)) {
        report->problem = form->list != NULL ? arena_printf(report->arena, "it has no list \"%s\"", form->list) : "it is no list";
    }
    json_array_foreach((json_t *)(uintptr_t)list, index, entry)
    {
        add_entry(report, entry, form);
    }
    json_decref(root);
}
