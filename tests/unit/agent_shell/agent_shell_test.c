// Parts of the agent's shell that need no other process: database, memory of the outbox, folders, configuration, token.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/shell/bulk_window.h"
#include "agent/shell/capture_file.h"
#include "agent/shell/folder.h"
#include "agent/shell/host.h"
#include "agent/shell/recent.h"
#include "agent/shell/settings.h"
#include "agent/shell/storage.h"
#include "common/base/limits.h"
#include "common/bus/token.h"
#include "common/system/file.h"
#include "common/system/loop.h"

struct place {
    char root[64];
    struct loop *loop;
    struct storage *storage;
    struct storage_loaded loaded;
    struct arena *arena;
    unsigned committed;
};

static int place_begin(void **state)
{
    struct place *place = NEW(struct place);
    *state = place;
    snprintf(place->root, sizeof place->root, "/tmp/panther-shell-XXXXXX");
    place->arena = arena_new(0);
    place->loop = loop_new();
    return mkdtemp(place->root) ? 0 : -1;
}

static int place_end(void **state)
{
    struct place *place = *state;
    storage_close(&place->storage);
    loop_free(&place->loop);
    arena_free(&place->arena);
    folder_remove(place->root, NULL);
    free(place);
    return 0;
}

static void put_file(const struct place *place, const char *name, const char *text)
{
    CLEANUP_FREE char *path = path_join(place->root, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

// ---- storage

static void on_committed(void *context, struct batch *batch)
{
    struct place *place = context;
    place->committed++;
    batch_free(&batch);
}

static void on_full(void *context, bool full, const char *why)
{
    (void)context;
    (void)full;
    fail_msg("%s", why);
}

static void on_broken(void *context, const struct panther_error *error)
{
    (void)context;
    fail_msg("%s", error->message);
}

static void open_storage(struct place *place)
{
    static const struct storage_callbacks callbacks = {on_committed, on_full, on_broken};
    struct panther_error error = {0};
    storage_close(&place->storage);
    if (storage_open(&place->storage, place->loop, place->root, &callbacks, place, place->arena, &place->loaded, &error) < 0)
        fail_msg("%s", error.message);
}

static struct agent_record *add(struct batch *batch, enum agent_record_kind kind)
{
    struct agent_record *record = &APPEND(batch->output.records, batch->output.record_count, batch->output.record_capacity);
    memset(record, 0, sizeof *record);
    record->kind = kind;
    return record;
}

static void commit(struct place *place, struct batch *batch)
{
    unsigned before = place->committed;
    storage_submit(place->storage, &batch);
    while (place->committed == before)
        loop_run_once(place->loop, 100);
}

static void add_event(struct batch *batch, uint64_t sequence, const char *bytes)
{
    struct agent_record *record = add(batch, AGENT_RECORD_APPEND);
    record->append.sequence = sequence;
    record->append.packed = arena_string(batch->arena, bytes);
    record->append.bytes = strlen(bytes);
}

static void add_intent(struct batch *batch, uint64_t instance)
{
    Pb__GuardSpec *spec = ARENA_NEW(batch->arena, Pb__GuardSpec);
    Pb__Initialize *initialize = ARENA_NEW(batch->arena, Pb__Initialize);
    pb__guard_spec__init(spec);
    pb__initialize__init(initialize);
    spec->instance = instance;
    spec->port_first = 20016;
    spec->initialize = initialize;
    initialize->plugin = arena_string(batch->arena, "nginx");
    struct agent_record *record = add(batch, AGENT_RECORD_INTENT);
    record->row = (struct agent_row){.instance = instance, .generation = 1, .last_command = 1, .spec = spec};
}

static void a_new_store_is_empty(void **state)
{
    struct place *place = *state;
    open_storage(place);
    assert_string_equal(place->loaded.facts.epoch, "");
    assert_int_equal(place->loaded.row_count + place->loaded.tombstone_count + place->loaded.outbox_count, 0);
}

static void what_was_committed_is_loaded(void **state)
{
    struct place *place = *state;
    struct batch *batch = batch_new();
    open_storage(place);
    add(batch, AGENT_RECORD_FACTS)->facts = (struct agent_facts){.epoch = "e1", .store_id = "s1", .incarnation = 3};
    add_intent(batch, 7);
    add_intent(batch, 8);
    add_event(batch, 1, "one");
    add_event(batch, 2, "three");
    add_event(batch, 3, "seven77");
    add(batch, AGENT_RECORD_UPDATE)->row = (struct agent_row){.instance = 7,
                                                              .generation = 1,
                                                              .last_command = 5,
                                                              .spool_offset = 99,
                                                              .spool_sequence = 3,
                                                              .outbox_last = 3,
                                                              .ended = true,
                                                              .discarded = true};
    add(batch, AGENT_RECORD_FORGET)->tombstone = (struct agent_tombstone){8, 1};
    add(batch, AGENT_RECORD_FREE)->freed = 1;
    commit(place, batch);
    open_storage(place);
    const struct storage_loaded *loaded = &place->loaded;
    assert_string_equal(loaded->facts.store_id, "s1");
    assert_int_equal(loaded->facts.incarnation, 3);
    assert_int_equal(loaded->facts.acknowledged, 1);
    assert_int_equal(loaded->row_count, 1);
    assert_int_equal(loaded->rows[0].last_command, 5);
    assert_int_equal(loaded->rows[0].spool_offset, 99);
    assert_true(loaded->rows[0].ended && loaded->rows[0].discarded);
    assert_int_equal(loaded->rows[0].spec->port_first, 20016);
    assert_string_equal(loaded->rows[0].spec->initialize->plugin, "nginx");
    assert_int_equal(loaded->tombstone_count, 1);
    assert_int_equal(loaded->tombstones[0].instance, 8);
    assert_int_equal(loaded->outbox_count, 2);
    assert_int_equal(loaded->outbox_bytes[1], 7);
    struct wire_bytes events[4];
    assert_int_equal(storage_events(place->storage, 2, 4, place->arena, events), 2);
    assert_memory_equal(events[0].data, "three", 5);
    assert_int_equal(storage_events(place->storage, 1, 4, place->arena, events), 0); // a hole is not skipped
}

static void a_reset_leaves_nothing_but_new_facts(void **state)
{
    struct place *place = *state;
    struct batch *batch = batch_new();
    open_storage(place);
    add_intent(batch, 7);
    add_event(batch, 1, "one");
    commit(place, batch);
    batch = batch_new();
    add(batch, AGENT_RECORD_RESET);
    add(batch, AGENT_RECORD_FACTS)->facts = (struct agent_facts){.epoch = "e2"};
    commit(place, batch);
    open_storage(place);
    assert_string_equal(place->loaded.facts.epoch, "e2");
    assert_int_equal(place->loaded.row_count + place->loaded.outbox_count, 0);
}

static void a_hole_in_the_outbox_is_not_overlooked(void **state)
{
    struct place *place = *state;
    static const struct storage_callbacks callbacks = {on_committed, on_full, on_broken};
    struct panther_error error = {0};
    struct batch *batch = batch_new();
    open_storage(place);
    add_event(batch, 1, "one");
    add_event(batch, 3, "three");
    commit(place, batch);
    storage_close(&place->storage);
    assert_int_equal(storage_open(&place->storage, place->loop, place->root, &callbacks, place, place->arena, &place->loaded, &error),
                     PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "hole before 3"));
}

static void descriptions_are_kept_by_the_hash_of_the_file(void **state)
{
    struct place *place = *state;
    char hash[HASH_TEXT_BYTES];
    size_t bytes = 0;
    hash_bytes("plugin", 6, hash);
    open_storage(place);
    assert_null(storage_description(place->storage, hash, place->arena, &bytes));
    storage_keep_description(place->storage, hash, "packed", 6);
    open_storage(place);
    assert_memory_equal(storage_description(place->storage, hash, place->arena, &bytes), "packed", 6);
    assert_int_equal(bytes, 6);
}

// ---- recent events

static void the_newest_events_are_in_memory(void **state)
{
    (void)state;
    struct recent *recent = recent_new();
    struct batch *batch = batch_new();
    struct wire_bytes events[3];
    add_event(batch, 5, "five");
    add_event(batch, 6, "six");
    add_event(batch, 7, "seven");
    recent_apply(recent, batch);
    batch_free(&batch);
    assert_true(recent_get(recent, 5, 3, events));
    assert_memory_equal(events[2].data, "seven", 5);
    assert_false(recent_get(recent, 4, 2, events));
    assert_false(recent_get(recent, 6, 3, events));
    batch = batch_new();
    add(batch, AGENT_RECORD_FREE)->freed = 6;
    recent_apply(recent, batch);
    assert_false(recent_get(recent, 6, 1, events));
    assert_true(recent_get(recent, 7, 1, events));
    batch_free(&batch);
    batch = batch_new();
    add(batch, AGENT_RECORD_RESET);
    add_event(batch, 1, "anew");
    recent_apply(recent, batch);
    assert_false(recent_get(recent, 7, 1, events));
    assert_true(recent_get(recent, 1, 1, events));
    batch_free(&batch);
    recent_free(&recent);
}

static void memory_of_events_is_bounded(void **state)
{
    (void)state;
    struct recent *recent = recent_new();
    struct batch *batch = batch_new();
    struct wire_bytes event;
    char *fat = arena_allocate(batch->arena, EVENT_MAX_BYTES + 1);
    memset(fat, 'x', EVENT_MAX_BYTES);
    uint64_t count = RECENT_MAX_BYTES / EVENT_MAX_BYTES + 10;
    for (uint64_t sequence = 1; sequence <= count; sequence++)
        add_event(batch, sequence, fat);
    recent_apply(recent, batch);
    assert_false(recent_get(recent, 10, 1, &event));
    assert_true(recent_get(recent, 11, 1, &event));
    assert_true(recent_get(recent, count, 1, &event));
    batch_free(&batch);
    recent_free(&recent);
}

// ---- folders and host

static void a_guard_is_read_from_its_file_or_not_at_all(void **state)
{
    struct place *place = *state;
    struct folder_guard guard;
    assert_int_equal(folder_guard_read(place->root, &guard, NULL), PANTHER_ENOTFOUND);
    put_file(place, "guard.pid", "4711\n123456\n0ee15a3f-cf1c-4ec5-9c8b-1f1a6a9e0e13\n");
    assert_int_equal(folder_guard_read(place->root, &guard, NULL), 0);
    assert_int_equal(guard.pid, 4711);
    assert_int_equal(guard.start_ticks, 123456);
    assert_string_equal(guard.boot_id, "0ee15a3f-cf1c-4ec5-9c8b-1f1a6a9e0e13");
    static const char *const damaged[] = {"", "4711\n", "4711\n12\n", "x\n1\ny\n", "1\n1\ny\n", "-5\n1\ny\n"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        put_file(place, "guard.pid", damaged[i]);
        assert_int_equal(folder_guard_read(place->root, &guard, NULL), PANTHER_EINVALID);
    }
}

static void remember_folder(void *context, uint64_t instance, uint32_t generation)
{
    struct text *text = context;
    text_printf(text, "%llu.%u;", (unsigned long long)instance, generation);
}

static void only_folders_of_instances_are_found(void **state)
{
    struct place *place = *state;
    struct text text = {0};
    static const char *const names[] = {"7.2", "other", "7.2.3", "x7.1"};
    for (size_t i = 0; i < 4; i++) {
        CLEANUP_FREE char *path = memory_printf("%s/instances/%s", place->root, names[i]);
        assert_int_equal(folder_make(path, 0700, NULL), 0);
    }
    folder_each(place->root, remember_folder, &text);
    assert_string_equal(text_string(&text), "7.2;");
    text_free(&text);
}

static void the_host_id_stays(void **state)
{
    struct place *place = *state;
    char first[ID128_TEXT_BYTES], second[ID128_TEXT_BYTES];
    struct panther_error error = {0};
    assert_int_equal(host_id_read(place->root, first, NULL), 0);
    assert_true(id128_is_valid(first));
    assert_int_equal(host_id_read(place->root, second, NULL), 0);
    assert_string_equal(first, second);
    put_file(place, "host_id", "not an id\n");
    assert_int_equal(host_id_read(place->root, second, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "remove it"));
}

static void the_address_is_the_one_towards_the_coordinator(void **state)
{
    struct place *place = *state;
    assert_string_equal(host_address_towards("tcp://127.0.0.1:7400", place->arena), "127.0.0.1");
    assert_null(host_address_towards("nonsense", place->arena));
}

// ---- configuration

static void write_key(const struct place *place, const char *role)
{
    struct bus_peer_file file = {0};
    CLEANUP_FREE char *path = path_join(place->root, "key");
    bus_key_new(file.public_key, file.secret_key);
    snprintf(file.server_key, sizeof file.server_key, "%s", file.public_key);
    snprintf(file.name, sizeof file.name, "lab-a");
    snprintf(file.role, sizeof file.role, "%s", role);
    snprintf(file.coordinator, sizeof file.coordinator, "tcp://127.0.0.1:7400");
    assert_int_equal(bus_peer_file_write(path, &file, NULL), 0);
}

static int load(const struct place *place, const char *config, struct settings *settings, struct panther_error *error)
{
    CLEANUP_FREE char *key = path_join(place->root, "key");
    CLEANUP_FREE char *state = path_join(place->root, "state");
    CLEANUP_FREE char *path = path_join(place->root, "agent.yaml");
    const struct configuration_flag flags[] = {{"key", key}, {"state", state}, {"programs", PANTHER_BIN}};
    put_file(place, "agent.yaml", config);
    return settings_load(settings, path, flags, 3, error);
}

static void settings_come_from_file_environment_and_flags(void **state)
{
    struct place *place = *state;
    struct settings settings;
    struct panther_error error = {0};
    write_key(place, "agent");
    setenv("PANTHER_AGENT_SLOTS", "3", 1);
    int result =
        load(place, "slots: 5\nport-range: 21000-21999\nlabels: [site=a, rack=7]\nstream-limit: 1MiB\nshells: false\n", &settings, &error);
    unsetenv("PANTHER_AGENT_SLOTS");
    if (result < 0)
        fail_msg("%s", error.message);
    assert_int_equal(settings.slots, 3);
    assert_int_equal(settings.port_first, 21000);
    assert_int_equal(settings.port_count, 1000);
    assert_int_equal(settings.label_count, 2);
    assert_false(settings.takes_shells);
    assert_true(settings.takes_pushed_plugins); // by default
    assert_string_equal(settings.labels[1]->name, "rack");
    assert_int_equal(settings.stream_limit_bytes, 1024 * 1024);
    assert_string_equal(settings.address, "127.0.0.1");
    assert_string_equal(settings.peer.name, "lab-a");
    assert_int_equal(settings.state[0], '/');
    settings_free(&settings);
}

static void check_refused(const struct place *place, const char *config, const char *why)
{
    struct settings settings;
    struct panther_error error = {0};
    assert_true(load(place, config, &settings, &error) < 0);
    if (!strstr(error.message, why))
        fail_msg("\"%s\" does not say \"%s\"", error.message, why);
}

static void mistakes_in_the_configuration_are_named(void **state)
{
    struct place *place = *state;
    write_key(place, "agent");
    check_refused(place, "slotz: 5\n", "slots");
    check_refused(place, "slots: 0\n", "from 1 to");
    check_refused(place, "port-range: 5-4\n", "first-last");
    check_refused(place, "port-range: 20000-20031\nslots: 3\n", "room for 2 instances");
    check_refused(place, "labels: [site]\n", "not name=value");
    check_refused(place, "log-level: loud\n", "loud");
    write_key(place, "operator");
    check_refused(place, "slots: 1\n", "role operator");
}

// ---- token and frames

static void a_token_survives_pasting_and_nothing_else(void **state)
{
    (void)state;
    struct bus_token token = {.coordinator = "tcp://10.0.0.1:7400"}, parsed;
    struct panther_error error = {0};
    char text[BUS_TOKEN_BYTES], unused[BUS_KEY_TEXT_BYTES];
    bus_key_new(token.server_key, unused);
    bus_key_new(unused, token.secret_key);
    bus_token_format(&token, text);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(text));
    assert_int_equal(bus_token_parse(text, &parsed, &error), 0);
    assert_string_equal(parsed.coordinator, token.coordinator);
    assert_string_equal(parsed.server_key, token.server_key);
    assert_string_equal(parsed.secret_key, token.secret_key);
    text[strlen(text) - 3] = '\0';
    assert_int_equal(bus_token_parse(text, &parsed, &error), PANTHER_EINVALID);
    assert_int_equal(bus_token_parse("hello", &parsed, &error), PANTHER_EINVALID);
    assert_int_equal(bus_token_parse("", &parsed, &error), PANTHER_EINVALID);
    assert_int_equal(bus_token_parse("spaces are not in it", &parsed, &error), PANTHER_EINVALID);
}

static void packed_events_make_the_same_frame(void **state)
{
    struct place *place = *state;
    Pb__Event first = PB__EVENT__INIT, second = PB__EVENT__INIT, *both[] = {&first, &second};
    Pb__Note note = PB__NOTE__INIT;
    Pb__Events events = PB__EVENTS__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    char epoch[] = "0123456789abcdef0123456789abcdef", *fat = arena_allocate(place->arena, 301);
    memset(fat, 'x', 300);
    note.text = fat;
    first.instance = 7;
    first.sequence = 1;
    second.instance = 7;
    second.sequence = 2;
    second.body_case = PB__EVENT__BODY_NOTE;
    second.note = &note;
    events.epoch = epoch;
    events.first = 41;
    events.events = both;
    events.n_events = 2;
    envelope.version = PROTOCOL_VERSION;
    envelope.session = 9;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &events;
    struct wire_bytes packed[2];
    size_t bytes, expected_bytes;
    for (size_t i = 0; i < 2; i++)
        packed[i].data = wire_pack(both[i], place->arena, &packed[i].bytes);
    const uint8_t *expected = wire_pack(&envelope, place->arena, &expected_bytes);
    const uint8_t *data = wire_pack_events(PROTOCOL_VERSION, 9, epoch, 41, packed, 2, place->arena, &bytes);
    assert_int_equal(bytes, expected_bytes);
    assert_memory_equal(data, expected, bytes);
}

// ---- bulk window

// What a link that needs so long for one request settles at, from any beginning.
static size_t settled(size_t window, uint64_t request_ms, bool shared)
{
    for (unsigned i = 0; i < 100; i++)
        window = bulk_window_fit(window, shared ? request_ms * window : request_ms);
    return window;
}

static void a_quick_link_gets_all_requests(void **state)
{
    (void)state;
    for (size_t first = 1; first <= BULK_IN_FLIGHT_MAX; first++)
        assert_int_equal(settled(first, 10, false), BULK_IN_FLIGHT_MAX);
}

// 256 KiB over 2 Mbit/s take a second; requests on their way share the link, so two of them take two.
static void a_slow_link_gets_one_at_a_time(void **state)
{
    (void)state;
    for (size_t first = 1; first <= BULK_IN_FLIGHT_MAX; first++)
        assert_int_equal(settled(first, 1050, true), 1);
}

// 300 ms each: too slow to add, not slow enough to halve below what keeps answers within a second.
static void a_link_between_keeps_answers_within_the_bound(void **state)
{
    (void)state;
    for (size_t first = 1; first <= BULK_IN_FLIGHT_MAX; first++)
        assert_true(300 * settled(first, 300, true) <= BULK_SLOW_MS);
}

static void a_link_that_recovers_is_used_again(void **state)
{
    (void)state;
    assert_int_equal(settled(settled(BULK_IN_FLIGHT_MAX, 5000, true), 1, true), BULK_IN_FLIGHT_MAX);
}

// ---- captures

static const Pb__CaptureRead *read_capture(const struct place *place, char *file, uint64_t offset)
{
    Pb__ReadCapture asked = PB__READ_CAPTURE__INIT;
    asked.number = 3;
    asked.generation = 2;
    asked.file = file;
    asked.offset = offset;
    return capture_file_read(place->root, &asked, place->arena);
}

static void check_piece(const Pb__CaptureRead *read, const char *file, uint64_t offset, const char *data, bool lost)
{
    assert_int_equal(read->number, 3);
    assert_int_equal(read->generation, 2);
    assert_string_equal(read->file, file);
    assert_int_equal(read->offset, offset);
    assert_int_equal(read->data.len, strlen(data));
    assert_memory_equal(read->data.data, data, read->data.len);
    assert_int_equal(read->lost, lost);
}

static void a_ring_of_captures_is_read_file_by_file(void **state)
{
    struct place *place = *state;
    char none[] = "", first[] = "n_1.pcapng", second[] = "n_2.pcapng";
    assert_string_equal(read_capture(place, none, 0)->file, ""); // not even a folder
    CLEANUP_FREE char *work = path_join(place->root, "work"), *artifacts = path_join(place->root, "artifacts");
    assert_int_equal(folder_make(work, 0700, NULL), 0);
    assert_int_equal(folder_make(artifacts, 0700, NULL), 0);
    put_file(place, "work/n_1.pcapng", "abcd");
    put_file(place, "work/a.txt", "no capture");
    put_file(place, "work/.pcapng", "nor this");
    check_piece(read_capture(place, none, 0), first, 0, "abcd", false);
    check_piece(read_capture(place, first, 4), first, 4, "", false); // nothing more yet
    check_piece(read_capture(place, first, UINT64_MAX), first, UINT64_MAX, "", false);
    put_file(place, "work/n_2.pcapng", "efg");
    check_piece(read_capture(place, first, 2), first, 2, "cd", false);
    check_piece(read_capture(place, first, 4), second, 0, "efg", false);
    CLEANUP_FREE char *old = path_join(work, first);
    assert_int_equal(unlink(old), 0);
    check_piece(read_capture(place, first, 3), second, 0, "efg", true); // written over
    CLEANUP_FREE char *from = path_join(work, second), *to = path_join(artifacts, second);
    assert_int_equal(rename(from, to), 0);
    check_piece(read_capture(place, second, 1), second, 1, "fg", false); // its instance has stopped
}

// A plugin may leave a link: what it may not read is not read for it.
static void a_capture_that_is_a_link_out_of_its_folder_is_empty(void **state)
{
    struct place *place = *state;
    CLEANUP_FREE char *work = path_join(place->root, "work"), *link = path_join(work, "l.pcapng");
    char none[] = "";
    assert_int_equal(folder_make(work, 0700, NULL), 0);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    check_piece(read_capture(place, none, 0), "l.pcapng", 0, "", false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_begin, place_end)
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_empty),
        TEST(what_was_committed_is_loaded),
        TEST(a_reset_leaves_nothing_but_new_facts),
        TEST(a_hole_in_the_outbox_is_not_overlooked),
        TEST(descriptions_are_kept_by_the_hash_of_the_file),
        TEST(the_newest_events_are_in_memory),
        TEST(memory_of_events_is_bounded),
        TEST(a_guard_is_read_from_its_file_or_not_at_all),
        TEST(only_folders_of_instances_are_found),
        TEST(a_ring_of_captures_is_read_file_by_file),
        TEST(a_capture_that_is_a_link_out_of_its_folder_is_empty),
        TEST(the_host_id_stays),
        TEST(the_address_is_the_one_towards_the_coordinator),
        TEST(settings_come_from_file_environment_and_flags),
        TEST(mistakes_in_the_configuration_are_named),
        TEST(a_token_survives_pasting_and_nothing_else),
        TEST(packed_events_make_the_same_frame),
        cmocka_unit_test(a_quick_link_gets_all_requests),
        cmocka_unit_test(a_slow_link_gets_one_at_a_time),
        cmocka_unit_test(a_link_between_keeps_answers_within_the_bound),
        cmocka_unit_test(a_link_that_recovers_is_used_again),
    };
    bus_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bus_end();
    return failed;
}
