// emulated: the network of a trial on one host, a namespace for each service. panther-link, which stands beside this plugin, makes it and
// is the wire; here it is started, its places become endpoints, and its capture and counts are kept.
#include <panther/plugin.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

// A place is an address; an endpoint has to have a port as well.
#define NO_PORT 1
#define LINES_MAX 256
#define STEP_MS 50
#define US_PER_MS 1000.0

static int link_process = -1;

// The last line that it said is why it does not run.
static const char *last_words(struct panther_service *service)
{
    const char *said = panther_output(service, link_process, PANTHER_STDERR, NULL);
    const char *end = said ? said + strlen(said) : NULL;
    while (end && end > said && end[-1] == '\n')
        end--;
    const char *begin = end;
    while (begin && begin > said && begin[-1] != '\n')
        begin--;
    return end && end > begin ? panther_format(service, "%.*s", (int)(end - begin), begin) : "panther-link said nothing";
}

// ---- initialize

static int start_link(struct panther_service *service)
{
    struct panther_arguments argv = {0};
    panther_argument(service, &argv, "%s/panther-link", panther_plugin_folder(service));
    panther_argument(service, &argv, "--folder");
    panther_argument(service, &argv, "%s", panther_work_folder(service));
    panther_artifact(service, "network.pcapng", "pcap");
    panther_artifact(service, "link.json", "file");
    panther_artifact(service, "network.json", "config");
    int ready = panther_watch_line(service, "link.stdout", PANTHER_SUBSTRING, "ready");
    link_process = panther_spawn(service, .name = "link", .argv = argv.items, .want_output = true);
    if (link_process < 0)
        return link_process;
    int waited;
    do // one that has ended will not be ready
        waited = panther_wait_line(service, ready, STEP_MS, NULL);
    while (waited == PANTHER_TIMED_OUT && panther_remaining_ms(service) > 0 && panther_is_running(service, link_process));
    if (waited == PANTHER_OK)
        return PANTHER_OK;
    panther_end(service, link_process, 0);
    return panther_fail(service, "%s", last_words(service));
}

// SERVICE PID STARTTIME ADDRESS
static int add_place(struct panther_service *service, const char *line, size_t bytes)
{
    char name[128], address[64], text[LINES_MAX];
    snprintf(text, sizeof text, "%.*s", (int)bytes, line);
    if (sscanf(text, "%127s %*d %*u %63s", name, address) != 2)
        return panther_fail(service, "panther-link wrote places that cannot be read: %s", text);
    return panther_endpoint_external(service, name, address, NO_PORT, PANTHER_TCP | PANTHER_UDP);
}

static int initialize(struct panther_service *service, const void *settings)
{
    (void)settings;
    int result = start_link(service);
    const char *places = result == PANTHER_OK ? panther_read_file(service, "namespaces", NULL) : NULL;
    if (result == PANTHER_OK && !places)
        return panther_fail(service, "panther-link wrote no places");
    for (; result == PANTHER_OK && *places; places += strcspn(places, "\n") + 1)
        result = add_place(service, places, strcspn(places, "\n"));
    return result;
}

// ---- stop

static double count(const json_t *object, const char *key)
{
    return (double)json_integer_value(json_object_get(object, key));
}

// What was done to packets, as far as anything was: prefix and key name the metric.
static void tell_done(struct panther_service *service, const char *prefix, const json_t *counts, const char *key)
{
    if (count(counts, key) > 0)
        panther_metric(service, panther_format(service, "%s%s", prefix, key), count(counts, key), "", PANTHER_NEITHER_IS_BETTER);
}

static void tell_counts(struct panther_service *service, const json_t *root)
{
    const json_t *total = json_object_get(root, "total"), *dropped = json_object_get(total, "dropped"), *number;
    const char *cause;
    panther_metric(service, "packets", count(total, "sent"), "", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "bytes", count(total, "sent_bytes"), "B", PANTHER_NEITHER_IS_BETTER);
    panther_metric(service, "delivered", count(total, "delivered"), "", PANTHER_NEITHER_IS_BETTER);
    json_object_foreach((json_t *)(uintptr_t)dropped, cause, number)
    {
        tell_done(service, "dropped_", dropped, cause);
    }
    static const char *const changes[] = {"duplicated", "corrupted", "reordered", "marked", "rebound"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        tell_done(service, "", total, changes[i]);
    panther_metric(service, "not_read", count(root, "not_read"), "", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "late", count(root, "late"), "", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "latest", count(root, "latest_us") / US_PER_MS, "ms", PANTHER_LOWER_IS_BETTER);
    panther_metric(service, "not_captured", count(root, "not_captured"), "", PANTHER_LOWER_IS_BETTER);
    if (count(root, "not_captured") > 0)
        panther_log(service, PANTHER_WARNING, "the capture is not complete: its limit was reached");
    // What the seed did not decide has to be known: a packet was lost because this host was too slow.
    if (count(root, "not_read") + count(dropped, "memory") > 0)
        panther_log(service, PANTHER_WARNING, "this host was too slow for its network: packets were lost outside of the conditions");
}

static int stop(struct panther_service *service)
{
    if (link_process < 0)
        return PANTHER_OK;
    int result = panther_end(service, link_process, 0);
    const char *text = panther_read_file(service, "link.json", NULL);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL;
    if (root)
        tell_counts(service, root);
    json_decref(root);
    return root ? result : panther_fail(service, "panther-link left no counts: %s", last_words(service));
}

PANTHER_PLUGIN(.name = "emulated", .kind = PANTHER_NETWORK, .version = "1.0",
               .summary = "a network namespace for each service, joined by a seeded switch in user space", .initialize = initialize,
               .stop = stop);
