// An emulated network in a test: what it shall be, and an instance in a place of it.
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "services/sdk/harness/harness.h"

#define NAMESPACES_MAX_BYTES (64 * 1024)

void panther_test_network(struct panther_test *test, const char *const *services, const char *family)
{
    Pb__Initialize *initialize = test->initialize;
    Pb__Network *network = initialize->network = ARENA_NEW(test->arena, Pb__Network);
    pb__network__init(network);
    network->type = arena_string(test->arena, "emulated");
    network->family = arena_string(test->arena, family);
    network->links = ARENA_ARRAY(test->arena, Pb__LinkRule *, LINKS_OF_TEST_MAX);
    initialize->network_services = ARENA_ARRAY(test->arena, char *, SERVICES_PER_TEST_MAX);
    for (; *services != NULL && initialize->n_network_services < SERVICES_PER_TEST_MAX; services++) {
        initialize->network_services[initialize->n_network_services++] = arena_string(test->arena, *services);
    }
}

void panther_test_condition(struct panther_test *test, const char *from, const char *to, const char *name, const char *value)
{
    Pb__Network *network = test->initialize->network;
    INVARIANT(network != NULL && network->n_links < LINKS_OF_TEST_MAX);
    Pb__LinkRule *rule = ARENA_NEW(test->arena, Pb__LinkRule);
    Pb__PlacedSetting *setting = ARENA_NEW(test->arena, Pb__PlacedSetting);
    pb__link_rule__init(rule);
    pb__placed_setting__init(setting);
    setting->name = arena_string(test->arena, name);
    setting->values = ARENA_ARRAY(test->arena, char *, 1);
    setting->values[setting->n_values++] = arena_string(test->arena, value);
    rule->from = arena_string(test->arena, from);
    rule->to = arena_string(test->arena, to);
    rule->conditions = ARENA_ARRAY(test->arena, Pb__PlacedSetting *, 1);
    rule->conditions[rule->n_conditions++] = setting;
    network->links[network->n_links++] = rule;
}

// As the agent does it: SERVICE PID STARTTIME ADDRESS, a line each.
int panther_test_place(struct panther_test *test, const struct panther_test *network, const char *service)
{
    CLEANUP_FREE char *path = memory_printf("%s/work/namespaces", network->folder), *text = NULL;
    size_t bytes;
    struct panther_error error;
    if (file_read(path, NAMESPACES_MAX_BYTES, &text, &bytes, &error) < 0) {
        return harness_problem(test, "%s", error.message);
    }
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        char name[128], address[64];
        unsigned pid;
        unsigned long long start;
        if (sscanf(line, "%127s %u %llu %63s", name, &pid, &start, address) == 4 && strcmp(name, service) == 0) {
            test->spec->network_pid = pid;
            test->spec->network_pid_start = start;
            test->spec->address = arena_string(test->arena, address);
            return 0;
        }
    }
    return harness_problem(test, "the network has no place for %s", service);
}
