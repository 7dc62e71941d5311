#!/usr/bin/python3
"""A process of its own that looks at /proc all the time and writes the life of everything that carries PANTHER_INSTANCE: who it was,
when it was first and last seen. It asks nobody else.

usage: watcher.py FILE INTERVAL_S      until SIGTERM; FILE gets one JSON object a line
  {"seen": T, "pid", "start", "started": wall time, "parent", "name", "kind", "marker", "arguments"}   again when it has become another program
  {"gone": [pid, start], "last": T}     T: the beginning of the last look that found it alive
  {"late": [T, T]}                      nobody looked in between
  {"end": T, "alive": [[pid, start], ...]}
"""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import proc  # noqa: E402

LATE_S = 0.5
YOUNG_LOOKS = 40  # a process may not have become what it will be: looked at closely until it carries a marker


class Watcher:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8", buffering=1)
        self.lives = {}  # (pid, start) -> [process, last, looks, told name]
        self.stopped = False
        self.last_look = None

    def write(self, record):
        self.file.write(json.dumps(record) + "\n")

    def tell(self, now, process):
        self.write({"seen": now, "pid": process.pid, "start": process.start, "started": proc.boot_wall_s() + process.start / proc.TICKS,
                    "parent": process.parent, "name": process.name, "kind": process.kind, "marker": process.marker,
                    "arguments": process.arguments[:8]})

    def inherited(self, process):
        """Some write over their environment, as nginx's workers do to show a title: they are known by their parent, or by the guard that
        leads their session."""
        by_pid = {pid: life[0] for (pid, _), life in self.lives.items()}
        for relative in (by_pid.get(process.parent), by_pid.get(process.session)):
            if relative and relative.marker:
                return relative.marker
        return ""

    def note(self, now, process):
        key = (process.pid, process.start)
        life = self.lives.get(key)
        if life is None:
            life = self.lives[key] = [process, now, 0, None]
        known, life[1] = life[0], now
        if process.name != known.name or (not known.marker and life[2] < YOUNG_LOOKS):
            process.look_closer()
            process.marker = process.marker or known.marker or self.inherited(process)
            life[0] = process
        life[2] += 1
        if life[0].marker and life[3] != life[0].name:
            life[3] = life[0].name
            self.tell(now, life[0])

    def look(self):
        now = time.time()
        if self.last_look is not None and now - self.last_look > LATE_S:
            self.write({"late": [self.last_look, now]})
        self.last_look = now
        alive = set()
        for pid in proc.pids():
            process = proc.read_stat(pid)
            if process and not process.is_dead():
                alive.add((process.pid, process.start))
                self.note(now, process)
        for key in [key for key in self.lives if key not in alive]:
            life = self.lives.pop(key)
            if life[3]:
                self.write({"gone": list(key), "last": life[1]})

    def run(self, interval_s):
        while not self.stopped:
            self.look()
            time.sleep(interval_s)
        self.look()
        self.write({"end": time.time(), "alive": [list(key) for key, life in self.lives.items() if life[3]]})


def main():
    watcher = Watcher(sys.argv[1])

    def stop(_signal, _frame):
        watcher.stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watcher.run(float(sys.argv[2]))


if __name__ == "__main__":
    main()
