// Status line, header section, and the rules of RFC 9112, 6.3 for where a response ends.
#include "h1_message.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// RFC 9110, 5.6.2
static bool is_token(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

// RFC 9110, 5.5: visible, blank, or above ASCII
static bool is_field_value(char c)
{
    return c == '\t' || (unsigned char)c >= 0x80 || (c >= 0x20 && c != 0x7f);
}

bool h1_number(const char *data, size_t bytes, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned digit = (unsigned)(data[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return bytes > 0;
}

// ---- fields

const struct h1_text *h1_find(const struct h1_response *response, const char *name)
{
    for (size_t i = 0; i < response->field_count; i++)
        if (h1_text_is(&response->fields[i].name, name))
            return &response->fields[i].value;
    return NULL;
}

size_t h1_count(const struct h1_response *response, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < response->field_count; i++)
        count += h1_text_is(&response->fields[i].name, name);
    return count;
}

bool h1_text_is(const struct h1_text *text, const char *other)
{
    return text && text->bytes == strlen(other) && strncasecmp(text->data, other, text->bytes) == 0;
}

static bool list_has(const struct h1_text *list, const char *token)
{
    const char *end = list->data + list->bytes;
    for (const char *at = list->data; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        struct h1_text item = {at, (size_t)(stop - at)};
        while (item.bytes > 0 && (*item.data == ' ' || *item.data == '\t'))
            item.data++, item.bytes--;
        while (item.bytes > 0 && (item.data[item.bytes - 1] == ' ' || item.data[item.bytes - 1] == '\t'))
            item.bytes--;
        if (h1_text_is(&item, token))
            return true;
        at = stop + 1;
    }
    return false;
}

bool h1_has_token(const struct h1_response *response, const char *name, const char *token)
{
    for (size_t i = 0; i < response->field_count; i++)
        if (h1_text_is(&response->fields[i].name, name) && list_has(&response->fields[i].value, token))
            return true;
    return false;
}

// ---- lines

// The length of the line at `at` without its CRLF. H1_INCOMPLETE: its end is not there.
static enum h1_state read_line(const char *at, size_t bytes, size_t *length, const char **problem)
{
    const char *feed = memchr(at, '\n', bytes);
    if (!feed)
        return H1_INCOMPLETE;
    if (feed == at || feed[-1] != '\r') {
        *problem = "a line of the header section ends without CR (RFC 9112, 2.1)";
        return H1_INVALID;
    }
    *length = (size_t)(feed - at) - 1;
    return H1_COMPLETE;
}

static bool parse_status_line(const char *line, size_t length, struct h1_response *response, const char **problem)
{
    if (length < 9 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ')
        *problem = "the status line does not begin with HTTP/1.x (RFC 9112, 4)";
    else if (length < 12 || !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) || line[9] == '0')
        *problem = "the status code is not three digits (RFC 9112, 4)";
    else if (length < 13 || line[12] != ' ')
        *problem = "the space after the status code is missing; it MUST be sent even without a reason phrase (RFC 9112, 4)";
    else {
        response->minor = (unsigned)(line[7] - '0');
        response->status = (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
        return true;
    }
    return false;
}

static bool parse_field(const char *line, size_t length, struct h1_field *field, const char **problem)
{
    size_t name = 0, begin, end = length;
    while (name < length && is_token(line[name]))
        name++;
    if (name == 0 && (line[0] == ' ' || line[0] == '\t'))
        *problem = "a header line is folded; a sender MUST NOT do that (RFC 9112, 5.2)";
    else if (name == 0 || name == length || line[name] != ':')
        *problem = "a header line is not NAME: VALUE (RFC 9112, 5)";
    else {
        for (begin = name + 1; begin < end && (line[begin] == ' ' || line[begin] == '\t');)
            begin++;
        while (end > begin && (line[end - 1] == ' ' || line[end - 1] == '\t'))
            end--;
        *field = (struct h1_field){{line, name}, {line + begin, end - begin}};
        for (size_t i = begin; i < end; i++)
            if (!is_field_value(line[i]))
                *problem = "a header field's value has a control character (RFC 9110, 5.5)";
        return !*problem;
    }
    return false;
}

static enum h1_state parse_head(const char *data, size_t bytes, struct h1_response *response, const char **problem)
{
    size_t at = 0, length;
    for (bool first = true;; first = false) {
        enum h1_state state = read_line(data + at, bytes - at, &length, problem);
        if (state == H1_INCOMPLETE && bytes >= H1_HEAD_MAX_BYTES) {
            *problem = "the header section is longer than 64 KiB";
            return H1_INVALID;
        }
        if (state != H1_COMPLETE)
            return state;
        const char *line = data + at;
        at += length + 2;
        if (first) {
            if (!parse_status_line(line, length, response, problem))
                return H1_INVALID;
        } else if (length == 0) {
            response->head_bytes = at;
            return H1_COMPLETE;
        } else if (response->field_count == H1_FIELDS_MAX) {
            *problem = "there are more than 100 header fields";
            return H1_INVALID;
        } else if (!parse_field(line, length, &response->fields[response->field_count++], problem))
            return H1_INVALID;
    }
}

// ---- framing

static bool read_length(struct h1_response *response, const char **problem)
{
    const struct h1_text *first = h1_find(response, "content-length");
    if (!first)
        return true;
    if (!h1_number(first->data, first->bytes, &response->length))
        *problem = "Content-Length is not a number (RFC 9110, 8.6)";
    else if (h1_count(response, "content-length") > 1)
        *problem = "there are two Content-Length (RFC 9110, 8.6)";
    else if (h1_find(response, "transfer-encoding"))
        *problem = "Content-Length stands beside Transfer-Encoding; a sender MUST NOT do that (RFC 9112, 6.2)";
    else if (response->status < 200 || response->status == 204)
        *problem = "a response 1xx or 204 has Content-Length, which MUST NOT be (RFC 9110, 8.6)";
    response->has_length = true;
    return !*problem;
}

// False: a problem. *has_body: bytes of a body follow.
static bool find_framing(struct h1_response *response, const char *method, bool *has_body, const char **problem)
{
    bool is_encoded = h1_find(response, "transfer-encoding");
    if (is_encoded && (response->status < 200 || response->status == 204))
        *problem = "a response 1xx or 204 has Transfer-Encoding, which MUST NOT be (RFC 9112, 6.1)";
    if (*problem || !read_length(response, problem))
        return false;
    *has_body = strcmp(method, "HEAD") != 0 && response->status >= 200 && response->status != 204 && response->status != 304;
    response->is_chunked = *has_body && is_encoded && h1_has_token(response, "transfer-encoding", "chunked");
    response->until_close = *has_body && !response->is_chunked && (is_encoded || !response->has_length);
    return true;
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "1a;extension" -> 26
static bool chunk_size(const char *line, size_t length, uint64_t *size)
{
    size_t i = 0;
    for (*size = 0; i < length && hex(line[i]) >= 0; i++) {
        *size = *size * 16 + (uint64_t)hex(line[i]);
        if (*size > H1_BODY_MAX_BYTES)
            return false;
    }
    return i > 0 && (i == length || line[i] == ';' || line[i] == ' ' || line[i] == '\t');
}

// Trailers up to the empty line. at: after the last chunk's size line.
static enum h1_state skip_trailers(const char *data, size_t bytes, size_t *at, const char **problem)
{
    struct h1_field field;
    size_t length;
    for (;;) {
        enum h1_state state = read_line(data + *at, bytes - *at, &length, problem);
        if (state != H1_COMPLETE)
            return state;
        const char *line = data + *at;
        *at += length + 2;
        if (length == 0)
            return H1_COMPLETE;
        if (!parse_field(line, length, &field, problem))
            return H1_INVALID;
    }
}

// One chunk at *at, its bytes copied to body unless that is NULL. *size 0: it was the last one, with its trailers.
static enum h1_state read_chunk(const char *data, size_t bytes, size_t *at, char *body, uint64_t *size, const char **problem)
{
    size_t length;
    enum h1_state state = read_line(data + *at, bytes - *at, &length, problem);
    if (state != H1_COMPLETE)
        return state;
    if (!chunk_size(data + *at, length, size)) {
        *problem = "a chunk's size is no number, or too large (RFC 9112, 7.1)";
        return H1_INVALID;
    }
    size_t begin = *at + length + 2;
    if (*size == 0) {
        *at = begin;
        return skip_trailers(data, bytes, at, problem);
    }
    if (bytes - begin < *size + 2)
        return H1_INCOMPLETE;
    if (memcmp(data + begin + *size, "\r\n", 2) != 0) {
        *problem = "a chunk does not end where its size says (RFC 9112, 7.1)";
        return H1_INVALID;
    }
    if (body)
        memcpy(body, data + begin, (size_t)*size);
    *at = begin + (size_t)*size + 2;
    return H1_COMPLETE;
}

static enum h1_state measure_chunks(const char *data, size_t bytes, struct h1_response *response, const char **problem)
{
    uint64_t size;
    size_t at = response->head_bytes;
    do {
        enum h1_state state = read_chunk(data, bytes, &at, NULL, &size, problem);
        if (state != H1_COMPLETE)
            return state;
        response->body_bytes += (size_t)size;
    } while (size > 0);
    response->consumed = at;
    return H1_COMPLETE;
}

static enum h1_state measure_body(const char *data, size_t bytes, bool ended, struct h1_response *response, const char **problem)
{
    size_t rest = bytes - response->head_bytes;
    if (response->is_chunked)
        return measure_chunks(data, bytes, response, problem);
    if (response->until_close ? !ended : rest < response->length)
        return H1_INCOMPLETE;
    response->body_bytes = response->until_close ? rest : (size_t)response->length;
    response->consumed = response->head_bytes + response->body_bytes;
    return H1_COMPLETE;
}

enum h1_state h1_parse(const char *data, size_t bytes, bool ended, const char *method, struct h1_response *response, const char **problem)
{
    bool has_body;
    *problem = NULL;
    memset(response, 0, sizeof(*response));
    if (bytes == 0)
        return H1_INCOMPLETE;
    enum h1_state state = parse_head(data, bytes, response, problem);
    if (state != H1_COMPLETE)
        return state;
    if (!find_framing(response, method, &has_body, problem))
        return H1_INVALID;
    response->consumed = response->head_bytes;
    return has_body ? measure_body(data, bytes, ended, response, problem) : H1_COMPLETE;
}

void h1_copy_body(const char *data, const struct h1_response *response, char *body)
{
    const char *problem = NULL;
    uint64_t size = 1;
    size_t at = response->head_bytes;
    if (!response->is_chunked) {
        memcpy(body, data + at, response->body_bytes);
        return;
    }
    while (size > 0 && read_chunk(data, response->consumed, &at, body, &size, &problem) == H1_COMPLETE)
        body += size;
}
