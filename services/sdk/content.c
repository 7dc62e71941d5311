// Content that server and tester make alike from a seed, the folder of a web server filled with it, and hashes of it.
#include <panther/content.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Made, written and hashed in pieces of this size, so that a large file costs no memory.
#define PIECE_BYTES 65536

static uint64_t splitmix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void panther_content(uint64_t seed, uint64_t offset, void *data, size_t bytes)
{
    unsigned char *out = data;
    for (size_t i = 0; i < bytes;) {
        uint64_t k = offset + i;
        uint64_t word = splitmix64(seed + (k / 8 + 1) * 0x9e3779b97f4a7c15U);
        for (unsigned byte = (unsigned)(k % 8); byte < 8 && i < bytes; byte++)
            out[i++] = (unsigned char)(word >> (8 * byte));
    }
}

// ---- the folder of a web server

static const char default_page[] = "<!doctype html>\n<html lang=\"en\"><title>panther</title><p>It works.</p></html>\n";

struct unit {
    const char *name;
    uint64_t bytes;
};

static const struct unit units[] = {
    {"", 1}, {"B", 1}, {"kB", 1000}, {"KiB", 1024}, {"MB", 1000000}, {"MiB", 1048576}, {"GB", 1000000000}, {"GiB", 1073741824},
};

// "5MiB" as in the experiment language. A list is a list of texts to the option table, so its elements are read here.
static bool parse_size(const char *text, uint64_t *bytes)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t product;
        if (strcmp(end, units[i].name) != 0)
            continue;
        if (errno != 0 || __builtin_mul_overflow(number, units[i].bytes, &product) || product > PANTHER_CONTENT_MAX_BYTES)
            return false;
        *bytes = product;
        return true;
    }
    return false;
}

static bool write_all(int file, const unsigned char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(file, data, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        bytes -= (size_t)written;
    }
    return true;
}

static bool write_content(int file, uint64_t seed, uint64_t bytes)
{
    unsigned char piece[PIECE_BYTES];
    for (uint64_t offset = 0; offset < bytes;) {
        size_t size = bytes - offset < PIECE_BYTES ? (size_t)(bytes - offset) : PIECE_BYTES;
        panther_content(seed, offset, piece, size);
        if (!write_all(file, piece, size))
            return false;
        offset += size;
    }
    return true;
}

static int make_content_file(struct panther_service *service, const char *folder, const char *size)
{
    uint64_t bytes;
    if (!parse_size(size, &bytes))
        return panther_fail(service, "\"%s\" is not a size such as 1000, 64KiB or 5MiB (at most %" PRIu64 " bytes)", size,
                            (uint64_t)PANTHER_CONTENT_MAX_BYTES);
    const char *path = panther_path(service, "%s/%" PRIu64 ".bin", folder, bytes);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return panther_fail(service, "%s: %s", path, strerror(errno));
    bool written = write_content(file, panther_seed(service), bytes);
    int reason = errno;
    if (close(file) != 0 || !written)
        return panther_fail(service, "%s: %s", path, strerror(written ? errno : reason));
    return PANTHER_OK;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool copy_bytes(int from, int to)
{
    unsigned char piece[PIECE_BYTES];
    ssize_t got;
    while ((got = read(from, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || !write_all(to, piece, (size_t)got))
            return false;
    }
    return true;
}

static int copy_file(struct panther_service *service, const char *from, const char *to)
{
    int source = open(from, O_RDONLY | O_CLOEXEC);
    if (source < 0)
        return panther_fail(service, "%s cannot be read: %s", from, strerror(errno));
    const char *path = panther_path(service, "%s", to);
    int copy = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool copied = copy >= 0 && copy_bytes(source, copy);
    int reason = errno;
    close(source);
    if (copy >= 0 && close(copy) != 0 && copied) {
        copied = false;
        reason = errno;
    }
    return copied ? PANTHER_OK : panther_fail(service, "%s: %s", path, strerror(reason));
}

static int copy_folder(struct panther_service *service, const char *from, const char *to);

static int copy_entry(struct panther_service *service, const char *from, const char *to)
{
    if (!is_folder(from))
        return copy_file(service, from, to);
    return panther_make_folder(service, to) ? copy_folder(service, from, to) : PANTHER_FAILED;
}

static int copy_folder(struct panther_service *service, const char *from, const char *to)
{
    DIR *folder = opendir(from);
    const struct dirent *entry;
    int result = PANTHER_OK;
    if (!folder)
        return panther_fail(service, "%s: %s", from, strerror(errno));
    while (result == PANTHER_OK && (entry = readdir(folder)))
        if (!is_parent(entry->d_name))
            result = copy_entry(service, panther_format(service, "%s/%s", from, entry->d_name),
                                panther_format(service, "%s/%s", to, entry->d_name));
    closedir(folder);
    return result;
}

static int make_page(struct panther_service *service, const char *folder, const char *page)
{
    const char *index = panther_format(service, "%s/index.html", folder);
    int result = PANTHER_OK;
    if (page)
        result = is_folder(page) ? copy_folder(service, page, folder) : copy_file(service, page, index);
    if (result != PANTHER_OK || access(panther_path(service, "%s", index), F_OK) == 0)
        return result;
    return panther_write_bytes(service, index, default_page, sizeof default_page - 1) ? PANTHER_OK : PANTHER_FAILED;
}

const char *panther_site(struct panther_service *service, const char *folder, const struct panther_list *sizes, const char *page)
{
    const char *path = panther_make_folder(service, folder);
    if (!path || make_page(service, folder, page) != PANTHER_OK)
        return NULL;
    if (sizes->count > PANTHER_SITE_SIZES_MAX) {
        panther_fail(service, "at most %d sizes", PANTHER_SITE_SIZES_MAX);
        return NULL;
    }
    for (size_t i = 0; i < sizes->count; i++)
        if (make_content_file(service, folder, sizes->items[i]) != PANTHER_OK)
            return NULL;
    return path;
}

// ---- hashes

static gnutls_hash_hd_t hash_begin(void)
{
    gnutls_hash_hd_t state;
    // SHA-256 is always there, and without memory nothing is left to do
    if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256) != 0)
        abort();
    return state;
}

static void hash_end(gnutls_hash_hd_t state, char hash[PANTHER_HASH_TEXT_BYTES])
{
    unsigned char digest[32];
    gnutls_hash_deinit(state, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
}

int panther_hash_file(struct panther_service *service, const char *path, char hash[PANTHER_HASH_TEXT_BYTES], uint64_t *bytes)
{
    unsigned char piece[PIECE_BYTES];
    ssize_t got;
    int file = open(path[0] == '/' ? path : panther_path(service, "%s", path), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return PANTHER_MISSING;
    gnutls_hash_hd_t state = hash_begin();
    uint64_t total = 0;
    while ((got = read(file, piece, sizeof(piece))) > 0) {
        gnutls_hash(state, piece, (size_t)got);
        total += (uint64_t)got;
    }
    close(file);
    hash_end(state, hash);
    if (got < 0)
        return PANTHER_MISSING;
    if (bytes)
        *bytes = total;
    return PANTHER_OK;
}

void panther_hash_content(uint64_t seed, uint64_t bytes, char hash[PANTHER_HASH_TEXT_BYTES])
{
    unsigned char piece[PIECE_BYTES];
    gnutls_hash_hd_t state = hash_begin();
    for (uint64_t offset = 0; offset < bytes;) {
        size_t size = bytes - offset < PIECE_BYTES ? (size_t)(bytes - offset) : PIECE_BYTES;
        panther_content(seed, offset, piece, size);
        gnutls_hash(state, piece, size);
        offset += size;
    }
    hash_end(state, hash);
}
