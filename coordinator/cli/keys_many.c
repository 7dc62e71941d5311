// panther-coord keys add ROLE NAME NAME... --from FILE --out FOLDER: the keys of a whole lab, in one request and one commit.
#include <stdio.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/base/limits.h"
#include "common/system/file.h"
#include "coordinator/cli/keys.h"

// Longer than all names that are allowed at once.
#define NAMES_MAX_BYTES (KEYS_PER_REQUEST_MAX * (NAME_MAX_BYTES + 1))

struct key_new {
    const char *name, *path;
    struct bus_peer_file file;
};

struct key_list {
    struct arena *arena;
    struct key_new *items;
    size_t count, capacity;
};

static const char *folder_of(const struct key_arguments *arguments)
{
    return arguments->out ? arguments->out : ".";
}

static int add_name(struct key_list *list, const struct key_arguments *arguments, const char *name)
{
    if (!name_is_valid(name)) {
        fprintf(stderr, "panther-coord: keys: \"%s\" is not a name: lower-case letters, digits, '-', '_' and '.'\n", name);
        return EXIT_USAGE;
    }
    const char *path = arena_printf(list->arena, "%s/%s.key", folder_of(arguments), name);
    if (file_exists(path)) {
        fprintf(stderr, "panther-coord: %s exists and is not overwritten: give another --out, or remove it\n", path);
        return EXIT_USAGE;
    }
    struct key_new *key = &APPEND(list->items, list->count, list->capacity);
    *key = (struct key_new){.name = arena_string(list->arena, name), .path = path};
    return 0;
}

// Of a file: a name a line; empty lines and those that begin with # are nothing.
static int add_lines(struct key_list *list, const struct key_arguments *arguments, char *text)
{
    int status = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line && !status; line = strtok_r(NULL, "\r\n", &rest)) {
        line += strspn(line, " \t");
        line[strcspn(line, " \t")] = '\0';
        if (*line && *line != '#') {
            status = add_name(list, arguments, line);
        }
    }
    return status;
}

static int add_file(struct key_list *list, const struct key_arguments *arguments)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    struct panther_error error = {0};
    const char *path = strcmp(arguments->from, "-") == 0 ? "/dev/stdin" : arguments->from;
    if (file_read(path, NAMES_MAX_BYTES, &text, &bytes, &error)) {
        return client_problem(&error);
    }
    return add_lines(list, arguments, text);
}

static int gather(struct key_list *list, const struct key_arguments *arguments)
{
    struct panther_error error = {0};
    int status = 0;
    if (folder_make(folder_of(arguments), 0700, &error)) {
        return client_problem(&error);
    }
    for (size_t i = 2; i < arguments->word_count && !status; i++) {
        status = add_name(list, arguments, arguments->words[i]);
    }
    if (!status && arguments->from) {
        status = add_file(list, arguments);
    }
    if (!status && (list->count == 0 || list->count > KEYS_PER_REQUEST_MAX)) {
        fprintf(stderr, "panther-coord: keys: %zu names; 1 to %d are added at once\n", list->count, KEYS_PER_REQUEST_MAX);
        status = EXIT_USAGE;
    }
    return status;
}

static int ask_for_all(struct key_arguments *arguments, struct key_list *list, Pb__Role role, Pb__Reply **reply)
{
    Pb__AddKeys add = PB__ADD_KEYS__INIT;
    add.keys = ARENA_ARRAY(list->arena, Pb__AddKey *, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct key_new *key = &list->items[i];
        bus_key_new(key->file.public_key, key->file.secret_key);
        Pb__AddKey *one = add.keys[add.n_keys++] = ARENA_NEW(list->arena, Pb__AddKey);
        pb__add_key__init(one);
        one->name = arena_string(list->arena, key->name);
        one->role = role;
        one->public_key = key->file.public_key;
    }
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ADD_KEYS;
    request.add_keys = &add;
    return keys_ask(arguments, &request, reply);
}

static int write_all(const struct key_arguments *arguments, struct key_list *list, const Pb__Reply *reply)
{
    for (size_t i = 0; i < list->count; i++) {
        struct bus_peer_file *file = &list->items[i].file;
        struct panther_error error = {0};
        snprintf(file->name, sizeof file->name, "%s", list->items[i].name);
        snprintf(file->role, sizeof file->role, "%s", arguments->words[1]);
        snprintf(file->coordinator, sizeof file->coordinator, "%s", keys_endpoint(arguments, reply));
        snprintf(file->server_key, sizeof file->server_key, "%s", reply->key_added->server_key);
        if (bus_peer_file_write(list->items[i].path, file, &error)) {
            fprintf(stderr, "panther-coord: %zu of %zu key files are written; `keys revoke` the others before you add them again\n", i,
                    list->count);
            return client_problem(&error);
        }
    }
    return 0;
}

static void show(const struct key_arguments *arguments, const struct key_list *list)
{
    if (arguments->client.format == REPORT_TABLE) {
        printf("%zu keys are added; their files are in %s\n", list->count, folder_of(arguments));
        return;
    }
    struct table *table = table_new((const char *const[]){"name", "role", "file"}, 3);
    for (size_t i = 0; i < list->count; i++) {
        table_add(table, (const char *const[]){list->items[i].name, arguments->words[1], list->items[i].path});
    }
    table_print(table, arguments->client.format, stdout, arguments->client.colour);
    table_free(&table);
}

int keys_add_many(struct key_arguments *arguments, Pb__Role role)
{
    if (arguments->public_key) {
        return keys_usage("--public is one key, of one name");
    }
    struct key_list list = {.arena = arena_new(0)};
    Pb__Reply *reply = NULL;
    bus_begin();
    int status = gather(&list, arguments);
    if (!status) {
        status = ask_for_all(arguments, &list, role, &reply);
    }
    if (!status) {
        status = write_all(arguments, &list, reply);
    }
    if (!status) {
        show(arguments, &list);
    }
    free(list.items);
    arena_free(&list.arena);
    return status;
}
