// Reads what an assertion says of a trial's evidence.
#include "coordinator/experiment/evidence.h"

#include <string.h>

#include "common/base/units.h"
#include "common/schema/patterns.h"

const char *const evidence_states[] = {"present", "absent", NULL};
const struct document_key evidence_artifact_keys[] = {DOCUMENT_KEY("present", TEXT, .help = "a file whose path fits this name or pattern"),
                                                      DOCUMENT_KEY("absent", TEXT, .help = "no such file"),
                                                      DOCUMENT_KEY("at_least", SIZE, .help = "how large it is"), DOCUMENT_END};
const struct document_key evidence_finding_keys[] = {DOCUMENT_KEY("present", TEXT, .help = "a pattern that a finding's signature matches"),
                                                     DOCUMENT_KEY("absent", TEXT, .help = "no finding matches it"), DOCUMENT_END};
#define TEXT(...) arena_printf(document->arena, __VA_ARGS__)

// ---- capture: present | absent

void evidence_read_capture(const struct document *document, const struct value *value, Pb__Assertion *assertion)
{
    Pb__CaptureAssertion *body = ARENA_NEW(document->arena, Pb__CaptureAssertion);
    pb__capture_assertion__init(body);
    assertion->body_case = PB__ASSERTION__BODY_CAPTURE;
    assertion->capture = body;
    const char *text = document_constant(document, value, "capture");
    if (!text)
        return;
    body->absent = strcmp(text, "absent") == 0;
    if (!body->absent && strcmp(text, "present") != 0)
        document_error(document, value, "capture is present or absent, not \"%.80s\"%s", text,
                       document_hint(document, text, evidence_states, 2));
    assertion->text = TEXT("capture %s", text);
}

// ---- artifact and finding: {present: PATTERN} | {absent: PATTERN}, and a short form

// The pattern; NULL after a mistake.
static const char *read_either(const struct document *document, const struct value *map, const char *noun, bool *absent)
{
    const struct value *present = document_get(map, "present"), *gone = document_get(map, "absent");
    *absent = gone != NULL;
    if ((present != NULL) + (gone != NULL) == 1)
        return document_constant(document, present ? present : gone, noun);
    document_error(document, map, "%s is present or absent: `%s: {present: PATTERN}`", noun, noun);
    return NULL;
}

void evidence_read_artifact(const struct document *document, const struct value *value, Pb__Assertion *assertion)
{
    Pb__ArtifactAssertion *body = ARENA_NEW(document->arena, Pb__ArtifactAssertion);
    pb__artifact_assertion__init(body);
    assertion->body_case = PB__ASSERTION__BODY_ARTIFACT;
    assertion->artifact = body;
    const char *path;
    bool absent = false;
    if (value->kind == VALUE_SCALAR) {
        path = document_constant(document, value, "artifact");
    } else {
        if (!document_is_map(document, value, "artifact"))
            return;
        document_check_keys(document, value, evidence_artifact_keys, "artifact");
        const struct value *least = document_get(value, "at_least");
        const char *size = document_constant(document, least, "at_least");
        path = read_either(document, value, "artifact", &absent);
        body->has_at_least = size != NULL;
        if (size && !size_parse_bytes(size, &body->at_least_bytes))
            document_error(document, least, "at_least: \"%.80s\" is not a size such as 4096, 10kB or 64MiB", size);
        if (least && absent)
            document_error(document, least, "a file that is absent has no size");
    }
    if (!path)
        return;
    if (path[0] == '\0' || path[0] == '/')
        document_error(document, value, "artifact takes the path of a file in the service's folder, such as \"*.qlog\"");
    body->path = arena_string(document->arena, path);
    body->absent = absent;
    assertion->text =
        TEXT("%s%s%s \"%s\"", assertion->service, assertion->service[0] ? ": " : "", absent ? "no artifact" : "artifact", path);
}

void evidence_read_finding(const struct document *document, const struct value *value, Pb__Assertion *assertion)
{
    Pb__FindingAssertion *body = ARENA_NEW(document->arena, Pb__FindingAssertion);
    pb__finding_assertion__init(body);
    assertion->body_case = PB__ASSERTION__BODY_FINDING;
    assertion->finding = body;
    const char *signature = "", *reason = NULL;
    bool absent = false;
    if (value->kind == VALUE_SCALAR) {
        const char *text = document_constant(document, value, "finding");
        absent = text && strcmp(text, "absent") == 0;
        if (text && !absent && strcmp(text, "present") != 0)
            document_error(document, value, "finding is present, absent, or a map such as {absent: \"memcheck.*\"}, not \"%.80s\"", text);
    } else {
        if (!document_is_map(document, value, "finding"))
            return;
        document_check_keys(document, value, evidence_finding_keys, "finding");
        signature = read_either(document, value, "finding", &absent);
    }
    if (!signature)
        return;
    if (signature[0] && (reason = patterns_refusal(signature, true, document->arena)))
        document_error(document, value, "the pattern \"%.120s\" %s", signature, reason);
    body->absent = absent;
    body->signature = arena_string(document->arena, signature);
    assertion->text = TEXT("%s%s%s%s%s%s", assertion->service, assertion->service[0] ? ": " : "", absent ? "no finding" : "a finding",
                           signature[0] ? " matches \"" : "", signature, signature[0] ? "\"" : "");
}
