// Rows of what people say of runs, and of evidence that retention takes away.
#include "common/base/memory.h"
#include "coordinator/store/projection.h"
#include "coordinator/store/schema.h"

static const char TAG_INSERT[] = "INSERT OR IGNORE INTO tags(run, tag) VALUES(?, ?)";
static const char TAG_DELETE[] = "DELETE FROM tags WHERE run = ? AND tag = ?";
static const char NOTE_INSERT[] = "INSERT INTO notes(id, run, trial, text, by, written_wall_ns) VALUES(?, ?, ?, ?, ?, ?)";
static const char RUN_SAID[] =
    "UPDATE runs SET changed = ?, notes = notes + ?, pinned = CASE ? WHEN 1 THEN 1 WHEN 2 THEN 0 ELSE pinned END,"
    " tags = ifnull((SELECT group_concat(tag, ' ') FROM (SELECT tag FROM tags WHERE run = ?4 ORDER BY tag)), '') WHERE run = ?4";
static const char STREAM_REMOVED[] = "UPDATE streams SET changed = ?, state = ? WHERE instance = ? AND generation = ? AND name = ?";
static const char ARTIFACT_REMOVED[] = "UPDATE artifacts SET changed = ?, state = ? WHERE instance = ? AND generation = ? AND name = ?";

static int change_tags(struct projection *projection, const Pb__RunAnnotated *said, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < said->n_tags && result >= 0; i++)
        result = PROJECT(projection, TAG_INSERT, error, INTEGER(said->run), TEXT(said->tags[i]));
    for (size_t i = 0; i < said->n_not_tags && result >= 0; i++)
        result = PROJECT(projection, TAG_DELETE, error, INTEGER(said->run), TEXT(said->not_tags[i]));
    return result;
}

int project_run_annotated(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__RunAnnotated *said = record->run_annotated;
    int result = change_tags(projection, said, error);
    if (result >= 0 && said->note[0])
        result = PROJECT(projection, NOTE_INSERT, error, CHANGE(projection), INTEGER(said->run), TEXT(said->trial), TEXT(said->note),
                         TEXT(said->by), INTEGER(projection->wall_ns));
    return result < 0 ? result
                      : PROJECT(projection, RUN_SAID, error, CHANGE(projection), INTEGER(said->note[0] != 0), INTEGER(said->pin),
                                INTEGER(said->run));
}

int project_evidence_removed(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__EvidenceRemoved *removed = record->evidence_removed;
    CLEANUP_FREE char *state = memory_printf(REMOVED_STATE ": %s", removed->why);
    int result = 0;
    for (size_t i = 0; i < removed->n_contents && result >= 0; i++) {
        const Pb__RemovedContent *content = removed->contents[i];
        result = PROJECT(projection, content->is_stream ? STREAM_REMOVED : ARTIFACT_REMOVED, error, CHANGE(projection), TEXT(state),
                         INTEGER(content->instance), INTEGER(content->generation), TEXT(content->name));
    }
    return result;
}
