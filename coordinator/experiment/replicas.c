#include "coordinator/experiment/replicas.h"

#include <string.h>

#include "coordinator/experiment/network.h"

void replicas_read(struct scope *scope, const char *name, const struct value *place, const struct value *replicas)
{
    const struct document *document = &scope->document;
    uint64_t count = 1;
    if (!document_number(document, replicas, "replicas", 1, SERVICES_PER_TEST_MAX, &count) || count == 1)
        return;
    for (uint64_t i = 1; i <= count; i++) {
        const char *replica = arena_printf(document->arena, "%s-%llu", name, (unsigned long long)i);
        if (value_get(scope->services, replica))
            document_error(document, place, "the replicas of \"%s\" are called %s-1 and so on, and there is a service \"%s\"", name, name,
                           replica);
    }
    if (!name_is_valid(arena_printf(document->arena, "%s-%d", name, SERVICES_PER_TEST_MAX)))
        document_error(document, place, "the name \"%s\" is too long for a service with replicas: they are called %s-1 and so on", name,
                       name);
}

// ---- lists of names

static char *replica_name(const struct scope *scope, const char *service, uint32_t number)
{
    return arena_printf(scope->document.arena, "%s-%u", service, number);
}

// Each that has replicas becomes all of them. without: one that is left out; NULL: none.
static size_t expand_names(struct scope *scope, char ***names, size_t count, const char *without)
{
    char **expanded = ARENA_ARRAY(scope->document.arena, char *, SERVICES_PER_TEST_MAX + count);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t replicas = scope_replicas(scope, (*names)[i]);
        for (uint32_t r = 1; r <= replicas && length < SERVICES_PER_TEST_MAX; r++) {
            char *name = replicas == 1 ? (*names)[i] : replica_name(scope, (*names)[i], r);
            if (!without || strcmp(name, without) != 0)
                expanded[length++] = name;
        }
    }
    *names = expanded;
    return length;
}

// ---- services

static Pb__HostRule *expand_host(struct scope *scope, const Pb__HostRule *rule, const char *service)
{
    Pb__HostRule *host = ARENA_NEW(scope->document.arena, Pb__HostRule);
    *host = *rule;
    host->n_apart_from = expand_names(scope, &host->apart_from, rule->n_apart_from, service);
    host->n_with = expand_names(scope, &host->with, rule->n_with, service);
    return host;
}

// Each has a part of the network of its own.
static void rename_network(struct scope *scope, const char *of, Pb__ServiceTemplate *service)
{
    struct arena *arena = scope->document.arena;
    const char *shared = arena_printf(arena, NETWORK_SERVICE ".%s", of);
    char **needs = ARENA_ARRAY(arena, char *, service->n_needs + 1);
    for (size_t i = 0; i < service->n_needs; i++)
        needs[i] = strcmp(service->needs[i], shared) == 0 ? arena_printf(arena, NETWORK_SERVICE ".%s", service->name) : service->needs[i];
    service->needs = needs;
}

static void add_service(struct scope *scope, const Pb__ServiceTemplate *of, char *name, Pb__ServiceTemplate **services, size_t *count)
{
    Pb__ServiceTemplate *service = ARENA_NEW(scope->document.arena, Pb__ServiceTemplate);
    *service = *of;
    service->name = name;
    service->host = expand_host(scope, of->host, name);
    rename_network(scope, of->name, service);
    services[(*count)++] = service;
}

static bool has_room(struct scope *scope)
{
    const Pb__Test *test = scope->test;
    size_t count = 0;
    for (size_t i = 0; i < test->n_services; i++)
        count += scope_replicas(scope, test->services[i]->name);
    size_t most = !test->network                       ? SERVICES_PER_TEST_MAX
                  : network_is_emulated(test->network) ? SERVICES_PER_TEST_MAX - 1
                                                       : SERVICES_PER_TEST_MAX / 2;
    const struct value place = scope_place(test->line, 1);
    if (count > most)
        document_error(&scope->document, &place, "with its replicas the test has %zu services; at most %zu have room", count, most);
    return count <= most;
}

static void expand_services(struct scope *scope)
{
    Pb__Test *test = scope->test;
    Pb__ServiceTemplate **services = ARENA_ARRAY(scope->document.arena, Pb__ServiceTemplate *, SERVICES_PER_TEST_MAX);
    size_t count = 0;
    for (size_t i = 0; i < test->n_services; i++) {
        Pb__ServiceTemplate *service = test->services[i];
        for (size_t d = 0; d < service->n_drives; d++)
            service->drives[d]->n_services = expand_names(scope, &service->drives[d]->services, service->drives[d]->n_services, NULL);
        service->n_needs = expand_names(scope, &service->needs, service->n_needs, NULL);
        uint32_t replicas = scope_replicas(scope, service->name);
        for (uint32_t r = 1; r <= replicas; r++)
            add_service(scope, service, replicas == 1 ? service->name : replica_name(scope, service->name, r), services, &count);
    }
    test->services = services;
    test->n_services = count;
}

// ---- what is said of them

// "server: exit clean", "load.rate >= 1"
static char *renamed(const struct scope *scope, const char *text, const char *service, const char *replica)
{
    size_t length = strlen(service);
    bool begins = strncmp(text, service, length) == 0 && (text[length] == ':' || text[length] == '.');
    return arena_printf(scope->document.arena, "%s%s", begins ? replica : "", begins ? text + length : text);
}

static void expand_assertions(struct scope *scope)
{
    Pb__Test *test = scope->test;
    struct arena *arena = scope->document.arena;
    Pb__Assertion **assertions = ARENA_ARRAY(arena, Pb__Assertion *, test->n_assertions * SERVICES_PER_TEST_MAX + 1);
    size_t count = 0;
    for (size_t i = 0; i < test->n_assertions; i++) {
        Pb__Assertion *of = test->assertions[i];
        uint32_t replicas = scope_replicas(scope, of->service);
        for (uint32_t r = 1; r <= replicas; r++) {
            Pb__Assertion *assertion = ARENA_NEW(arena, Pb__Assertion);
            *assertion = *of;
            if (replicas > 1) {
                assertion->service = replica_name(scope, of->service, r);
                assertion->text = renamed(scope, of->text, of->service, assertion->service);
            }
            assertions[count++] = assertion;
        }
    }
    test->assertions = assertions;
    test->n_assertions = count;
    const struct value place = scope_place(test->line, 1);
    if (count > ASSERTIONS_PER_TEST_MAX)
        document_error(&scope->document, &place, "with its replicas the test has %zu assertions; %d are the most", count,
                       ASSERTIONS_PER_TEST_MAX);
}

static void expand_gates(struct scope *scope)
{
    Pb__Test *test = scope->test;
    struct arena *arena = scope->document.arena;
    Pb__ExpectedFailure **expected = ARENA_ARRAY(arena, Pb__ExpectedFailure *, test->n_expected * SERVICES_PER_TEST_MAX + 1);
    Pb__NoWorse **no_worse = ARENA_ARRAY(arena, Pb__NoWorse *, test->n_no_worse * SERVICES_PER_TEST_MAX + 1);
    size_t expected_count = 0, no_worse_count = 0;
    for (size_t i = 0; i < test->n_expected; i++) {
        uint32_t replicas = scope_replicas(scope, test->expected[i]->service);
        for (uint32_t r = 1; r <= replicas; r++) {
            Pb__ExpectedFailure *copy = expected[expected_count++] = ARENA_NEW(arena, Pb__ExpectedFailure);
            *copy = *test->expected[i];
            copy->service = replicas > 1 ? replica_name(scope, copy->service, r) : copy->service;
        }
    }
    for (size_t i = 0; i < test->n_no_worse; i++) {
        const char *metric = test->no_worse[i]->metric;
        char *service = arena_string_bytes(arena, metric, strcspn(metric, "."));
        uint32_t replicas = scope_replicas(scope, service);
        for (uint32_t r = 1; r <= replicas; r++) {
            Pb__NoWorse *copy = no_worse[no_worse_count++] = ARENA_NEW(arena, Pb__NoWorse);
            *copy = *test->no_worse[i];
            copy->metric = replicas > 1 ? renamed(scope, metric, service, replica_name(scope, service, r)) : copy->metric;
        }
    }
    test->expected = expected;
    test->n_expected = expected_count;
    test->no_worse = no_worse;
    test->n_no_worse = no_worse_count;
}

static void add_link(struct scope *scope, const Pb__LinkRule *of, char *from, char *to, Pb__LinkRule **links, size_t *count)
{
    if (*from && strcmp(from, to) == 0)
        return;
    Pb__LinkRule *link = ARENA_NEW(scope->document.arena, Pb__LinkRule);
    *link = *of;
    link->from = from;
    link->to = to;
    links[(*count)++] = link;
}

static size_t expand_links(struct scope *scope, Pb__LinkRule ***links, size_t count)
{
    size_t room = 0, length = 0;
    for (size_t i = 0; i < count; i++)
        room += (size_t)scope_replicas(scope, (*links)[i]->from) * scope_replicas(scope, (*links)[i]->to);
    Pb__LinkRule **expanded = ARENA_ARRAY(scope->document.arena, Pb__LinkRule *, room);
    for (size_t i = 0; i < count; i++) {
        const Pb__LinkRule *link = (*links)[i];
        char **from = (char *[]){link->from}, **to = (char *[]){link->to};
        size_t from_count = expand_names(scope, &from, 1, NULL), to_count = expand_names(scope, &to, 1, NULL);
        for (size_t f = 0; f < from_count; f++)
            for (size_t t = 0; t < to_count; t++)
                add_link(scope, link, from[f], to[t], expanded, &length);
    }
    *links = expanded;
    if (length > LINKS_MAX && count > 0) {
        const struct value place = scope_place((*links)[0]->line, (*links)[0]->column);
        document_error(&scope->document, &place, "with replicas these are %zu links; %d are the most", length, LINKS_MAX);
    }
    return length;
}

// A command is for one instance, so an entry says which.
static void expand_timeline(struct scope *scope)
{
    for (size_t i = 0; i < scope->test->n_timeline; i++) {
        Pb__TimelineEntry *entry = scope->test->timeline[i];
        const struct value place = scope_place(entry->line, entry->column);
        uint32_t replicas = scope_replicas(scope, entry->service);
        if (replicas > 1)
            document_error(&scope->document, &place, "\"%s\" has %u replicas, and this is for one of them: %s-1 or another", entry->service,
                           replicas, entry->service);
        if (entry->trigger)
            entry->trigger->n_ready = expand_names(scope, &entry->trigger->ready, entry->trigger->n_ready, NULL);
        if (entry->body_case == PB__TIMELINE_ENTRY__BODY_FAULT)
            entry->fault->n_links = expand_links(scope, &entry->fault->links, entry->fault->n_links);
    }
}

void replicas_expand(struct scope *scope)
{
    Pb__Test *test = scope->test;
    bool any = false;
    for (size_t i = 0; i < test->n_services; i++)
        any = any || scope_replicas(scope, test->services[i]->name) > 1;
    if (!any || !has_room(scope))
        return;
    expand_services(scope);
    expand_assertions(scope);
    expand_gates(scope);
    expand_timeline(scope);
    if (test->network)
        test->network->n_links = expand_links(scope, &test->network->links, test->network->n_links);
    for (size_t i = 0; i < test->n_environments; i++)
        test->environments[i]->n_services = expand_names(scope, &test->environments[i]->services, test->environments[i]->n_services, NULL);
}
