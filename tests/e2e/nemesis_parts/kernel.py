"""What Python 3.11 has no word for: namespaces, mounts, freezing a filesystem, the time to die with one's parent."""

import ctypes
import fcntl
import os

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
FIFREEZE = 0xC0045877
FITHAW = 0xC0045878

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _bytes(text):
    return text.encode() if text is not None else None


def unshare(flags):
    _checked(libc.unshare(flags), "unshare")


def enter(path, kind):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(libc.setns(fd, kind), f"setns {path}")
    finally:
        os.close(fd)


def mount(source, target, kind, flags=0, data=None):
    _checked(libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(data)), f"mount {target}")


def unmount(target):
    libc.umount2(_bytes(target), 2)  # MNT_DETACH


def die_with_parent(signal):
    libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)


def reap_orphans():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def new_boottime(offset_s):
    """From here on this (single-threaded) process has another boottime, as another host has."""
    unshare(CLONE_NEWTIME)
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
        file.write(f"monotonic {offset_s} 0\nboottime {offset_s} 0\n")
    enter("/proc/self/ns/time_for_children", CLONE_NEWTIME)


def freeze(folder, frozen):
    """A frozen filesystem lets every write wait until it thaws."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, FIFREEZE if frozen else FITHAW, 0)
    except OSError:
        if frozen:
            raise
    finally:
        os.close(fd)
