"""What this machine lets us have: hosts as network namespaces, small disks, clocks of their own. Whatever it refuses is said, and the
nemesis does without it. Runs in the outer process, so that all of it is undone however the inner one ends."""

import os
import shutil
import subprocess
import sys
import uuid

import kernel

# Sparse: what is written counts. The last tenth is the coordinator's reserve, so what a run leaves must stay far below.
COORDINATOR_MIB = (512, 128)  # and for each minute
HOST_MIB = (256, 16)
TMPFS_MIB = 256  # memory
BALLAST_BYTES = (64 << 20, 4 << 20, 64 << 10, 4096)


class Machine:
    def __init__(self, root, source, host_count, minutes):
        self.root, self.minutes = root, minutes
        self.testbed = os.path.join(source, "deploy", "testbed")
        self.name = f"nemesis-{os.getpid()}"
        self.hosts = [f"host-{chr(ord('a') + i)}" for i in range(host_count)]
        self.places = ["coordinator"] + self.hosts
        self.namespaces = False  # network, process ids
        self.clocks = False
        self.disks = None  # "ext4" (may be filled and frozen), "tmpfs" (may be filled) or None
        self.notes = []
        self.mounted = []
        self.boots = {}  # place -> how often it was started anew

    # ---- before the inner process

    def prepare(self):
        for place in self.places:
            os.makedirs(self.folder(place))
        if os.geteuid() != 0:
            self.notes.append("not root: no namespaces, no small disks; hosts are loopback addresses, and there are no faults of network or disk")
            return
        try:
            kernel.unshare(kernel.CLONE_NEWNS)
            kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        except OSError as error:
            self.notes.append(f"no mount namespace ({error}): as without root")
            return
        self._make_disks()
        self._make_hosts()
        self._try_clocks()
        self.notes.append("the wall clock cannot jump: settimeofday would move this machine's; only boottime differs from host to host")

    def _make_disks(self):
        try:
            for place in self.places:
                self._make_ext4(place)
            self.disks = "ext4"
        except (OSError, subprocess.CalledProcessError) as error:
            self._unmount()
            self._make_tmpfs(f"no loop device with ext4 ({error}): disks are tmpfs, which can be full but not slow")

    def _make_ext4(self, place):
        image = self.folder(place) + ".img"
        with open(image, "wb") as file:
            base, each = COORDINATOR_MIB if place == "coordinator" else HOST_MIB
            file.truncate(int(base + each * self.minutes) << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", "4096", image], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, self.folder(place)], check=True, capture_output=True)
        self.mounted.append(self.folder(place))

    def _make_tmpfs(self, note):
        self.notes.append(note)
        try:
            for place in self.places:
                kernel.mount("none", self.folder(place), "tmpfs", 0, f"size={TMPFS_MIB}m")
                self.mounted.append(self.folder(place))
            self.disks = "tmpfs"
        except OSError as error:
            self._unmount()
            self.notes.append(f"no tmpfs ({error}): no faults of disks")

    # /run/netns is a private one, so that no name of a namespace outlives us.
    def _make_hosts(self):
        try:
            os.makedirs("/run/netns", exist_ok=True)
            kernel.mount("none", "/run/netns", "tmpfs")
            self._testbed("up", str(len(self.hosts)))
            self.namespaces = True
        except (OSError, subprocess.CalledProcessError) as error:
            self.notes.append(f"no network namespaces ({error}): hosts are loopback addresses, and there are no faults of the network")

    def _try_clocks(self):
        script = "import sys; sys.path.insert(0, sys.argv[1]); import kernel; kernel.new_boottime(1000)"
        tried = subprocess.run([sys.executable, "-c", script, os.path.dirname(__file__)], capture_output=True, check=False)
        self.clocks = tried.returncode == 0
        if not self.clocks:
            self.notes.append("no time namespaces: all hosts have this machine's boottime")

    def _testbed(self, *arguments):
        return subprocess.run([self.testbed, "--name", self.name, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    # ---- what there is

    def folder(self, place):
        return os.path.join(self.root, place)

    def namespace(self, place):
        return f"/run/netns/{self.name}-{place}"

    def address(self, place):
        if self.namespaces:
            return self._testbed("address", place)
        # of this process alone: 127.128-191.x.y
        number = os.getpid()
        return f"127.{128 + number // 200 % 64}.{number % 200}.{1 + self.places.index(place)}"

    def boottime_offset_s(self, place):
        """Another one for every host, for they were not booted together; less after each boot."""
        if place == "coordinator" or not self.clocks:
            return 0
        return 100000 * (1 + self.places.index(place)) - 1000 * self.boots.get(place, 0)

    def reboot(self, place):
        """What is started there from now on finds another boot id."""
        if not self.namespaces:
            return
        self.boots[place] = self.boots.get(place, 0) + 1
        with open(os.path.join(self.root, place + ".boot_id"), "w", encoding="ascii") as file:
            file.write(f"{uuid.uuid4()}\n")

    def become(self, place):
        """In a child, before exec: this process is on that host."""
        if self.namespaces:
            kernel.enter(self.namespace(place), kernel.CLONE_NEWNET)
        if place in self.boots:
            kernel.unshare(kernel.CLONE_NEWNS)
            kernel.mount(os.path.join(self.root, place + ".boot_id"), "/proc/sys/kernel/random/boot_id", None, kernel.MS_BIND)
        if self.boottime_offset_s(place):
            kernel.new_boottime(self.boottime_offset_s(place))

    # ---- faults

    def _switch(self, *arguments):
        subprocess.run(["ip", "-n", f"{self.name}-switch", *arguments], check=True, capture_output=True)

    def cable(self, place, plugged):
        """Pulled at the switch: nobody is told, no FIN, no RST."""
        self._switch("link", "set", f"p{self.places.index(place)}", "up" if plugged else "down")

    def one_way(self, place, direction, drops):
        """direction "out": what the host sends is dropped at the switch; "in": what it would receive."""
        port = f"p{self.places.index(place)}"
        tc = ["tc", "-n", f"{self.name}-switch"]
        if not drops:
            subprocess.run(tc + ["qdisc", "del", "dev", port, "clsact"], check=False, capture_output=True)
            return
        subprocess.run(tc + ["qdisc", "add", "dev", port, "clsact"], check=True, capture_output=True)
        hook = "ingress" if direction == "out" else "egress"
        # one instruction: return 2, which is TC_ACT_SHOT
        subprocess.run(tc + ["filter", "add", "dev", port, hook, "protocol", "all", "bpf", "da", "bytecode", "1,6 0 0 2"],
                       check=True, capture_output=True)

    def ballast(self, place, full):
        path = os.path.join(self.folder(place), "ballast")
        if not full:
            if os.path.exists(path):
                os.unlink(path)
            return
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            at = 0
            for size in BALLAST_BYTES:  # to the last block
                while True:
                    try:
                        os.posix_fallocate(fd, at, size)
                        at += size
                    except OSError:
                        break
        finally:
            os.close(fd)

    def freeze(self, place, frozen):
        kernel.freeze(self.folder(place), frozen)

    # ---- after the inner process

    def host_ids(self):
        ids = {}
        for host in self.hosts:
            try:
                with open(os.path.join(self.folder(host), "state", "host_id"), encoding="ascii") as file:
                    ids[file.read().strip()] = host
            except OSError:
                pass
        return ids

    def cgroups(self):
        """Of our agents, those that are there."""
        names = {f"panther-{host_id[:12]}" for host_id in self.host_ids()}
        bases = [os.path.join(base, name) for base in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") for name in names]
        return [path for path in bases if os.path.isdir(path)]

    def undo(self):
        """All processes have ended. An agent that was killed in the middle has left its cgroup; one that was stopped has not."""
        for path in self.cgroups():
            for folder, _, _ in os.walk(path, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
        if self.disks == "ext4":
            for folder in self.mounted:
                kernel.freeze(folder, False)
        if self.namespaces:
            subprocess.run([self.testbed, "--name", self.name, "down"], check=False, capture_output=True)
            kernel.unmount("/run/netns")
        self._unmount()

    def _unmount(self):
        for folder in self.mounted:
            kernel.unmount(folder)
        self.mounted = []

    def keep_evidence(self):
        """The disks are gone with us: what a person wants to read is copied beside them."""
        for place in self.places:
            target = os.path.join(self.root, "evidence", place)
            for name in ("data", "state"):
                if os.path.isdir(os.path.join(self.folder(place), name)):
                    shutil.copytree(os.path.join(self.folder(place), name), os.path.join(target, name), dirs_exist_ok=True,
                                    ignore_dangling_symlinks=True, copy_function=_copy)


def _copy(source, target):
    if os.path.isfile(source) and not os.path.islink(source):
        shutil.copyfile(source, target)
