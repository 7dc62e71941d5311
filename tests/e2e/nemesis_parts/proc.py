"""Processes as /proc shows them: the nemesis chooses its victims with it, the watcher writes their lives."""

import os
import time

TICKS = os.sysconf("SC_CLK_TCK")
MARKER = b"PANTHER_INSTANCE="
PROGRAMS = ("panther-coord", "panther-agent", "panther-guard", "panther-service")
SERVERS = ("nginx", "nghttpd", "gtlsserver")
TESTERS = ("h2load", "gtlsclient")
VERSION_FLAGS = ("--version", "-v", "-V")


def boot_wall_s():
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


class Process:
    """One life: pid and start time together are never given twice."""

    __slots__ = ("pid", "start", "parent", "session", "state", "name", "marker", "arguments")

    def __init__(self, pid, start, parent, session, state, name):
        self.pid, self.start, self.parent, self.session, self.state, self.name = pid, start, parent, session, state, name
        self.marker, self.arguments = "", []

    @property
    def instance(self):
        """(instance, generation, host id) or None."""
        try:
            numbers, host = self.marker.split("@")
            instance, generation = numbers.split(".")
            return int(instance), int(generation), host
        except ValueError:
            return None

    @property
    def kind(self):
        """What it is to us: coordinator, agent, guard, host (of a plugin), server, tester, other."""
        if self.name == "panther-guard" and "--folder" in self.arguments:
            return "guard"
        if self._is_aside():
            return "other"
        by_name = {"panther-coord": "coordinator", "panther-agent": "agent", "panther-service": "host"}
        by_name.update({name: "server" for name in SERVERS})
        by_name.update({name: "tester" for name in TESTERS})
        return by_name.get(self.name, "other")

    def _is_aside(self):
        """Asked for its version by a plugin, or a worker that its master replaces: its death decides nothing."""
        return any(argument in VERSION_FLAGS for argument in self.arguments[1:2]) or any(a.startswith("nginx: worker") for a in self.arguments[:1])

    def look_closer(self):
        """Marker and arguments change with exec."""
        for entry in _read(self.pid, "environ").split(b"\0"):
            if entry.startswith(MARKER):
                self.marker = entry[len(MARKER):].decode("utf-8", "replace")
        self.arguments = _read(self.pid, "cmdline").decode("utf-8", "replace").split("\0")[:-1]

    def is_dead(self):
        return self.state in "ZX"


def read_stat(pid):
    """None when there is no such process."""
    text = _read(pid, "stat").decode("utf-8", "replace")
    left, right = text.find("("), text.rfind(")")
    if right < 0:
        return None
    fields = text[right + 2:].split()
    try:
        return Process(int(pid), int(fields[19]), int(fields[1]), int(fields[3]), fields[0], text[left + 1:right][:15])
    except (IndexError, ValueError):
        return None


def pids():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def all_processes():
    """Everything that lives (zombies do not), looked at closely."""
    found = []
    for pid in pids():
        process = read_stat(pid)
        if process and not process.is_dead():
            process.look_closer()
            found.append(process)
    return found


def lives(pid, start):
    process = read_stat(pid)
    return process is not None and process.start == start and not process.is_dead()


def working_directory(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
