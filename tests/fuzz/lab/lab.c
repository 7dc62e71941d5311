// A document of a network and then lines of requests, whatever they say: what is refused changes nothing, and what is accepted becomes
// commands that name nothing but the interface and the peers. No program is run.
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "agent/environment/lab/lab.h"
#include "tests/fuzz/fuzz.h"

int lab_command(const char *const *argv, const char *input, struct text *output, struct panther_error *error)
{
    (void)argv, (void)input, (void)output;
    return error_set(error, PANTHER_EUNAVAILABLE, "no program runs here");
}

// Each line begins with a word of tc, and the device is ours.
static void check_commands(const char *commands)
{
    for (const char *line = commands; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        INVARIANT(strncmp(line, "qdisc ", 6) == 0 || strncmp(line, "class ", 6) == 0 || strncmp(line, "filter ", 7) == 0);
        INVARIANT(strstr(line, "dev eth0 ") != NULL);
    }
}

static void plan(struct lab_shape *shape)
{
    struct text tc = {0}, nft = {0};
    struct panther_error error = {0};
    if (lab_shape_plan(shape, &tc, &nft, &error) == 0)
        check_commands(text_string(&tc));
    text_free(&tc);
    text_free(&nft);
}

static void request(struct lab_network *network, const char *line, size_t bytes)
{
    struct panther_error error = {0};
    json_t *root = json_loadb(line, bytes, 0, NULL);
    const char *name = json_string_value(json_object_get(root, "fault"));
    size_t before = network->layer_count;
    if (name && json_is_true(json_object_get(root, "end")))
        lab_network_lift(network, name);
    else if (name && lab_network_lay(network, name, json_object_get(root, "links"), &error) < 0)
        INVARIANT(network->layer_count == before && error.message[0] != '\0');
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = memchr(data, '\n', size);
    struct lab_network network;
    struct panther_error error = {0};
    if (lab_network_read(&network, text, end ? (size_t)(end - text) : size, &error) == 0) {
        struct lab_shape *shape = lab_shape_new(&network, "eth0");
        plan(shape);
        for (const char *line = end; line; line = end) {
            size_t left = size - (size_t)(++line - text);
            end = memchr(line, '\n', left);
            request(&network, line, end ? (size_t)(end - line) : left);
            plan(shape);
        }
        lab_shape_free(&shape);
    } else {
        INVARIANT(error.message[0] != '\0');
    }
    lab_network_free(&network);
    return 0;
}
