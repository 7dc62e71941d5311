// libyaml knows where a text stops being YAML, but not what its writer meant. Most such mistakes are a text that YAML takes for
// something else (*.pcap, @x, >=1.26, [::1]), so each known complaint is answered with what to do about it.
#include "common/system/yaml_syntax.h"

#include <string.h>

// libyaml's words; NULL matches any. The first row that fits answers.
struct complaint {
    const char *context;
    const char *problem;
    bool at_context;     // the place to show is where the construct begins, not where the parser gave up
    const char *message; // %s: the character at that place
};

static const struct complaint complaints[] = {
    {"while scanning an alias", NULL, true, "a text that starts with \"%s\" is an alias in YAML; put it in quotes"},
    {"while scanning an anchor", NULL, true, "a text that starts with \"%s\" is an anchor in YAML; put it in quotes"},
    {"while scanning a block scalar", NULL, true, "a text that starts with \"%s\" is a block of lines in YAML; put it in quotes"},
    {"while scanning a tag", NULL, true, "a text that starts with \"%s\" is a tag in YAML, and tags are not used here; put it in quotes"},
    {"while parsing a tag", NULL, true, "a text that starts with \"%s\" is a tag in YAML, and tags are not used here; put it in quotes"},
    {"while scanning a directive", NULL, true, "a line that starts with \"%s\" is a directive in YAML, and directives are not used here"},
    {"while scanning a quoted scalar", "found unexpected end of stream", true, "the text that starts with this %s has no closing quote"},
    {"while parsing a quoted scalar", "found unknown escape character", false,
     "this is no escape in a text in double quotes; use 'single quotes' for a text with backslashes"},
    {"while scanning a simple key", NULL, true,
     "a \":\" is missing after the key that starts with \"%s\" (or a text over several lines needs quotes)"},
    {"while parsing a flow node", NULL, false,
     "\"%s\" cannot stand here inside brackets; if this is a text such as [::1], put it in quotes"},
    {"while parsing a flow sequence", NULL, false,
     "\"%s\" cannot stand in this [list]: \",\" or \"]\" is expected; put a text with brackets in quotes"},
    {"while parsing a flow mapping", NULL, false,
     "\"%s\" cannot stand in this {map}: \",\" or \"}\" is expected; put a text with braces in quotes"},
    {"while parsing a block node", NULL, false, "a text cannot start with \"%s\"; put it in quotes"},
    {"while parsing a block mapping", NULL, false, "\"%s\" cannot stand here: wrong indentation, or a text that must be put in quotes"},
    {"while parsing a block collection", NULL, false,
     "\"%s\" cannot stand here: the list goes on with \"- \", or the indentation is wrong"},
    {NULL, "found character that cannot start any token", false, "a text cannot start with \"%s\"; put it in quotes"},
    {NULL, "mapping values are not allowed in this context", false,
     "a \"%s\" cannot stand here: put a text that contains \": \" in quotes, or correct the indentation"},
    {NULL, "block sequence entries are not allowed in this context", false,
     "a \"%s\" cannot stand here: a list starts on a line of its own"},
    {NULL, "mapping keys are not allowed in this context", false, "a \"%s\" cannot stand here; put the text in quotes"},
};

#define UTF8_BYTES 5 // a character and NUL

// The character at a place, for people: line and column count characters from 0, as libyaml does.
static void character_at(const char *text, size_t bytes, yaml_mark_t mark, char character[UTF8_BYTES])
{
    size_t at = 0;
    for (size_t line = 0; line < mark.line && at < bytes; at++)
        line += text[at] == '\n';
    for (size_t column = 0; column < mark.column && at < bytes; column++)
        for (at++; at < bytes && ((unsigned char)text[at] & 0xc0) == 0x80;)
            at++;
    size_t length = 0;
    while (at < bytes && length < UTF8_BYTES - 1 && (length == 0 || ((unsigned char)text[at] & 0xc0) == 0x80))
        character[length++] = text[at++];
    character[length] = '\0';
}

static void report_at(yaml_mark_t mark, const char *message, const char *character, struct diagnostics *diagnostics)
{
    if (character[0] == '\0' || character[0] == '\n' || character[0] == '\r')
        character = "end of line";
    const char *slot = strstr(message, "%s");
    if (slot)
        diagnostics_error(diagnostics, (unsigned)mark.line + 1, (unsigned)mark.column + 1, "%.*s%s%s", (int)(slot - message), message,
                          character, slot + 2);
    else
        diagnostics_error(diagnostics, (unsigned)mark.line + 1, (unsigned)mark.column + 1, "%s", message);
}

// The reader stops at bytes that are no text; it says only at which byte.
static void report_bytes(const yaml_parser_t *parser, const char *text, size_t bytes, struct diagnostics *diagnostics)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < bytes && i < parser->problem_offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    diagnostics_error(diagnostics, line, column,
                      "the byte 0x%02x cannot stand here: the file must be UTF-8 text without control characters",
                      (unsigned)parser->problem_value & 0xffU);
}

static bool fits(const struct complaint *complaint, const char *context, const char *problem)
{
    return (!complaint->context || (context && strcmp(complaint->context, context) == 0)) &&
           (!complaint->problem || (problem && strcmp(complaint->problem, problem) == 0));
}

void yaml_syntax_report(const yaml_parser_t *parser, const char *text, size_t bytes, struct diagnostics *diagnostics)
{
    if (parser->error == YAML_READER_ERROR) {
        report_bytes(parser, text, bytes, diagnostics);
        return;
    }
    char character[UTF8_BYTES];
    character_at(text, bytes, parser->problem_mark, character);
    if (character[0] == '\t') {
        report_at(parser->problem_mark, "a tab cannot stand here; indent with spaces", character, diagnostics);
        return;
    }
    for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++) {
        if (!fits(&complaints[i], parser->context, parser->problem))
            continue;
        yaml_mark_t mark = complaints[i].at_context ? parser->context_mark : parser->problem_mark;
        character_at(text, bytes, mark, character);
        report_at(mark, complaints[i].message, character, diagnostics);
        return;
    }
    report_at(parser->problem_mark, parser->problem ? parser->problem : "this is not YAML", character, diagnostics);
}
