// A server and links in one loop, which write down what they hear.
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void server_on_message(void *context, const struct bus_message *message)
{
    struct lab *lab = context;
    lab->messages++;
    lab->last_route = message->route;
    snprintf(lab->last_key, sizeof lab->last_key, "%s", message->public_key);
    if (lab->heard.length < 4096) {
        text_append_bytes(&lab->heard, message->data, message->bytes < 64 ? message->bytes : 64);
        if (message->payload)
            text_append(&lab->heard, "/");
        text_append_bytes(&lab->heard, message->payload, message->payload_bytes < 64 ? message->payload_bytes : 64);
        text_append(&lab->heard, ";");
    }
    if (lab->echo)
        bus_server_send(lab->server, message->route, message->data, message->bytes, message->payload, message->payload_bytes);
}

static void server_on_gone(void *context, bus_route route)
{
    struct lab *lab = context;
    lab->gone++;
    lab->gone_route = route;
}

static void server_on_unframed(void *context, bus_route route, const char *why)
{
    struct lab *lab = context;
    (void)route;
    lab->unframed++;
    snprintf(lab->last_why, sizeof lab->last_why, "%s", why);
}

const struct bus_server_callbacks lab_callbacks = {
    .on_message = server_on_message, .on_gone = server_on_gone, .on_unframed = server_on_unframed};

void lab_server(struct lab *lab, const char *endpoint, size_t queue_bytes_max)
{
    struct bus_server_options options = {.endpoint = endpoint, .secret_key = lab->keys.secret_key, .queue_bytes_max = queue_bytes_max};
    struct panther_error error = {0};
    if (bus_server_new(&lab->server, lab->loop, &options, &lab_callbacks, lab, &error) != 0)
        fail_msg("%s", error.message);
}

void own_endpoint(char endpoint[ENDPOINT_BYTES], unsigned port)
{
    unsigned pid = (unsigned)getpid();
    snprintf(endpoint, ENDPOINT_BYTES, "tcp://127.%u.%u.%u:%u", 1 + pid / 62500 % 250, pid / 250 % 250, 1 + pid % 250, port);
}

void lab_begin(struct lab *lab, size_t queue_bytes_max)
{
    memset(lab, 0, sizeof *lab);
    lab->loop = loop_new();
    lab->keys = keys_new(false);
    char endpoint[ENDPOINT_BYTES];
    own_endpoint(endpoint, 0);
    lab_server(lab, endpoint, queue_bytes_max);
}

void lab_end(struct lab *lab)
{
    bus_server_free(&lab->server);
    loop_free(&lab->loop);
    text_free(&lab->heard);
}

struct keys keys_new(bool allowed)
{
    struct keys keys;
    bus_key_new(keys.public_key, keys.secret_key);
    if (allowed)
        bus_zap_allow(keys.public_key);
    return keys;
}

static void link_on_up(void *context)
{
    struct host *host = context;
    host->up = true;
    host->ups++;
    if (host->free_on_up)
        bus_link_free(host->free_on_up);
}

static void link_on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct host *host = context;
    host->messages++;
    text_append_bytes(&host->heard, data, bytes < 64 ? bytes : 64);
    if (payload)
        text_append(&host->heard, "/");
    text_append_bytes(&host->heard, payload, payload_bytes < 64 ? payload_bytes : 64);
    text_append(&host->heard, ";");
    if (host->free_on_message)
        bus_link_free(host->free_on_message);
}

static void link_on_lost(void *context, const char *why)
{
    struct host *host = context;
    host->lost = true;
    host->losses++;
    snprintf(host->why, sizeof host->why, "%s", why);
    if (host->free_on_lost)
        bus_link_free(host->free_on_lost);
}

void host_open(struct host *host, struct lab *lab, const char *endpoint, const struct keys *keys, const char *server_key)
{
    static const struct bus_link_callbacks callbacks = {.on_up = link_on_up, .on_message = link_on_message, .on_lost = link_on_lost};
    host->lab = lab;
    struct bus_link_options options = {
        .endpoint = endpoint, .server_key = server_key, .secret_key = keys->secret_key, .connect_timeout_ms = 3000, .linger_ms = 500};
    struct panther_error error = {0};
    if (bus_link_new(&host->link, lab->loop, &options, &callbacks, host, &error) != 0)
        fail_msg("%s", error.message);
}

void host_connect(struct host *host, struct lab *lab)
{
    memset(host, 0, sizeof *host);
    struct keys keys = keys_new(true);
    host_open(host, lab, bus_server_endpoint(lab->server), &keys, lab->keys.public_key);
    WAIT_FOR(lab, host->up || host->lost);
    assert_string_equal(host->why, "");
}

void host_say(struct host *host, const char *text)
{
    assert_int_equal(bus_link_send(host->link, text, strlen(text), NULL, 0), 0);
}

void host_close(struct host *host)
{
    bus_link_free(&host->link);
    text_free(&host->heard);
}

void lab_run_for(struct lab *lab, unsigned milliseconds)
{
    uint64_t deadline_ns = clock_boottime_ns() + milliseconds * UINT64_C(1000000);
    while (clock_boottime_ns() < deadline_ns)
        loop_run_once(lab->loop, 20);
}
