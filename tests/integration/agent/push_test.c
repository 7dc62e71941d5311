// Plugins that are pushed to a real agent, and what a coordinator that is not what it should be could send in their place.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "tests/integration/agent/lab.h"

#define SERVICE_YAML(version)                                                                                                              \
    "panther_service: 1\nname: late\nkind: iut\nversion: \"" version "\"\nsummary: comes late\n"                                           \
    "protocols:\n  - {name: http, versions: [\"1.1\"], roles: [server]}\nphases:\n  run: {argv: [sleep, \"60\"]}\n"
#define TAR_BLOCK_BYTES 512
#define TAR_BYTES_MAX (16 * TAR_BLOCK_BYTES)

// ---- archives

struct tar {
    char data[TAR_BYTES_MAX];
    size_t bytes;
};

// ustar, by hand: what no packer of ours would write.
static void tar_add(struct tar *tar, const char *name, char type, const char *target, const char *content)
{
    char *header = tar->data + tar->bytes;
    unsigned sum = 0;
    assert_true(tar->bytes + (4 * TAR_BLOCK_BYTES) <= TAR_BYTES_MAX && strlen(content) <= TAR_BLOCK_BYTES);
    snprintf(header, 100, "%s", name);
    snprintf(header + 100, 8, "%07o", 0644);
    snprintf(header + 108, 8, "%07o", 0);
    snprintf(header + 116, 8, "%07o", 0);
    snprintf(header + 124, 12, "%011o", (unsigned)strlen(content) & 0xffff);
    snprintf(header + 136, 12, "%011o", 0);
    header[156] = type;
    snprintf(header + 157, 100, "%s", target);
    memcpy(header + 257, "ustar\00000", 8);
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    memcpy(header + TAR_BLOCK_BYTES, content, strlen(content));
    tar->bytes += strlen(content) ? 2 * TAR_BLOCK_BYTES : TAR_BLOCK_BYTES;
}

static void tar_end(struct tar *tar)
{
    tar->bytes += (size_t)2 * TAR_BLOCK_BYTES;
}

// ---- asking

static void offer(struct lab *lab, const void *data, size_t bytes)
{
    lab->blob = data;
    lab->blob_bytes = bytes;
    hash_bytes(data, bytes, lab->blob_hash);
}

static bool has_answered(struct lab *lab, uint64_t push)
{
    return lab->placed && lab->placed->push == push;
}

static const Pb__PluginPlaced *place(struct lab *lab, uint64_t push, const char *name, const char *hash)
{
    char name_copy[64], hash_copy[HASH_TEXT_BYTES];
    Pb__PlacePlugin plugin = PB__PLACE_PLUGIN__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    snprintf(name_copy, sizeof name_copy, "%s", name);
    snprintf(hash_copy, sizeof hash_copy, "%s", hash);
    plugin.push = push;
    plugin.name = name_copy;
    plugin.hash = hash_copy;
    envelope.body_case = PB__ENVELOPE__BODY_PLACE_PLUGIN;
    envelope.place_plugin = &plugin;
    lab_send(lab, &envelope);
    LAB_UNTIL(lab, has_answered, push);
    return lab->placed;
}

static void refuses(struct lab *lab, uint64_t push, const char *name, const char *why)
{
    const Pb__PluginPlaced *placed = place(lab, push, name, lab->blob_hash);
    assert_int_equal(placed->state, PB__PLACED_STATE__PLACED_STATE_REFUSED);
    if (!strstr(placed->text, why))
        fail_msg("\"%s\" does not say \"%s\"", placed->text, why);
}

static void offer_late(struct lab *lab, const char *text)
{
    static struct tar tar;
    tar = (struct tar){0};
    tar_add(&tar, "service.yaml", '0', "", text);
    tar_end(&tar);
    offer(lab, tar.data, tar.bytes);
}

static bool is_known(struct lab *lab, uint64_t unused)
{
    (void)unused;
    const Pb__PluginsChanged *changed = lab->plugins_changed;
    const Pb__PluginPresence *late = changed ? lab_plugin(changed->plugins, changed->n_plugins, "late") : NULL;
    return late && late->usable;
}

static bool is_left(const struct lab *lab, const char *name)
{
    CLEANUP_FREE char *path = memory_printf("%s/pushed/%s", lab->state, name);
    return access(path, F_OK) == 0;
}

static void start(struct lab *lab)
{
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 1);
}

// ---- the tests

static void what_is_pushed_is_used_and_stays_over_a_kill(void **state)
{
    struct lab *lab = *state;
    start(lab);
    offer_late(lab, SERVICE_YAML("1.0"));
    assert_int_equal(place(lab, 1, "late", lab->blob_hash)->state, PB__PLACED_STATE__PLACED_STATE_PLACED);
    assert_true(is_known(lab, 0)); // told before the answer
    assert_int_equal(place(lab, 2, "late", lab->blob_hash)->state, PB__PLACED_STATE__PLACED_STATE_UNCHANGED);
    lab_kill(lab);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 2);
    assert_true(lab_plugin(lab->hello->plugins, lab->hello->n_plugins, "late")->usable);
    assert_int_equal(place(lab, 3, "late", lab->blob_hash)->state, PB__PLACED_STATE__PLACED_STATE_UNCHANGED);
    assert_int_equal(place(lab, 4, "late", "")->state, PB__PLACED_STATE__PLACED_STATE_REMOVED);
    assert_null(lab_plugin(lab->plugins_changed->plugins, lab->plugins_changed->n_plugins, "late"));
    assert_int_equal(place(lab, 5, "late", "")->state, PB__PLACED_STATE__PLACED_STATE_NONE);
}

static void hostile_archives_are_refused_and_leave_nothing(void **state)
{
    struct lab *lab = *state;
    static char garbage[4096];
    char outside[160];
    memset(garbage, 0xa5, sizeof garbage);
    start(lab);
    offer(lab, garbage, sizeof garbage);
    refuses(lab, 1, "late", "it cannot be unpacked");
    snprintf(outside, sizeof outside, "%s/outside", lab->root);
    const struct {
        const char *name, *target;
        char type;
    } entries[] = {{"../outside", "", '0'}, {outside, "", '0'},     {"a/../../outside", "", '0'},
                   {"link", outside, '2'},  {"hard", outside, '1'}, {"device", "", '3'},
                   {"pipe", "", '6'}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct tar tar = {0};
        tar_add(&tar, "service.yaml", '0', "", SERVICE_YAML("1.0"));
        tar_add(&tar, entries[i].name, entries[i].type, entries[i].target, "");
        tar_end(&tar);
        offer(lab, tar.data, tar.bytes);
        refuses(lab, 10 + i, "late", "it cannot be unpacked");
        assert_int_equal(access(outside, F_OK), -1);
    }
    struct tar cut = {0};
    tar_add(&cut, "service.yaml", '0', "", SERVICE_YAML("1.0"));
    offer(lab, cut.data, TAR_BLOCK_BYTES + 10);
    refuses(lab, 30, "late", "it cannot be unpacked");
}

static void content_of_another_hash_is_refused(void **state)
{
    struct lab *lab = *state;
    start(lab);
    offer_late(lab, SERVICE_YAML("1.0"));
    hash_bytes("other", 5, lab->blob_hash);
    refuses(lab, 1, "late", "other content than its hash says");
    lab->blob_hash[0] = '\0'; // and one that nobody has
    char nobody[HASH_TEXT_BYTES];
    hash_bytes("nobody", 6, nobody);
    assert_int_equal(place(lab, 2, "late", nobody)->state, PB__PLACED_STATE__PLACED_STATE_REFUSED);
    assert_string_equal(lab->placed->text, "no such blob");
}

static void what_does_not_work_here_does_not_replace_the_good_one(void **state)
{
    struct lab *lab = *state;
    start(lab);
    offer_late(lab, SERVICE_YAML("1.0"));
    place(lab, 1, "late", lab->blob_hash);
    CLEANUP_FREE char *good = memory_printf("%s.folder", lab->blob_hash);
    offer_late(lab, SERVICE_YAML("2.0") "nonsense: 1\n");
    refuses(lab, 2, "late", "service.yaml:10:1: ");
    offer_late(lab, SERVICE_YAML("2.0") "requires: {programs: [no-such-program]}\n");
    refuses(lab, 3, "late", "program no-such-program is not installed");
    offer_late(lab, SERVICE_YAML("3.0"));
    refuses(lab, 4, "other", "it is called late, and was pushed as other");
    struct tar empty = {0};
    tar_add(&empty, "README.md", '0', "", "nothing else");
    tar_end(&empty);
    offer(lab, empty.data, empty.bytes);
    refuses(lab, 5, "late", "its folder holds neither service.yaml nor late.so");
    struct tar object = {0};
    tar_add(&object, "late.so", '0', "", "no shared object");
    tar_end(&object);
    offer(lab, object.data, object.bytes);
    refuses(lab, 6, "late", "late.so");
    assert_true(is_left(lab, good));
    assert_true(is_known(lab, 0));
}

static bool only_is_left(struct lab *lab, uint64_t name)
{
    CLEANUP_FREE char *hidden = memory_printf("%s/pushed/%064d.folder", lab->state, 0);
    return access(hidden, F_OK) < 0 && !is_left(lab, "x.part") && is_left(lab, (const char *)(uintptr_t)name);
}

static void what_a_killed_agent_left_goes(void **state)
{
    struct lab *lab = *state;
    start(lab);
    offer_late(lab, SERVICE_YAML("1.0"));
    place(lab, 1, "late", lab->blob_hash);
    CLEANUP_FREE char *good = memory_printf("%s.folder", lab->blob_hash);
    lab_kill(lab);
    CLEANUP_FREE char *half = memory_printf("%s/pushed/%064d.folder", lab->state, 0);
    CLEANUP_FREE char *part = memory_printf("%s/pushed/x.part", lab->state);
    assert_int_equal(folder_make(half, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(part, "x", 1, 0644, NULL), 0);
    lab_start(lab, NULL);
    LAB_UNTIL(lab, lab_is_live, 2);
    LAB_UNTIL(lab, only_is_left, (uintptr_t)good);
}

static void an_agent_may_forbid_it(void **state)
{
    struct lab *lab = *state;
    static const char *const flags[] = {"--pushed-plugins", "false", NULL};
    lab_start(lab, flags);
    LAB_UNTIL(lab, lab_is_live, 1);
    offer_late(lab, SERVICE_YAML("1.0"));
    refuses(lab, 1, "late", "takes no pushed plugins");
    assert_int_equal(place(lab, 2, "late", "")->state, PB__PLACED_STATE__PLACED_STATE_REFUSED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_begin, lab_end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_pushed_is_used_and_stays_over_a_kill),
        TEST(hostile_archives_are_refused_and_leave_nothing),
        TEST(content_of_another_hash_is_refused),
        TEST(what_does_not_work_here_does_not_replace_the_good_one),
        TEST(what_a_killed_agent_left_goes),
        TEST(an_agent_may_forbid_it),
    };
    return cmocka_run_group_tests_name("pushed plugins", tests, NULL, NULL);
}
