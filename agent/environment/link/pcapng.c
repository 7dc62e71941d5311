// See pcapng.h. Blocks are laid into one buffer, which is written as a whole: a file that is cut off by a kill is readable up to there.
#include "agent/environment/link/pcapng.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_STATISTICS 5U
#define BLOCK_PACKET 6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINKTYPE_ETHERNET 1U
#define OPTION_END 0U
#define OPTION_COMMENT 1U
#define OPTION_APPLICATION 4U // of a section
#define OPTION_NAME 2U        // of an interface
#define OPTION_RESOLUTION 9U
#define OPTION_FLAGS 2U    // of a packet
#define OPTION_RECEIVED 4U // of statistics
#define OPTION_DROPPED 5U
// Some hundred packets; one write instead of as many.
#define BUFFER_BYTES (256 * 1024)
#define FRAME_MAX_BYTES 65600
#define COMMENT_MAX_BYTES 256
#define BLOCK_MAX_BYTES (FRAME_MAX_BYTES + COMMENT_MAX_BYTES + 128)

struct counts {
    uint64_t seen, not_kept;
};

struct pcapng {
    int fd;
    uint8_t buffer[BUFFER_BYTES];
    size_t used, block_at;
    uint32_t snaplen;
    uint64_t written, limit, not_kept;
    struct counts *interfaces;
    size_t interface_count;
};

// ---- blocks in the buffer

static void put(struct pcapng *pcapng, const void *bytes, size_t count)
{
    memcpy(pcapng->buffer + pcapng->used, bytes, count);
    pcapng->used += count;
    while (pcapng->used % 4 != 0) // everything stands at multiples of four
        pcapng->buffer[pcapng->used++] = 0;
}

static void put_32(struct pcapng *pcapng, uint32_t value)
{
    put(pcapng, &value, sizeof value);
}

static void put_option(struct pcapng *pcapng, unsigned code, const void *value, size_t bytes)
{
    put_32(pcapng, code | (uint32_t)bytes << 16); // both are 16 bits, and this machine is little-endian: see static_assert
    put(pcapng, value, bytes);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "options are written as one 32-bit number");

static void put_comment(struct pcapng *pcapng, const char *comment)
{
    size_t length = strlen(comment);
    put_option(pcapng, OPTION_COMMENT, comment, length < COMMENT_MAX_BYTES ? length : COMMENT_MAX_BYTES);
}

static void block_begin(struct pcapng *pcapng, uint32_t type)
{
    pcapng->block_at = pcapng->used;
    put_32(pcapng, type);
    put_32(pcapng, 0);
}

static void block_end(struct pcapng *pcapng)
{
    uint32_t length = (uint32_t)(pcapng->used + 4 - pcapng->block_at);
    put_32(pcapng, length);
    memcpy(pcapng->buffer + pcapng->block_at + 4, &length, sizeof length);
}

// ---- on disk

// A write that the disk cut short is taken back: the file ends with a whole block, and what is tried again stands right behind it.
static int write_out(struct pcapng *pcapng, struct panther_error *error)
{
    size_t done = 0;
    while (done < pcapng->used) {
        ssize_t count = pwrite(pcapng->fd, pcapng->buffer + done, pcapng->used - done, (off_t)(pcapng->written + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            int number = count < 0 ? errno : ENOSPC;
            bool is_whole = ftruncate(pcapng->fd, (off_t)pcapng->written) == 0;
            return error_system(error, number,
                                is_whole ? "cannot write the capture" : "cannot write the capture, nor take back what was cut");
        }
        done += (size_t)count;
    }
    pcapng->written += done;
    pcapng->used = 0;
    return 0;
}

int pcapng_flush(struct pcapng *pcapng, struct panther_error *error)
{
    return write_out(pcapng, error);
}

static int make_room(struct pcapng *pcapng, struct panther_error *error)
{
    return pcapng->used + BLOCK_MAX_BYTES <= BUFFER_BYTES ? 0 : write_out(pcapng, error);
}

// ---- the file

static void put_section(struct pcapng *pcapng, const char *comment)
{
    static const char application[] = "panther-link";
    block_begin(pcapng, BLOCK_SECTION);
    put_32(pcapng, BYTE_ORDER_MAGIC);
    put_32(pcapng, 1); // version 1.0
    put_32(pcapng, UINT32_MAX);
    put_32(pcapng, UINT32_MAX); // length of the section: not known
    put_comment(pcapng, comment);
    put_option(pcapng, OPTION_APPLICATION, application, sizeof application - 1);
    put_32(pcapng, OPTION_END);
    block_end(pcapng);
}

static void put_interface(struct pcapng *pcapng, const char *name)
{
    static const uint8_t nanoseconds = 9;
    block_begin(pcapng, BLOCK_INTERFACE);
    put_32(pcapng, LINKTYPE_ETHERNET);
    put_32(pcapng, pcapng->snaplen);
    put_option(pcapng, OPTION_NAME, name, strlen(name));
    put_option(pcapng, OPTION_RESOLUTION, &nanoseconds, 1);
    put_32(pcapng, OPTION_END);
    block_end(pcapng);
}

int pcapng_open(struct pcapng **out, const struct pcapng_settings *settings, struct panther_error *error)
{
    int fd = open(settings->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), result = 0;
    if (fd < 0)
        return error_system(error, errno, "cannot write %s", settings->path);
    struct pcapng *pcapng = NEW(struct pcapng);
    pcapng->fd = fd;
    pcapng->snaplen = settings->snaplen;
    pcapng->limit = settings->limit_bytes;
    pcapng->interface_count = settings->interface_count;
    pcapng->interfaces = memory_new(settings->interface_count * sizeof *pcapng->interfaces);
    put_section(pcapng, settings->comment);
    for (size_t i = 0; i < settings->interface_count && result == 0; i++) {
        put_interface(pcapng, settings->interfaces[i]);
        result = make_room(pcapng, error);
    }
    if (result == 0)
        result = write_out(pcapng, error);
    if (result < 0) {
        close(fd);
        free(pcapng->interfaces);
        free(pcapng);
        return result;
    }
    *out = pcapng;
    return 0;
}

int pcapng_packet(struct pcapng *pcapng, size_t interface, enum pcapng_direction direction, uint64_t wall_ns, const uint8_t *frame,
                  size_t bytes, const char *comment, struct panther_error *error)
{
    uint32_t kept = (uint32_t)(pcapng->snaplen > 0 && bytes > pcapng->snaplen ? pcapng->snaplen : bytes), flags = direction;
    INVARIANT(interface < pcapng->interface_count && bytes <= FRAME_MAX_BYTES);
    pcapng->interfaces[interface].seen++;
    if (pcapng->limit > 0 && pcapng->written + pcapng->used + kept > pcapng->limit) {
        pcapng->limit = 1; // from here on nothing: a hole in the middle would be harder to see
        pcapng->interfaces[interface].not_kept++;
        pcapng->not_kept++;
        return 0;
    }
    int result = make_room(pcapng, error);
    if (result < 0)
        return result;
    block_begin(pcapng, BLOCK_PACKET);
    put_32(pcapng, (uint32_t)interface);
    put_32(pcapng, (uint32_t)(wall_ns >> 32));
    put_32(pcapng, (uint32_t)wall_ns);
    put_32(pcapng, kept);
    put_32(pcapng, (uint32_t)bytes);
    put(pcapng, frame, kept);
    put_option(pcapng, OPTION_FLAGS, &flags, sizeof flags);
    if (comment)
        put_comment(pcapng, comment);
    put_32(pcapng, OPTION_END);
    block_end(pcapng);
    return 0;
}

uint64_t pcapng_not_kept(const struct pcapng *pcapng)
{
    return pcapng->not_kept;
}

static void put_statistics(struct pcapng *pcapng, size_t interface, uint64_t wall_ns)
{
    const struct counts *counts = &pcapng->interfaces[interface];
    block_begin(pcapng, BLOCK_STATISTICS);
    put_32(pcapng, (uint32_t)interface);
    put_32(pcapng, (uint32_t)(wall_ns >> 32));
    put_32(pcapng, (uint32_t)wall_ns);
    put_option(pcapng, OPTION_RECEIVED, &counts->seen, sizeof counts->seen);
    put_option(pcapng, OPTION_DROPPED, &counts->not_kept, sizeof counts->not_kept);
    if (counts->not_kept > 0)
        put_comment(pcapng, "the capture is not complete: its size limit was reached, the packets that are missing are counted as dropped");
    put_32(pcapng, OPTION_END);
    block_end(pcapng);
}

int pcapng_close(struct pcapng **pointer, uint64_t wall_ns, struct panther_error *error)
{
    struct pcapng *pcapng = *pointer;
    int result = 0;
    if (!pcapng)
        return 0;
    for (size_t i = 0; i < pcapng->interface_count && result == 0; i++) {
        result = make_room(pcapng, error);
        if (result == 0)
            put_statistics(pcapng, i, wall_ns);
    }
    if (result == 0)
        result = write_out(pcapng, error);
    if (close(pcapng->fd) < 0 && result == 0)
        result = error_system(error, errno, "cannot write the capture");
    free(pcapng->interfaces);
    free(pcapng);
    *pointer = NULL;
    return result;
}
