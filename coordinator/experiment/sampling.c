#include "coordinator/experiment/sampling.h"

#include <string.h>

#include "common/base/units.h"
#include "coordinator/experiment/cells.h"
#include "coordinator/experiment/limits.h"

const struct document_key sampling_keys[] = {
    DOCUMENT_KEY("passed", TEXT, .help = "all, none or 1 in N: of cells that pass, whose captures and artifacts stay"), DOCUMENT_END};

bool sampling_parse(const char *text, uint32_t *one_in)
{
    uint64_t number = 0;
    bool is_all = strcmp(text, "all") == 0, is_none = strcmp(text, "none") == 0;
    bool is_share = strncmp(text, "1 in ", 5) == 0 && unsigned_parse(text + 5, &number) && number > 0 && number <= SAMPLED_ONE_IN_MAX;
    if (!is_all && !is_none && !is_share)
        return false;
    *one_in = is_all ? 1 : (uint32_t)number;
    return true;
}

void sampling_read(const struct document *document, const struct value *evidence, Pb__Test *test)
{
    if (!document_is_map(document, evidence, "evidence"))
        return;
    document_check_keys(document, evidence, sampling_keys, "evidence");
    const struct value *passed = document_get(evidence, "passed");
    const char *text = document_text(document, passed, "passed");
    uint32_t one_in = 1;
    if (!text)
        return;
    if (!sampling_parse(text, &one_in))
        document_error(document, passed, "passed: write all, none or 1 in N, not \"%.80s\"", text);
    test->evidence = ARENA_NEW(document->arena, Pb__EvidenceRule);
    pb__evidence_rule__init(test->evidence);
    test->evidence->passed_one_in = one_in;
}

bool sampling_keeps(const Pb__Test *test, uint64_t cell, uint32_t one_in)
{
    return one_in == 1 || (one_in > 1 && cells_lot(test, cell) % one_in == 0);
}
