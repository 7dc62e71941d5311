// Taking a text apart at its references, and putting it together again.
#include "services/sdk/declared/template.h"

#include <stdio.h>
#include <string.h>

#include "services/sdk/declared/document.h"
#include "services/sdk/declared/reference.h"
#include "services/sdk/declared/scope.h"

// References of one text: a template of a megabyte has fewer.
#define PIECES_MAX 20000

struct piece {
    const char *literal; // NULL: reference
    const struct reference *reference;
};

struct template
{
    const char *source;
    const char *literal; // NULL: it has references
    size_t count;
    struct piece *pieces;
};

// What can stand between the parentheses of a reference. A shell's $(cat x.conf) has a blank and is text.
static size_t name_bytes(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

struct cutter {
    struct reading *reading;
    struct value place;
    bool is_file; // the place moves with the text; else it is that of the scalar, whose lines YAML has folded
    unsigned allowed;
    struct piece *pieces;
    size_t count, capacity;
    struct text literal;
};

static void add(struct cutter *cutter, struct piece piece)
{
    APPEND(cutter->pieces, cutter->count, cutter->capacity) = piece;
}

static void end_literal(struct cutter *cutter)
{
    if (cutter->literal.length > 0) {
        add(cutter, (struct piece){.literal = arena_string(cutter->reading->arena, text_string(&cutter->literal))});
        text_clear(&cutter->literal);
    }
}

// Returns how much of the text was taken: a reference, or the two characters that begin none.
static size_t cut_reference(struct cutter *cutter, const char *text)
{
    const size_t bytes = name_bytes(text + 2);
    if (text[2 + bytes] != ')' || bytes == 0) {
        text_append_bytes(&cutter->literal, text, 2);
        return 2;
    }
    const char *name = arena_string_bytes(cutter->reading->arena, text + 2, bytes);
    const struct reference *reference = reference_parse(cutter->reading, name, &cutter->place, cutter->allowed);
    if (reference == NULL) {
        text_append_bytes(&cutter->literal, text, bytes + 3);
        return bytes + 3;
    }
    end_literal(cutter);
    add(cutter, (struct piece){.reference = reference});
    return bytes + 3;
}

static void move_place(struct cutter *cutter, const char *text, size_t bytes)
{
    for (size_t i = 0; cutter->is_file && i < bytes; i++) {
        cutter->place.line += text[i] == '\n';
        cutter->place.column = text[i] == '\n' ? 1 : cutter->place.column + 1;
    }
}

static void cut(struct cutter *cutter, const char *text)
{
    while (*text != '\0') {
        size_t taken = 1;
        if (strncmp(text, "$$(", 3) == 0) {
            text_append(&cutter->literal, "$(");
            taken = 3;
        } else if (strncmp(text, "$(", 2) == 0) {
            taken = cut_reference(cutter, text);
        } else {
            taken = strcspn(text, "$");
            taken = taken > 0 ? taken : 1;
            text_append_bytes(&cutter->literal, text, taken);
        }
        move_place(cutter, text, taken);
        text += taken;
    }
    end_literal(cutter);
}

static const struct template *parse(struct cutter *cutter, const char *text)
{
    struct arena *arena = cutter->reading->arena;
    struct template *template = ARENA_NEW(arena, struct template);
    cut(cutter, text);
    if (cutter->count > PIECES_MAX) {
        MISTAKE(cutter->reading, &cutter->place, "more than %d references in one text", PIECES_MAX / 2);
        cutter->count = 0;
    }
    template->source = text;
    template->count = cutter->count;
    template->pieces = ARENA_ARRAY(arena, struct piece, cutter->count + 1);
    if (cutter->count > 0) {
        memcpy(template->pieces, cutter->pieces, cutter->count * sizeof(struct piece));
    }
    if (template->count == 0 || (template->count == 1 && template->pieces[0].literal != NULL)) {
        template->literal = template->count == 0 ? "" : template->pieces[0].literal;
    }
    free(cutter->pieces);
    text_free(&cutter->literal);
    return template;
}

const struct template *template_parse(struct reading *reading, const char *text, const struct value *place, unsigned allowed)
{
    struct cutter cutter = {.reading = reading, .place = *place, .allowed = allowed};
    return parse(&cutter, text);
}

const struct template *template_parse_file(struct reading *reading, const char *text, const char *file, unsigned allowed)
{
    struct cutter cutter = {.reading = reading, .place = {.line = 1, .column = 1}, .is_file = true, .allowed = allowed};
    const char *outer = reading->diagnostics->file;
    reading->diagnostics->file = file;
    const struct template *template = parse(&cutter, text);
    reading->diagnostics->file = outer;
    return template;
}

bool template_is_literal(const struct template *template)
{
    return template->literal != NULL;
}

const char *template_source(const struct template *template)
{
    return template->source;
}

const char *template_text(const struct template *template, struct scope *scope)
{
    struct text whole = {0};
    if (template->literal != NULL) {
        return template->literal;
    }
    for (size_t i = 0; i < template->count; i++) {
        const struct piece *piece = &template->pieces[i];
        const char *text = piece->literal != NULL ? piece->literal : reference_text(piece->reference, scope);
        if (text != NULL) {
            text_append(&whole, text);
        }
        if (text == NULL || whole.length > TEMPLATE_TEXT_MAX_BYTES) {
            if (text != NULL) {
                snprintf(scope->problem, sizeof(scope->problem), "a text becomes longer than %d bytes", TEMPLATE_TEXT_MAX_BYTES);
            }
            text_free(&whole);
            return NULL;
        }
    }
    const char *text = arena_string(scope->arena, text_string(&whole));
    text_free(&whole);
    return text;
}

const struct panther_option *template_list_option(const struct template *template)
{
    if (template->count != 1 || template->pieces[0].reference == NULL) {
        return NULL;
    }
    return reference_list_option(template->pieces[0].reference);
}
