// The yardstick: a ROUTER that sends RunCase commands and commits what comes back, and a DEALER in a thread that answers them.
// Each side has a libzmq context of its own and they meet on loopback TCP, as two processes would.
#include "yardstick.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "panther/v1/envelope.pb-c.h"

#define KEY_TEXT_BYTES 41
#define IDENTITY_BYTES 5
#define PATH_BYTES 512
#define SESSION 7
#define INSTANCE 42
#define CHECK(condition) ((condition) ? (void)0 : panic_at(__FILE__, __LINE__, "%s: %s", #condition, zmq_strerror(zmq_errno())))

static const char SCHEMA[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                             "CREATE TABLE journal (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;";
static const char INSERT[] = "INSERT INTO journal (payload) VALUES (?1)";

struct keys {
    char public_key[KEY_TEXT_BYTES], secret_key[KEY_TEXT_BYTES];
};

// ---- one database: a group of rows, one commit

struct journal {
    sqlite3 *handle;
    sqlite3_stmt *insert;
    bool in_group;
    char path[PATH_BYTES];
};

static int journal_open(struct journal *journal, const char *folder, unsigned number, struct panther_error *error)
{
    snprintf(journal->path, sizeof journal->path, "%.400s/yardstick-%d-%u.db", folder, (int)getpid(), number);
    if (sqlite3_open(journal->path, &journal->handle) != SQLITE_OK ||
        sqlite3_exec(journal->handle, SCHEMA, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(journal->handle, INSERT, -1, &journal->insert, NULL) != SQLITE_OK)
        return error_set(error, PANTHER_EIO, "%s: %s", journal->path, sqlite3_errmsg(journal->handle));
    return 0;
}

static void journal_close(struct journal *journal)
{
    sqlite3_finalize(journal->insert);
    sqlite3_close(journal->handle);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0] && journal->path[0]; i++) {
        char path[PATH_BYTES + 8];
        snprintf(path, sizeof path, "%s%s", journal->path, suffixes[i]);
        unlink(path);
    }
    memset(journal, 0, sizeof *journal);
}

static void journal_execute(struct journal *journal, const char *sql)
{
    if (sqlite3_exec(journal->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        PANIC("%s: %s", journal->path, sqlite3_errmsg(journal->handle));
}

static void journal_add(struct journal *journal, const void *payload, size_t bytes)
{
    if (!journal->in_group)
        journal_execute(journal, "BEGIN IMMEDIATE");
    journal->in_group = true;
    sqlite3_bind_blob(journal->insert, 1, payload, (int)bytes, SQLITE_STATIC);
    if (sqlite3_step(journal->insert) != SQLITE_DONE)
        PANIC("%s: %s", journal->path, sqlite3_errmsg(journal->handle));
    sqlite3_reset(journal->insert);
}

static void journal_commit(struct journal *journal)
{
    journal_execute(journal, "COMMIT");
    journal->in_group = false;
}

// ---- messages

static void text_set(char **field, const char *text)
{
    memcpy(field, &text, sizeof text); // protobuf-c's fields are not const; packing does not write to them
}

static size_t pack_run_case(uint32_t number, uint8_t **buffer)
{
    Pb__RunCase run_case;
    pb__run_case__init(&run_case);
    text_set(&run_case.name, "throughput");
    run_case.timeout_ms = 30000;
    Pb__Command command, *commands[] = {&command};
    pb__command__init(&command);
    command.instance = INSTANCE;
    command.generation = 1;
    command.number = number;
    command.body_case = PB__COMMAND__BODY_RUN_CASE;
    command.run_case = &run_case;
    Pb__Commands list;
    pb__commands__init(&list);
    list.n_commands = 1;
    list.commands = commands;
    Pb__Envelope envelope;
    pb__envelope__init(&envelope);
    envelope.version = PROTOCOL_VERSION;
    envelope.session = SESSION;
    envelope.body_case = PB__ENVELOPE__BODY_COMMANDS;
    envelope.commands = &list;
    size_t bytes = pb__envelope__get_packed_size(&envelope);
    *buffer = memory_new(bytes);
    return pb__envelope__pack(&envelope, *buffer);
}

static void fill_case_result(Pb__CaseResult *result, Pb__Outcome *outcome, Pb__Metric *metric, Pb__Metric **metrics, uint32_t number)
{
    pb__outcome__init(outcome);
    outcome->verdict = PB__VERDICT__VERDICT_PASS;
    pb__metric__init(metric);
    text_set(&metric->name, "req_per_s");
    text_set(&metric->unit, "1/s");
    metric->value = 123456.789;
    metric->better = PB__BETTER__BETTER_HIGHER;
    pb__case_result__init(result);
    result->number = number;
    text_set(&result->name, "throughput");
    result->outcome = outcome;
    result->duration_ns = 1234567;
    result->n_metrics = 1;
    result->metrics = metrics;
}

static size_t pack_event(const Pb__Command *command, uint64_t sequence, uint8_t **buffer)
{
    Pb__CaseResult result;
    Pb__Outcome outcome;
    Pb__Metric metric, *metrics[] = {&metric};
    fill_case_result(&result, &outcome, &metric, metrics, command->number);
    Pb__Event event, *events[] = {&event};
    pb__event__init(&event);
    event.instance = command->instance;
    event.generation = command->generation;
    event.sequence = sequence;
    event.boottime_ns = 1234567890123;
    event.wall_ns = 1700000000000000000;
    text_set(&event.service, "client");
    event.body_case = PB__EVENT__BODY_CASE_RESULT;
    event.case_result = &result;
    Pb__Events list;
    pb__events__init(&list);
    text_set(&list.epoch, "0123456789abcdef");
    list.first = sequence;
    list.n_events = 1;
    list.events = events;
    Pb__Envelope envelope;
    pb__envelope__init(&envelope);
    envelope.version = PROTOCOL_VERSION;
    envelope.session = SESSION;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &list;
    size_t bytes = pb__envelope__get_packed_size(&envelope);
    *buffer = memory_new(bytes);
    return pb__envelope__pack(&envelope, *buffer);
}

// ---- sockets

static struct keys keys_new(void)
{
    struct keys keys;
    CHECK(zmq_curve_keypair(keys.public_key, keys.secret_key) == 0);
    return keys;
}

static void set_number(void *socket, int option, int value)
{
    CHECK(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void set_key(void *socket, int option, const char *key)
{
    CHECK(zmq_setsockopt(socket, option, key, strlen(key)) == 0);
}

// Waits for one message when `wait`; false when nothing is there. The frame is the caller's to close.
static bool receive(void *socket, zmq_msg_t *message, bool wait)
{
    zmq_msg_init(message);
    int status;
    do
        status = zmq_msg_recv(message, socket, wait ? 0 : ZMQ_DONTWAIT);
    while (status < 0 && zmq_errno() == EINTR);
    CHECK(status >= 0 || zmq_errno() == EAGAIN);
    return status >= 0;
}

// ---- the sender of results

struct worker {
    pthread_t thread;
    char endpoint[128];
    struct keys keys;
    const char *server_key;
    struct journal journals[YARDSTICK_COMMITS_MAX];
    unsigned journal_count;
    uint64_t sequence;
    struct answer {
        uint8_t *data;
        size_t bytes;
    } * answers;
    size_t answer_count, answer_capacity;
};

// Returns false at the empty frame that ends it.
static bool worker_take(struct worker *worker, zmq_msg_t *message)
{
    if (zmq_msg_size(message) == 0)
        return false;
    Pb__Envelope *envelope = pb__envelope__unpack(NULL, zmq_msg_size(message), zmq_msg_data(message));
    CHECK(envelope && envelope->body_case == PB__ENVELOPE__BODY_COMMANDS && envelope->commands->n_commands == 1);
    struct answer answer;
    answer.bytes = pack_event(envelope->commands->commands[0], ++worker->sequence, &answer.data);
    APPEND(worker->answers, worker->answer_count, worker->answer_capacity) = answer;
    pb__envelope__free_unpacked(envelope, NULL);
    return true;
}

static void worker_answer(struct worker *worker, void *socket)
{
    for (unsigned j = 0; j < worker->journal_count; j++) {
        for (size_t i = 0; i < worker->answer_count; i++)
            journal_add(&worker->journals[j], worker->answers[i].data, worker->answers[i].bytes);
        journal_commit(&worker->journals[j]);
    }
    for (size_t i = 0; i < worker->answer_count; i++) {
        CHECK(zmq_send(socket, worker->answers[i].data, worker->answers[i].bytes, 0) >= 0);
        free(worker->answers[i].data);
    }
    worker->answer_count = 0;
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    CHECK(socket);
    set_key(socket, ZMQ_CURVE_PUBLICKEY, worker->keys.public_key);
    set_key(socket, ZMQ_CURVE_SECRETKEY, worker->keys.secret_key);
    set_key(socket, ZMQ_CURVE_SERVERKEY, worker->server_key);
    set_number(socket, ZMQ_LINGER, 0);
    CHECK(zmq_connect(socket, worker->endpoint) == 0);
    CHECK(zmq_send(socket, "ready", 5, 0) == 5);
    for (bool goes_on = true; goes_on;) {
        zmq_msg_t message;
        // Without a commit of its own it answers one by one: nothing is gained by gathering.
        for (bool wait = true; goes_on && receive(socket, &message, wait); wait = false) {
            goes_on = worker_take(worker, &message);
            zmq_msg_close(&message);
            if (goes_on && worker->journal_count == 0)
                worker_answer(worker, socket);
        }
        if (worker->answer_count)
            worker_answer(worker, socket);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    free(worker->answers);
    return NULL;
}

// ---- the receiver of results, which is measured

struct driver {
    void *context, *socket;
    struct keys keys;
    struct journal journal;
    uint8_t identity[IDENTITY_BYTES];
    uint32_t number;   // of the last command
    uint64_t *sent_ns; // [in_flight], by number modulo in_flight
    unsigned in_flight;
    uint32_t *numbers; // of the group
    size_t number_count;
    uint64_t commits;
    double *latencies_us;
    size_t latency_count, latency_capacity;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void driver_open(struct driver *driver, struct worker *worker)
{
    size_t bytes = sizeof worker->endpoint;
    driver->context = zmq_ctx_new();
    driver->socket = zmq_socket(driver->context, ZMQ_ROUTER);
    CHECK(driver->socket);
    driver->keys = keys_new();
    set_number(driver->socket, ZMQ_CURVE_SERVER, 1);
    set_key(driver->socket, ZMQ_CURVE_SECRETKEY, driver->keys.secret_key);
    set_number(driver->socket, ZMQ_ROUTER_MANDATORY, 1);
    CHECK(zmq_bind(driver->socket, "tcp://127.0.0.1:*") == 0);
    CHECK(zmq_getsockopt(driver->socket, ZMQ_LAST_ENDPOINT, worker->endpoint, &bytes) == 0);
    worker->keys = keys_new();
    worker->server_key = driver->keys.public_key;
}

static void driver_meet(struct driver *driver)
{
    zmq_msg_t identity, ready;
    CHECK(receive(driver->socket, &identity, true) && zmq_msg_size(&identity) == IDENTITY_BYTES);
    CHECK(receive(driver->socket, &ready, true) && zmq_msg_size(&ready) == strlen("ready"));
    memcpy(driver->identity, zmq_msg_data(&identity), IDENTITY_BYTES);
    zmq_msg_close(&identity);
    zmq_msg_close(&ready);
}

static void driver_send(struct driver *driver)
{
    uint32_t number = ++driver->number;
    uint8_t *data;
    driver->sent_ns[number % driver->in_flight] = now_ns();
    size_t bytes = pack_run_case(number, &data);
    CHECK(zmq_send(driver->socket, driver->identity, IDENTITY_BYTES, ZMQ_SNDMORE) == IDENTITY_BYTES);
    CHECK(zmq_send(driver->socket, data, bytes, 0) == (int)bytes);
    free(data);
}

static bool driver_receive(struct driver *driver, bool wait)
{
    zmq_msg_t identity, message;
    bool there = receive(driver->socket, &identity, wait);
    zmq_msg_close(&identity);
    if (!there)
        return false;
    CHECK(receive(driver->socket, &message, true));
    Pb__Envelope *envelope = pb__envelope__unpack(NULL, zmq_msg_size(&message), zmq_msg_data(&message));
    CHECK(envelope && envelope->body_case == PB__ENVELOPE__BODY_EVENTS && envelope->events->n_events == 1);
    driver->numbers[driver->number_count++] = envelope->events->events[0]->case_result->number;
    journal_add(&driver->journal, zmq_msg_data(&message), zmq_msg_size(&message));
    pb__envelope__free_unpacked(envelope, NULL);
    zmq_msg_close(&message);
    return true;
}

// Gathers what is there (at least one), commits it, and sends as many again.
static void driver_round(struct driver *driver, bool measured)
{
    driver->number_count = 0;
    for (bool wait = true; driver->number_count < driver->in_flight && driver_receive(driver, wait); wait = false)
        ;
    journal_commit(&driver->journal);
    uint64_t end_ns = now_ns();
    driver->commits += measured;
    for (size_t i = 0; i < driver->number_count; i++) {
        uint64_t sent_ns = driver->sent_ns[driver->numbers[i] % driver->in_flight];
        if (measured)
            APPEND(driver->latencies_us, driver->latency_count, driver->latency_capacity) = (double)(end_ns - sent_ns) / 1000;
    }
    for (size_t i = 0; i < driver->number_count; i++)
        driver_send(driver);
}

static void driver_run(struct driver *driver, const struct yardstick_options *options, struct yardstick_result *result)
{
    driver_meet(driver);
    for (unsigned i = 0; i < options->in_flight; i++)
        driver_send(driver);
    uint64_t begin_ns = now_ns() + options->warm_up_ms * UINT64_C(1000000);
    while (now_ns() < begin_ns)
        driver_round(driver, false);
    begin_ns = now_ns();
    uint64_t end_ns = begin_ns + options->measure_ms * UINT64_C(1000000);
    while (now_ns() < end_ns)
        driver_round(driver, true);
    result->rate_per_s = (double)driver->latency_count * 1e9 / (double)(now_ns() - begin_ns);
    CHECK(zmq_send(driver->socket, driver->identity, IDENTITY_BYTES, ZMQ_SNDMORE) == IDENTITY_BYTES);
    CHECK(zmq_send(driver->socket, "", 0, 0) == 0);
}

static int compare_double(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void driver_summarise(struct driver *driver, struct yardstick_result *result)
{
    size_t count = driver->latency_count;
    const double *sorted = driver->latencies_us;
    result->cases = count;
    if (count == 0)
        return;
    qsort(driver->latencies_us, count, sizeof *sorted, compare_double);
    result->median_us = sorted[count / 2];
    result->p90_us = sorted[count * 9 / 10];
    result->p99_us = sorted[count * 99 / 100];
    result->max_us = sorted[count - 1];
    result->cases_per_commit = (double)count / (double)driver->commits;
}

static void driver_close(struct driver *driver)
{
    set_number(driver->socket, ZMQ_LINGER, 0);
    zmq_close(driver->socket);
    zmq_ctx_term(driver->context);
    free(driver->sent_ns);
    free(driver->numbers);
    free(driver->latencies_us);
}

static int open_journals(struct driver *driver, struct worker *worker, const struct yardstick_options *options, struct panther_error *error)
{
    int result = journal_open(&driver->journal, options->folder, 0, error);
    for (unsigned i = 1; i < options->commits && result == 0; i++) {
        result = journal_open(&worker->journals[i - 1], options->folder, i, error);
        worker->journal_count = i;
    }
    return result;
}

int yardstick_run(const struct yardstick_options *options, struct yardstick_result *result, struct panther_error *error)
{
    INVARIANT(options->in_flight >= 1 && options->commits >= 1 && options->commits <= YARDSTICK_COMMITS_MAX);
    struct driver driver = {.in_flight = options->in_flight};
    struct worker worker = {.sequence = 0};
    int status = open_journals(&driver, &worker, options, error);
    if (status == 0) {
        *result = (struct yardstick_result){0};
        driver.sent_ns = memory_new(options->in_flight * sizeof *driver.sent_ns);
        driver.numbers = memory_new(options->in_flight * sizeof *driver.numbers);
        driver_open(&driver, &worker);
        int problem = pthread_create(&worker.thread, NULL, worker_run, &worker);
        INVARIANT(problem == 0);
        driver_run(&driver, options, result);
        pthread_join(worker.thread, NULL);
        driver_summarise(&driver, result);
        driver_close(&driver);
    }
    journal_close(&driver.journal);
    for (unsigned i = 0; i < worker.journal_count; i++)
        journal_close(&worker.journals[i]);
    return status;
}
