// lab: the wire between the hosts as a network of a trial, one instance beside each service. panther-lab, which stands beside this plugin,
// does the work and undoes it; here it is started, waited for, and its captures are declared.
#include <panther/plugin.h>
#include <stdio.h>
#include <string.h>

#define STEP_MS 100 // between two looks whether it still lives

static int lab = -1;

// The last line that it said is why it does not run.
static const char *last_words(struct panther_service *service)
{
    const char *said = panther_output(service, lab, PANTHER_STDERR, NULL);
    const char *end = said ? said + strlen(said) : NULL;
    while (end && end > said && end[-1] == '\n')
        end--;
    const char *begin = end;
    while (begin && begin > said && begin[-1] != '\n')
        begin--;
    return end && end > begin ? panther_format(service, "%.*s", (int)(end - begin), begin) : "panther-lab said nothing";
}

static int initialize(struct panther_service *service, const void *settings)
{
    (void)settings;
    struct panther_arguments argv = {0};
    struct panther_exit gone;
    panther_argument(service, &argv, "%s/panther-lab", panther_plugin_folder(service));
    panther_argument(service, &argv, "--folder");
    panther_argument(service, &argv, "%s", panther_work_folder(service));
    panther_artifact(service, "network_*.pcapng", "pcap");
    int ready = panther_watch_line(service, "lab.stdout", PANTHER_SUBSTRING, "ready");
    lab = panther_spawn(service, .name = "lab", .argv = argv.items, .clean_on_term = true, .want_output = true);
    if (lab < 0)
        return lab;
    int waited;
    do // one that has ended will not be ready
        waited = panther_wait_line(service, ready, STEP_MS, NULL);
    while (waited == PANTHER_TIMED_OUT && panther_remaining_ms(service) > 0 && panther_is_running(service, lab));
    if (waited == PANTHER_OK)
        return 0;
    panther_end(service, lab, 0);
    panther_wait(service, lab, 0, &gone);
    return panther_fail(service, "%s", last_words(service));
}

PANTHER_PLUGIN(.name = "lab", .kind = PANTHER_NETWORK, .version = "1.0",
               .summary = "the wire between the hosts: shaped by tc, cut by nft, captured by dumpcap",
               .programs = PANTHER_TEXTS("ip", "tc", "nft"), .initialize = initialize);
