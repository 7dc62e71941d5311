// References in texts, and those that only the peers' answers resolve.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/experiment/reference.h"
#include "tests/unit/experiment/fixture.h"

static const char *upper_case_x(const struct reference *reference, void *context)
{
    (void)context;
    return reference_is(reference, "x", 2) ? "X" : NULL;
}

static void expect_put_in(const char *text, bool finally, const char *wanted)
{
    struct arena *arena = arena_new(0);
    assert_string_equal(reference_put_in(text, upper_case_x, NULL, finally, arena), wanted);
    arena_free(&arena);
}

static void only_dotted_names_and_two_words_are_references(void **state)
{
    (void)state;
    static const char *const references[] = {"$(a.b)",        "x$(a.b.c)y",   "$(seed)",       "$(repetition)",
                                             "$$x$(A_1.b-2)", "$(a.b.c.d.e)", "$(date) $(a.b)"};
    static const char *const texts[] = {"",        "$",      "$(",      "$()",   "$(date)", "$(a b.c)",  "$(a.)",    "$(.a)",
                                        "$(a..b)", "${a.b}", "$$(a.b)", "$(a.b", "$a.b",    "$(./x.sh)", "$(seeds)", "$$$$(a.b)"};
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        assert_true(reference_is_in(references[i]));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(reference_is_in(texts[i]));
}

static void a_name_that_is_too_long_is_known_to_nobody(void **state)
{
    (void)state;
    char text[NAME_MAX_BYTES + 16] = "$(";
    memset(text + 2, 'a', NAME_MAX_BYTES);
    strcpy(text + 2 + NAME_MAX_BYTES, ".b)");
    struct reference reference;
    assert_true(reference_is_whole(text, &reference));
    assert_string_equal(reference.part[0], "");
    assert_string_equal(reference.part[1], "b");
}

static void values_are_put_in_and_the_rest_stays(void **state)
{
    (void)state;
    expect_put_in("a $(x.y) b $(z.y) $(date) $", false, "a X b $(z.y) $(date) $");
    expect_put_in("$(x.y)$(x.y)", false, "XX");
    expect_put_in("$$(x.y)", false, "$$(x.y)");
    expect_put_in("$$(x.y) $$$(x.y) $(x.y)", true, "$(x.y) $$(x.y) X");
    expect_put_in("$$ $$( $$", true, "$$ $( $$");
    expect_put_in("", true, "");
}

static Pb__Peer *peer(struct arena *arena, const char *service, const char *host)
{
    Pb__Peer *new = ARENA_NEW(arena, Pb__Peer);
    pb__peer__init(new);
    new->service = arena_string(arena, service);
    new->host = arena_string(arena, host);
    new->endpoints = ARENA_ARRAY(arena, Pb__Endpoint *, 4);
    return new;
}

static void listens(struct arena *arena, Pb__Peer *peer, const char *name, const char *address, uint32_t port)
{
    Pb__Endpoint *new = ARENA_NEW(arena, Pb__Endpoint);
    pb__endpoint__init(new);
    new->name = arena_string(arena, name);
    new->address = arena_string(arena, address);
    new->port = port;
    peer->endpoints[peer->n_endpoints++] = new;
}

static void endpoints_of_peers_resolve(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    Pb__Peer *web = peer(arena, "web", "lab-a"), *six = peer(arena, "six", "lab-b"), *mute = peer(arena, "mute", "lab-c");
    listens(arena, web, "http", "10.0.0.1", 8080);
    listens(arena, web, "quic", "10.0.0.1", 8443);
    listens(arena, six, "quic", "fd00::1", 443);
    const Pb__Peer *const peers[] = {web, six, mute};
    const struct {
        const char *text, *wanted;
    } good[] = {
        {"$(web.address)", "10.0.0.1"},
        {"https://$(web.endpoint)/", "https://10.0.0.1:8080/"},
        {"$(web.port) $(web.quic.port) $(web.http.endpoint)", "8080 8443 10.0.0.1:8080"},
        {"$(six.endpoint) $(six.address)", "[fd00::1]:443 fd00::1"},
        {"$(web.host) $(mute.host)", "lab-a lab-c"},
        {"$(file.page) $(date) $$(web.port)", "$(file.page) $(date) $(web.port)"},
        {"plain", "plain"},
    };
    const char *reason = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_string_equal(experiment_resolve_text(good[i].text, peers, 3, arena, &reason), good[i].wanted);
    assert_null(reason);
    assert_null(experiment_resolve_text("$(web.port) $(nobody.port)", peers, 3, arena, &reason));
    assert_string_equal(reason, "\"$(nobody.port)\" has no value: the service \"nobody\" has not answered initialize");
    assert_null(experiment_resolve_text("$(mute.port)", peers, 3, arena, &reason));
    assert_string_equal(reason, "\"$(mute.port)\" has no value: the service \"mute\" has no port at all");
    assert_null(experiment_resolve_text("$(web.dns.port)", peers, 3, arena, &reason));
    assert_string_equal(reason, "\"$(web.dns.port)\" has no value: the service \"web\" has no port dns");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_dotted_names_and_two_words_are_references),
        cmocka_unit_test(a_name_that_is_too_long_is_known_to_nobody),
        cmocka_unit_test(values_are_put_in_and_the_rest_stays),
        cmocka_unit_test(endpoints_of_peers_resolve),
    };
    return cmocka_run_group_tests_name("experiment references", tests, NULL, NULL);
}
