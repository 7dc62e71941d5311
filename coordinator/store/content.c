// Where a stream or artifact grows until it is complete. The name in the file system is made from the name that an agent sent, so
// no byte of it can mean anything to the file system.
#include <stdio.h>
#include <string.h>

#include "coordinator/store/store.h"

// Longer ones are cut and get their hash: a file name has at most 255 bytes.
#define FILE_NAME_KEPT_BYTES 120

static bool is_plain(char byte, bool is_first)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
           (byte == '.' && !is_first);
}

static void append_encoded(struct text *text, const char *name)
{
    for (const char *byte = name; *byte; byte++) {
        if (is_plain(*byte, byte == name))
            text_append_bytes(text, byte, 1);
        else
            text_printf(text, "%%%02x", (unsigned char)*byte);
    }
}

char *content_folder(const char *folder, uint64_t instance, uint32_t generation)
{
    return memory_printf("%s/streams/%llu.%u", folder, (unsigned long long)instance, generation);
}

char *content_path(const char *folder, uint64_t instance, uint32_t generation, const char *name, bool is_stream)
{
    CLEANUP_FREE char *place = content_folder(folder, instance, generation);
    struct text file = {0};
    if (!is_stream)
        text_append(&file, "@"); // '@' of a name is encoded: no stream can be called like an artifact
    append_encoded(&file, name);
    if (file.length > FILE_NAME_KEPT_BYTES) {
        char hash[HASH_TEXT_BYTES];
        hash_bytes(name, strlen(name), hash);
        file.data[file.length = FILE_NAME_KEPT_BYTES] = '\0';
        text_printf(&file, "%%%%%s", hash);
    }
    char *path = memory_printf("%s/%s", place, text_string(&file));
    text_free(&file);
    return path;
}
