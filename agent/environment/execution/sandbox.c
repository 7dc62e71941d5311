// See sandbox.h. What stays writable is taken out of the tree (open_tree), the tree is made read-only, then it is put back: in this order
// no flag is ever taken away, which a user namespace would not be allowed.
#include "agent/environment/execution/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc's sys/mount.h and linux/mount.h do not go together in Debian 12.
#define REMOUNT_PRIVATE (MS_REC | MS_PRIVATE)
extern int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);

static int set_read_only(const char *path)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes);
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, text, strlen(text));
    close(fd);
    return written < 0 ? -1 : 0;
}

static int map_ids(uid_t user, gid_t group)
{
    char text[64];
    write_file("/proc/self/setgroups", "deny"); // a kernel that has no such file asks for no such word
    snprintf(text, sizeof text, "%u %u 1", user, user);
    if (write_file("/proc/self/uid_map", text) < 0)
        return -1;
    snprintf(text, sizeof text, "%u %u 1", group, group);
    return write_file("/proc/self/gid_map", text);
}

int sandbox_namespace(const char **step)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    *step = "a mount namespace";
    if (unshare(CLONE_NEWNS) == 0)
        return mount("none", "/", NULL, REMOUNT_PRIVATE, NULL);
    if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -1;
    *step = "a user namespace";
    if (map_ids(user, group) < 0)
        return -1;
    prctl(PR_SET_DUMPABLE, 1); // companions are still to attach
    return mount("none", "/", NULL, REMOUNT_PRIVATE, NULL);
}

static int take(const char *path)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static void make_folders(const char *path)
{
    char part[4096];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0755);
    }
    mkdir(path, 0755);
}

static int put(int fd, const char *path, bool read_only)
{
    make_folders(path);
    if (syscall(SYS_move_mount, fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -1;
    return read_only ? set_read_only(path) : 0;
}

// What a root that is no longer to change the system still needs to give up its rights and to open ports below 1024.
static bool is_kept(unsigned capability)
{
    static const unsigned kept[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,     CAP_FSETID,           CAP_KILL,    CAP_SETGID,
                                    CAP_SETUID, CAP_SETPCAP,      CAP_SYS_CHROOT, CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_NICE};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i] == capability)
            return true;
    return false;
}

static int give_up_privileges(void)
{
    for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++)
        if (!is_kept(capability) && prctl(PR_CAPBSET_READ, capability) == 1 && prctl(PR_CAPBSET_DROP, capability) < 0)
            return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int make_private(const char *path)
{
    return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

int sandbox_enter(const struct sandbox *sandbox, const char **step)
{
    int writable[SANDBOX_FOLDERS_MAX], readable[SANDBOX_FOLDERS_MAX];
    if (sandbox_namespace(step) < 0)
        return -1;
    for (size_t i = 0; i < sandbox->writable_count; i++)
        if (*step = sandbox->writable[i], (writable[i] = take(sandbox->writable[i])) < 0)
            return -1;
    for (size_t i = 0; i < sandbox->readable_count; i++)
        if (*step = sandbox->readable[i], (readable[i] = take(sandbox->readable[i])) < 0)
            return -1;
    *step = "a read-only system";
    if (set_read_only("/") < 0)
        return -1;
    *step = "a private /tmp";
    if (make_private("/dev/shm") < 0 || (sandbox->private_tmp && make_private("/tmp") < 0))
        return -1;
    for (size_t i = 0; i < sandbox->readable_count; i++)
        if (*step = sandbox->readable[i], put(readable[i], sandbox->readable[i], true) < 0)
            return -1;
    for (size_t i = 0; i < sandbox->writable_count; i++) // last: they may lie within what is readable
        if (*step = sandbox->writable[i], put(writable[i], sandbox->writable[i], false) < 0)
            return -1;
    *step = "no new privileges";
    return give_up_privileges();
}
