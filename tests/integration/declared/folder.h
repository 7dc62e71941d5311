// A plugin folder made for one test: service.yaml and what it names, below /tmp.
#ifndef PANTHER_TESTS_INTEGRATION_DECLARED_FOLDER_H
#define PANTHER_TESTS_INTEGRATION_DECLARED_FOLDER_H

#include <panther/test.h>

// One at a time: the last one goes.
const char *folder_begin(const char *service_yaml); // its service.yaml's path
void folder_file(const char *name, const char *text);
void folder_end(void);
// HEAD ("panther_service: 1", name, version, summary, the protocol http and what kind it is) before the rest.
struct panther_test *declared_iut(const char *rest);
struct panther_test *declared_tester(const char *rest);
// initialize and start, or the test fails with the problem.
void up(struct panther_test *test);
// Ends it: nothing is left, and the folder goes.
void down(struct panther_test **test);

#define assert_has(text, part)                                                                                                             \
    do {                                                                                                                                   \
        if (strstr((text), (part)) == NULL) {                                                                                              \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                                                                    \
        }                                                                                                                                  \
    } while (0)

#endif
