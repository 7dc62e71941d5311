// The file that holds all that one peer needs: name, keys, and where the coordinator is. It is a secret, so its mode is checked.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/bus/bus.h"
#include "common/system/file.h"
#include "common/system/yaml.h"

#define PEER_FILE_BYTES_MAX 8192 // some lines of text
#define PEER_FILE_FORMAT "1"
#define PEER_FILE_MODE 0600

// How each key of the file stands in the struct.
struct field {
    const char *key;
    size_t offset, bytes;
    bool is_required, is_curve_key;
};
#define FIELD(key, member, is_required, is_curve_key)                                                                                      \
    {                                                                                                                                      \
        key, offsetof(struct bus_peer_file, member), sizeof(((struct bus_peer_file *)0)->member), is_required, is_curve_key                \
    }
static const struct field fields[] = {
    FIELD("name", name, true, false),
    FIELD("role", role, true, false),
    FIELD("public", public_key, true, true),
    FIELD("secret", secret_key, true, true),
    FIELD("coordinator", coordinator, false, false),
    FIELD("bulk", bulk, false, false),
    FIELD("server", server_key, false, true),
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

// ---- reading

static int check_permissions(int fd, const char *path, struct panther_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_system(error, errno, "cannot look at %s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, PANTHER_EINVALID, "%s is not a file", path);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(error, PANTHER_EDENIED, "%s holds a secret key, but others may read or change it (mode %04o): chmod 600 %s", path,
                         (unsigned)(status.st_mode & 07777), path);
    if (status.st_uid != geteuid() && geteuid() != 0)
        return error_set(error, PANTHER_EDENIED, "%s belongs to another user", path);
    return 0;
}

// Reads by the descriptor whose permissions were checked, so that nobody changes the file in between.
static int read_text(int fd, const char *path, char *text, size_t *bytes, struct panther_error *error)
{
    size_t have = 0;
    for (;;) {
        ssize_t count = read(fd, text + have, PEER_FILE_BYTES_MAX - have);
        if (count < 0 && errno != EINTR)
            return error_system(error, errno, "cannot read %s", path);
        if (count == 0)
            break;
        have += count > 0 ? (size_t)count : 0;
        if (have == PEER_FILE_BYTES_MAX)
            return error_set(error, PANTHER_ELIMIT, "%s is too long for a key file", path);
    }
    text[have] = '\0';
    *bytes = have;
    return 0;
}

static int load_text(const char *path, char *text, size_t *bytes, struct panther_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT
                   ? error_set(error, PANTHER_ENOTFOUND, "no key file %s: make one with panther-coord keys, or panther-agent enroll", path)
                   : error_system(error, errno, "cannot open %s", path);
    int result = check_permissions(fd, path, error);
    if (result == 0)
        result = read_text(fd, path, text, bytes, error);
    close(fd);
    return result;
}

static int take_field(const struct field *field, const struct value *map, struct bus_peer_file *file, const char *path,
                      struct panther_error *error)
{
    const struct value *value = value_get(map, field->key);
    if (!value || value_is_null(value) || (value->kind == VALUE_SCALAR && !value->text[0]))
        return field->is_required ? error_set_at(error, PANTHER_EINVALID, path, 0, 0, "\"%s\" is missing", field->key) : 0;
    if (value->kind != VALUE_SCALAR)
        return error_set_at(error, PANTHER_EINVALID, path, value->line, value->column, "\"%s\" must be text", field->key);
    if (strlen(value->text) >= field->bytes)
        return error_set_at(error, PANTHER_EINVALID, path, value->line, value->column, "\"%s\" is longer than %zu", field->key,
                            field->bytes - 1);
    if (field->is_curve_key && !bus_key_is_valid(value->text))
        return error_set_at(error, PANTHER_EINVALID, path, value->line, value->column, "\"%s\" is not a CURVE key of 40 characters",
                            field->key);
    memcpy((char *)file + field->offset, value->text, strlen(value->text) + 1);
    return 0;
}

static int take_fields(const struct value *map, struct bus_peer_file *file, const char *path, struct panther_error *error)
{
    if (map->kind != VALUE_MAP)
        return error_set_at(error, PANTHER_EINVALID, path, 0, 0, "not a key file of panther");
    const struct value *format = value_get(map, "panther_key");
    if (!format || format->kind != VALUE_SCALAR || strcmp(format->text, PEER_FILE_FORMAT) != 0)
        return error_set_at(error, PANTHER_EVERSION, path, 0, 0,
                            "not a key file of this version: \"panther_key: " PEER_FILE_FORMAT "\" is missing");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int result = take_field(&fields[i], map, file, path, error);
        if (result)
            return result;
    }
    char derived[BUS_KEY_TEXT_BYTES];
    if (bus_key_public(file->secret_key, derived) != 0 || strcmp(derived, file->public_key) != 0)
        return error_set_at(error, PANTHER_EINVALID, path, 0, 0, "\"public\" is not the public key of \"secret\"");
    return 0;
}

static int parse_text(const char *text, size_t bytes, struct bus_peer_file *file, const char *path, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, path);
    const struct value *map = yaml_read(text, bytes, arena, &diagnostics);
    int result;
    if (map)
        result = take_fields(map, file, path, error);
    else
        result = error_set_at(error, PANTHER_EINVALID, path, diagnostics.count ? diagnostics.items[0]->line : 0,
                              diagnostics.count ? diagnostics.items[0]->column : 0, "%s",
                              diagnostics.count ? diagnostics.items[0]->message : "not YAML");
    arena_free(&arena);
    return result;
}

int bus_peer_file_read(const char *path, struct bus_peer_file *file, struct panther_error *error)
{
    char text[PEER_FILE_BYTES_MAX + 1];
    size_t bytes = 0;
    struct bus_peer_file read = {0};
    int result = load_text(path, text, &bytes, error);
    if (result == 0)
        result = parse_text(text, bytes, &read, path, error);
    if (result == 0)
        *file = read;
    explicit_bzero(text, sizeof text);
    explicit_bzero(&read, sizeof read);
    return result;
}

// ---- writing

// Single quotes: Z85 has neither them nor the backslash, but much that YAML takes for its own.
static bool is_quotable(const char *text)
{
    for (; *text; text++)
        if (*text == '\'' || (unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

int bus_peer_file_write(const char *path, const struct bus_peer_file *file, struct panther_error *error)
{
    struct text text = {0};
    text_append(&text, "# A key of panther. The secret in it is the right to speak as this name: keep it to yourself.\n");
    text_append(&text, "panther_key: " PEER_FILE_FORMAT "\n");
    int result = 0;
    for (size_t i = 0; i < FIELD_COUNT && result == 0; i++) {
        const char *value = (const char *)file + fields[i].offset;
        if (!is_quotable(value) || (fields[i].is_required && !value[0]) || (fields[i].is_curve_key && value[0] && !bus_key_is_valid(value)))
            result = error_set(error, PANTHER_EINVALID, "cannot write %s: \"%s\" is not valid", path, fields[i].key);
        else if (value[0])
            text_printf(&text, "%s: '%s'\n", fields[i].key, value);
    }
    if (result == 0)
        result = file_write_atomic(path, text.data, text.length, PEER_FILE_MODE, error);
    if (text.data)
        explicit_bzero(text.data, text.length);
    text_free(&text);
    return result;
}
