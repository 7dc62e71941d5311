// The handle: opening, versions, values, codes, backup.
#define _GNU_SOURCE // DT_REG
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

// ---- copies that must stay as they are

static void copy(const char *from, const char *to)
{
    char *data;
    size_t bytes;
    struct panther_error error = {0};
    if (file_read(from, 64 * 1024 * 1024, &data, &bytes, &error) < 0 || file_write_atomic(to, data, bytes, 0600, &error) < 0)
        fail_msg("%s", error.message);
    free(data);
}

// Names and contents of all files of a folder.
static char *look(const char *folder)
{
    struct text text = {0};
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = path_join(folder, entries[i]->d_name);
        char *data;
        size_t bytes;
        text_printf(&text, "%s:", entries[i]->d_name);
        if (entries[i]->d_type == DT_REG && file_read(path, 64 * 1024 * 1024, &data, &bytes, NULL) == 0) {
            for (size_t at = 0; at < bytes; at++) // no NUL in a text
                text_printf(&text, data[at] ? "%02x" : ".", (unsigned char)data[at]);
            free(data);
        }
        text_append(&text, "\n");
        free(entries[i]);
    }
    free(entries);
    return text.data;
}

static int64_t count_untouched(const char *folder, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "a.db");
    CLEANUP_FREE char *before = look(folder);
    struct database *database = NULL;
    int result = database_open(&database, path, DATABASE_UNTOUCHED, NULL, 3, error);
    if (result < 0)
        return result;
    static const char COUNT[] = "SELECT count(*) FROM item";
    struct statement *statement = database_statement(database, COUNT);
    assert_int_equal(statement_step(statement, error), 1);
    int64_t count = statement_integer(statement, 0);
    statement_reset(statement);
    CLEANUP_FREE char *during = look(folder);
    database_close(&database);
    CLEANUP_FREE char *after = look(folder);
    assert_string_equal(before, during);
    assert_string_equal(before, after);
    return count;
}

static void a_copy_is_read_without_touching_it(void **state)
{
    struct fixture *fixture = *state;
    CLEANUP_FREE char *folder = path_join(fixture->folder, "a copy?#%41"); // a URI would mean something by it
    CLEANUP_FREE char *to = path_join(folder, "a.db"), *to_log = path_join(folder, "a.db-wal"), *to_shared = path_join(folder, "a.db-shm");
    CLEANUP_FREE char *log = memory_printf("%s-wal", fixture->path), *shared = memory_printf("%s-shm", fixture->path);
    assert_int_equal(folder_make(folder, 0700, NULL), 0);
    assert_int_equal(database_execute(fixture->database, "INSERT INTO item VALUES(1, 'x'), (2, 'y')", NULL), 0);
    // as a kill leaves it: all of the rows are in the log
    copy(fixture->path, to);
    copy(log, to_log);
    assert_int_equal(count_untouched(folder, &fixture->error), PANTHER_EINVALID);
    assert_non_null(strstr(fixture->error.message, "the copy is not whole"));
    copy(shared, to_shared);
    assert_int_equal(count_untouched(folder, &fixture->error), 2);
    // as an orderly end leaves it
    assert_int_equal(database_checkpoint(fixture->database, false, NULL), 0);
    copy(fixture->path, to);
    assert_int_equal(unlink(to_log), 0);
    assert_int_equal(unlink(to_shared), 0);
    assert_int_equal(count_untouched(folder, &fixture->error), 2);
}

static void a_scratch_database_has_no_file(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = NULL;
    CLEANUP_FREE char *before = look(fixture->folder);
    assert_int_equal(database_open(&database, "", DATABASE_SCRATCH, SCHEMA, 3, &fixture->error), 0);
    assert_int_equal(database_execute(database, "INSERT INTO item VALUES(1, 'x')", &fixture->error), 0);
    CLEANUP_FREE char *during = look(fixture->folder);
    assert_string_equal(before, during);
    database_close(&database);
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
        cmocka_unit_test_setup_teardown(a_copy_is_read_without_touching_it, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_scratch_database_has_no_file, fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
