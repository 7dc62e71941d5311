#define _GNU_SOURCE
#include "tests/integration/declared/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define FILES_MAX 16

static char folder[64], path[128];
static char *files[FILES_MAX];
static size_t file_count;

void folder_file(const char *name, const char *text)
{
    char file[256];
    assert_true(file_count < FILES_MAX);
    snprintf(file, sizeof(file), "%s/%s", folder, name);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    files[file_count++] = strdup(file);
}

const char *folder_begin(const char *service_yaml)
{
    folder_end();
    snprintf(folder, sizeof(folder), "/tmp/panther-declared-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/service.yaml", folder);
    folder_file("service.yaml", service_yaml);
    return path;
}

void folder_end(void)
{
    while (file_count > 0) {
        file_count--;
        unlink(files[file_count]);
        free(files[file_count]);
    }
    if (folder[0] != '\0') {
        rmdir(folder);
    }
    folder[0] = '\0';
}

static struct panther_test *declared(const char *kind, const char *role, const char *rest)
{
    char *text = NULL;
    assert_true(asprintf(&text,
                         "panther_service: 1\nname: declared\nkind: %s\nversion: \"1.0\"\nsummary: of a test\n"
                         "protocols: [{name: http, versions: [\"1.1\", \"2\"], roles: [%s]}]\n%s",
                         kind, role, rest) > 0);
    struct panther_test *test = panther_test_new(folder_begin(text));
    panther_test_protocol(test, "http", "1.1", role);
    free(text);
    return test;
}

struct panther_test *declared_iut(const char *rest)
{
    return declared("iut", "server", rest);
}

struct panther_test *declared_tester(const char *rest)
{
    return declared("tester", "client", rest);
}

void up(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0) {
        fail_msg("%s", panther_test_problem(test));
    }
}

void down(struct panther_test **test)
{
    assert_int_equal(panther_test_end(test), 0);
    folder_end();
}
