// Stories of a whole lab: its keys are added at once, and its lists come in pages.
#include "tests/unit/coordinator_core/story.h"

#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/message.h"
#include "common/wire/wire.h"

#define HOSTS 4000 // the lab keeps no more records

static Pb__AddKey *new_key(struct lab *lab, const char *name, unsigned number)
{
    Pb__AddKey *key = ARENA_NEW(lab->arena, Pb__AddKey);
    pb__add_key__init(key);
    key->name = arena_string(lab->arena, name);
    key->role = PB__ROLE__ROLE_AGENT;
    key->public_key = arena_printf(lab->arena, "%040u", number);
    return key;
}

static void add_keys(struct lab *lab, Pb__AddKey **keys, size_t count, int role)
{
    Pb__AddKeys add = PB__ADD_KEYS__INIT;
    add.keys = keys;
    add.n_keys = count;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ADD_KEYS;
    request.add_keys = &add;
    lab_request(lab, &request, role);
}

static void add_hosts(struct lab *lab)
{
    Pb__AddKey **keys = ARENA_ARRAY(lab->arena, Pb__AddKey *, HOSTS);
    for (unsigned i = 0; i < HOSTS; i++) {
        keys[i] = new_key(lab, arena_printf(lab->arena, "host-%05u", i), i);
    }
    add_keys(lab, keys, HOSTS, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab->reply->body_case, PB__REPLY__BODY_KEY_ADDED);
}

// A reply that a client takes, and whose size the core did not take for smaller than it is.
static void assert_is_a_page(const Pb__Reply *reply)
{
    assert_true(wire_packed_bytes(reply) <= message_bytes_at_most(reply));
    assert_true(wire_packed_bytes(reply) < CONTROL_FRAME_MAX_BYTES / 2);
}

STORY(the_keys_of_a_whole_lab_are_listed_page_by_page_each_once)
{
    BEGIN;
    struct map *seen = map_new();
    add_hosts(&lab);
    Pb__ListKeys list = PB__LIST_KEYS__INIT;
    unsigned pages = 0;
    for (bool more = true; more; pages++) {
        Pb__Request request = PB__REQUEST__INIT;
        request.body_case = PB__REQUEST__BODY_LIST_KEYS;
        request.list_keys = &list;
        lab_request(&lab, &request, PB__ROLE__ROLE_OPERATOR);
        const Pb__Keys *keys = lab.reply->keys;
        assert_is_a_page(lab.reply);
        for (size_t i = 0; i < keys->n_keys; i++) {
            assert_null(map_put_text(seen, keys->keys[i]->name, seen));
        }
        list.after = keys->next;
        more = keys->more;
    }
    assert_int_equal(map_count(seen), HOSTS);
    assert_true(pages > 1);
    map_free(&seen);
    lab_end(&lab);
}

STORY(the_agents_of_a_whole_lab_are_listed_page_by_page_each_once)
{
    BEGIN;
    struct map *seen = map_new();
    add_hosts(&lab);
    Pb__ListAgents list = PB__LIST_AGENTS__INIT;
    unsigned pages = 0;
    for (bool more = true; more; pages++) {
        Pb__Request request = PB__REQUEST__INIT;
        request.body_case = PB__REQUEST__BODY_LIST_AGENTS;
        request.list_agents = &list;
        lab_request(&lab, &request, PB__ROLE__ROLE_VIEWER);
        const Pb__Agents *agents = lab.reply->agents;
        assert_is_a_page(lab.reply);
        for (size_t i = 0; i < agents->n_agents; i++) {
            assert_null(map_put_text(seen, agents->agents[i]->name, seen));
        }
        list.after = agents->next;
        more = agents->more;
    }
    assert_int_equal(map_count(seen), HOSTS);
    assert_true(pages > 1);
    map_free(&seen);
    lab_end(&lab);
}

STORY(a_plugin_is_described_once_and_names_its_agents)
{
    BEGIN;
    Pb__ListPlugins list = PB__LIST_PLUGINS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_PLUGINS;
    request.list_plugins = &list;
    lab_request(&lab, &request, PB__ROLE__ROLE_VIEWER);
    const Pb__Plugins *plugins = lab.reply->plugins;
    assert_int_equal(plugins->n_plugins, 2);
    assert_false(plugins->more);
    for (size_t i = 0; i < plugins->n_plugins; i++) {
        assert_non_null(plugins->plugins[i]->description);
        assert_int_equal(plugins->plugins[i]->n_agents, 2);
    }
    // from the second agent on: the descriptions were told before
    list.after = 2;
    lab_request(&lab, &request, PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.reply->plugins->n_plugins, 2);
    for (size_t i = 0; i < lab.reply->plugins->n_plugins; i++) {
        assert_null(lab.reply->plugins->plugins[i]->description);
        assert_int_equal(lab.reply->plugins->plugins[i]->n_agents, 1);
    }
    lab_end(&lab);
}

STORY(keys_of_many_are_added_all_or_none)
{
    BEGIN;
    size_t before = lab.record_count;
    Pb__AddKey *keys[] = {new_key(&lab, "host-a", 1), new_key(&lab, "host-b", 2), new_key(&lab, "host-c", 3)};
    add_keys(&lab, keys, 3, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_KEY_ADDED);
    assert_int_equal(lab.record_count, before + 3);
    add_keys(&lab, keys, 3, PB__ROLE__ROLE_OPERATOR); // again: the same answer, nothing new
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_KEY_ADDED);
    assert_int_equal(lab.record_count, before + 3);
    Pb__AddKey *taken[] = {new_key(&lab, "host-d", 4), new_key(&lab, "host-b", 5)};
    add_keys(&lab, taken, 2, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT);
    assert_non_null(strstr(lab.refused->text, "host-b"));
    Pb__AddKey *twice[] = {new_key(&lab, "host-e", 6), new_key(&lab, "host-e", 7)};
    add_keys(&lab, twice, 2, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT);
    assert_non_null(strstr(lab.refused->text, "host-e"));
    add_keys(&lab, twice, 1, PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    assert_int_equal(lab.record_count, before + 3);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_of_a_whole_lab_are_listed_page_by_page_each_once),
        cmocka_unit_test(the_agents_of_a_whole_lab_are_listed_page_by_page_each_once),
        cmocka_unit_test(a_plugin_is_described_once_and_names_its_agents),
        cmocka_unit_test(keys_of_many_are_added_all_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
