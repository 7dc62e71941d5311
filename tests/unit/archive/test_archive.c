// Folders as archives: what comes back, what the bytes depend on, and archives that nobody of ours made.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive/archive.h"
#include "common/base/memory.h"
#include "common/system/file.h"

#define MANY ((size_t)1024 * 1024)

struct place {
    char folder[64];
    char *from, *to, *file;
};

static int begin(void **state)
{
    struct place *place = NEW(struct place);
    snprintf(place->folder, sizeof place->folder, "/tmp/panther-archive-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->from = path_join(place->folder, "from");
    place->to = path_join(place->folder, "to");
    place->file = path_join(place->folder, "packed");
    assert_int_equal(folder_make(place->from, 0755, NULL), 0);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    folder_remove(place->folder, NULL);
    free(place->from);
    free(place->to);
    free(place->file);
    free(place);
    return 0;
}

static void put(const char *folder, const char *name, const char *text, mode_t mode)
{
    CLEANUP_FREE char *path = path_join(folder, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void put_folder(const char *folder, const char *name)
{
    CLEANUP_FREE char *path = path_join(folder, name);
    assert_int_equal(folder_make(path, 0700, NULL), 0);
}

static void check(const char *folder, const char *name, const char *text, mode_t mode)
{
    CLEANUP_FREE char *path = path_join(folder, name);
    CLEANUP_FREE char *data = NULL;
    size_t bytes;
    struct stat status;
    assert_int_equal(file_read(path, MANY, &data, &bytes, NULL), 0);
    assert_string_equal(data, text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

static void pack_to_file(const struct place *place)
{
    CLEANUP_FREE char *data = NULL;
    size_t bytes;
    struct panther_error error = {0};
    assert_int_equal(archive_pack(place->from, MANY, &data, &bytes, &error), 0);
    assert_int_equal(file_write_atomic(place->file, data, bytes, 0644, NULL), 0);
}

static void a_folder_comes_back_as_it_was(void **state)
{
    struct place *place = *state;
    char long_name[201];
    memset(long_name, 'n', 200);
    long_name[200] = '\0';
    put(place->from, "index.html", "<p>hi", 0600);
    put(place->from, ".hidden", "", 0644);
    put(place->from, "run", "#!/bin/sh\n", 0711);
    put(place->from, "name with spaces, \xc3\xa9", "x", 0644);
    put(place->from, long_name, "long", 0644);
    put_folder(place->from, "a/b");
    put_folder(place->from, "empty");
    put(place->from, "a/b/deep", "deep", 0644);
    pack_to_file(place);
    struct panther_error error = {0};
    assert_int_equal(archive_unpack(place->file, place->to, &error), 0);
    check(place->to, "index.html", "<p>hi", 0644);
    check(place->to, ".hidden", "", 0644);
    check(place->to, "run", "#!/bin/sh\n", 0755);
    check(place->to, "name with spaces, \xc3\xa9", "x", 0644);
    check(place->to, long_name, "long", 0644);
    check(place->to, "a/b/deep", "deep", 0644);
    CLEANUP_FREE char *empty = path_join(place->to, "empty");
    assert_true(file_exists(empty));
}

static void an_empty_folder_is_a_folder(void **state)
{
    struct place *place = *state;
    struct panther_error error = {0};
    pack_to_file(place);
    assert_int_equal(archive_unpack(place->file, place->to, &error), 0);
    assert_true(file_exists(place->to));
}

// Made in another order, at another time, with other rights of others: the same bytes.
static void equal_folders_have_equal_bytes(void **state)
{
    struct place *place = *state;
    char *data[2];
    size_t bytes[2];
    put(place->from, "one", "1", 0644);
    put(place->from, "two", "2", 0644);
    assert_int_equal(archive_pack(place->from, MANY, &data[0], &bytes[0], NULL), 0);
    assert_int_equal(folder_make(place->to, 0700, NULL), 0);
    put(place->to, "two", "2", 0600);
    put(place->to, "one", "1", 0640);
    assert_int_equal(archive_pack(place->to, MANY, &data[1], &bytes[1], NULL), 0);
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(data[0], data[1], bytes[0]);
    free(data[1]);
    put(place->to, "one", "1", 0755);
    assert_int_equal(archive_pack(place->to, MANY, &data[1], &bytes[1], NULL), 0);
    assert_true(bytes[0] != bytes[1] || memcmp(data[0], data[1], bytes[0]) != 0); // whether it can be run counts
    free(data[0]);
    free(data[1]);
}

static void what_cannot_travel_is_named(void **state)
{
    struct place *place = *state;
    char *data = NULL;
    size_t bytes;
    struct panther_error error = {0};
    put(place->from, "big", "0123456789", 0644);
    assert_true(archive_pack(place->from, 5, &data, &bytes, &error) < 0);
    assert_non_null(strstr(error.message, "from"));
    CLEANUP_FREE char *link = path_join(place->from, "link");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(archive_pack(place->from, MANY, &data, &bytes, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "from/link is neither a file nor a folder"));
    CLEANUP_FREE char *none = path_join(place->folder, "none");
    assert_true(archive_pack(none, MANY, &data, &bytes, &error) < 0);
    assert_null(data);
}

// One entry as an attacker would write it.
static void write_hostile(const struct place *place, const char *name, unsigned type, const char *target)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_write_set_format_pax_restricted(archive);
    assert_int_equal(archive_write_open_filename(archive, place->file), ARCHIVE_OK);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 04777);
    archive_entry_set_size(entry, type == AE_IFREG && !target ? 4 : 0);
    if (target && type == AE_IFLNK)
        archive_entry_set_symlink(entry, target);
    else if (target)
        archive_entry_set_hardlink(entry, target);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    if (type == AE_IFREG && !target)
        assert_int_equal(archive_write_data(archive, "evil", 4), 4);
    archive_entry_free(entry);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static void an_archive_writes_nothing_outside_its_folder(void **state)
{
    struct place *place = *state;
    struct {
        const char *name;
        unsigned type;
        const char *target;
    } hostile[] = {
        {"../outside", AE_IFREG, NULL},
        {"/tmp/panther-archive-outside", AE_IFREG, NULL},
        {"a/../../outside", AE_IFREG, NULL},
        {"..", AE_IFDIR, NULL},
        {"link", AE_IFLNK, "/etc"},
        {"hard", AE_IFREG, "/etc/passwd"},
        {"device", AE_IFCHR, NULL},
        {"./x", AE_IFREG, NULL},
        {"fifo", AE_IFIFO, NULL},
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct panther_error error = {0};
        write_hostile(place, hostile[i].name, hostile[i].type, hostile[i].target);
        assert_int_equal(archive_unpack(place->file, place->to, &error), PANTHER_EINVALID);
        assert_true(error.message[0] != '\0');
        CLEANUP_FREE char *outside = path_join(place->folder, "outside");
        assert_false(file_exists(outside));
        assert_false(file_exists("/tmp/panther-archive-outside"));
        assert_int_equal(folder_remove(place->to, NULL), 0);
    }
    struct panther_error error = {0};
    write_hostile(place, "setuid", AE_IFREG, NULL);
    assert_int_equal(archive_unpack(place->file, place->to, &error), 0);
    check(place->to, "setuid", "evil", 0755);
    assert_int_equal(archive_unpack(place->file, place->to, &error), PANTHER_EEXISTS);
}

static void a_file_with_holes_is_refused(void **state)
{
    struct place *place = *state;
    struct panther_error error = {0};
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_write_set_format_pax(archive);
    assert_int_equal(archive_write_open_filename(archive, place->file), ARCHIVE_OK);
    archive_entry_set_pathname(entry, "huge");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, INT64_C(1) << 40);
    archive_entry_sparse_add_entry(entry, 0, 4);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, "huge", 4), 4);
    archive_entry_free(entry);
    archive_write_close(archive);
    archive_write_free(archive);
    assert_int_equal(archive_unpack(place->file, place->to, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "holes"));
}

static void a_broken_archive_is_an_error(void **state)
{
    struct place *place = *state;
    put(place->from, "one", "a text that is longer than nothing", 0644);
    pack_to_file(place);
    struct panther_error error = {0};
    assert_int_equal(truncate(place->file, 520), 0); // the header is there, most of the content is not
    assert_true(archive_unpack(place->file, place->to, &error) < 0);
    folder_remove(place->to, NULL);
    assert_int_equal(file_write_atomic(place->file, "no archive at all, only some text", 33, 0644, NULL), 0);
    assert_int_equal(archive_unpack(place->file, place->to, &error), PANTHER_EINVALID);
}

static bool into_file(void *context, const void *data, size_t bytes)
{
    return fwrite(data, 1, bytes, context) == bytes;
}

// 200 kB of one letter are some bytes on the way; unpacked they count as what they become.
static void a_bundle_is_small_and_its_content_is_capped(void **state)
{
    struct place *place = *state;
    CLEANUP_FREE char *text = memory_new(200001);
    struct stat status;
    struct panther_error error = {0};
    memset(text, 'a', 200000);
    put(place->from, "stream", text, 0644);
    FILE *out = fopen(place->file, "w");
    assert_int_equal(archive_write_zstd(place->from, MANY, into_file, out, NULL), 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(stat(place->file, &status), 0);
    assert_in_range(status.st_size, 1, 10000);
    assert_int_equal(archive_unpack_zstd(place->file, place->to, 199999, &error), PANTHER_ELIMIT);
    assert_int_equal(folder_remove(place->to, NULL), 0);
    assert_int_equal(archive_unpack_zstd(place->file, place->to, 200000, NULL), 0);
    check(place->to, "stream", text, 0644);
    assert_int_equal(folder_remove(place->to, NULL), 0);
    assert_true(archive_unpack(place->file, place->to, NULL) < 0); // what hosts unpack is never compressed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_comes_back_as_it_was, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_folder_is_a_folder, begin, end),
        cmocka_unit_test_setup_teardown(equal_folders_have_equal_bytes, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_travel_is_named, begin, end),
        cmocka_unit_test_setup_teardown(an_archive_writes_nothing_outside_its_folder, begin, end),
        cmocka_unit_test_setup_teardown(a_file_with_holes_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_broken_archive_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(a_bundle_is_small_and_its_content_is_capped, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
