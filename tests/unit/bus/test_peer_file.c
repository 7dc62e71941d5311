// Key files: what is written is read again, and what is open to others or is not what it seems is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/bus/bus.h"
#include "common/system/file.h"

static char folder[] = "/tmp/panther-peer-file-XXXXXX";
static char path[128];

static struct bus_peer_file sample(void)
{
    struct bus_peer_file file = {.name = "lab-a", .role = "agent", .coordinator = "tcp://10.0.0.1:7400"};
    char secret[BUS_KEY_TEXT_BYTES];
    bus_key_new(file.public_key, file.secret_key);
    bus_key_new(file.server_key, secret);
    return file;
}

static void write_text(const char *text, mode_t mode)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(path, mode), 0);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) { // Z85 has most of what YAML takes for its own: * & # : { [ % @ !
        struct bus_peer_file file = sample(), again;
        memset(&again, 0, sizeof again);
        if (i % 2)
            file.server_key[0] = file.coordinator[0] = '\0';
        else
            snprintf(file.bulk, sizeof file.bulk, "tcp://10.0.0.1:9000");
        struct panther_error error = {0};
        if (bus_peer_file_write(path, &file, &error) != 0 || bus_peer_file_read(path, &again, &error) != 0)
            fail_msg("%s", error.message);
        assert_string_equal(again.name, file.name);
        assert_string_equal(again.role, file.role);
        assert_string_equal(again.public_key, file.public_key);
        assert_string_equal(again.secret_key, file.secret_key);
        assert_string_equal(again.coordinator, file.coordinator);
        assert_string_equal(again.bulk, file.bulk);
        assert_string_equal(again.server_key, file.server_key);
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void expect(int code, const char *part)
{
    struct bus_peer_file file;
    memset(&file, 'x', sizeof file);
    struct bus_peer_file untouched = file;
    struct panther_error error = {0};
    int result = bus_peer_file_read(path, &file, &error);
    if (result != code || !strstr(error.message, part))
        fail_msg("got %s: \"%s\", wanted %s with \"%s\"", error_name(result), error.message, error_name(code), part);
    assert_memory_equal(&file, &untouched, sizeof file);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct bus_peer_file file = sample();
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602, 0610, 0660};
    assert_int_equal(bus_peer_file_write(path, &file, NULL), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        expect(PANTHER_EDENIED, "chmod 600");
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(bus_peer_file_read(path, &file, NULL), 0);
}

static void what_is_not_a_key_file_is_refused(void **state)
{
    (void)state;
    struct bus_peer_file file = sample(), other = sample();
    struct text text = {0};
    unlink(path);
    expect(PANTHER_ENOTFOUND, path);
    write_text("", 0600);
    expect(PANTHER_EINVALID, "");
    write_text("- a\n- b\n", 0600);
    expect(PANTHER_EINVALID, "not a key file");
    write_text("name: lab-a\n", 0600);
    expect(PANTHER_EVERSION, "panther_key: 1");
    write_text("panther_key: 2\nname: lab-a\n", 0600);
    expect(PANTHER_EVERSION, "panther_key: 1");
    write_text("panther_key: 1\nname: lab-a\n", 0600);
    expect(PANTHER_EINVALID, "\"role\" is missing");
    write_text("panther_key: 1\nname: lab-a\nrole: agent\npublic: 'short'\n", 0600);
    expect(PANTHER_EINVALID, "\"public\" is not a CURVE key");
    write_text("panther_key: 1\nname: [a]\n", 0600);
    expect(PANTHER_EINVALID, "\"name\" must be text");
    write_text("panther_key: 1\nname: a\nrole: a-role-that-is-too-long\n", 0600);
    expect(PANTHER_EINVALID, "\"role\" is longer");
    text_printf(&text, "panther_key: 1\nname: a\nrole: agent\npublic: '%s'\nsecret: '%s'\n", other.public_key, file.secret_key);
    write_text(text_string(&text), 0600);
    expect(PANTHER_EINVALID, "not the public key of");
    text_clear(&text);
    for (int i = 0; i < 10000; i++)
        text_append(&text, "# x\n");
    write_text(text_string(&text), 0600);
    expect(PANTHER_ELIMIT, "too long");
    text_free(&text);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect(PANTHER_EINVALID, "not a file");
    rmdir(path);
}

static void a_value_that_would_break_the_file_is_not_written(void **state)
{
    (void)state;
    struct bus_peer_file file = sample();
    unlink(path);
    snprintf(file.name, sizeof file.name, "a'\nrole: 'operator");
    assert_int_equal(bus_peer_file_write(path, &file, NULL), PANTHER_EINVALID);
    file = sample();
    file.name[0] = '\0';
    assert_int_equal(bus_peer_file_write(path, &file, NULL), PANTHER_EINVALID);
    file = sample();
    file.secret_key[3] = '"';
    assert_int_equal(bus_peer_file_write(path, &file, NULL), PANTHER_EINVALID);
    assert_false(file_exists(path));
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/agent.key", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(what_is_not_a_key_file_is_refused),
        cmocka_unit_test(a_value_that_would_break_the_file_is_not_written),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder, NULL);
    return failed;
}
