// The Huffman code of HPACK (RFC 7541, 5.2 and appendix B). Pure.
#ifndef HTTP_CONFORMANCE_HUFFMAN_H
#define HTTP_CONFORMANCE_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Into text, which has room for text_bytes. False: it does not fit, or the code is wrong: EOS in it, padding of 8 bits or more, or padding
// that is not the beginning of EOS.
bool huffman_decode(const uint8_t *data, size_t bytes, char *text, size_t text_bytes, size_t *length);

#endif
