// Cases of HTTP/1.1: Range and If-Range. A server may ignore Range (RFC 9110, 14.2): 200 with the whole file is never wrong.
#define _GNU_SOURCE // memmem
#include "cases.h"
#include "h1_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARTS_MAX 8

struct range {
    uint64_t first, last, length; // "bytes first-last/length"
};

static bool read_number(const char **at, uint64_t *number)
{
    size_t digits = strspn(*at, "0123456789");
    bool is_number = h1_number(*at, digits, number);
    *at += digits;
    return is_number;
}

// length stays UINT64_MAX for "*"
static bool read_content_range(const char *text, struct range *range)
{
    range->length = UINT64_MAX;
    if (strncmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    if (!read_number(&text, &range->first) || *text++ != '-' || !read_number(&text, &range->last) || *text++ != '/')
        return false;
    return strcmp(text, "*") == 0 || (read_number(&text, &range->length) && *text == '\0');
}

// The bytes of one range, as wanted, with their Content-Range.
static bool is_range(struct run *run, const char *content_range, const char *body, size_t bytes, const struct range *wanted)
{
    struct range got;
    if (!content_range)
        return run_violation(run, "206 without Content-Range, which MUST be there");
    if (!read_content_range(content_range, &got) || got.last < got.first || (got.length != UINT64_MAX && got.length != run->settings->size))
        return run_violation(run, "Content-Range: %s is not valid for a file of %" PRIu64 " bytes", content_range, run->settings->size);
    if (got.first != wanted->first || got.last != wanted->last)
        return run_violation(run, "Content-Range: %s was not asked for", content_range);
    if (bytes != got.last - got.first + 1)
        return run_violation(run, "%zu bytes for Content-Range: %s", bytes, content_range);
    int64_t difference = run_difference(run, got.first, body, bytes);
    return difference < 0 || run_violation(run, "Content-Range: %s, but byte %" PRId64 " is not the file's", content_range, difference);
}

static void single_range(struct run *run, const char *asked, const struct range *wanted)
{
    struct h1_reply reply;
    if (!h1_get(run, panther_format(run->service, "Range: bytes=%s\r\n", asked), &reply))
        return;
    if (reply.response.status != 206) {
        if (h1_is_whole_file(run, &reply))
            run_pass(run, "the server ignores Range, as it may");
    } else if (is_range(run, h1_value(run, &reply, "content-range"), reply.body, reply.response.body_bytes, wanted))
        run_pass(run, "206 with %s", h1_value(run, &reply, "content-range"));
}

void case_h1_range(struct run *run)
{
    single_range(run, "10-19", &(const struct range){10, 19, 0});
}

void case_h1_range_suffix(struct run *run)
{
    single_range(run, "-10", &(const struct range){run->settings->size - 10, run->settings->size - 1, 0});
}

// ---- two ranges

static const char *boundary_of(struct run *run, const struct h1_reply *reply)
{
    const char *type = h1_value(run, reply, "content-type"), *boundary = type ? strstr(type, "boundary=") : NULL;
    if (!boundary || strncasecmp(type, "multipart/byteranges", 20) != 0)
        return NULL;
    boundary += 9;
    bool is_quoted = *boundary == '"';
    boundary += is_quoted;
    return panther_format(run->service, "\r\n--%.*s", (int)strcspn(boundary, is_quoted ? "\"" : "; "), boundary);
}

// A part's header section ends at its empty line; *content: behind it.
static const char *part_range(struct run *run, const char *part, const char *end, const char **content)
{
    static const char name[] = "content-range:";
    const char *found = NULL;
    for (const char *line = part; line < end;) {
        const char *feed = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!feed)
            return NULL;
        *content = feed + 2;
        if (feed == line)
            return found;
        if ((size_t)(feed - line) > sizeof(name) && strncasecmp(line, name, sizeof(name) - 1) == 0) {
            line += sizeof(name) - 1;
            while (*line == ' ' || *line == '\t')
                line++;
            found = panther_format(run->service, "%.*s", (int)(feed - line), line);
        }
        line = feed + 2;
    }
    return NULL;
}

// Servers may send fewer parts, joined ranges, or one; here the two are far apart.
static bool check_parts(struct run *run, const struct h1_reply *reply, const char *boundary, const struct range *wanted, size_t *count)
{
    // the first boundary may stand at the very beginning
    const char *data = panther_format(run->service, "\r\n"), *end;
    char *body = run_memory(run, reply->response.body_bytes + 3);
    memcpy(body, data, 2);
    memcpy(body + 2, reply->body, reply->response.body_bytes);
    end = body + 2 + reply->response.body_bytes;
    size_t length = strlen(boundary);
    const char *at = memmem(body, (size_t)(end - body), boundary, length);
    for (*count = 0; at && end - at > (ptrdiff_t)length + 2 && memcmp(at + length, "--", 2) != 0;) {
        const char *content, *part = memmem(at + length, (size_t)(end - at) - length, "\r\n", 2);
        const char *next = part ? memmem(part, (size_t)(end - part), boundary, length) : NULL;
        if (!next)
            return run_violation(run, "the multipart body ends without its last boundary");
        const char *range = part_range(run, part + 2, next, &content);
        if (*count == 2)
            return run_violation(run, "three parts for two ranges");
        if (!range)
            return run_violation(run, "part %zu has no Content-Range, which MUST be there", *count + 1);
        if (!is_range(run, range, content, (size_t)(next - content), &wanted[*count]))
            return false;
        *count += 1;
        at = next;
    }
    return true;
}

void case_h1_range_multi(struct run *run)
{
    const struct range wanted[] = {{0, 4, 0}, {90, 99, 0}};
    struct h1_reply reply;
    size_t count;
    if (!h1_get(run, "Range: bytes=0-4,90-99\r\n", &reply))
        return;
    if (reply.response.status != 206) {
        if (h1_is_whole_file(run, &reply))
            run_pass(run, "the server ignores such a Range, as it may");
        return;
    }
    const char *boundary = boundary_of(run, &reply);
    if (!boundary) {
        if (is_range(run, h1_value(run, &reply, "content-range"), reply.body, reply.response.body_bytes, &wanted[0]))
            run_pass(run, "206 with the first range alone");
    } else if (h1_find(&reply.response, "content-range"))
        run_violation(run, "the header section of a multipart response has Content-Range, which MUST NOT be");
    else if (check_parts(run, &reply, boundary, wanted, &count) && count < 1)
        run_violation(run, "the multipart body has no part");
    run_pass(run, "206 in parts");
}

// ---- ranges that must not be served

void case_h1_range_unsatisfiable(struct run *run)
{
    struct h1_reply reply;
    uint64_t length;
    if (!h1_get(run, panther_format(run->service, "Range: bytes=%" PRIu64 "-\r\n", run->settings->size), &reply))
        return;
    const char *range = h1_value(run, &reply, "content-range");
    if (reply.response.status == 206)
        run_violation(run, "206 (%s) for a range that begins behind the end", range ? range : "no Content-Range");
    else if (reply.response.status != 416) {
        if (h1_is_whole_file(run, &reply))
            run_pass(run, "the server ignores such a Range, as it may");
    } else if (!range)
        run_note(run, "416 should have Content-Range: bytes */LENGTH");
    else if (strncmp(range, "bytes */", 8) != 0 || !h1_number(range + 8, strlen(range + 8), &length) || length != run->settings->size)
        run_violation(run, "416 with Content-Range: %s for a file of %" PRIu64 " bytes", range, run->settings->size);
    run_pass(run, "416 with %s", range ? range : "no Content-Range");
}

static void must_ignore(struct run *run, const char *what, const char *fields)
{
    struct h1_reply reply;
    if (!h1_get(run, fields, &reply))
        return;
    if (reply.response.status == 206 || reply.response.status == 416)
        run_violation(run, "status %u for Range with %s; it MUST be ignored", reply.response.status, what);
    else if (h1_is_whole_file(run, &reply))
        run_pass(run, "Range is ignored");
}

void case_h1_range_unit(struct run *run)
{
    must_ignore(run, "an unknown unit", "Range: panthers=0-1\r\n");
}

void case_h1_range_head(struct run *run)
{
    struct connection *connection;
    struct h1_reply reply;
    if (!h1_exchange(run, "HEAD", h1_request(run, "HEAD", run_path(run, run->settings->size), "Range: bytes=0-9\r\n"), &connection, &reply))
        return;
    if (reply.response.status == 206)
        run_violation(run, "206 for HEAD; range handling is defined for GET only");
    else
        run_pass(run, "status %u", reply.response.status);
}

void case_h1_if_range(struct run *run)
{
    struct h1_reply reply;
    must_ignore(run, "another ETag in If-Range", "Range: bytes=10-19\r\nIf-Range: \"panther-has-no-such-tag\"\r\n");
    must_ignore(run, "another date in If-Range", "Range: bytes=10-19\r\nIf-Range: Thu, 01 Jan 1970 00:00:01 GMT\r\n");
    if (run_is_bad(run) || !h1_get(run, "", &reply))
        return;
    const char *tag = h1_value(run, &reply, "etag");
    if (!tag || tag[0] != '"')
        return;
    if (h1_get(run, panther_format(run->service, "Range: bytes=10-19\r\nIf-Range: %s\r\n", tag), &reply) && reply.response.status != 206)
        run_note(run, "If-Range with the ETag should bring the range, not %u", reply.response.status);
}
