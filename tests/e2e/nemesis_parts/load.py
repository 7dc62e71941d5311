"""What the lab is asked to do meanwhile: experiments of many kinds, submitted, submitted again when no answer came, some of them cancelled.
Every answer is in log/submissions.jsonl."""

import json
import os
import random
import re
import time

OPEN_RUNS_MAX = 5
SUBMIT_GAP_S = 0.4
LEASES_S = (4, 10)
TRIAL_S, CASE_S, READY_S, STOP_S = 45, 12, 12, 4
TIMEOUTS = f"ready: {READY_S}s, case: {CASE_S}s, trial: {TRIAL_S}s, stop: {STOP_S}s, queue: 120s"
ANSWER_LIMIT = "4s"
RETRIES = ("", "    retry: {reasons: [infrastructure, lost], times: 2}\n",
           "    retry: {reasons: [infrastructure, lost, timeout, killed, incomplete], times: 1}\n")


def _test(random_, name, protocol, times, rest):
    lease = random_.choice(LEASES_S)
    return (f"  - name: {name}\n    protocol: {protocol}\n    repeat: {{times: {times}}}\n    timeouts: {{{TIMEOUTS}, lease: {lease}s}}\n"
            f"{random_.choice(RETRIES)}{rest}")


def _null_cells(random_):
    delay = random_.choice((20, 150, 400))
    return _test(random_, "cells", "{name: none}", random_.randint(2, 6), f"""    services:
      tester: {{tester: 'null', options: {{delay: {delay}ms, metrics: 2}}, cases: [n000, n001, n002, n003, pass]}}
""")


def _verdicts(random_):
    return _test(random_, "verdicts", "{name: none}", 1, """    axes: {verdict: [pass, fail, inconc, error]}
    services:
      tester: {tester: 'null', options: {verdict: $(axes.verdict), delay: 100ms}, cases: [noop, n001]}
""")


def _misbehaving(random_):
    case = random_.choice(("crash", "hang", "slow"))
    return _test(random_, "faulty", "{name: none}", 1, f"""    services:
      tester: {{tester: 'null', cases: [pass, {case}, n001]}}
""").replace(f"case: {CASE_S}s", "case: 3s")


def _http(random_):
    server, milliseconds = random_.choice(("nginx", "nghttpd")), random_.choice((300, 1500, 5000))
    return _test(random_, "load", "{name: http, version: '2'}", random_.randint(1, 3), f"""    services:
      server: {{implementation: {server}, role: server}}
      load:
        tester: h2load
        drives: {{server: server}}
        host: {{apart_from: [server]}}
        options: {{duration: {milliseconds}ms, clients: 2, streams: 4}}
    assertions:
      - {{service: server, exit: clean}}
""")


def _quic(random_):
    size = random_.choice(("64KiB", "2MiB"))
    return _test(random_, "quic", "{name: quic}", random_.randint(1, 2), f"""    services:
      server: {{implementation: ngtcp2, role: server, options: {{sizes: [{size}]}}}}
      probe:
        tester: quic_probe
        drives: {{server: server}}
        host: {{apart_from: [server]}}
        options: {{size: {size}, qlog: {'true' if size == '64KiB' else 'false'}}}
        cases: [handshake, transfer]
    assertions:
      - {{service: server, exit: clean}}
""")


def _idle_server(random_):
    delay = random_.choice((400, 2500))
    return _test(random_, "idle", "{name: http}", random_.randint(1, 3), f"""    services:
      server: {{implementation: nginx, role: server}}
      tester: {{tester: 'null', drives: {{server: server}}, options: {{delay: {delay}ms}}, cases: [n000, n001, n002]}}
""")


KINDS = (_null_cells, _null_cells, _verdicts, _misbehaving, _http, _http, _quic, _idle_server, _idle_server)


def experiment(random_, number):
    tests = "".join(kind(random_) for kind in [random_.choice(KINDS)])
    return f"panther: 1\nexperiment: nemesis-{number}\ntests:\n{tests}"


class Submission:
    def __init__(self, number, path, cancel_after):
        self.number, self.path, self.cancel_after = number, path, cancel_after
        self.key = f"nemesis-{number}"
        self.run = None
        self.asking = False
        self.next_at = 0.0
        self.accepted_at = None
        self.cancelled = False
        self.ended = False


class Load:
    def __init__(self, lab, seed, log):
        self.lab, self.log = lab, log
        self.random = random.Random(f"load {seed}")
        self.submissions = []
        self.open_for_new = True
        self.next_at = 0.0
        self.runs = {}  # name -> row of `runs`
        self.asking_runs = False
        self.runs_at = 0.0
        self.folder = os.path.join(lab.root, "experiments")
        os.makedirs(self.folder)

    def _new(self):
        number = len(self.submissions) + 1
        path = os.path.join(self.folder, f"{number}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(experiment(self.random, number))
        cancel_after = self.random.uniform(0.2, 6.0) if self.random.random() < 0.15 else None
        self.submissions.append(Submission(number, path, cancel_after))

    def is_settled(self):
        return all(s.run and s.ended for s in self.submissions)

    def tick(self):
        now = time.monotonic()
        unfinished = [s for s in self.submissions if not s.ended]
        if self.open_for_new and len(unfinished) < OPEN_RUNS_MAX and now >= self.next_at:
            self._new()
            self.next_at = now + SUBMIT_GAP_S
        for submission in unfinished:
            self._advance(submission, now)
        if now >= self.runs_at and not self.asking_runs:
            self._ask_runs(now)

    def _advance(self, submission, now):
        if submission.asking or now < submission.next_at:
            return
        if not submission.run:
            submission.asking = True
            self.lab.command(["submit", submission.path, "--key", submission.key, "--timeout", ANSWER_LIMIT],
                             lambda status, path: self._submitted(submission, status, path))
        elif submission.cancel_after is not None and not submission.cancelled and now >= submission.accepted_at + submission.cancel_after:
            submission.asking = True
            self.lab.command(["cancel", submission.run, "--timeout", ANSWER_LIMIT],
                             lambda status, path: self._cancelled(submission, status, path))

    def _answer(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        os.unlink(path)
        return text

    def _submitted(self, submission, status, path):
        text = self._answer(path)
        submission.asking = False
        submission.next_at = time.monotonic() + 0.5
        names = re.findall(r"^r[0-9]+$", text, re.MULTILINE)  # beside what it says while it waits
        run = names[0] if status == 0 and names else None
        self.log.write(do="submit", key=submission.key, status=status, run=run, text=text[-500:])
        if run:
            submission.run, submission.accepted_at = run, time.monotonic()

    def _cancelled(self, submission, status, path):
        text = self._answer(path)
        submission.asking = False
        submission.next_at = time.monotonic() + 0.5
        submission.cancelled = status == 0
        self.log.write(do="cancel", key=submission.key, status=status, run=submission.run, text=text[-500:])

    def _ask_runs(self, now):
        self.asking_runs, self.runs_at = True, now + 1.0
        self.lab.command(["runs", "-o", "jsonl", "--timeout", ANSWER_LIMIT], self._runs_answered)

    def _runs_answered(self, status, path):
        self.asking_runs = False
        text = self._answer(path)
        if status != 0:
            return
        for row in parse_lines(text):
            self.runs[row["name"]] = row
        for submission in self.submissions:
            row = self.runs.get(submission.run)
            submission.ended = bool(row) and row["state"] == "ended"


def parse_lines(text):

    rows = []
    for line in text.splitlines():
        if line.startswith("{"):
            rows.append(json.loads(line))
    return rows
