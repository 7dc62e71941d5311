// The agent as a process, with its real guards and hosts.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "tests/integration/agent/lab.h"

#define NULL_TESTER ((struct lab_wish){.plugin = "null"})

static bool has_changed(struct lab *lab, uint64_t times)
{
    return lab->changed >= times;
}

static bool has_descriptions(struct lab *lab, uint64_t unused)
{
    (void)unused;
    return lab->descriptions != NULL;
}

static void says_who_it_is_and_what_it_can_run(void **state)
{
    struct lab *lab = *state;
    static const char *const flags[] = {"--slots", "3", "--labels", "site=a", "--address", "127.0.0.1", NULL};
    lab_start(lab, flags);
    LAB_UNTIL(lab, lab_is_live, 1);
    const Pb__Hello *hello = lab->hello;
    assert_string_equal(hello->name, "lab-a");
    assert_int_equal(hello->slots, 3);
    assert_string_equal(hello->labels[0]->value, "a");
    assert_string_equal(hello->addresses[0]->address, "127.0.0.1");
    assert_true(hello->facts->cpus > 0 && hello->facts->memory_bytes > 0 && strncmp(hello->facts->kernel, "Linux", 5) == 0);
    assert_int_equal(hello->n_instances, 0);
    const Pb__PluginPresence *null = lab_plugin(hello->plugins, hello->n_plugins, "null");
    assert_true(null && null->usable);
    LAB_UNTIL(lab, has_descriptions, 0);
    assert_string_equal(lab->descriptions->descriptions[0]->hash, null->description_hash);
    assert_string_equal(lab->descriptions->descriptions[0]->description->name, "null");
    LAB_UNTIL(lab, has_changed, 1); // probed
    assert_true(lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "null")->usable);
}

static void a_plugin_that_does_not_load_is_listed_with_the_reason(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    const Pb__PluginPresence *broken = lab_plugin(lab->hello->plugins, lab->hello->n_plugins, "broken");
    assert_non_null(broken);
    assert_false(broken->usable);
    assert_string_equal(broken->description_hash, "");
    assert_non_null(strstr(broken->unusable_reason, "broken.so"));
}

static bool has_plugin(struct lab *lab, uint64_t name)
{
    const Pb__PluginsChanged *changed = lab->plugins_changed;
    const Pb__PluginPresence *found = changed ? lab_plugin(changed->plugins, changed->n_plugins, (const char *)(uintptr_t)name) : NULL;
    return found && found->usable;
}

static bool says_gone(struct lab *lab, uint64_t name)
{
    for (size_t i = 0; i < lab->gone_count; i++)
        if (strcmp(lab->gone[i], (const char *)(uintptr_t)name) == 0)
            return true;
    return false;
}

static void looks_again_for_plugins_on_SIGHUP(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, has_changed, 1);
    CLEANUP_FREE char *broken = path_join(lab->plugins, "broken.so");
    assert_int_equal(unlink(broken), 0);
    kill(lab->pid, SIGHUP);
    LAB_UNTIL(lab, says_gone, (uintptr_t) "broken");
    assert_null(lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "broken"));
    assert_non_null(lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "null"));
}

static bool has_reason(struct lab *lab, uint64_t name)
{
    const Pb__PluginsChanged *changed = lab->plugins_changed;
    const Pb__PluginPresence *found = changed ? lab_plugin(changed->plugins, changed->n_plugins, (const char *)(uintptr_t)name) : NULL;
    return found && !found->usable;
}

static bool late_is_not(struct lab *lab, uint64_t file_hash)
{
    const Pb__PluginPresence *late = lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "late");
    return late && late->usable && strcmp(late->file_hash, (const char *)(uintptr_t)file_hash) != 0;
}

static void write_file(const char *folder, const char *name, const char *text)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *path = path_join(folder, name);
    assert_int_equal(folder_make(folder, 0755, &error), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &error), 0);
}

static const char declared[] = "panther_service: 1\nname: late\nkind: iut\nversion: \"1.0\"\nsummary: comes late\n"
                               "protocols:\n  - {name: http, versions: [\"1.1\"], roles: [server]}\n"
                               "phases:\n  run: {argv: [sleep, \"60\"]}\n";

static void a_plugin_that_is_put_there_changed_and_removed_is_seen_by_itself(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, has_changed, 1);
    CLEANUP_FREE char *folder = path_join(lab->plugins, "late");
    write_file(folder, "service.yaml", declared);
    LAB_UNTIL(lab, has_plugin, (uintptr_t) "late");
    const Pb__PluginPresence *late = lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "late");
    CLEANUP_FREE char *first_hash = memory_string(late->file_hash);
    CLEANUP_FREE char *path = path_join(folder, "service.yaml");
    assert_string_equal(late->path, path);
    write_file(folder, "page.in", "a file of it is a part of it");
    LAB_UNTIL(lab, late_is_not, (uintptr_t)first_hash);
    CLEANUP_FREE char *link = path_join(folder, "shadow");
    assert_int_equal(symlink("/etc/shadow", link), 0);
    LAB_UNTIL(lab, has_reason, (uintptr_t) "late");
    late = lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "late");
    assert_non_null(strstr(late->unusable_reason, "shadow is neither a file nor a folder"));
    assert_int_equal(folder_remove(folder, NULL), 0);
    LAB_UNTIL(lab, says_gone, (uintptr_t) "late");
    assert_true(has_plugin(lab, (uintptr_t) "null"));
}

static void a_folder_that_holds_a_shared_object_is_a_plugin(void **state)
{
    struct lab *lab = *state;
    struct panther_error error = {0};
    CLEANUP_FREE char *folder = path_join(lab->plugins, "null");
    CLEANUP_FREE char *bare = path_join(lab->plugins, "null.so");
    CLEANUP_FREE char *inside = path_join(folder, "null.so");
    CLEANUP_FREE char *object = NULL;
    size_t bytes = 0;
    assert_int_equal(unlink(bare), 0);
    assert_int_equal(file_read(PANTHER_PLUGINS "/null.so", 1 << 24, &object, &bytes, &error), 0);
    assert_int_equal(folder_make(folder, 0755, &error), 0);
    assert_int_equal(file_write_atomic(inside, object, bytes, 0755, &error), 0);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, has_plugin, (uintptr_t) "null");
    assert_string_equal(lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "null")->path, inside);
}

static void start_tester(struct lab *lab, uint64_t instance, const struct lab_wish *wish)
{
    lab_initialize(lab, instance, wish);
    lab_command(lab, instance, 2, PB__COMMAND__BODY_START, NULL);
    LAB_UNTIL(lab, lab_has_done, instance * 1000 + 2);
    assert_int_equal(lab_done(lab, instance, 2)->command_done->status, PB__COMMAND_STATUS__COMMAND_STATUS_OK);
}

static void stop_tester(struct lab *lab, uint64_t instance, uint32_t next)
{
    lab_command(lab, instance, next, PB__COMMAND__BODY_STOP, NULL);
    lab_command(lab, instance, next + 1, PB__COMMAND__BODY_CLEANUP, NULL);
    LAB_UNTIL(lab, lab_has_ended, instance);
    assert_int_equal(lab_ended(lab, instance)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_CLEANED);
}

static void runs_a_tester_from_initialize_to_cleanup(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    lab_command(lab, 7, 3, PB__COMMAND__BODY_RUN_CASE, "pass");
    lab_command(lab, 7, 4, PB__COMMAND__BODY_RUN_CASE, "fail");
    LAB_UNTIL(lab, lab_has_result, 7004);
    assert_int_equal(lab_result(lab, 7, 3)->case_result->outcome->verdict, PB__VERDICT__VERDICT_PASS);
    assert_int_equal(lab_result(lab, 7, 4)->case_result->outcome->verdict, PB__VERDICT__VERDICT_FAIL);
    stop_tester(lab, 7, 5);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    const struct lab_file *log = map_get_text(lab->files, "7.1/plugin.log");
    assert_true(log && log->complete);
    assert_int_equal(lab_marked(lab, 7), 0);
    lab_check_sequences(lab);
}

static void a_repeated_command_is_not_done_again(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    lab_initialize(lab, 7, &NULL_TESTER);
    lab_command(lab, 7, 2, PB__COMMAND__BODY_START, NULL);
    lab_command(lab, 7, 3, PB__COMMAND__BODY_RUN_CASE, "pass");
    lab_command(lab, 7, 3, PB__COMMAND__BODY_RUN_CASE, "pass");
    LAB_UNTIL(lab, lab_has_result, 7003);
    stop_tester(lab, 7, 4);
    unsigned results = 0, starts = 0;
    for (size_t i = 0; i < lab->event_count; i++) {
        results += lab->events[i]->body_case == PB__EVENT__BODY_CASE_RESULT;
        starts += lab->events[i]->body_case == PB__EVENT__BODY_COMMAND_DONE && lab->events[i]->command_done->number <= 2;
    }
    assert_int_equal(results, 1);
    assert_int_equal(starts, 2);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    lab_initialize(lab, 7, &NULL_TESTER); // late: the tombstone remembers it
    lab_initialize(lab, 8, &NULL_TESTER);
    LAB_UNTIL(lab, lab_has_done, 8001);
    assert_true(lab_has_forgotten(lab, 7));
}

static void refuse(struct lab *lab, uint64_t instance, const struct lab_wish *wish, const char *why)
{
    lab_initialize(lab, instance, wish);
    LAB_UNTIL(lab, lab_has_ended, instance);
    const Pb__CommandDone *done = lab_done(lab, instance, 1)->command_done;
    assert_int_equal(done->status, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED);
    if (!strstr(done->text, why))
        fail_msg("\"%s\" does not say \"%s\"", done->text, why);
    assert_int_equal(lab_ended(lab, instance)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_REFUSED);
}

static void what_cannot_be_made_is_refused_with_the_reason(void **state)
{
    struct lab *lab = *state;
    static const char *const flags[] = {"--slots", "1", NULL};
    char hash[HASH_TEXT_BYTES];
    lab_start(lab, flags);
    LAB_UNTIL(lab, lab_is_live, 1);
    refuse(lab, 1, &(struct lab_wish){.plugin = "nosuch"}, "plugin nosuch is not installed");
    refuse(lab, 2, &(struct lab_wish){.plugin = "broken"}, "cannot be used on this host");
    hash_bytes("x", 1, hash);
    refuse(lab, 3, &(struct lab_wish){.plugin = "null", .file_hash = hash}, "no such blob");
    start_tester(lab, 4, &NULL_TESTER);
    refuse(lab, 5, &NULL_TESTER, "no free slot");
    stop_tester(lab, 4, 3);
    start_tester(lab, 6, &NULL_TESTER);
    lab_check_sequences(lab);
}

static void fetches_files_before_the_guard_starts(void **state)
{
    struct lab *lab = *state;
    static const char page[] = "<html>a page</html>\n";
    char hash[HASH_TEXT_BYTES];
    hash_bytes(page, sizeof page - 1, hash);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &(struct lab_wish){.plugin = "null", .file_hash = hash});
    CLEANUP_FREE char *path = memory_printf("%s/files/%s", lab->state, hash);
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    assert_int_equal(file_read(path, 1000, &text, &bytes, NULL), 0);
    assert_string_equal(text, page);
    stop_tester(lab, 7, 3);
}

// ---- restarts

static void adopts_its_instances_again_after_kill_9(void **state)
{
    struct lab *lab = *state;
    struct lab_wish wish = {.plugin = "null", .options = {"delay", "100ms"}};
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &wish);
    start_tester(lab, 8, &NULL_TESTER);
    for (uint32_t i = 0; i < 20; i++)
        lab_command(lab, 7, 3 + i, PB__COMMAND__BODY_RUN_CASE, "noop");
    LAB_UNTIL(lab, lab_has_result, 7005);
    pid_t guard = lab_guard(lab, 7);
    lab_kill(lab);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 2);
    assert_int_equal(lab->hello->n_instances, 2);
    assert_int_equal(lab->hello->instances[0]->instance, 7);
    assert_int_equal(lab->hello->instances[0]->last_command, 22);
    assert_int_equal(lab->hello->instances[1]->last_command, 2);
    LAB_UNTIL(lab, lab_has_result, 7022);
    assert_int_equal(lab_guard(lab, 7), guard);
    for (uint32_t i = 0; i < 20; i++)
        assert_non_null(lab_result(lab, 7, 3 + i));
    stop_tester(lab, 7, 23);
    stop_tester(lab, 8, 3);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    lab_check_sequences(lab);
    assert_null(map_get_text(lab->files, "7.1/nothing"));
    assert_true(((struct lab_file *)map_get_text(lab->files, "7.1/plugin.log"))->complete);
}

static void what_was_not_acknowledged_is_sent_again_after_kill_9(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    lab->holds_acknowledgements = true;
    start_tester(lab, 7, &NULL_TESTER);
    uint64_t seen = lab->last_seen;
    assert_true(seen >= 2);
    lab_kill(lab);
    lab->last_seen = 1; // a coordinator that had committed the first only
    for (size_t i = 1; i < lab->event_count; i++)
        message_free(lab->events[i]);
    lab->event_count = 1;
    lab->holds_acknowledgements = false;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 2);
    assert_int_equal(lab->hello->outbox_acknowledged, 0);
    assert_int_equal(lab->hello->outbox_first, 1);
    LAB_UNTIL(lab, lab_has_done, 7002);
    assert_int_equal(lab->repeats, 0);
    stop_tester(lab, 7, 3);
    lab_check_sequences(lab);
}

static void cut(struct lab *lab)
{
    bus_server_close_route(lab->server, lab->route);
}

static void goes_on_after_a_lost_session(void **state)
{
    struct lab *lab = *state;
    struct lab_wish wish = {.plugin = "null", .options = {"delay", "20ms"}};
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &wish);
    for (uint32_t i = 0; i < 60; i++)
        lab_command(lab, 7, 3 + i, PB__COMMAND__BODY_RUN_CASE, "noop");
    for (uint32_t i = 0; i < 4; i++) {
        LAB_UNTIL(lab, lab_has_result, 7000 + 3 + i * 14);
        cut(lab);
        LAB_UNTIL(lab, lab_is_live, i + 2);
    }
    LAB_UNTIL(lab, lab_has_result, 7062);
    stop_tester(lab, 7, 63);
    lab_check_sequences(lab);
}

static bool has_unanswered(struct lab *lab, uint64_t count)
{
    return lab->bulk_unanswered >= count;
}

// Its link looks well all the time: nothing but the new session says that the answer will never come.
static void sends_unanswered_chunks_again_in_a_new_session(void **state)
{
    struct lab *lab = *state;
    lab->is_bulk_deaf = true;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    stop_tester(lab, 7, 3);
    LAB_UNTIL(lab, has_unanswered, 1);
    lab->is_bulk_deaf = false;
    assert_false(lab_has_forgotten(lab, 7));
    cut(lab);
    LAB_UNTIL(lab, lab_is_live, 2);
    uint64_t until_ns = clock_boottime_ns() + UINT64_C(5000000000);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    assert_true(clock_boottime_ns() < until_ns);
}

static void comes_back_when_it_was_told_to(void **state)
{
    struct lab *lab = *state;
    lab->refuses = true;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 3);
    lab->refuses = false;
    unsigned before = lab->heartbeats;
    LAB_UNTIL(lab, lab_is_live, 4);
    LAB_UNTIL(lab, has_changed, 1);
    assert_true(lab->heartbeats > before);
}

static bool has_goodbye(struct lab *lab, uint64_t times)
{
    return lab->goodbyes >= times;
}

static void stays_away_from_a_store_that_was_set_back(void **state)
{
    struct lab *lab = *state;
    lab->incarnation = 5;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    cut(lab);
    lab->incarnation = 4;
    LAB_UNTIL(lab, has_goodbye, 1);
    assert_non_null(strstr(lab->goodbye, "older"));
    assert_true(lab_marked(lab, 7) >= 2); // it goes on under its lease
}

static void begins_anew_with_another_store(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    CLEANUP_FREE char *epoch = memory_string(lab->hello->outbox_epoch);
    snprintf(lab->store_id, sizeof lab->store_id, "00000000000000000000000000000002");
    cut(lab);
    LAB_UNTIL(lab, lab_is_live, 3);
    assert_string_equal(lab->hello->store_id, "");
    assert_int_equal(lab->hello->n_instances, 0);
    assert_string_not_equal(lab->hello->outbox_epoch, epoch);
    assert_int_equal(lab_marked(lab, 7), 0);
    start_tester(lab, 7, &NULL_TESTER); // the same number means another instance now
}

static bool beats(struct lab *lab, uint64_t times)
{
    return lab->heartbeats >= times;
}

// ---- guards

static bool no_mark(struct lab *lab, uint64_t instance)
{
    return lab_marked(lab, instance) == 0;
}

static void a_killed_guard_is_reported_and_swept(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    lab_command(lab, 7, 3, PB__COMMAND__BODY_RUN_CASE, "pass");
    LAB_UNTIL(lab, lab_has_result, 7003);
    kill(lab_guard(lab, 7), SIGKILL);
    LAB_UNTIL(lab, lab_has_ended, 7);
    assert_int_equal(lab_ended(lab, 7)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_GUARD_LOST);
    assert_non_null(strstr(lab_ended(lab, 7)->instance_ended->text, "signal 9"));
    assert_int_equal(lab_marked(lab, 7), 0);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    lab_check_sequences(lab);
}

static void a_guard_that_was_killed_while_the_agent_was_away_is_reported(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    pid_t guard = lab_guard(lab, 7);
    lab_kill(lab);
    kill(guard, SIGKILL);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_has_ended, 7);
    assert_int_equal(lab_ended(lab, 7)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_GUARD_LOST);
    assert_true(no_mark(lab, 7));
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    lab_check_sequences(lab);
}

static void a_lease_ends_what_nobody_asks_for(void **state)
{
    struct lab *lab = *state;
    lab->lease_ms = 0;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &(struct lab_wish){.plugin = "null", .lease_ms = 1500});
    lab_kill(lab);
    LAB_UNTIL(lab, no_mark, 7);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_has_ended, 7);
    assert_int_equal(lab_ended(lab, 7)->instance_ended->cause, PB__END_CAUSE__END_CAUSE_LEASE);
    lab_check_sequences(lab);
}

// The one in which the instances of this agent have theirs.
static bool has_cgroup(struct lab *lab, uint64_t unused)
{
    (void)unused;
    char host_id[64] = "";
    CLEANUP_FREE char *path = path_join(lab->state, "host_id");
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fread(host_id, 1, 12, file), 12);
    fclose(file);
    const char *mount = access("/sys/fs/cgroup/unified", F_OK) == 0 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    CLEANUP_FREE char *folder = memory_printf("%s/panther-%s", mount, host_id);
    return access(folder, F_OK) == 0;
}

static bool has_no_cgroup(struct lab *lab, uint64_t unused)
{
    return !has_cgroup(lab, unused);
}

static void a_killed_agent_leaves_no_cgroup(void **state)
{
    struct lab *lab = *state;
    lab->lease_ms = 0;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    assert_false(has_cgroup(lab, 0)); // idle
    start_tester(lab, 7, &(struct lab_wish){.plugin = "null", .lease_ms = 1500});
    start_tester(lab, 8, &(struct lab_wish){.plugin = "null", .lease_ms = 2000});
    bool has = has_cgroup(lab, 0);
    lab_kill(lab);
    LAB_UNTIL(lab, no_mark, 7);
    LAB_UNTIL(lab, no_mark, 8);
    LAB_UNTIL(lab, has_no_cgroup, 0);
    if (!has) {
        print_message("skipped: this host gives us no cgroup\n");
        skip();
    }
}

static void a_guard_that_was_killed_with_its_agent_leaves_no_cgroup_to_the_next(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    lab_kill(lab);
    assert_int_equal(kill(lab_guard(lab, 7), SIGKILL), 0);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    LAB_UNTIL(lab, has_no_cgroup, 0);
}

static void grants_keep_an_instance_alive(void **state)
{
    struct lab *lab = *state;
    lab->lease_ms = 1000;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &(struct lab_wish){.plugin = "null", .lease_ms = 1000});
    LAB_UNTIL(lab, beats, lab->heartbeats + 15); // three seconds
    assert_null(lab_ended(lab, 7));
    stop_tester(lab, 7, 3);
}

static void discards_what_nobody_wants(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    Pb__Discard discard = PB__DISCARD__INIT;
    discard.instance = 7;
    discard.generation = 1;
    envelope.body_case = PB__ENVELOPE__BODY_DISCARD;
    envelope.discard = &discard;
    lab_send(lab, &envelope);
    LAB_UNTIL(lab, lab_has_ended, 7);
    LAB_UNTIL(lab, lab_has_forgotten, 7);
    assert_int_equal(lab_marked(lab, 7), 0);
}

// ---- a full disk

static bool mount_small_disk(struct lab *lab)
{
    assert_int_equal(mkdir(lab->state, 0700), 0);
    return mount("panther-test", lab->state, "tmpfs", 0, "size=6m,mode=0700") == 0;
}

// Also with what the agent has kept, as one does who goes on filling.
static void fill(const struct lab *lab)
{
    CLEANUP_FREE char *room = path_join(lab->state, "room");
    assert_int_equal(unlink(room), 0);
    static const char block[64 * 1024];
    CLEANUP_FREE char *path = path_join(lab->state, "filler");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    size_t bytes = sizeof block;
    while (bytes > 0)
        if (write(fd, block, bytes) < 0)
            bytes /= 2;
    close(fd);
}

static void a_full_disk_admits_nothing_and_loses_nothing(void **state)
{
    struct lab *lab = *state;
    if (!mount_small_disk(lab)) {
        print_message("skipped: mounting is not allowed here\n");
        skip();
    }
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    LAB_UNTIL(lab, has_changed, 1);
    fill(lab);
    lab_initialize(lab, 7, &NULL_TESTER); // its intent cannot be written
    LAB_UNTIL(lab, beats, lab->heartbeats + 3);
    lab_initialize(lab, 8, &NULL_TESTER);
    LAB_UNTIL(lab, beats, lab->heartbeats + 3); // the session goes on
    assert_int_equal(lab->event_count, 0);
    assert_int_equal(lab_marked(lab, 7), 0);
    CLEANUP_FREE char *path = path_join(lab->state, "filler");
    assert_int_equal(unlink(path), 0);
    LAB_UNTIL(lab, lab_has_done, 7001);
    LAB_UNTIL(lab, lab_has_ended, 8);
    assert_non_null(strstr(lab_ended(lab, 8)->instance_ended->text, "full"));
    start_tester(lab, 9, &NULL_TESTER);
    lab_check_sequences(lab);
}

// ---- the program

static void says_goodbye_on_SIGTERM_and_leaves_its_instances_running(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    start_tester(lab, 7, &NULL_TESTER);
    kill(lab->pid, SIGTERM);
    assert_int_equal(lab_wait_exit(lab), 0);
    LAB_UNTIL(lab, has_goodbye, 1);
    assert_true(lab_marked(lab, 7) >= 2);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 2);
    assert_int_equal(lab->hello->n_instances, 1);
    stop_tester(lab, 7, 3);
}

static void a_second_agent_on_the_same_state_is_refused(void **state)
{
    struct lab *lab = *state;
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
    pid_t first = lab->pid;
    lab_start(lab, NULL);
    assert_int_equal(lab_wait_exit(lab), 3);
    lab->pid = first;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_begin, lab_end)
    const struct CMUnitTest tests[] = {
        TEST(says_who_it_is_and_what_it_can_run),
        TEST(a_plugin_that_does_not_load_is_listed_with_the_reason),
        TEST(looks_again_for_plugins_on_SIGHUP),
        TEST(a_plugin_that_is_put_there_changed_and_removed_is_seen_by_itself),
        TEST(a_folder_that_holds_a_shared_object_is_a_plugin),
        TEST(runs_a_tester_from_initialize_to_cleanup),
        TEST(a_repeated_command_is_not_done_again),
        TEST(what_cannot_be_made_is_refused_with_the_reason),
        TEST(fetches_files_before_the_guard_starts),
        TEST(adopts_its_instances_again_after_kill_9),
        TEST(what_was_not_acknowledged_is_sent_again_after_kill_9),
        TEST(goes_on_after_a_lost_session),
        TEST(sends_unanswered_chunks_again_in_a_new_session),
        TEST(comes_back_when_it_was_told_to),
        TEST(stays_away_from_a_store_that_was_set_back),
        TEST(begins_anew_with_another_store),
        TEST(a_killed_guard_is_reported_and_swept),
        TEST(a_guard_that_was_killed_while_the_agent_was_away_is_reported),
        TEST(a_lease_ends_what_nobody_asks_for),
        TEST(a_killed_agent_leaves_no_cgroup),
        TEST(a_guard_that_was_killed_with_its_agent_leaves_no_cgroup_to_the_next),
        TEST(grants_keep_an_instance_alive),
        TEST(discards_what_nobody_wants),
        TEST(a_full_disk_admits_nothing_and_loses_nothing),
        TEST(says_goodbye_on_SIGTERM_and_leaves_its_instances_running),
        TEST(a_second_agent_on_the_same_state_is_refused),
    };
    bus_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bus_end();
    return failed;
}
