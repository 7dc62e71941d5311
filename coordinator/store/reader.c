// Reading: an own read-only connection, for a thread of its own.
#include "coordinator/store/reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "coordinator/store/schema.h"

static const char IS_ON[] = "SELECT 1 FROM instances WHERE instance = ? AND generation = ? AND agent = ?";
static const char STREAM_STORED[] = "SELECT hash, size_bytes FROM streams WHERE instance = ? AND generation = ? AND name = ?"
                                    " AND (state = 'stored' OR state GLOB '" REMOVED_STATE "*')";
static const char ARTIFACT_STORED[] = "SELECT hash, size_bytes FROM artifacts WHERE instance = ? AND generation = ? AND name = ?"
                                      " AND (state = 'stored' OR state GLOB '" REMOVED_STATE "*')";
// The newest attempt unless one is named, and of it the newest generation.
static const char INSTANCE[] =
    "SELECT i.instance, i.generation, i.state FROM trials AS t JOIN instances AS i ON i.trial = t.trial"
    " WHERE t.run = ?1 AND t.test = ?2 AND t.combination = ?3 AND t.repetition = ?4 AND (?5 = 0 OR t.attempt = ?5)"
    " AND i.service = ?6 ORDER BY t.attempt DESC, i.generation DESC LIMIT 1";
static const char STREAM[] = "SELECT state, hash, size_bytes FROM streams WHERE instance = ? AND generation = ? AND name = ?";
static const char ARTIFACT[] = "SELECT state, hash, size_bytes FROM artifacts WHERE instance = ? AND generation = ? AND name = ?";
static const char NAMES[] = "SELECT name FROM streams WHERE instance = ?1 AND generation = ?2 UNION ALL"
                            " SELECT name FROM artifacts WHERE instance = ?1 AND generation = ?2 ORDER BY 1 LIMIT 12";

int store_reader_open(struct store_reader **out, const char *folder, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "journal.db");
    struct store_reader *reader = NEW(struct store_reader);
    reader->folder = memory_string(folder);
    int result = database_open(&reader->database, path, DATABASE_READ_ONLY, NULL, STORE_SCHEMA_VERSION, error);
    if (result < 0)
        store_reader_close(&reader);
    else
        *out = reader;
    return result;
}

void store_reader_close(struct store_reader **reader_address)
{
    struct store_reader *reader = *reader_address;
    if (!reader)
        return;
    *reader_address = NULL;
    database_close(&reader->database);
    for (size_t i = 0; i < READER_SQL_COUNT; i++)
        free(reader->sql[i]);
    free(reader->folder);
    free(reader);
}

bool store_instance_is_on(struct store_reader *reader, uint64_t instance, uint32_t generation, const char *agent)
{
    struct statement *statement = database_statement(reader->database, IS_ON);
    statement_bind_integer(statement, 1, (int64_t)instance);
    statement_bind_integer(statement, 2, generation);
    statement_bind_text(statement, 3, agent);
    bool is_on = statement_step(statement, NULL) == 1;
    statement_reset(statement);
    return is_on;
}

// ---- content

static struct statement *of_instance(struct store_reader *reader, const char *sql, uint64_t instance, uint32_t generation)
{
    struct statement *statement = database_statement(reader->database, sql);
    statement_bind_integer(statement, 1, (int64_t)instance);
    statement_bind_integer(statement, 2, generation);
    return statement;
}

int store_find_stored(struct store_reader *reader, uint64_t instance, uint32_t generation, const char *name, bool is_stream,
                      struct store_content *content)
{
    struct statement *statement = of_instance(reader, is_stream ? STREAM_STORED : ARTIFACT_STORED, instance, generation);
    statement_bind_text(statement, 3, name);
    int result = statement_step(statement, NULL);
    if (result == 1) {
        *content = (struct store_content){.instance = instance, .generation = generation, .ended = true, .is_stream = is_stream};
        snprintf(content->hash, sizeof content->hash, "%s", statement_text(statement, 0));
        snprintf(content->name, sizeof content->name, "%s", name);
        content->bytes = (uint64_t)statement_integer(statement, 1);
    }
    statement_reset(statement);
    return result == 1 ? 0 : result == 0 ? PANTHER_ENOTFOUND : result;
}

static uint64_t size_of_growing(struct store_reader *reader, const struct store_content *content, bool *is_there)
{
    CLEANUP_FREE char *path = content_path(reader->folder, content->instance, content->generation, content->name, content->is_stream);
    struct stat status;
    *is_there = stat(path, &status) == 0;
    return *is_there ? (uint64_t)status.st_size : 0;
}

// 1: the table has it.
static int read_content(struct store_reader *reader, const char *sql, struct store_content *content, struct panther_error *error)
{
    struct statement *statement = of_instance(reader, sql, content->instance, content->generation);
    statement_bind_text(statement, 3, content->name);
    int result = statement_step(statement, error);
    bool is_there, is_stored = result == 1 && strcmp(statement_text(statement, 0), "stored") == 0;
    if (result == 1 && strncmp(statement_text(statement, 0), REMOVED_STATE, strlen(REMOVED_STATE)) == 0) {
        result = error_set(error, PANTHER_ENOTFOUND, "%.80s is gone: %.160s", content->name, statement_text(statement, 0));
    } else if (is_stored) {
        snprintf(content->hash, sizeof content->hash, "%s", statement_text(statement, 1));
        content->bytes = (uint64_t)statement_integer(statement, 2);
        content->ended = true;
    } else if (result == 1) {
        content->bytes = size_of_growing(reader, content, &is_there);
        content->ended = content->ended || strcmp(statement_text(statement, 0), "missing") == 0;
    }
    statement_reset(statement);
    return result;
}

// "lost" and the like: nobody will send more. An ended instance's streams end by StreamEnd or are "missing".
static bool is_given_up(const char *state)
{
    return strcmp(state, "lost") == 0 || strcmp(state, "refused") == 0;
}

static int find_instance(struct store_reader *reader, const struct full_name *name, struct store_content *content,
                         struct panther_error *error)
{
    struct statement *statement = database_statement(reader->database, INSTANCE);
    statement_bind_integer(statement, 1, (int64_t)name->run);
    statement_bind_text(statement, 2, name->test);
    statement_bind_text(statement, 3, name->combination);
    statement_bind_integer(statement, 4, name->repetition);
    statement_bind_integer(statement, 5, name->attempt);
    statement_bind_text(statement, 6, name->service);
    int result = statement_step(statement, error);
    if (result == 1) {
        content->instance = (uint64_t)statement_integer(statement, 0);
        content->generation = (uint32_t)statement_integer(statement, 1);
        content->ended = is_given_up(statement_text(statement, 2));
    }
    statement_reset(statement);
    return result < 0 ? result : result == 1 ? 0 : error_set(error, PANTHER_ENOTFOUND, "there is no such instance");
}

static int no_such_content(struct store_reader *reader, const struct store_content *content, struct panther_error *error)
{
    struct text names = {0};
    struct statement *statement = of_instance(reader, NAMES, content->instance, content->generation);
    while (statement_step(statement, NULL) == 1)
        text_printf(&names, "%s%s", names.length ? ", " : "", statement_text(statement, 0));
    statement_reset(statement);
    int result = error_set(error, PANTHER_ENOTFOUND, "the service has no stream or artifact \"%.80s\"; there is: %.300s", content->name,
                           names.length ? text_string(&names) : "nothing yet");
    text_free(&names);
    return result;
}

static int find_in_instance(struct store_reader *reader, struct store_content *content, struct panther_error *error)
{
    content->is_stream = true;
    int result = read_content(reader, STREAM, content, error);
    if (result == 0) {
        content->is_stream = false;
        result = read_content(reader, ARTIFACT, content, error);
    }
    if (result != 0)
        return result < 0 ? result : 0;
    // The bytes can come before the event that announces them.
    bool is_there;
    content->is_stream = true;
    content->bytes = size_of_growing(reader, content, &is_there);
    return is_there ? 0 : no_such_content(reader, content, error);
}

int store_find_content(struct store_reader *reader, const char *full_name, struct store_content *content, struct panther_error *error)
{
    struct scope scope;
    struct store_content found = {0};
    int result = scope_resolve(reader->database, full_name, &scope, error);
    if (result < 0)
        return result;
    if (scope.kind < SCOPE_CELL || !scope_names_service(&scope))
        return error_set(error, PANTHER_EINVALID, "\"%.200s\" is not a stream; write RUN/TEST/[COMBINATION/]REPETITION/SERVICE/STREAM",
                         full_name);
    result = find_instance(reader, &scope.name, &found, error);
    if (result < 0)
        return result;
    snprintf(found.name, sizeof found.name, "%s", scope.name.stream);
    result = find_in_instance(reader, &found, error);
    if (result == 0)
        *content = found;
    return result;
}
