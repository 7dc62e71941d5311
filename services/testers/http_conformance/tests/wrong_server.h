// wrong_server.py as a process of a test, and the tester against it: shared by the tests that show that cases can fail.
#ifndef HTTP_CONFORMANCE_WRONG_SERVER_H
#define HTTP_CONFORMANCE_WRONG_SERVER_H

#include <panther/test.h>

#include <stdint.h>

#define CASES_OF(...) ((const char *const[]){__VA_ARGS__, NULL})

struct panther_test *new_tester(const char *version, uint16_t port);
// Each case of the list fails on a server of this mode, and says which section was broken.
void must_fail(const char *version, const char *mode, const char *const *cases);
void must_not_pass(const char *version, uint16_t port, const char *name);
// The same on a server of a mode that dies of the request.
void must_not_survive(const char *version, const char *mode, const char *name);

#endif
