#include "common/system/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/host_interface.h"

#define OS_RELEASE_MAX_BYTES (64 * 1024)
#define SETTING_MAX_BYTES 64
// More are not asked for their governor: the rest of such a host is set like them.
#define CPUS_ASKED_MAX 256
#define GOVERNORS_MAX 8 // that one host uses at once

static void read_distribution(char text[HOST_TEXT_BYTES])
{
    static const char key[] = "PRETTY_NAME=";
    CLEANUP_FREE char *release = NULL;
    size_t bytes;
    const char *found = file_read("/etc/os-release", OS_RELEASE_MAX_BYTES, &release, &bytes, NULL) < 0 ? NULL : strstr(release, key);
    if (!found)
        return;
    found += sizeof key - 1;
    size_t length = strcspn(found, "\n");
    if (length >= 2 && (*found == '"' || *found == '\'')) {
        found++;
        length -= 2;
    }
    snprintf(text, HOST_TEXT_BYTES, "%.*s", (int)(length < HOST_TEXT_BYTES ? length : HOST_TEXT_BYTES - 1), found);
}

void host_facts_read(struct host_facts *facts)
{
    struct utsname name;
    struct sysinfo info;
    *facts = (struct host_facts){0};
    if (uname(&name) == 0) {
        snprintf(facts->kernel, sizeof facts->kernel, "%.64s %.64s", name.sysname, name.release);
        snprintf(facts->architecture, sizeof facts->architecture, "%.64s", name.machine);
    }
    read_distribution(facts->distribution);
    facts->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (sysinfo(&info) == 0)
        facts->memory_bytes = (uint64_t)info.totalram * info.mem_unit;
}

// ---- settings

// A word in a file of the kernel. false: there is none.
static bool read_word(const char *path, char word[SETTING_MAX_BYTES])
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (file_read(path, SETTING_MAX_BYTES, &text, &bytes, NULL) < 0)
        return false;
    snprintf(word, SETTING_MAX_BYTES, "%.*s", (int)strcspn(text, " \n"), text);
    return *word != '\0';
}

static void read_governors(char text[HOST_TEXT_BYTES])
{
    struct {
        char name[SETTING_MAX_BYTES];
        unsigned cpus;
    } governors[GOVERNORS_MAX] = {0};
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    size_t count = 0, used = 0;
    for (long cpu = 0; cpu < cpus && cpu < CPUS_ASKED_MAX; cpu++) {
        char path[96], word[SETTING_MAX_BYTES];
        size_t at = 0;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%ld/cpufreq/scaling_governor", cpu);
        if (!read_word(path, word))
            continue;
        while (at < count && strcmp(governors[at].name, word) != 0)
            at++;
        if (at == count && count < GOVERNORS_MAX)
            memcpy(governors[count++].name, word, sizeof word);
        if (at < count)
            governors[at].cpus++;
    }
    if (count == 1)
        snprintf(text, HOST_TEXT_BYTES, "%s", governors[0].name);
    for (size_t i = 0; count > 1 && i < count && used < HOST_TEXT_BYTES; i++)
        used += (size_t)snprintf(text + used, HOST_TEXT_BYTES - used, "%s%s %u", i ? ", " : "", governors[i].name, governors[i].cpus);
}

void host_settings_read(const char *address, struct host_settings *settings)
{
    struct timex clock = {0};
    char word[SETTING_MAX_BYTES];
    *settings = (struct host_settings){0};
    read_governors(settings->governor);
    if (read_word("/sys/devices/system/clocksource/clocksource0/current_clocksource", word))
        snprintf(settings->clock_source, sizeof settings->clock_source, "%s", word);
    if (adjtimex(&clock) >= 0) {
        settings->clock_is_synchronised = (clock.status & STA_UNSYNC) == 0;
        settings->clock_error_us = clock.maxerror > 0 ? (uint64_t)clock.maxerror : 0;
    }
    host_interface_read(address, settings->interface, settings->offloads);
}
