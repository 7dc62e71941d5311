// The handle: opening, versions, values, codes, backup.
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "tests/unit/database/faulty_disk.h"
#include "tests/unit/database/fixture.h"

static const char INSERT[] = "INSERT INTO item(number, text) VALUES(?, ?)";
static const char ECHO[] = "SELECT ?1 AS a, ?2 AS b, ?3 AS c, ?4 AS d, ?5 AS e";

static void values_come_back_as_they_were(void **state)
{
    struct fixture *fixture = *state;
    struct statement *statement = database_statement(fixture->database, ECHO);
    assert_int_equal(statement_parameter_count(statement), 5);
    statement_bind_integer(statement, 1, INT64_MIN);
    statement_bind_real(statement, 2, 0.5);
    statement_bind_text(statement, 3, NULL);
    statement_bind_blob(statement, 4, "a\0b", 3);
    statement_bind_blob(statement, 5, NULL, 0);
    assert_int_equal(statement_step(statement, &fixture->error), 1);
    assert_true(statement_integer(statement, 0) == INT64_MIN);
    assert_true(statement_real(statement, 1) == 0.5);
    assert_string_equal(statement_text(statement, 2), "");
    size_t bytes;
    assert_memory_equal(statement_blob(statement, 3, &bytes), "a\0b", 3);
    assert_int_equal(bytes, 3);
    statement_blob(statement, 4, &bytes);
    assert_int_equal(bytes, 0);
    assert_int_equal(statement_column_count(statement), 5);
    assert_string_equal(statement_column_name(statement, 1), "b");
    assert_int_equal(statement_step(statement, &fixture->error), 0);
    // the same constant is the same statement, with nothing bound
    assert_ptr_equal(database_statement(fixture->database, ECHO), statement);
    assert_int_equal(statement_step(statement, &fixture->error), 1);
    assert_string_equal(statement_text(statement, 0), "");
}

static void a_broken_rule_is_a_state_error_and_can_be_undone(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(database_execute(fixture->database, "BEGIN; INSERT INTO item VALUES(1, 'x')", &fixture->error), 0);
    struct statement *statement = database_statement(fixture->database, INSERT);
    statement_bind_integer(statement, 1, 1);
    assert_int_equal(statement_run(statement, &fixture->error), PANTHER_ESTATE);
    assert_non_null(strstr(fixture->error.message, "UNIQUE constraint failed: item.number"));
    database_rollback(fixture->database);
    database_rollback(fixture->database);
    assert_int_equal(count_items(fixture->path), 0);
}

static void another_version_names_both(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = NULL;
    assert_int_equal(database_open(&database, fixture->path, DATABASE_READ_WRITE, SCHEMA, 4, &fixture->error), PANTHER_EVERSION);
    assert_non_null(strstr(fixture->error.message, "has schema version 3, this program reads and writes version 4"));
    assert_null(database);
}

static void what_is_not_there_or_is_no_database(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = NULL;
    CLEANUP_FREE char *path = path_join(fixture->folder, "b.db");
    assert_int_equal(database_open(&database, path, DATABASE_READ_ONLY, NULL, 3, &fixture->error), PANTHER_ENOTFOUND);
    static const char garbage[] = "this is not a database, and it is longer than the hundred bytes of a header: "
                                  "....................................................................";
    assert_int_equal(file_write_atomic(path, garbage, sizeof garbage, 0600, NULL), 0);
    assert_int_equal(database_open(&database, path, DATABASE_READ_WRITE, SCHEMA, 3, &fixture->error), PANTHER_EIO);
    assert_non_null(strstr(fixture->error.message, "b.db"));
}

static void a_failed_schema_leaves_an_empty_database(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = NULL;
    CLEANUP_FREE char *path = path_join(fixture->folder, "b.db");
    assert_int_equal(database_open(&database, path, DATABASE_READ_WRITE, "CREATE TABLE a(x); CREATE nonsense", 1, &fixture->error),
                     PANTHER_ESTATE);
    assert_int_equal(database_open(&database, path, DATABASE_READ_WRITE, "CREATE TABLE a(x)", 1, &fixture->error), 0);
    database_close(&database);
}

static void a_backup_is_of_one_moment(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(database_execute(fixture->database, "INSERT INTO item VALUES(1, 'x'), (2, 'y')", NULL), 0);
    CLEANUP_FREE char *path = path_join(fixture->folder, "backup.db");
    struct database *reader = NULL;
    assert_int_equal(database_open(&reader, fixture->path, DATABASE_READ_ONLY, NULL, 3, &fixture->error), 0);
    assert_int_equal(database_execute(fixture->database, "BEGIN; INSERT INTO item VALUES(3, 'not committed')", NULL), 0);
    assert_int_equal(database_backup(reader, path, &fixture->error), 0);
    database_rollback(fixture->database);
    database_close(&reader);
    assert_int_equal(count_items(path), 2);
    assert_int_equal(database_backup(fixture->database, path, &fixture->error), PANTHER_EEXISTS);
}

static void the_log_goes_back_into_the_database(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(database_execute(fixture->database, "INSERT INTO item VALUES(1, 'x')", NULL), 0);
    assert_int_equal(database_checkpoint(fixture->database, true, &fixture->error), 0);
    faulty_disk_set_sync_fails(true);
    // unlike SQLite's own checkpoints, ours tell
    assert_int_equal(database_checkpoint(fixture->database, false, &fixture->error), PANTHER_EIO);
    faulty_disk_set_sync_fails(false);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_as_they_were, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_broken_rule_is_a_state_error_and_can_be_undone, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(another_version_names_both, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(what_is_not_there_or_is_no_database, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_failed_schema_leaves_an_empty_database, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_backup_is_of_one_moment, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(the_log_goes_back_into_the_database, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
