// What an audit finds: a store that was written as it should is proven, and each way of doctoring it is named with its place.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/message.h"
#include "common/base/verdict.h"
#include "common/system/file.h"
#include "coordinator/store/audit.h"
#include "coordinator/store/schema.h"
#include "tests/history/history.h"

#define CASES 7
#define CONTENT "hello, audit\n"

struct lab {
    char root[64];
    char *folder;
    struct store *store; // NULL: closed
    struct history history;
    struct arena *arena; // of the result
    Pb__Audited *result;
    struct panther_error error;
};

static void open_store(struct lab *lab)
{
    store_close(&lab->store);
    if (store_open(&lab->store, lab->folder, true, NULL, NULL, NULL, &lab->error) < 0)
        fail_msg("%s", lab->error.message);
}

static void append(struct lab *lab)
{
    struct history *history = &lab->history;
    if (!store_append(lab->store, (const Pb__Record *const *)history->records, history->count, &lab->error))
        fail_msg("%s", lab->error.message);
    history_clear(history);
}

static char *blob_of(const struct lab *lab)
{
    char hash[HASH_TEXT_BYTES];
    hash_bytes(CONTENT, strlen(CONTENT), hash);
    return blob_path(lab->folder, hash);
}

static void write_blob(const struct lab *lab, const char *content)
{
    CLEANUP_FREE char *path = blob_of(lab);
    CLEANUP_FREE char *folder = memory_string(path);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(folder_make(folder, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, NULL), 0);
}

// Two runs, the second one with two cells.
static int begin(void **state)
{
    struct lab *lab = NEW(struct lab);
    *state = lab;
    snprintf(lab->root, sizeof lab->root, "/tmp/panther-audit-XXXXXX");
    assert_non_null(mkdtemp(lab->root));
    lab->folder = path_join(lab->root, "data");
    lab->arena = arena_new(0);
    open_store(lab);
    write_blob(lab, CONTENT);
    history_begin(&lab->history, CASES, CONTENT);
    history_store(&lab->history);
    history_members(&lab->history);
    for (uint64_t cells = 1; cells <= 2; cells++) {
        history_run(&lab->history, cells);
        for (uint64_t cell = 0; cell < cells; cell++)
            history_trial(&lab->history);
        history_run_end(&lab->history);
    }
    append(lab);
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;
    history_end(&lab->history);
    arena_free(&lab->arena);
    store_close(&lab->store);
    folder_remove(lab->root, NULL);
    free(lab->folder);
    free(lab);
    return 0;
}

static void audit(struct lab *lab, const char *run)
{
    store_close(&lab->store);
    if (store_audit(lab->folder, STORE_COPY, run, lab->arena, &lab->result, &lab->error) < 0)
        fail_msg("%s", lab->error.message);
}

static void tamper(struct lab *lab, const char *sql)
{
    CLEANUP_FREE char *path = path_join(lab->folder, "journal.db");
    struct database *database = NULL;
    store_close(&lab->store);
    assert_int_equal(database_open(&database, path, DATABASE_READ_WRITE, NULL, STORE_SCHEMA_VERSION, &lab->error), 0);
    if (database_execute(database, sql, &lab->error) < 0)
        fail_msg("%s", lab->error.message);
    database_close(&database);
}

static const Pb__AuditedRun *run_of(const struct lab *lab, uint64_t number)
{
    for (size_t i = 0; i < lab->result->n_runs; i++)
        if (lab->result->runs[i]->run == number)
            return lab->result->runs[i];
    fail_msg("the audit says nothing of r%llu", (unsigned long long)number);
    return NULL;
}

static char *findings(const struct lab *lab)
{
    struct text text = {0};
    text_append(&text, "");
    for (size_t i = 0; i < lab->result->n_findings; i++)
        text_printf(&text, "r%llu: %s: %s\n", (unsigned long long)lab->result->findings[i]->run, lab->result->findings[i]->place,
                    lab->result->findings[i]->text);
    char *kept = arena_string(lab->arena, text_string(&text));
    text_free(&text);
    return kept;
}

static void assert_state(const struct lab *lab, uint64_t run, Pb__AuditState state)
{
    if (run_of(lab, run)->state != state)
        fail_msg("r%llu is in state %d: %s", (unsigned long long)run, (int)run_of(lab, run)->state, findings(lab));
}

static void assert_found(struct lab *lab, uint64_t run, const char *text)
{
    if (!strstr(findings(lab), text))
        fail_msg("\"%s\" is not found; found is:\n%s", text, findings(lab));
    assert_state(lab, run, PB__AUDIT_STATE__AUDIT_STATE_VIOLATED);
}

// ---- a good one

static void a_good_store_is_proven(void **state)
{
    struct lab *lab = *state;
    uint64_t records = store_last_sequence(lab->store);
    audit(lab, "");
    assert_string_equal(findings(lab), "");
    assert_int_equal(lab->result->n_runs, 2);
    assert_int_equal(lab->result->journal_records, records);
    assert_int_equal(strlen(lab->result->journal_hash), HASH_TEXT_BYTES - 1);
    const Pb__AuditedRun *run = run_of(lab, 2);
    assert_int_equal(run->state, PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
    assert_int_equal(run->cells, 2);
    assert_int_equal(run->cells_ended, 2);
    assert_int_equal(run->trials, 2);
    assert_int_equal(run->cases, 2 * CASES);
    assert_int_equal(run->contents, 2 * 6);
    assert_int_equal(run->contents_bytes, 2 * 6 * strlen(CONTENT));
    audit(lab, "@last");
    assert_int_equal(lab->result->n_runs, 1);
    assert_int_equal(lab->result->runs[0]->run, 2);
    assert_int_equal(lab->result->runs[0]->state, PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
}

static void what_is_not_there_is_said(void **state)
{
    struct lab *lab = *state;
    store_close(&lab->store);
    assert_int_equal(store_audit(lab->folder, STORE_COPY, "r9", lab->arena, &lab->result, &lab->error), PANTHER_ENOTFOUND);
    assert_int_equal(store_audit(lab->folder, STORE_COPY, "r1/load", lab->arena, &lab->result, &lab->error), PANTHER_EINVALID);
    assert_int_equal(store_audit(lab->root, STORE_COPY, "", lab->arena, &lab->result, &lab->error), PANTHER_ENOTFOUND);
}

static void a_run_that_works_is_open(void **state)
{
    struct lab *lab = *state;
    history_run(&lab->history, 2);
    history_trial(&lab->history);
    history_trial_begin(&lab->history);
    append(lab);
    audit(lab, "");
    assert_state(lab, 1, PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
    assert_state(lab, 3, PB__AUDIT_STATE__AUDIT_STATE_OPEN);
    assert_string_equal(run_of(lab, 3)->text, "it has not ended: 1 of 2 cells have");
}

static void a_live_store_is_audited_beside_its_writer(void **state)
{
    struct lab *lab = *state;
    if (store_audit(lab->folder, STORE_LIVE, "", lab->arena, &lab->result, &lab->error) < 0)
        fail_msg("%s", lab->error.message);
    assert_state(lab, 2, PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
}

// ---- the journal

static void a_flipped_byte_is_found(void **state)
{
    struct lab *lab = *state;
    tamper(lab, "UPDATE journal SET payload = CAST(replace(payload, CAST('case-3' AS BLOB), CAST('case-4' AS BLOB)) AS BLOB)"
                " WHERE sequence = (SELECT max(sequence) FROM journal WHERE run = 1 AND instr(payload, CAST('case-3' AS BLOB))"
                " AND NOT instr(payload, CAST('case-2' AS BLOB)))");
    audit(lab, "r1");
    assert_found(lab, 1, "its hash is not that of the record before and of what it says");
    assert_found(lab, 1, "number 6 is case case-3, the result is of case-4");
    // what came before is untouched by it, what came after is not
    audit(lab, "r2");
    assert_found(lab, 2, "its hash is not that of the record before");
}

static void what_came_before_a_damage_is_still_proven(void **state)
{
    struct lab *lab = *state;
    tamper(lab, "UPDATE journal SET hash = zeroblob(32) WHERE sequence = (SELECT max(sequence) FROM journal)");
    audit(lab, "");
    assert_found(lab, 2, "its hash is not that");
    assert_state(lab, 1, PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
    audit(lab, "r1");
    assert_string_equal(findings(lab), "");
}

static void a_removed_record_is_found(void **state)
{
    struct lab *lab = *state;
    tamper(lab, "DELETE FROM journal WHERE sequence = 30");
    audit(lab, "r1");
    assert_found(lab, 1, "record 30: it is not there");
}

static void a_removed_end_is_found(void **state)
{
    struct lab *lab = *state;
    tamper(lab, "DELETE FROM journal WHERE sequence = (SELECT max(sequence) FROM journal)");
    audit(lab, "r2");
    assert_found(lab, 2, "table runs");
    assert_found(lab, 2, "the journal says \"running\"");
}

static void a_changed_column_of_the_journal_is_found(void **state)
{
    struct lab *lab = *state;
    tamper(lab, "UPDATE journal SET run = 2 WHERE sequence = (SELECT min(sequence) + 9 FROM journal WHERE run = 1)");
    audit(lab, "r1");
    assert_found(lab, 1, "the journal's columns say that it is about something else");
}

// ---- one verdict each

static void a_doubled_case_is_found(void **state)
{
    struct lab *lab = *state;
    history_run(&lab->history, 1);
    history_trial_begin(&lab->history);
    for (uint32_t i = 0; i < CASES; i++)
        history_case(&lab->history, i);
    history_case(&lab->history, 2);
    history_trial_end(&lab->history);
    history_run_end(&lab->history);
    append(lab);
    audit(lab, "@last");
    assert_found(lab, 3, "r3/load/1#1/load: case case-2 has two verdicts: by record");
}

static void a_doubled_cell_and_a_doubled_end_are_found(void **state)
{
    struct lab *lab = *state;
    history_run(&lab->history, 2);
    history_trial(&lab->history);
    history_trial(&lab->history);
    for (size_t i = lab->history.count; i-- > 0;) {
        if (lab->history.records[i]->body_case == PB__RECORD__BODY_CELL_ENDED) {
            Pb__Record *again = MESSAGE_COPY(lab->history.records[i], lab->history.arena);
            again->cell_ended->outcome->verdict = VERDICT_FAIL;
            APPEND(lab->history.records, lab->history.count, lab->history.capacity) = again;
            break;
        }
    }
    history_run_end(&lab->history);
    history_run_end(&lab->history);
    append(lab);
    audit(lab, "r3");
    assert_found(lab, 3, "cell r3/load/2 has two verdicts: pass by record");
    assert_found(lab, 3, "the run ends twice");
}

static void what_was_accepted_and_has_no_verdict_is_found(void **state)
{
    struct lab *lab = *state;
    history_run(&lab->history, 3);
    history_trial(&lab->history);
    history_run_end(&lab->history);
    append(lab);
    audit(lab, "r3");
    assert_found(lab, 3, "the run ends, and 2 of its 3 cells have no verdict");
}

// ---- no false pass: whatever record is left out of a run that passes, it is not proven any more

static bool proves_something(const Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_COMMAND_ISSUED: // what was told is no evidence
    case PB__RECORD__BODY_TRIAL_STOPPING:
    case PB__RECORD__BODY_CONTENT_STORED: // its run is open then, not violated
        return false;
    case PB__RECORD__BODY_INSTANCE_EVENT:
        switch (record->instance_event->event->body_case) {
        case PB__EVENT__BODY_COMMAND_DONE:
        case PB__EVENT__BODY_PROCESS_STARTED: // nothing is missed that nobody speaks of
            return false;
        case PB__EVENT__BODY_STREAM_END:
            return strncmp(record->instance_event->event->stream_end->stream, "nginx.", 6) == 0;
        default:
            return true;
        }
    default:
        return true;
    }
}

static size_t tell_run_without(struct history *history, size_t left_out)
{
    history_run(history, 1);
    history_trial(history);
    history_run_end(history);
    size_t count = history->count;
    if (left_out < count) {
        memmove(history->records + left_out, history->records + left_out + 1, sizeof *history->records * (count - left_out - 1));
        history->count--;
    }
    return count;
}

static void no_record_that_proves_something_can_be_left_out(void **state)
{
    struct lab *lab = *state;
    size_t count = 2, told = 0;
    for (size_t left_out = 1; left_out < count; left_out++) { // the first one accepts the run
        history_run(&lab->history, 1);
        history_trial(&lab->history);
        history_run_end(&lab->history);
        bool matters = proves_something(lab->history.records[left_out]);
        Pb__Record__BodyCase kind = lab->history.records[left_out]->body_case;
        bool is_end = kind == PB__RECORD__BODY_RUN_ENDED, is_content = kind == PB__RECORD__BODY_CONTENT_STORED;
        history_clear(&lab->history);
        count = tell_run_without(&lab->history, left_out);
        uint64_t run = lab->history.run;
        open_store(lab);
        append(lab);
        arena_reset(lab->arena);
        audit(lab, "@last");
        assert_state(lab, run,
                     is_end || is_content ? PB__AUDIT_STATE__AUDIT_STATE_OPEN
                     : matters            ? PB__AUDIT_STATE__AUDIT_STATE_VIOLATED
                                          : PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
        told += matters;
    }
    assert_in_range(told, CASES + 10, count);
}

static Pb__Outcome *outcome_at(struct history *history, Pb__Record__BodyCase kind)
{
    for (size_t i = 0; i < history->count; i++) {
        Pb__Record *record = history->records[i];
        if (record->body_case != kind)
            continue;
        if (kind == PB__RECORD__BODY_TRIAL_ENDED)
            return record->trial_ended->outcome;
        if (kind == PB__RECORD__BODY_CELL_ENDED)
            return record->cell_ended->outcome;
        if (kind == PB__RECORD__BODY_INSTANCE_EVENT && record->instance_event->event->body_case == PB__EVENT__BODY_CASE_RESULT)
            return record->instance_event->event->case_result->outcome;
    }
    return NULL;
}

static void a_verdict_better_than_its_parts_is_found(void **state)
{
    struct lab *lab = *state;
    static const struct {
        Pb__Record__BodyCase kind;
        const char *text;
    } changes[] = {
        {PB__RECORD__BODY_INSTANCE_EVENT, "is pass, a part of it is fail"},
        {PB__RECORD__BODY_TRIAL_ENDED, "is pass, its last trial was fail"},
        {PB__RECORD__BODY_CELL_ENDED, "the run is pass, the worst of its cells is fail"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        open_store(lab);
        history_run(&lab->history, 1);
        history_trial(&lab->history);
        history_run_end(&lab->history);
        outcome_at(&lab->history, changes[i].kind)->verdict = VERDICT_FAIL;
        append(lab);
        audit(lab, "@last");
        assert_found(lab, lab->history.run, changes[i].text);
    }
}

// ---- tables and content

static void a_changed_table_is_found(void **state)
{
    struct lab *lab = *state;
    static const struct {
        const char *sql, *text;
    } changes[] = {
        {"UPDATE cells SET verdict = 'fail' WHERE name = 'r1/load/1'", "table cells, row of record"},
        {"UPDATE cases SET duration_ns = 1 WHERE name = 'case-5'", "duration_ns is \"1\", the journal says \"2500005\""},
        {"DELETE FROM cases WHERE run = 1 AND name = 'case-0'", "the row is not there"},
        {"INSERT INTO assertions VALUES(99, 1, 1, 'server', 'x', 'pass', '', '', '')", "the journal does not make this row"},
        {"UPDATE runs SET pass = 2 WHERE run = 1", "pass is \"2\", the journal says \"1\""},
        {"UPDATE tests SET name = 'other' WHERE run = 1", "table tests"},
        {"UPDATE streams SET hash = 'x' WHERE run = 1", "table streams"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        CLEANUP_FREE char *copy = memory_printf("%s/copy-%zu", lab->root, i);
        uint64_t bytes;
        assert_int_equal(store_backup(lab->folder, copy, &bytes, NULL, &lab->error), 0);
        CLEANUP_FREE char *live = lab->folder;
        lab->folder = memory_string(copy);
        tamper(lab, changes[i].sql);
        audit(lab, "r1");
        assert_found(lab, 1, changes[i].text);
        free(lab->folder);
        lab->folder = memory_string(live);
    }
}

static void content_that_is_not_there_or_was_changed_is_found(void **state)
{
    struct lab *lab = *state;
    CLEANUP_FREE char *path = blob_of(lab);
    write_blob(lab, "hello, audit!");
    audit(lab, "r1");
    assert_found(lab, 1, "r1/load/1#1/server/nginx.stderr: blob ");
    assert_found(lab, 1, "was changed: its 13 bytes have the hash ");
    assert_int_equal(unlink(path), 0);
    audit(lab, "r1");
    assert_found(lab, 1, "cannot be read: it is not there");
}

static void a_backup_is_proven_too(void **state)
{
    struct lab *lab = *state;
    CLEANUP_FREE char *copy = path_join(lab->root, "backup");
    uint64_t bytes;
    assert_int_equal(store_backup(lab->folder, copy, &bytes, NULL, &lab->error), 0);
    store_close(&lab->store);
    free(lab->folder);
    lab->folder = memory_string(copy);
    audit(lab, "");
    assert_string_equal(findings(lab), "");
    assert_state(lab, 2, PB__AUDIT_STATE__AUDIT_STATE_PROVEN);
}

// Pages of two moments, as copying by hand while a coordinator writes makes them.
static void a_torn_copy_is_an_error_that_says_so(void **state)
{
    struct lab *lab = *state;
    CLEANUP_FREE char *path = path_join(lab->folder, "journal.db");
    store_close(&lab->store);
    char *data;
    size_t bytes;
    assert_int_equal(file_read(path, 64 * 1024 * 1024, &data, &bytes, NULL), 0);
    assert_in_range(bytes, 16 * 4096, SIZE_MAX);
    assert_int_equal(file_write_atomic(path, data, bytes / 2 / 4096 * 4096, 0600, NULL), 0);
    free(data);
    assert_int_equal(store_audit(lab->folder, STORE_COPY, "", lab->arena, &lab->result, &lab->error), PANTHER_EIO);
    if (!strstr(lab->error.message, "copied by hand is torn: `panther-coord backup`"))
        fail_msg("%s", lab->error.message);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_store_is_proven, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_said, begin, end),
        cmocka_unit_test_setup_teardown(a_run_that_works_is_open, begin, end),
        cmocka_unit_test_setup_teardown(a_live_store_is_audited_beside_its_writer, begin, end),
        cmocka_unit_test_setup_teardown(a_flipped_byte_is_found, begin, end),
        cmocka_unit_test_setup_teardown(what_came_before_a_damage_is_still_proven, begin, end),
        cmocka_unit_test_setup_teardown(a_removed_record_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_removed_end_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_changed_column_of_the_journal_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_doubled_case_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_doubled_cell_and_a_doubled_end_are_found, begin, end),
        cmocka_unit_test_setup_teardown(what_was_accepted_and_has_no_verdict_is_found, begin, end),
        cmocka_unit_test_setup_teardown(no_record_that_proves_something_can_be_left_out, begin, end),
        cmocka_unit_test_setup_teardown(a_verdict_better_than_its_parts_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_changed_table_is_found, begin, end),
        cmocka_unit_test_setup_teardown(content_that_is_not_there_or_was_changed_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_backup_is_proven_too, begin, end),
        cmocka_unit_test_setup_teardown(a_torn_copy_is_an_error_that_says_so, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
