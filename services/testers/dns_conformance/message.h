// DNS messages (RFC 1035 4.1): reading what a server sent, bounded and without trust, and writing queries, good ones and bad ones. Pure;
// the exchange, the cases and the fuzz target call it.
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_BYTES 12
#define DNS_NAME_MAX_BYTES 255  // RFC 1035 2.3.4
#define DNS_LABEL_MAX_BYTES 63  // RFC 1035 2.3.4
#define DNS_UDP_MAX_BYTES 512   // RFC 1035 2.3.4, without EDNS
#define DNS_RECORDS_MAX 128     // kept of one message: the largest answer asked for has some 20
#define DNS_QUERY_MAX_BYTES 900 // the largest one written here is a name of more than 255 bytes

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_OPT = 41,
    DNS_ANY = 255
};
enum dns_class { DNS_IN = 1, DNS_CH = 3 };
enum dns_rcode { DNS_NOERROR = 0, DNS_FORMERR = 1, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3, DNS_NOTIMP = 4, DNS_REFUSED = 5, DNS_BADVERS = 16 };
enum dns_flag { DNS_QR = 0x8000, DNS_AA = 0x0400, DNS_TC = 0x0200, DNS_RD = 0x0100, DNS_RA = 0x0080, DNS_Z = 0x0040 };
#define DNS_OPCODE(FLAGS) (((FLAGS) >> 11) & 15)
#define DNS_OPCODE_FLAGS(OPCODE) ((OPCODE) << 11)

struct dns_name {
    uint8_t bytes[DNS_NAME_MAX_BYTES]; // labels with their lengths, pointers followed
    size_t size;
};

enum dns_section { DNS_ANSWER = 0, DNS_AUTHORITY = 1, DNS_ADDITIONAL = 2 };
struct dns_record {
    enum dns_section section;
    struct dns_name name;
    uint16_t type, class;
    uint32_t ttl;
    size_t at, bytes;       // the data, in the message
    struct dns_name target; // of NS, CNAME, PTR
};

struct dns_message {
    uint16_t id, flags;
    uint16_t counts[4];   // questions, answers, authority, additional
    bool has_question;    // the first one:
    struct dns_name name; //
    uint16_t type, class; //
    size_t question_end;
    size_t record_count; // at most DNS_RECORDS_MAX
    struct dns_record records[DNS_RECORDS_MAX];
};

// NULL: it is well-formed; else what is wrong with it. Nothing outside of the bytes is read.
const char *dns_read(const uint8_t *bytes, size_t size, struct dns_message *message);
// With the upper bits that an OPT record brings (RFC 6891 6.1.3).
unsigned dns_rcode(const struct dns_message *message);
const struct dns_record *dns_opt(const struct dns_message *message);
// The first answer of this type behind `after` (NULL: from the start).
const struct dns_record *dns_answer(const struct dns_message *message, uint16_t type, const struct dns_record *after);
bool dns_same_name(const struct dns_name *one, const struct dns_name *other); // letters of either case are equal (RFC 4343)
// "www.test.example" into wire form; false: a label or the name is too long.
bool dns_name_of(const char *text, struct dns_name *name);
// For a person; at least one byte for text.
void dns_name_text(const struct dns_name *name, char *text, size_t text_bytes);

struct dns_query {
    uint8_t bytes[DNS_QUERY_MAX_BYTES];
    size_t size;
};
void dns_put(struct dns_query *query, const void *bytes, size_t size); // what does not fit is a programmer's error
void dns_put_u16(struct dns_query *query, unsigned value);
void dns_put_header(struct dns_query *query, unsigned id, unsigned flags, unsigned questions, unsigned additional);
void dns_put_question(struct dns_query *query, const struct dns_name *name, unsigned type, unsigned class);
void dns_put_opt(struct dns_query *query, unsigned payload_bytes, unsigned version, unsigned option_code); // 0: no option

#endif
