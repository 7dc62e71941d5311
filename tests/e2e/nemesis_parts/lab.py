"""The coordinator and its agents: started, restarted when a fault or their own end took them away, stopped at last. Every change is in
log/life.jsonl, with the wall time."""

import json
import os
import resource
import signal
import time

import kernel
import proc

PORT = 7400
SLOTS = 6
READY_LIMIT_S = 60
STOP_LIMIT_S = 30
RESTART_S = 0.5  # what ended by itself is started again, as a service manager would do


class Log:
    """Lines of JSON, each with its wall time."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1)

    def write(self, **record):
        self.file.write(json.dumps({"t": time.time(), **record}) + "\n")


class Program:
    """The coordinator or an agent."""

    def __init__(self, name, argv):
        self.name, self.argv = name, argv
        self.pid = 0
        self.start_at = None  # monotonic; None: not to be started
        self.stopping = False
        self.held = False  # SIGSTOP
        self.descriptors = None  # its own soft limit while it has a lower one


class Lab:
    def __init__(self, machine, bin_folder, root):
        self.machine, self.bin, self.root = machine, bin_folder, root
        self.key = os.path.join(machine.folder("coordinator"), "data", "admin.key")
        self.endpoint = f"tcp://{machine.address('coordinator')}:{PORT}"
        self.life = Log(os.path.join(root, "log", "life.jsonl"))
        self.exits = []
        self.commands = {}  # pid -> callback(status)
        self.programs = {}
        self.command_count = 0
        self.starts = {}  # (pid, start) of every program: the watcher's lives belong to a host by their agent's host id
        kernel.reap_orphans()
        os.makedirs(os.path.join(root, "tmp"))

    # ---- processes

    def spawn(self, place, argv, log_name):
        """On that host, its output in log/. The child has its own process group: a Ctrl-C is for the nemesis."""
        log = os.path.join(self.root, "log", log_name)
        pid = os.fork()
        if pid:
            return pid
        try:
            os.setpgid(0, 0)
            kernel.die_with_parent(signal.SIGKILL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            self.machine.become(place)
            environment = {"PATH": os.environ.get("PATH", ""), "HOME": self.root, "LANG": "C.UTF-8",
                           "TMPDIR": os.path.join(self.root, "tmp"), "PANTHER_KEY": self.key}
            os.execve(argv[0], argv, environment)
        except OSError as error:
            os.write(2, f"{argv[0]} does not start: {error}\n".encode())
        os._exit(127)

    def command(self, arguments, done, log_name=None):
        """panther-coord as the operator; done(status, output path) when it has ended."""
        self.command_count += 1
        name = log_name or f"command-{self.command_count}.out"
        pid = self.spawn("coordinator", [os.path.join(self.bin, "panther-coord"), *arguments], name)
        self.commands[pid] = lambda status: done(status, os.path.join(self.root, "log", name))
        return pid

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.commands:
                self.commands.pop(pid)(os.waitstatus_to_exitcode(status))
            for program in self.programs.values():
                if program.pid == pid:
                    self._ended(program, os.waitstatus_to_exitcode(status))

    def _ended(self, program, status):
        program.pid, program.held, program.descriptors = 0, False, None
        wanted = program.stopping
        self.exits.append({"t": time.time(), "program": program.name, "status": status, "stopping": wanted})
        self.life.write(program=program.name, now="ended", status=status)
        if program.start_at is None and not wanted:
            program.start_at = time.monotonic() + RESTART_S

    def tick(self):
        self.reap()
        for program in self.programs.values():
            if not program.pid and program.start_at is not None and time.monotonic() >= program.start_at:
                self.start(program)

    def start(self, program):
        program.start_at, program.stopping = None, False
        program.pid = self.spawn(program.name, program.argv, program.name + ".log")
        self.life.write(program=program.name, now="started", pid=program.pid)

    def pause(self):
        time.sleep(0.02)
        self.tick()

    def until(self, what, condition, limit_s):
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {limit_s} s")
            self.pause()

    def ask(self, arguments, limit_s=READY_LIMIT_S):
        """One command, waited for: (status, output)."""
        answer = []
        self.command(arguments, lambda status, path: answer.append((status, path)), "asked.out")
        self.until(" ".join(arguments), lambda: answer, limit_s)
        path = answer[0][1]
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        os.unlink(path)
        return answer[0][0], text

    # ---- up

    def up(self):
        place = self.machine.folder
        coordinator = [os.path.join(self.bin, "panther-coord"), "serve", "--init", "--data", os.path.join(place("coordinator"), "data"),
                       "--listen", self.endpoint]
        self.programs["coordinator"] = Program("coordinator", coordinator)
        self.start(self.programs["coordinator"])
        self.until("the operator's key", lambda: os.path.exists(self.key), READY_LIMIT_S)
        self.until("the coordinator", lambda: self.ask(["status"])[0] == 0, READY_LIMIT_S)
        for number, host in enumerate(self.machine.hosts):
            key = os.path.join(self.root, host + ".key")
            status, text = self.ask(["keys", "add", "agent", host, "--out", key])
            if status != 0:
                raise RuntimeError(f"no key for {host}: {text}")
            argv = [os.path.join(self.bin, "panther-agent"), "--key", key, "--state", os.path.join(place(host), "state"), "--address",
                    self.machine.address(host), "--slots", str(SLOTS), "--port-range", f"{20000 + 1000 * number}-{20999 + 1000 * number}"]
            self.programs[host] = Program(host, argv)
            self.start(self.programs[host])
        self.until("the agents", self.all_connected, READY_LIMIT_S)

    def all_connected(self):
        status, text = self.ask(["agents", "-o", "jsonl"])
        rows = [json.loads(line) for line in text.splitlines()] if status == 0 else []
        return sum(row["state"] == "connected" and str(row.get("plugins", "0")) not in ("", "0") for row in rows) == len(self.machine.hosts)

    # ---- what faults do to programs

    def kill(self, name, down_s):
        program = self.programs[name]
        self.life.write(program=name, now="killed")
        program.start_at = time.monotonic() + down_s
        if program.pid:
            os.kill(program.pid, signal.SIGKILL)

    def hold(self, name, held):
        program = self.programs[name]
        if program.pid:
            os.kill(program.pid, signal.SIGSTOP if held else signal.SIGCONT)
            program.held = held
        self.life.write(program=name, now="held" if held else "released")

    def limit_descriptors(self, name, limited, spare=0):
        """As many as it has, and some to spare: new ones get the lowest numbers that are free."""
        program = self.programs[name]
        if not program.pid or (not limited and program.descriptors is None):
            return
        try:
            soft, hard = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
            taken = {int(fd) for fd in os.listdir(f"/proc/{program.pid}/fd")}
            free = (fd for fd in range(hard) if fd not in taken)
            lowest = [next(free) for _ in range(spare + 1)][-1]
            wanted = lowest if limited else program.descriptors
            resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (wanted, hard))
            program.descriptors = soft if limited else None
            self.life.write(program=name, now="descriptors limited" if limited else "descriptors free", limit=wanted)
        except OSError:
            pass  # it has just ended

    # ---- the end

    def stop(self):
        """SIGTERM, agents first; returns what went wrong."""
        problems = []
        for name in self.machine.hosts + ["coordinator"]:
            program = self.programs[name]
            if not program.pid:
                problems.append(f"{name} did not run at the end")
                continue
            program.stopping = True
            os.kill(program.pid, signal.SIGTERM)
            try:
                self.until(f"{name} ends at SIGTERM", lambda p=program: not p.pid, STOP_LIMIT_S)
            except TimeoutError as error:
                problems.append(str(error))
                os.kill(program.pid, signal.SIGKILL)
                continue
            if self.exits[-1]["status"] != 0:
                problems.append(f"{name} ended with status {self.exits[-1]['status']} at SIGTERM")
        return problems

    def is_ours(self, process):
        """Of what is left: with process ids of its own everything is; without, what has our marker or works in our folder."""
        if os.getpid() == 1:
            return True
        instance = process.instance
        if instance and instance[2] in self.machine.host_ids():
            return True
        return proc.working_directory(process.pid).startswith(self.root) or any(self.root in argument for argument in process.arguments)
