#include "tests/e2e/fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/loop.h"

#define COORDINATOR PANTHER_BIN "/panther-coord"
#define AGENT PANTHER_BIN "/panther-agent"
#define NS_PER_MS UINT64_C(1000000)
#define PAUSE_NS (20L * 1000000)
#define DYING_MS 2000 // well below the lease of a guard that nobody ended
#define STOP_MS 10000
#define LOG_LINES_SHOWN 25
#define FLAGS_MAX 24

// One lab in a slot: 127.64.SLOT.x, ports below the ephemeral range. 50 labs at once are more than any machine runs.
#define SLOTS 50
#define AGENT_PORT_FIRST 10000 // four agents of 100 ports (6 instances of 16) each: up to 30000
#define AGENT_PORTS 100
#define SERVER_PORT_FIRST 30000
#define SERVER_PORTS 50 // tried in pairs, up to 32500

uint64_t lab_now_ms(void)
{
    return clock_boottime_ns() / NS_PER_MS;
}

void lab_pause(void)
{
    nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

// ---- slot

// A name in the abstract namespace is free again when its holder is gone, however it went.
static int lock_slot(unsigned slot)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "panther-e2e-%u", slot);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool port_is_free(unsigned slot, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(0x7F400001u | slot << 8);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return is_free;
}

// Two in a row: control and bulk.
static unsigned free_ports(unsigned slot)
{
    unsigned port = SERVER_PORT_FIRST + slot * SERVER_PORTS, last = port + SERVER_PORTS;
    while (port < last && !(port_is_free(slot, port) && port_is_free(slot, port + 1)))
        port += 2;
    assert_true(port < last);
    return port;
}

static const char *lab_endpoint(struct lab *lab, unsigned port)
{
    return arena_printf(lab->arena, "tcp://127.64.%u.1:%u", lab->slot, port);
}

static void take_slot(struct lab *lab)
{
    lab->slot_lock = -1;
    for (unsigned slot = 0; slot < SLOTS && lab->slot_lock < 0; slot++) {
        lab->slot = slot;
        lab->slot_lock = lock_slot(slot);
    }
    assert_true(lab->slot_lock >= 0);
    lab->port = free_ports(lab->slot);
    lab->endpoint = lab_endpoint(lab, lab->port);
}

// ---- begin

static void take_environment(const struct lab *lab)
{
    static const char *const foreign[] = {"PANTHER_COORDINATOR", "PANTHER_AGENT_STATE", "PANTHER_AGENT_KEY", "PANTHER_AGENT_PLUGINS"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        unsetenv(foreign[i]);
    setenv("PANTHER_KEY", lab->key, 1);
}

int lab_begin(void **state)
{
    struct lab *lab = NEW(struct lab);
    *state = lab;
    lab->arena = arena_new(0);
    lab->documents = json_array();
    snprintf(lab->root, sizeof lab->root, "/tmp/panther-e2e-XXXXXX");
    assert_non_null(mkdtemp(lab->root));
    lab->data = lab_path(lab, "data");
    lab->key = lab_path(lab, "data/admin.key");
    children_begin();
    take_slot(lab);
    take_environment(lab);
    folder_make(lab_path(lab, "plugins"), 0755, NULL);
    assert_int_equal(symlink(PANTHER_TEST_PLUGINS "/faulty.so", lab_path(lab, "plugins/faulty.so")), 0);
    return 0;
}

// ---- coordinator

// The log line comes when all is set up, signals too; the log of an earlier start stands before `from`.
static bool serves(struct lab *lab, const struct child *coordinator, size_t from)
{
    const char *log = lab_read(lab, coordinator->err);
    return strlen(log) > from && strstr(log + from, "listening on ");
}

static size_t add_flags(const char **argv, size_t count, const char *const *flags)
{
    while (flags && *flags && count + 1 < FLAGS_MAX)
        argv[count++] = *flags++;
    argv[count] = NULL;
    return count;
}

static struct child *serve(struct lab *lab, const char *name, const char *data, unsigned port)
{
    const char *argv[] = {COORDINATOR, "serve", "--data", data, "--listen", lab_endpoint(lab, port), "--init", NULL};
    size_t from = strlen(lab_read(lab, lab_path(lab, "%s.err", name)));
    struct child *coordinator = children_start(lab->root, name, argv);
    LAB_UNTIL(lab, serves(lab, coordinator, from) || child_has_ended(coordinator));
    if (child_has_ended(coordinator))
        fail_msg("%s ended with status %d: %s", name, coordinator->status, lab_read(lab, coordinator->err));
    return coordinator;
}

struct child *lab_serve_another(struct lab *lab, const char *data, const char **endpoint)
{
    unsigned port = free_ports(lab->slot);
    *endpoint = lab_endpoint(lab, port);
    return serve(lab, "another", data, port);
}

void lab_serve(struct lab *lab)
{
    lab->coordinator = serve(lab, "coordinator", lab->data, lab->port);
}

// ---- agents

static struct lab_agent *find_agent(struct lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->agent_count; i++)
        if (strcmp(lab->agents[i].name, name) == 0)
            return &lab->agents[i];
    return NULL;
}

struct lab_agent *lab_agent_of(struct lab *lab, const char *name)
{
    struct lab_agent *agent = find_agent(lab, name);
    assert_non_null(agent);
    return agent;
}

static struct lab_agent *new_agent(struct lab *lab, const char *name)
{
    assert_true(lab->agent_count < LAB_AGENTS_MAX);
    struct lab_agent *agent = &lab->agents[lab->agent_count++];
    agent->name = name;
    agent->key = lab_path(lab, "%s.key", name);
    agent->state = lab_path(lab, "%s", name);
    agent->address = arena_printf(lab->arena, "127.64.%u.%zu", lab->slot, 10 + lab->agent_count);
    return agent;
}

struct lab_agent *lab_agent_with(struct lab *lab, const char *name, const char *const *flags)
{
    struct lab_agent *agent = find_agent(lab, name);
    agent = agent ? agent : new_agent(lab, name);
    if (!file_exists(agent->key))
        assert_int_equal(lab_run(lab, "keys", "add", "agent", name, "--out", agent->key, NULL).status, 0);
    unsigned first = AGENT_PORT_FIRST + AGENT_PORTS * (lab->slot * LAB_AGENTS_MAX + (unsigned)(agent - lab->agents));
    const char *argv[FLAGS_MAX] = {
        AGENT,
        "--key",
        agent->key,
        "--state",
        agent->state,
        "--address",
        agent->address,
        "--slots",
        "6",
        "--port-range",
        arena_printf(lab->arena, "%u-%u", first, first + AGENT_PORTS - 1),
        "--plugins",
        lab_path(lab, "%s,%s", PANTHER_PLUGINS, lab_path(lab, "plugins")),
    };
    add_flags(argv, 13, flags);
    agent->child = children_start(lab->root, name, argv);
    return agent;
}

struct lab_agent *lab_agent(struct lab *lab, const char *name)
{
    return lab_agent_with(lab, name, NULL);
}

// What its plugins are is asked after Hello; until then no experiment can be checked against them.
static bool plugins_are_described(struct lab *lab, const char *agent)
{
    json_t *rows = lab_rows(lab, "plugins", NULL), *row;
    size_t index;
    json_array_foreach(rows, index, row)
    {
        if (strcmp(row_text(row, "agent"), agent) == 0 && strcmp(row_text(row, "kind"), "?") == 0)
            return false;
    }
    return true;
}

static bool is_connected(struct lab *lab, const char *name)
{
    const json_t *row = row_where(lab_rows(lab, "agents", NULL), "name", name);
    return row && strcmp(row_text(row, "state"), "connected") == 0 && row_text(row, "plugins")[0] > '0' && plugins_are_described(lab, name);
}

void lab_connected(struct lab *lab, const char *name)
{
    LAB_UNTIL(lab, is_connected(lab, name));
}

void lab_up(struct lab *lab, const char *const *agents)
{
    lab_serve(lab);
    for (size_t i = 0; agents[i]; i++)
        lab_agent(lab, agents[i]);
    for (size_t i = 0; agents[i]; i++)
        lab_connected(lab, agents[i]);
}

// ---- the end

static bool is_empty_folder(const char *path)
{
    return !file_exists(path) || rmdir(path) == 0;
}

void lab_stop(struct child *child, const char *what)
{
    if (!child || child_has_ended(child))
        return;
    kill(child->pid, SIGTERM);
    LAB_UNTIL_MS(lab, STOP_MS, child_has_ended(child));
    if (child->status)
        fail_msg("%s ended with status %d at SIGTERM", what, child->status);
}

// "0B00407F:..." in /proc/net: something of this slot's addresses.
bool lab_has_open_port(const struct lab *lab)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/udp"};
    char wanted[16];
    snprintf(wanted, sizeof wanted, "%02X407F:", lab->slot);
    for (size_t i = 0; i < 2; i++) {
        char line[512], local[64], remote[64];
        unsigned state;
        FILE *file = fopen(tables[i], "re");
        bool found = false;
        while (file && !found && fgets(line, sizeof line, file))
            found = sscanf(line, " %*d: %63s %63s %x", local, remote, &state) == 3 && strncmp(local + 2, wanted, strlen(wanted)) == 0 &&
                    state != 6; // TIME_WAIT is the kernel's
        if (file)
            fclose(file);
        if (found)
            return true;
    }
    return false;
}

static const char *cgroup_of(struct lab *lab, const struct lab_agent *agent)
{
    const char *host_id = lab_read(lab, arena_printf(lab->arena, "%s/host_id", agent->state));
    const char *mount = file_exists("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    return arena_printf(lab->arena, "%s/panther-%.12s", mount, *host_id ? host_id : "none");
}

// What an agent was asking of a plugin when it was told to stop (haproxy -vv) is killed by the death of who asked: a moment later.
static char *left_after_a_moment(void)
{
    uint64_t until_ms = lab_now_ms() + DYING_MS;
    char *left = children_left(NULL);
    while (left && lab_now_ms() < until_ms) {
        free(left);
        lab_pause();
        left = children_left(NULL);
    }
    return left;
}

void lab_leaves_nothing(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++)
        if (!child_has_ended(lab->agents[i].child))
            LAB_UNTIL(lab, is_empty_folder(lab_path(lab, "%s/instances", lab->agents[i].name)));
    for (size_t i = 0; i < lab->agent_count; i++)
        lab_stop(lab->agents[i].child, lab->agents[i].name);
    lab_stop(lab->coordinator, "the coordinator");
    char *left = left_after_a_moment();
    if (left)
        fail_msg("these processes are left:\n%s", left);
    LAB_UNTIL(lab, !lab_has_open_port(lab));
    for (size_t i = 0; i < lab->agent_count; i++)
        if (file_exists(cgroup_of(lab, &lab->agents[i])))
            fail_msg("%s is left", cgroup_of(lab, &lab->agents[i]));
    lab->passed = true;
}

// ---- after the end

static void show_log(struct lab *lab, const char *name)
{
    const char *log = lab_read(lab, lab_path(lab, "%s.err", name)), *from = log + strlen(log);
    for (unsigned lines = 0; from > log && lines <= LOG_LINES_SHOWN; from--)
        lines += from[-1] == '\n';
    fprintf(stderr, "---- %s\n%s", name, from);
}

static void remove_cgroups(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        const char *base = cgroup_of(lab, &lab->agents[i]);
        DIR *folder = opendir(base);
        for (struct dirent *entry; folder && (entry = readdir(folder));)
            if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        if (folder)
            closedir(folder);
        rmdir(base);
    }
}

int lab_end(void **state)
{
    struct lab *lab = *state;
    if (!lab->passed) {
        show_log(lab, "coordinator");
        for (size_t i = 0; i < lab->agent_count; i++)
            show_log(lab, lab->agents[i].name);
    }
    children_end();
    if (!lab->passed)
        remove_cgroups(lab);
    if (lab->passed || !getenv("PANTHER_E2E_KEEP"))
        folder_remove(lab->root, NULL);
    else
        fprintf(stderr, "---- kept: %s\n", lab->root);
    close(lab->slot_lock);
    json_decref(lab->documents);
    arena_free(&lab->arena);
    free(lab);
    return 0;
}
