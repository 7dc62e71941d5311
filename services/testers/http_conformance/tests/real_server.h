// Every case of a version against a real server: which fail, and no other.
#ifndef HTTP_CONFORMANCE_REAL_SERVER_H
#define HTTP_CONFORMANCE_REAL_SERVER_H

#include <stdbool.h>

struct expectation {
    const char *plugin;           // "nginx.so", "apache2/service.yaml"
    const char *version;          // of the protocol
    const char *tls;              // "true", "false"
    const char *const *must_fail; // the README says why
    const char *const *may_fail;  // as the server's timing has it; NULL: none
    bool offers_h2c;              // declares the capability that h2_upgrade needs
};
#define CASES_OF(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_CASES ((const char *const[]){NULL})

void run_all(const struct expectation *expected);

#endif
