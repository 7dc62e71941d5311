"""Doing what the schedule says: each fault begins, lasts, and is healed. What really happened, with times and victims, is in
log/faults.jsonl."""

import os
import signal
import time

import proc

VICTIM_LIMIT_S = 3.0  # how long a fault waits for a process of its kind to live
STOPPED_LIMIT_S = 1.0
SPARE_DESCRIPTORS = 8  # fewer than these are left of them
FREEZE_S, THAW_S = 0.8, 0.3  # a slow disk: nothing is written for so long, then some is


class Faults:
    def __init__(self, lab, schedule, log):
        self.lab, self.machine, self.log = lab, lab.machine, log
        self.waiting = list(schedule)  # not begun
        self.lasting = []  # (end, heal), monotonic
        self.began = time.monotonic()
        self.counts = {}
        self.without_victim = {}

    def tick(self):
        now = time.monotonic()
        for fault in [f for f in self.waiting if now >= self.began + f.at]:
            if self._begin(fault, now):
                self.waiting.remove(fault)
        for item in [item for item in self.lasting if now >= item[0]]:
            self.lasting.remove(item)
            item[1]()

    def heal(self):
        """Everything, now."""
        self.waiting = []
        for _, heal in self.lasting:
            heal()
        self.lasting = []

    # ---- one fault

    def _begin(self, fault, now):
        do = getattr(self, "_" + fault.kind.replace(" ", "_"))
        end = now + fault.length
        what = do(fault, end)
        if what is None and now < self.began + fault.at + VICTIM_LIMIT_S:
            return False  # nobody to do it to: again in the next round
        if what is None:
            self.without_victim[fault.kind] = self.without_victim.get(fault.kind, 0) + 1
            self.log.write(fault=fault.number, kind=fault.kind, begun=False)
            return True
        self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
        self.log.write(fault=fault.number, kind=fault.kind, begun=True, place=fault.place, length=round(fault.length, 3), **what)
        return True

    def _until(self, end, fault, heal):
        def end_of_fault():
            heal()
            self.log.write(fault=fault.number, kind=fault.kind, healed=True)
        self.lasting.append((end, end_of_fault))

    # ---- programs

    def _kill_coordinator(self, fault, _end):
        self.lab.kill("coordinator", fault.length)
        return {}

    def _kill_agent(self, fault, _end):
        self.lab.kill(fault.place, fault.length)
        return {}

    def _kill_both_ends(self, fault, _end):
        self.lab.kill("coordinator", fault.length)
        self.lab.kill(fault.place, fault.length * fault.pick)
        return {}

    def _kill_all_ends(self, fault, _end):
        for name in self.lab.programs:
            self.lab.kill(name, fault.length)
        return {}

    def _hold(self, fault, name, end):
        if not self.lab.programs[name].pid:
            return None
        self.lab.hold(name, True)
        self._until(end, fault, lambda: self.lab.hold(name, False))
        return {}

    def _stop_coordinator(self, fault, end):
        return self._hold(fault, "coordinator", end)

    def _stop_agent(self, fault, end):
        return self._hold(fault, fault.place, end)

    def _no_descriptors(self, fault, end):
        if not self.lab.programs[fault.place].pid:
            return None
        self.lab.limit_descriptors(fault.place, True, int(fault.pick * SPARE_DESCRIPTORS))
        self._until(end, fault, lambda: self.lab.limit_descriptors(fault.place, False))
        return {}

    # ---- processes of services

    def _living(self, kind, host=None):
        host_ids = self.machine.host_ids()
        found = [p for p in proc.all_processes() if p.kind == kind and p.instance and p.instance[2] in host_ids]
        found = [p for p in found if host is None or host_ids[p.instance[2]] == host]
        return sorted(found, key=lambda p: (p.instance, p.start, p.pid))

    def _victim(self, kind, pick, host=None):
        living = self._living(kind, host)
        return living[int(pick * len(living))] if living else None

    def _strike(self, victim):
        """Stopped first: what is stopped has not ended by itself meanwhile, so it was this that killed it."""
        try:
            os.kill(victim.pid, signal.SIGSTOP)
            deadline = time.monotonic() + STOPPED_LIMIT_S
            while time.monotonic() < deadline:
                now = proc.read_stat(victim.pid)
                if not now or now.start != victim.start or now.is_dead():
                    return None
                if now.state == "T":
                    break
                time.sleep(0.001)
            os.kill(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return {"pid": victim.pid, "start": victim.start, "name": victim.name, "marker": victim.marker}

    def _kill_service(self, fault, kind):
        victim = self._victim(kind, fault.pick)
        return victim and self._strike(victim)

    def _stop_service(self, fault, kind, end):
        victim = self._victim(kind, fault.pick)
        if not victim:
            return None
        try:
            os.kill(victim.pid, signal.SIGSTOP)
        except ProcessLookupError:
            return None

        def go_on():
            if proc.lives(victim.pid, victim.start):
                os.kill(victim.pid, signal.SIGCONT)
        self._until(end, fault, go_on)
        return {"pid": victim.pid, "start": victim.start, "name": victim.name, "marker": victim.marker}

    def _kill_guard(self, fault, _end):
        return self._kill_service(fault, "guard")

    def _kill_host(self, fault, _end):
        return self._kill_service(fault, "host")

    def _kill_server(self, fault, _end):
        return self._kill_service(fault, "server")

    def _kill_tester(self, fault, _end):
        return self._kill_service(fault, "tester")

    def _stop_guard(self, fault, end):
        return self._stop_service(fault, "guard", end)

    def _stop_host(self, fault, end):
        return self._stop_service(fault, "host", end)

    def _stop_server(self, fault, end):
        return self._stop_service(fault, "server", end)

    def _stop_tester(self, fault, end):
        return self._stop_service(fault, "tester", end)

    def _kill_guard_and_agent(self, fault, _end):
        victim = self._victim("guard", fault.pick, fault.place)
        if not victim:
            return None
        self.lab.kill(fault.place, fault.length)
        return self._strike(victim) or {}

    def _power_off(self, fault, _end):
        """Everything of a host at once, but its disk; it comes back as after a boot."""
        self.lab.kill(fault.place, fault.length)
        struck = set()
        while victims := [p for p in proc.all_processes() if p.instance and self.machine.host_ids().get(p.instance[2]) == fault.place]:
            for victim in victims:
                struck.add(victim.marker)
                try:
                    os.kill(victim.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.002)
        self.machine.reboot(fault.place)
        return {"markers": sorted(struck)}

    # ---- network

    def _pull_cable(self, fault, end):
        self.machine.cable(fault.place, False)
        self._until(end, fault, lambda: self.machine.cable(fault.place, True))
        return {}

    def _one_way(self, fault, direction, end):
        self.machine.one_way(fault.place, direction, True)
        self._until(end, fault, lambda: self.machine.one_way(fault.place, direction, False))
        return {}

    def _drop_outgoing(self, fault, end):
        return self._one_way(fault, "out", end)

    def _drop_incoming(self, fault, end):
        return self._one_way(fault, "in", end)

    # ---- disk

    def _fill_disk(self, fault, end):
        self.machine.ballast(fault.place, True)
        self._until(end, fault, lambda: self.machine.ballast(fault.place, False))
        return {}

    def _slow_disk(self, fault, end):
        state = {"frozen": False, "over": False}

        def step():
            if state["over"]:
                return
            state["frozen"] = not state["frozen"]
            self.machine.freeze(fault.place, state["frozen"])
            self.lasting.append((time.monotonic() + (FREEZE_S if state["frozen"] else THAW_S), step))

        def heal():
            state["over"] = True
            if state["frozen"]:
                self.machine.freeze(fault.place, False)
        step()
        self._until(end, fault, heal)
        return {}
