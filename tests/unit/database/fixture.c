#include "tests/unit/database/fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "tests/unit/database/faulty_disk.h"

static const char INSERT[] = "INSERT INTO item(number, text) VALUES(?, ?)";
static const char COUNT[] = "SELECT count(*) FROM item";

static void on_committed(void *context, uint64_t number)
{
    struct fixture *fixture = context;
    assert_true(pthread_equal(pthread_self(), fixture->loop_thread));
    assert_true(number > fixture->committed);
    fixture->committed = number;
    fixture->commits++;
}

static void on_full(void *context, bool full, const char *why)
{
    struct fixture *fixture = context;
    assert_true(pthread_equal(pthread_self(), fixture->loop_thread));
    fixture->full_begins += full;
    fixture->full_ends += !full;
    snprintf(fixture->full_why, sizeof fixture->full_why, "%s", why);
}

static void on_broken(void *context, const struct panther_error *error)
{
    struct fixture *fixture = context;
    assert_true(pthread_equal(pthread_self(), fixture->loop_thread));
    fixture->broken++;
    fixture->broken_error = *error;
}

void fixture_begin_in(struct fixture *fixture)
{
    fixture->path = path_join(fixture->folder, "a.db");
    fixture->loop = loop_new();
    fixture->loop_thread = pthread_self();
    if (database_open(&fixture->database, fixture->path, DATABASE_READ_WRITE, SCHEMA, 3, &fixture->error) < 0)
        fail_msg("%s", fixture->error.message);
}

int fixture_begin(void **state)
{
    faulty_disk_install();
    struct fixture *fixture = NEW(struct fixture);
    *state = fixture;
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/panther-database-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture_begin_in(fixture);
    return 0;
}

int fixture_end(void **state)
{
    struct fixture *fixture = *state;
    database_writer_free(&fixture->writer);
    database_close(&fixture->database);
    loop_free(&fixture->loop);
    assert_int_equal(folder_remove(fixture->folder, NULL), 0);
    free(fixture->path);
    free(fixture);
    return 0;
}

void fixture_start_writer(struct fixture *fixture)
{
    const struct database_writer_callbacks callbacks = {on_committed, on_full, on_broken};
    assert_int_equal(database_writer_new(&fixture->writer, fixture->loop, &fixture->database, &callbacks, fixture), 0);
    assert_null(fixture->database);
}

struct insertion {
    struct fixture *fixture;
    int64_t number;
};

static int insert(struct database *database, void *argument, struct panther_error *error)
{
    struct insertion *insertion = argument;
    atomic_fetch_add(&insertion->fixture->performed, 1);
    struct statement *statement = database_statement(database, INSERT);
    statement_bind_integer(statement, 1, insertion->number);
    statement_bind_text(statement, 2, "some text that makes the row a little longer than the number alone would be");
    return statement_run(statement, error);
}

static void release(void *argument)
{
    struct insertion *insertion = argument;
    atomic_fetch_add(&insertion->fixture->released, 1);
    free(insertion);
}

uint64_t fixture_submit(struct fixture *fixture, int64_t number)
{
    struct insertion *insertion = NEW(struct insertion);
    insertion->fixture = fixture;
    insertion->number = number;
    return database_writer_submit(fixture->writer, (struct database_job){insert, release, insertion});
}

int64_t count_items(const char *path)
{
    struct database *database = NULL;
    struct panther_error error;
    if (database_open(&database, path, DATABASE_READ_ONLY, NULL, 3, &error) < 0)
        fail_msg("%s", error.message);
    struct statement *statement = database_statement(database, COUNT);
    assert_int_equal(statement_step(statement, NULL), 1);
    int64_t count = statement_integer(statement, 0);
    database_close(&database);
    return count;
}
