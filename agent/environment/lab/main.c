// panther-lab: see lab.h. Started by the plugin `lab` in the work folder of its instance; ends with it, and undoes.
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/environment/control/control.h"
#include "agent/environment/lab/lab.h"
#include "common/system/log.h"
#include "common/system/loop.h"

#define DOCUMENT "network.json"
// How often it is looked whether the interface is still there.
#define LOOK_MS 500
#define NANOSECONDS_PER_MS 1000000ULL

struct lab {
    struct loop *loop;
    const char *run_folder;
    struct lab_network network;
    char device[LAB_DEVICE_BYTES];
    unsigned device_number;
    struct lab_shape *shape;
    struct lab_note *note;
    struct lab_capture *capture;
    struct control *control;
    struct loop_source *look;
};

static int usage(FILE *to, int status)
{
    fprintf(to, "usage: panther-lab --folder DIR   do what DIR/network.json says (the plugin lab does this)\n"
                "       panther-lab --plan FILE    print what would be done for a network.json\n"
                "       panther-lab --undo         undo what dead ones left on this host\n"
                "       --run DIR                  where is noted what to undo (default " LAB_RUN_FOLDER ")\n");
    return status;
}

static int complain(const struct panther_error *error)
{
    fprintf(stderr, "panther-lab: %s\n", error->message);
    return 1;
}

// ---- shaping

static int enforce(struct lab *lab, struct panther_error *error)
{
    if (!lab->note && !lab_shape_is_needed(lab->shape))
        return 0;
    int problem = lab_network_spares_control(&lab->network, error);
    if (problem == 0 && !lab->note)
        problem = lab_note_take(&lab->note, lab->run_folder, lab->device, lab->network.service, error);
    return problem < 0 ? problem : lab_shape_apply(lab->shape, error);
}

// What was half done is undone, and what held before holds again.
static void restore(struct lab *lab, const char *name)
{
    lab_network_lift(&lab->network, name);
    lab_shape_forget(lab->shape);
    lab_note_release(&lab->note);
    struct panther_error error;
    if (enforce(lab, &error) < 0)
        log_error("%s", error.message);
}

static int obey(struct lab *lab, const json_t *request, struct panther_error *error)
{
    const char *name = json_string_value(json_object_get(request, "fault"));
    if (json_is_true(json_object_get(request, "flush")))
        return 0; // dumpcap writes what it has within half a second by itself
    if (!name || !*name)
        return error_set(error, PANTHER_EINVALID, "a request has a fault's name, or flush");
    int problem = 0;
    if (json_is_true(json_object_get(request, "end")))
        lab_network_lift(&lab->network, name);
    else if ((problem = lab_network_lay(&lab->network, name, json_object_get(request, "links"), error)) < 0)
        return problem;
    problem = enforce(lab, error);
    if (problem < 0)
        restore(lab, name);
    return problem;
}

static int take_request(void *context, const char *line, size_t bytes, struct panther_error *error)
{
    json_error_t where;
    json_t *request = json_loadb(line, bytes, 0, &where);
    int problem = request ? obey(context, request, error) : error_set(error, PANTHER_EINVALID, "%s", where.text);
    json_decref(request);
    return problem;
}

// ---- life

static void say_ready(void)
{
    printf("ready\n");
    fflush(stdout);
}

static void capture_changed(void *context, bool begun, const char *why)
{
    struct lab *lab = context;
    if (begun) {
        say_ready();
        return;
    }
    fprintf(stderr, "panther-lab: %s\n", why);
    loop_stop(lab->loop, 1);
}

static void look(void *context)
{
    struct lab *lab = context;
    if (if_nametoindex(lab->device) != lab->device_number) {
        fprintf(stderr, "panther-lab: the interface %s is gone\n", lab->device);
        loop_stop(lab->loop, 1);
        return;
    }
    loop_timer_set(lab->look, clock_boottime_ns() + LOOK_MS * NANOSECONDS_PER_MS);
}

static void told_to_end(void *context, int signal_number)
{
    struct lab *lab = context;
    (void)signal_number;
    loop_stop(lab->loop, 0);
}

static int begin(struct lab *lab, struct panther_error *error)
{
    int problem = lab_network_load(&lab->network, DOCUMENT, error);
    if (problem == 0)
        problem = lab_route(&lab->network, lab->device, error);
    if (problem < 0)
        return problem;
    lab->device_number = if_nametoindex(lab->device);
    lab->shape = lab_shape_new(&lab->network, lab->device);
    problem = lab_note_undo_all(lab->run_folder, error);
    if (problem == 0)
        problem = enforce(lab, error);
    if (problem == 0)
        problem = control_listen(&lab->control, lab->loop, CONTROL_FILE, take_request, lab, error);
    if (problem == 0 && lab->network.captures)
        problem = lab_capture_start(&lab->capture, lab->loop, &lab->network, lab->device, capture_changed, lab, error);
    return problem;
}

static void end(struct lab *lab)
{
    control_close(&lab->control);
    lab_capture_stop(&lab->capture);
    lab_note_release(&lab->note);
    loop_remove(&lab->look);
    lab_shape_free(&lab->shape);
    lab_network_free(&lab->network);
    loop_free(&lab->loop);
}

static int run(const char *folder, const char *run_folder)
{
    struct lab lab = {.run_folder = run_folder};
    struct panther_error error;
    if (chdir(folder) < 0)
        return complain((error_system(&error, errno, "cannot enter %s", folder), &error));
    lab.loop = loop_new();
    loop_signal(lab.loop, SIGTERM, told_to_end, &lab);
    loop_signal(lab.loop, SIGINT, told_to_end, &lab);
    lab.look = loop_timer(lab.loop, look, &lab);
    int status = begin(&lab, &error) < 0 ? complain(&error) : -1;
    if (status < 0) {
        look(&lab);
        if (!lab.network.captures)
            say_ready();
        status = loop_run(lab.loop);
    }
    end(&lab);
    return status;
}

// ---- the others

static int plan(const char *path)
{
    struct lab_network network;
    struct panther_error error;
    struct text tc = {0}, nft = {0};
    int problem = lab_network_load(&network, path, &error);
    struct lab_shape *shape = problem == 0 ? lab_shape_new(&network, "eth0") : NULL;
    if (problem == 0)
        problem = lab_shape_plan(shape, &tc, &nft, &error);
    if (problem == 0)
        printf("%s%s", text_string(&tc), text_string(&nft));
    lab_shape_free(&shape);
    text_free(&tc);
    text_free(&nft);
    lab_network_free(&network);
    return problem < 0 ? complain(&error) : 0;
}

static int undo(const char *run_folder)
{
    struct panther_error error;
    return lab_note_undo_all(run_folder, &error) < 0 ? complain(&error) : 0;
}

int main(int argc, char **argv)
{
    const char *run_folder = LAB_RUN_FOLDER, *verb = argc > 1 ? argv[1] : "", *what = argc > 2 ? argv[2] : NULL;
    log_begin("panther-lab", LOG_LEVEL_INFO);
    if (argc > 2 && strcmp(argv[argc - 2], "--run") == 0)
        run_folder = argv[argc - 1];
    if (strcmp(verb, "--folder") == 0 && what)
        return run(what, run_folder);
    if (strcmp(verb, "--plan") == 0 && what)
        return plan(what);
    if (strcmp(verb, "--keep") == 0 && what)
        return lab_note_keep(run_folder, what);
    if (strcmp(verb, "--undo") == 0)
        return undo(run_folder);
    return strcmp(verb, "--help") == 0 ? usage(stdout, 0) : usage(stderr, 2);
}
