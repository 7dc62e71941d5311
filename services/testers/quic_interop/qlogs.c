// See qlogs.h.
#include "qlogs.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#define RESOLUTION_S 1.0 // of a file system's times, beside the clock of captures

static bool take(void *context, const struct panther_qlog_event *event)
{
    account_take(context, event);
    return true;
}

static bool is_of_now(const char *path, double began_s)
{
    struct stat status;
    return stat(path, &status) == 0 && (double)status.st_mtim.tv_sec + RESOLUTION_S >= began_s;
}

static void read_one(struct panther_service *service, const char *path, struct qlog_files *files)
{
    struct qlog_file *file = &files->files[files->count++];
    *file = (struct qlog_file){.name = panther_format(service, "%s", strrchr(path, '/') + 1)};
    panther_qlog_read(service, path, take, &file->account, &file->qlog);
    if (file->qlog.problem[0] != '\0') {
        panther_log(service, PANTHER_WARNING, "%s: %s", path, file->qlog.problem);
    }
}

void qlogs_read(struct panther_service *service, const struct panther_case_peer *peer, double began_s, struct qlog_files *files)
{
    static const char *const patterns[] = {"*.qlog", "*.sqlog", "qlog/*.qlog", "qlog/*.sqlog"};
    files->count = 0;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        glob_t found = {0};
        if (glob(panther_format(service, "%s/%s", peer->folder, patterns[i]), 0, NULL, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc && files->count < QLOG_FILES_MAX; j++) {
                if (is_of_now(found.gl_pathv[j], began_s)) {
                    read_one(service, found.gl_pathv[j], files);
                }
            }
        }
        globfree(&found);
    }
}

void qlogs_sum(const struct qlog_files *files, const struct transcript *transcript, struct testimony *testimony)
{
    *testimony = (struct testimony){0};
    for (size_t i = 0; i < files->count; i++) {
        testimony_add(testimony, files->files[i].name, &files->files[i].qlog, &files->files[i].account, transcript);
    }
}
