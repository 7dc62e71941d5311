// DNS messages: reading and writing, see message.h.
#include "message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const uint8_t *bytes;
    size_t size, at;
};

static bool take(struct reader *reader, size_t width, uint32_t *value)
{
    if (reader->size - reader->at < width)
        return false;
    *value = 0;
    for (size_t i = 0; i < width; i++)
        *value = *value << 8 | reader->bytes[reader->at++];
    return true;
}

static bool take_u16(struct reader *reader, uint16_t *value)
{
    uint32_t taken;
    if (!take(reader, 2, &taken))
        return false;
    *value = (uint16_t)taken;
    return true;
}

// One label, or the root, at reader->at. NULL: taken; *done when it was the root.
static const char *take_label(struct reader *reader, unsigned length, struct dns_name *name, bool *done)
{
    if (length > DNS_LABEL_MAX_BYTES)
        return "a label of a reserved kind (RFC 1035 4.1.4)";
    if (name->size + 1 + length > DNS_NAME_MAX_BYTES)
        return "a name of more than 255 bytes (RFC 1035 2.3.4)";
    if (reader->size - reader->at < length)
        return "a label that is cut off";
    name->bytes[name->size++] = (uint8_t)length;
    memcpy(name->bytes + name->size, reader->bytes + reader->at, length);
    name->size += length;
    reader->at += length;
    *done = length == 0;
    return NULL;
}

// A pointer leads to a prior place (RFC 1035 4.1.4): each one has to lead further back than the one before, so no loop is possible.
static const char *take_name(struct reader *reader, struct dns_name *name)
{
    struct reader inner = *reader;
    size_t limit = reader->at;
    bool done = false, jumped = false;
    name->size = 0;
    while (!done) {
        uint32_t length, low;
        if (!take(&inner, 1, &length))
            return "a name that is cut off";
        if ((length & 0xc0) != 0xc0) {
            const char *problem = take_label(&inner, length, name, &done);
            if (problem)
                return problem;
            continue;
        }
        if (!take(&inner, 1, &low))
            return "a compression pointer that is cut off";
        if (!jumped)
            reader->at = inner.at;
        jumped = true;
        inner.at = (length & 0x3f) << 8 | low;
        if (inner.at >= limit || inner.at < DNS_HEADER_BYTES)
            return "a compression pointer that leads to no prior name (RFC 1035 4.1.4)";
        limit = inner.at;
    }
    if (!jumped)
        reader->at = inner.at;
    return NULL;
}

// Names in the data of the types that may be compressed are followed as well.
static const char *read_data(const struct reader *whole, struct dns_record *record)
{
    static const struct {
        unsigned type, skip, names, rest;
    } kinds[] = {{DNS_NS, 0, 1, 0}, {DNS_CNAME, 0, 1, 0}, {DNS_PTR, 0, 1, 0}, {DNS_MX, 2, 1, 0}, {DNS_SOA, 0, 2, 20}};
    if (record->type == DNS_A && record->class == DNS_IN && record->bytes != 4)
        return "an A record that is not 4 bytes long (RFC 1035 3.4.1)";
    if (record->type == DNS_AAAA && record->bytes != 16)
        return "an AAAA record that is not 16 bytes long (RFC 3596 2.2)";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct reader data = {whole->bytes, record->at + record->bytes, record->at + kinds[i].skip};
        struct dns_name name;
        if (record->type != kinds[i].type)
            continue;
        if (record->bytes < kinds[i].skip)
            return "a record whose data is cut off";
        for (unsigned k = 0; k < kinds[i].names; k++) {
            const char *problem = take_name(&data, &name);
            if (problem)
                return problem;
        }
        if (data.size - data.at != kinds[i].rest)
            return "a record whose length is not that of its data (RFC 1035 3.2.1)";
        record->target = name;
    }
    return NULL;
}

// Character strings fill the data of a TXT record exactly.
static const char *read_text(const struct reader *whole, const struct dns_record *record)
{
    size_t at = record->at, end = record->at + record->bytes;
    if (record->type != DNS_TXT)
        return NULL;
    while (at < end)
        at += 1U + whole->bytes[at];
    return at == end && record->bytes > 0 ? NULL : "a TXT record whose strings do not fill it (RFC 1035 3.3.14)";
}

static const char *read_record(struct reader *reader, struct dns_record *record)
{
    uint16_t bytes;
    const char *problem = take_name(reader, &record->name);
    if (problem)
        return problem;
    if (!take_u16(reader, &record->type) || !take_u16(reader, &record->class) || !take(reader, 4, &record->ttl) ||
        !take_u16(reader, &bytes) || reader->size - reader->at < bytes)
        return "a record that is cut off";
    record->at = reader->at;
    record->bytes = bytes;
    reader->at += bytes;
    problem = read_text(reader, record);
    return problem ? problem : read_data(reader, record);
}

static const char *read_question(struct reader *reader, struct dns_message *message, bool first)
{
    struct dns_name name;
    uint16_t type, class;
    const char *problem = take_name(reader, &name);
    if (problem)
        return problem;
    if (!take_u16(reader, &type) || !take_u16(reader, &class))
        return "a question that is cut off";
    if (!first)
        return NULL;
    message->has_question = true;
    message->name = name;
    message->type = type;
    message->class = class;
    message->question_end = reader->at;
    return NULL;
}

const char *dns_read(const uint8_t *bytes, size_t size, struct dns_message *message)
{
    struct reader reader = {bytes, size, 0};
    struct dns_record spare; // records beyond those that are kept are checked all the same
    const char *problem = NULL;
    message->has_question = false;
    message->record_count = 0;
    if (size < DNS_HEADER_BYTES)
        return "no whole header (RFC 1035 4.1.1)";
    (void)(take_u16(&reader, &message->id) && take_u16(&reader, &message->flags));
    for (unsigned i = 0; i < 4; i++)
        (void)take_u16(&reader, &message->counts[i]);
    for (unsigned i = 0; i < message->counts[0] && !problem; i++)
        problem = read_question(&reader, message, i == 0);
    for (unsigned section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
        for (unsigned i = 0; i < message->counts[section + 1] && !problem; i++) {
            bool is_kept = message->record_count < DNS_RECORDS_MAX;
            struct dns_record *record = is_kept ? &message->records[message->record_count] : &spare;
            record->section = (enum dns_section)section;
            problem = read_record(&reader, record);
            message->record_count += is_kept && !problem;
        }
    }
    if (!problem && reader.at != reader.size)
        problem = "bytes behind the last record";
    return problem;
}

const struct dns_record *dns_opt(const struct dns_message *message)
{
    for (size_t i = 0; i < message->record_count; i++)
        if (message->records[i].section == DNS_ADDITIONAL && message->records[i].type == DNS_OPT)
            return &message->records[i];
    return NULL;
}

unsigned dns_rcode(const struct dns_message *message)
{
    const struct dns_record *opt = dns_opt(message);
    return (message->flags & 15U) | (opt ? opt->ttl >> 24 << 4 : 0);
}

const struct dns_record *dns_answer(const struct dns_message *message, uint16_t type, const struct dns_record *after)
{
    for (size_t i = after ? (size_t)(after - message->records) + 1 : 0; i < message->record_count; i++)
        if (message->records[i].section == DNS_ANSWER && message->records[i].type == type)
            return &message->records[i];
    return NULL;
}

static uint8_t lower(uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter + 32) : letter;
}

// Lengths are below 64, so they are no letters.
bool dns_same_name(const struct dns_name *one, const struct dns_name *other)
{
    if (one->size != other->size)
        return false;
    for (size_t i = 0; i < one->size; i++)
        if (lower(one->bytes[i]) != lower(other->bytes[i]))
            return false;
    return true;
}

bool dns_name_of(const char *text, struct dns_name *name)
{
    name->size = 0;
    while (*text) {
        size_t length = strcspn(text, ".");
        if (length == 0 || length > DNS_LABEL_MAX_BYTES || name->size + length + 2 > DNS_NAME_MAX_BYTES)
            return false;
        name->bytes[name->size++] = (uint8_t)length;
        memcpy(name->bytes + name->size, text, length);
        name->size += length;
        text += length;
        text += *text == '.';
    }
    name->bytes[name->size++] = 0;
    return true;
}

void dns_name_text(const struct dns_name *name, char *text, size_t text_bytes)
{
    size_t used = 0;
    for (size_t at = 0; at < name->size && name->bytes[at] != 0; at += 1U + name->bytes[at]) {
        for (size_t i = 1; i <= name->bytes[at] && at + i < name->size && used + 2 < text_bytes; i++) {
            uint8_t letter = name->bytes[at + i];
            text[used++] = letter > ' ' && letter < 127 ? (char)letter : '?';
        }
        if (used + 2 < text_bytes)
            text[used++] = '.';
    }
    text[used] = '\0';
}

void dns_put(struct dns_query *query, const void *bytes, size_t size)
{
    assert(size <= sizeof query->bytes - query->size);
    memcpy(query->bytes + query->size, bytes, size);
    query->size += size;
}

void dns_put_u16(struct dns_query *query, unsigned value)
{
    dns_put(query, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

void dns_put_header(struct dns_query *query, unsigned id, unsigned flags, unsigned questions, unsigned additional)
{
    query->size = 0;
    dns_put_u16(query, id);
    dns_put_u16(query, flags);
    dns_put_u16(query, questions);
    dns_put_u16(query, 0);
    dns_put_u16(query, 0);
    dns_put_u16(query, additional);
}

void dns_put_question(struct dns_query *query, const struct dns_name *name, unsigned type, unsigned class)
{
    dns_put(query, name->bytes, name->size);
    dns_put_u16(query, type);
    dns_put_u16(query, class);
}

void dns_put_opt(struct dns_query *query, unsigned payload_bytes, unsigned version, unsigned option_code)
{
    dns_put(query, "", 1); // the root
    dns_put_u16(query, DNS_OPT);
    dns_put_u16(query, payload_bytes);
    dns_put_u16(query, version);
    dns_put_u16(query, 0);
    dns_put_u16(query, option_code ? 8 : 0);
    if (option_code) {
        dns_put_u16(query, option_code);
        dns_put_u16(query, 4);
        dns_put(query, "test", 4);
    }
}
