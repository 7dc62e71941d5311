#define _GNU_SOURCE
#include "services/sdk/build_key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "panther/plugin.h"

// Part of every key: raised when what is hashed, or how an entry looks, changes.
#define KEY_FORMAT "panther build 1"
#define PIECE_BYTES (64 * 1024)
// A source tree is deep and large, but a loop or a whole disk is neither.
#define INPUT_DEPTH_MAX 64
#define INPUT_FILES_MAX 200000
// What --version of a compiler says is a few lines.
#define TOOL_OUTPUT_BYTES 8192

struct hashing {
    struct panther_service *service;
    gnutls_hash_hd_t state;
    size_t files;
};

static void add(struct hashing *hashing, const void *data, size_t bytes)
{
    gnutls_hash(hashing->state, data, bytes);
}

// With its length, so that no two lists of texts hash alike.
static void add_text(struct hashing *hashing, const char *text)
{
    const uint64_t bytes = strlen(text);
    add(hashing, &bytes, sizeof(bytes));
    add(hashing, text, bytes);
}

static void add_texts(struct hashing *hashing, const char *const *texts)
{
    uint64_t count = 0;
    while (texts != NULL && texts[count] != NULL) {
        count++;
    }
    add(hashing, &count, sizeof(count));
    for (uint64_t i = 0; i < count; i++) {
        add_text(hashing, texts[i]);
    }
}

// ---- inputs

static int add_file(struct hashing *hashing, const char *path, const struct stat *status)
{
    unsigned char piece[PIECE_BYTES];
    ssize_t got = 0;
    const uint64_t bytes = (uint64_t)status->st_size;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        return panther_fail(hashing->service, "build input %s: %s", path, strerror(errno));
    }
    add_text(hashing, status->st_mode & S_IXUSR ? "x" : "f");
    add(hashing, &bytes, sizeof(bytes));
    while ((got = read(file, piece, sizeof(piece))) > 0) {
        add(hashing, piece, (size_t)got);
    }
    const int problem = errno;
    close(file);
    return got == 0 ? 0 : panther_fail(hashing->service, "build input %s: %s", path, strerror(problem));
}

static int add_link(struct hashing *hashing, const char *path)
{
    char target[4096];
    const ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0) {
        return panther_fail(hashing->service, "build input %s: %s", path, strerror(errno));
    }
    target[length] = '\0';
    add_text(hashing, "l");
    add_text(hashing, target);
    return 0;
}

static int add_input(struct hashing *hashing, const char *path, const char *name, unsigned depth);

static int add_folder(struct hashing *hashing, const char *path, unsigned depth)
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, NULL, alphasort);
    int result = count < 0 ? panther_fail(hashing->service, "build input %s: %s", path, strerror(errno)) : 0;
    add_text(hashing, "d");
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            char *inside = NULL;
            INVARIANT(asprintf(&inside, "%s/%s", path, name) >= 0);
            result = add_input(hashing, inside, name, depth + 1);
            free(inside);
        }
        free(entries[i]);
    }
    free(entries);
    add_text(hashing, "end");
    return result;
}

static int add_input(struct hashing *hashing, const char *path, const char *name, unsigned depth)
{
    struct stat status;
    if (++hashing->files > INPUT_FILES_MAX || depth > INPUT_DEPTH_MAX) {
        return panther_fail(hashing->service, "build input %s: more than %d files, or more than %d folders deep", path, INPUT_FILES_MAX,
                            INPUT_DEPTH_MAX);
    }
    // what the plugin names may be a link; inside of it links are what they are
    if ((depth == 0 ? stat(path, &status) : lstat(path, &status)) < 0) {
        return panther_fail(hashing->service, "build input %s: %s", path, strerror(errno));
    }
    add_text(hashing, name);
    if (S_ISDIR(status.st_mode)) {
        return add_folder(hashing, path, depth);
    }
    if (S_ISLNK(status.st_mode)) {
        return add_link(hashing, path);
    }
    if (S_ISREG(status.st_mode)) {
        return add_file(hashing, path, &status);
    }
    return panther_fail(hashing->service, "build input %s is neither a file nor a folder", path);
}

static int add_inputs(struct hashing *hashing, const char *const *inputs)
{
    int result = 0;
    for (size_t i = 0; inputs != NULL && inputs[i] != NULL && result == 0; i++) {
        const char *path =
            inputs[i][0] == '/' ? inputs[i] : panther_format(hashing->service, "%s/%s", panther_plugin_folder(hashing->service), inputs[i]);
        char real[PATH_MAX];
        result = realpath(path, real) != NULL ? add_input(hashing, real, inputs[i], 0)
                                              : panther_fail(hashing->service, "build input %s: %s", path, strerror(errno));
    }
    return result;
}

// ---- tools and commands

static int add_tools(struct hashing *hashing, const char *const *const *tools)
{
    for (size_t i = 0; tools != NULL && tools[i] != NULL; i++) {
        char output[TOOL_OUTPUT_BYTES] = "";
        const int status = panther_command_output(tools[i], output, sizeof(output));
        if (status < 0) {
            return panther_fail(hashing->service, "build tool %s cannot be run: is it installed?", tools[i][0]);
        }
        add_texts(hashing, tools[i]);
        add(hashing, &status, sizeof(status));
        add_text(hashing, output);
    }
    return 0;
}

static void add_commands(struct hashing *hashing, const struct panther_build_request *request)
{
    for (size_t i = 0; i < request->command_count; i++) {
        const struct panther_build_command *command = &request->commands[i];
        add_text(hashing, "command");
        add_texts(hashing, command->argv);
        add_texts(hashing, command->environment);
        add_text(hashing, command->working_directory != NULL ? command->working_directory : PANTHER_BUILD_FOLDER);
    }
}

int build_key(struct panther_service *service, const struct panther_build_request *request, char key[BUILD_KEY_BYTES])
{
    struct hashing hashing = {.service = service};
    unsigned char digest[32];
    INVARIANT(gnutls_hash_init(&hashing.state, GNUTLS_DIG_SHA256) == 0); // always there
    add_text(&hashing, KEY_FORMAT);
    int result = add_inputs(&hashing, request->inputs);
    if (result == 0) {
        result = add_tools(&hashing, request->tools);
    }
    add_commands(&hashing, request);
    gnutls_hash_deinit(hashing.state, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        snprintf(key + 2 * i, 3, "%02x", digest[i]);
    }
    return result;
}
