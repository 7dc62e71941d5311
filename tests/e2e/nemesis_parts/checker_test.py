#!/usr/bin/python3
"""A checker that finds nothing proves nothing: a small history in which all is well, and what it must say when that is doctored."""

import copy
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import checker  # noqa: E402
import history as history_module  # noqa: E402
import messages  # noqa: E402
import schedule  # noqa: E402
import windows  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
PROTO = os.path.join(HERE, "..", "..", "..", "proto", "panther", "v1")
HASH = "ab" * 32
FAIL, ERROR = 3, 4


class Builder:
    """One run of one cell: nginx on host-a, its tester on host-b; passes."""

    def __init__(self):
        self.history = history_module.History()
        self.wall = 1000.0
        self.outbox, self.spool = {}, {}

    def record(self, kind, **body):
        self.wall += 0.1
        records = self.history.records
        records.append({"sequence": len(records) + 1, "wall": self.wall, "kind": kind, "body": body})
        return records[-1]

    def event(self, instance, agent, **body):
        self.outbox[agent] = self.outbox.get(agent, 0) + 1
        self.spool[instance] = self.spool.get(instance, 0) + 1
        event = {"instance": instance, "generation": 1, "sequence": self.spool[instance], "wall_ns": int(self.wall * 1e9), **body}
        return self.record("instance_event", agent=agent, epoch="e", sequence=self.outbox[agent], trial=1, event=event)

    def process(self, pid, instance, host, name, kind, began, ended):
        self.history.processes.append({"pid": pid, "start": pid, "started": began, "first": began + 0.01, "last": ended, "alive": False,
                                       "instance": instance, "generation": 1, "host": host, "name": name, "kind": kind})

    def instance_ends(self, instance, agent, streams):
        for stream in streams:
            self.event(instance, agent, stream_end={"stream": stream, "hash": HASH})
            self.record("content_stored", instance=instance, generation=1, name=stream, is_stream=1, hash=HASH)
        return self.event(instance, agent, instance_ended={"cause": 1})

    def build(self):
        h = self.history
        self.record("run_accepted", run=1, key="k", cells=1)
        self.record("trial_started", trial=1, run=1, attempt=1, name="r1/t/1#1", lease_ms=4000,
                    services=[{"service": "server", "agent": "host-a", "instance": 1},
                              {"service": "tester", "agent": "host-b", "instance": 2, "is_tester": 1}])
        self.event(1, "host-a", process_started={"process": 1, "pid": 20, "name": "nginx"})
        began = self.wall
        self.record("cases_released", trial=1, instance=2, generation=1, first_number=3, cases=["pass"])
        self.event(2, "host-b", case_result={"number": 3, "name": "pass", "outcome": {"verdict": 1}})
        self.record("trial_stopping", trial=1, outcome={"verdict": 1})
        self.event(1, "host-a", process_exited={"process": 1, "name": "nginx"})
        self.process(20, 1, "host-a", "nginx", "server", began, self.wall)
        self.process(21, 2, "host-b", "panther-service", "host", began, self.wall)
        self.instance_ends(1, "host-a", ["nginx.stdout", "nginx.stderr", "plugin.log", "host.stderr"])
        self.instance_ends(2, "host-b", ["plugin.log", "host.stderr"])
        self.record("trial_ended", trial=1, name="r1/t/1#1", outcome={"verdict": 1})
        self.record("cell_ended", run=1, name="r1/t/1", outcome={"verdict": 1}, attempts=1)
        self.record("run_ended", run=1, outcome={"verdict": 1}, passed=1)
        h.submissions = [{"t": 1000.2, "do": "submit", "key": "k", "status": 0, "run": "r1"}]
        h.results = {"r1": [{"name": "r1/t/1", "verdict": "pass"}]}
        h.blobs, h.outboxes = {HASH: HASH}, {"host-a": 0, "host-b": 0}
        h.settings = {"coordinator_away": [], "agents_away": {"host-a": [], "host-b": []}, "cut_off": {"host-a": [], "host-b": []},
                      "trial_limit_s": 20}
        return h


class Doctored(unittest.TestCase):
    def setUp(self):
        self.history = Builder().build()

    def find(self, kind, index=0, having=None):
        found = [r for r in self.history.records if r["kind"] == kind and (having is None or having in r["body"].get("event", r["body"]))]
        return found[index]

    def remove(self, record):
        self.history.records.remove(record)

    def again(self, record):
        self.history.records.append(copy.deepcopy(record))
        return self.history.records[-1]

    def process(self, pid):
        return next(life for life in self.history.processes if life["pid"] == pid)

    def expect(self, promise, text):
        violations = checker.check(self.history)
        self.assertTrue(any(p == promise and text in t for p, t in violations), f"no {promise} with \"{text}\" in {violations}")

    def expect_nothing(self):
        self.assertEqual(checker.check(self.history), [])

    def stopping(self):
        return self.find("trial_stopping")["wall"]

    def fault(self, kind, at, healed=None, **more):
        self.history.faults.append({"kind": kind, "t": at, "healed": at if healed is None else healed, **more})

    def test_all_is_well(self):
        self.expect_nothing()

    # ---- P1
    def test_a_doubled_verdict(self):
        self.again(self.find("cell_ended"))
        self.expect("P1", "has 2 verdicts: pass, pass")

    def test_a_cell_without_a_verdict(self):
        self.remove(self.find("cell_ended"))
        self.expect("P1", "r1 has 1 cells and 0 verdicts")

    def test_a_run_that_never_ends(self):
        self.remove(self.find("run_ended"))
        self.expect("P1", "r1 ended 0 times")

    def test_a_run_that_counts_wrongly(self):
        self.find("run_ended")["body"]["failed"] = 1
        self.expect("P1", "2 verdicts counted, of 1 cells")

    def test_a_trial_that_never_ends(self):
        self.remove(self.find("trial_ended"))
        self.expect("P1", "r1/t/1#1 ended 0 times")

    def test_a_verdict_that_is_not_its_last_attempts(self):
        self.find("trial_ended")["body"]["outcome"]["verdict"] = FAIL
        self.expect("P1", "is pass, its last attempt fail")

    def test_a_cell_that_was_cancelled_between_two_attempts(self):
        self.find("trial_ended")["body"]["outcome"] = {"verdict": ERROR, "reason": 2}
        self.find("cell_ended")["body"]["outcome"] = {"verdict": 2, "reason": 4}
        self.history.results["r1"][0]["verdict"] = "inconc"
        self.expect("P1", "is inconc (cancelled), its last attempt error (lost)")
        self.history.records.insert(-2, {"sequence": 900, "wall": 1002, "kind": "run_cancelled", "body": {"run": 1}})
        self.expect_nothing()

    def test_a_wrong_number_of_attempts(self):
        self.find("cell_ended")["body"]["attempts"] = 2
        self.expect("P1", "says 2 attempts of 1")

    def test_a_case_without_a_result(self):
        self.find("cases_released")["body"]["cases"].append("n001")
        self.expect("P1", "case n001 of r1/t/1#1/tester has 0 verdicts")

    def test_a_case_with_two_results(self):
        again = self.again(self.find("instance_event", having="case_result"))
        again["body"]["sequence"] += 3
        self.expect("P1", "case pass of r1/t/1#1/tester has 2 verdicts")

    def test_a_trial_that_takes_too_long(self):
        self.find("trial_ended")["wall"] += 100
        self.expect("P1", "took 10")

    def test_a_long_trial_under_a_coordinator_that_was_away(self):
        for kind in ("trial_ended", "cell_ended", "run_ended"):
            self.find(kind)["wall"] += 100
        self.history.settings["coordinator_away"] = [(self.stopping(), self.stopping() + 90)]
        self.expect_nothing()

    def test_what_did_not_come_to_its_end(self):
        self.history.problems.append("every run ends: not within 240 s")
        self.expect("P1", "not within 240 s")

    # ---- P2
    def test_an_acknowledged_submission_that_is_gone(self):
        self.history.submissions.append({"t": 1001, "do": "submit", "key": "other", "status": 0, "run": "r2"})
        self.expect("P2", "the submission other was acknowledged as r2")

    def test_one_submission_two_runs(self):
        again = self.again(self.find("run_accepted"))
        again["body"]["run"] = 2
        self.expect("P2", "the submission k became r1, r2")

    def test_an_acknowledged_cancellation_that_is_gone(self):
        self.history.submissions.append({"t": 1000.3, "do": "cancel", "key": "k", "status": 0, "run": "r1"})
        self.expect("P2", "the cancellation of r1")

    def test_a_lost_event_of_an_outbox(self):
        self.remove(self.find("instance_event", having="case_result"))
        self.expect("P2", "event 2 of host-b follows 0")

    def test_a_lost_event_of_a_spool(self):
        self.find("instance_event", -1)["body"]["event"]["sequence"] += 1
        self.expect("P2", "what its guard observed as 5 follows 3")

    def test_an_outbox_that_nobody_read(self):
        self.history.outboxes["host-a"] = 3
        self.expect("P2", "3 events of host-a were never acknowledged")

    def test_stored_content_that_is_damaged(self):
        self.history.blobs[HASH] = "00" * 32
        self.expect("P2", "is damaged")

    def test_stored_content_that_is_gone(self):
        self.history.blobs[HASH] = None
        self.expect("P2", "is not there")

    # ---- P3
    def second_attempt(self, began):
        self.history.records.insert(-2, {"sequence": 900, "wall": began, "kind": "trial_started", "body": {
            "trial": 2, "run": 1, "attempt": 2, "name": "r1/t/1#2", "lease_ms": 4000,
            "services": [{"service": "server", "agent": "host-a", "instance": 3}]}})
        builder = Builder()
        builder.history = self.history
        builder.process(30, 3, "host-a", "nginx", "server", began, began + 1)

    def test_two_generations_at_a_time(self):
        self.second_attempt(self.process(20)["last"] - 0.05)
        self.expect("P3", "process 20 of instance 1.1 still lived when 3 ran")

    def test_a_second_attempt_before_the_first_has_ended(self):
        self.second_attempt(self.wall_of_end() + 1)
        self.find("trial_ended")["sequence"] = 901
        self.expect("P3", "r1/t/1#2 began before r1/t/1#1 had ended")

    def wall_of_end(self):
        return self.find("trial_ended")["wall"]

    def test_two_generations_where_nobody_could_sweep(self):
        at = self.process(20)["last"] - 0.1
        self.fault("kill guard and agent", at, marker="1.1@h", place="host-a")
        self.history.settings["agents_away"]["host-a"] = [(at, at + 5)]
        self.second_attempt(self.process(20)["last"] - 0.05)
        self.assertFalse([v for v in checker.check(self.history) if v[0] == "P3"])

    def test_a_process_of_an_instance_that_was_never_placed(self):
        self.process(20)["instance"] = 77
        self.expect("P3", "which the store does not know")

    def test_a_trial_that_is_started_twice(self):
        self.again(self.find("trial_started"))
        self.expect("P3", "was started twice")

    # ---- P4
    def test_an_orphan(self):
        self.process(20)["alive"] = True
        self.expect("P4", "process 20 (nginx) of instance 1 is left")

    def test_a_leftover(self):
        self.history.leftovers.append("host-a: the folder of instance 1.1 is left")
        self.expect("P4", "the folder of instance 1.1")

    def test_a_process_that_outlives_its_instance(self):
        self.process(20)["last"] = self.wall_of_end() + 0.5
        self.expect("P4", "process 20 (nginx) lived")

    def test_a_process_that_nobody_swept(self):
        self.fault("kill guard", self.process(20)["last"], marker="1.1@h", place="host-a")
        self.process(20)["last"] = self.find("instance_event", having="instance_ended")["wall"] + 0.5
        self.expect("P4", "process 20 (nginx) lived")

    def test_a_process_that_waits_for_a_frozen_disk(self):
        self.fault("slow disk", self.process(20)["last"], self.wall_of_end() + 1, place="host-a")
        self.process(20)["last"] = self.wall_of_end() + 0.5
        self.expect_nothing()

    def test_a_guard_that_does_not_end(self):
        self.process(20)["kind"] = "guard"
        self.process(20)["last"] = self.wall_of_end() + 20
        self.expect("P4", "its guard 20 lived")

    def test_a_process_that_outlives_its_lease(self):
        began = self.process(20)["started"]
        self.history.settings["cut_off"]["host-a"] = [(began + 0.1, began + 60)]
        self.process(20)["last"] = began + 30
        self.expect("P4", "after the last grant, its lease is 4 s")

    def test_a_process_that_ends_with_its_lease(self):
        began = self.process(20)["started"]
        self.history.settings["cut_off"]["host-a"] = [(began + 0.1, began + 60)]
        self.expect_nothing()

    def lose_guard(self, text):
        ended = self.find("instance_event", having="instance_ended")["body"]["event"]["instance_ended"]
        ended.update(cause=3, text=text)
        for kind in ("trial_ended", "cell_ended"):
            self.find(kind)["body"]["outcome"]["verdict"] = ERROR
        self.history.results["r1"][0]["verdict"] = "error"

    def test_a_guard_that_nobody_killed(self):
        self.lose_guard("its guard was killed by signal 9")
        self.expect("P6", "r1/t/1#1/server: its guard was lost (its guard was killed by signal 9), and nobody harmed it")

    def test_a_guard_that_was_killed(self):
        self.lose_guard("its guard was killed by signal 9")
        self.fault("kill guard", self.stopping() - 0.1, marker="1.1@h", name="panther-guard")
        self.expect_nothing()

    def test_a_guard_whose_agent_was_killed_before_it_began(self):
        self.lose_guard("its guard was killed while it started")
        self.fault("kill agent", self.stopping() - 0.3, place="host-b")
        self.expect("P6", "and nobody harmed it")
        self.fault("kill agent", self.stopping() - 0.3, place="host-a")
        self.expect_nothing()

    def test_a_guard_whose_agent_was_killed_with_another_guard(self):
        self.lose_guard("its guard was killed while it started")
        self.fault("kill guard and agent", self.stopping() - 0.3, place="host-b", marker="9.1@h", name="panther-guard")
        self.expect("P6", "and nobody harmed it")
        self.fault("kill guard and agent", self.stopping() - 0.3, place="host-a", marker="9.1@h", name="panther-guard")
        self.expect_nothing()

    def test_the_spool_of_a_guard_that_ended_well(self):
        self.lose_guard("its guard ended with status 0")
        self.expect("P2", "its guard ended well, and what it observed at its end is lost")

    # ---- P9
    def test_a_pass_under_a_killed_tester(self):
        self.fault("kill tester", self.stopping() - 0.5, marker="2.1@h", name="h2load")
        self.expect("P9", "h2load of r1/t/1#1/tester was killed")

    def test_a_pass_under_a_killed_server(self):
        self.fault("kill server", self.stopping() - 0.5, marker="1.1@h", name="nginx")
        self.expect("P9", "nginx of r1/t/1#1/server was killed")

    def test_a_pass_on_a_host_without_power(self):
        self.fault("power off", self.stopping() - 0.5, markers=["1.1@h"], place="host-a")
        self.expect("P9", "everything of r1/t/1#1/server was killed")

    def test_a_kill_after_all_was_over(self):
        self.fault("kill server", self.stopping() + 0.1, marker="1.1@h", name="nginx")
        self.expect_nothing()

    def test_a_pass_with_a_lost_instance(self):
        self.find("instance_event", having="instance_ended")["body"]["event"]["instance_ended"]["cause"] = 3
        self.expect("P9", "ended with the causes [3]")

    def test_a_pass_without_a_stream(self):
        self.find("instance_event", having="stream_end")["body"]["event"]["stream_end"]["stream"] = "other"
        self.expect("P9", "stream nginx.stdout of r1/t/1#1/server has no end")

    def test_a_pass_without_the_end_of_a_process(self):
        self.find("instance_event", having="process_exited")["body"]["event"]["process_exited"]["process"] = 9
        self.expect("P9", "the end of process nginx was never told")

    def test_a_pass_with_a_failed_case(self):
        self.find("instance_event", having="case_result")["body"]["event"]["case_result"]["outcome"]["verdict"] = ERROR
        self.expect("P9", "case pass is error")

    def test_a_pass_that_tested_nothing(self):
        self.remove(self.find("cases_released"))
        self.expect("P9", "was told to do nothing")

    def test_a_pass_that_was_asked_to_fail(self):
        self.find("trial_ended")["body"]["name"] = self.find("trial_started")["body"]["name"] = "r1/verdicts/fail/1#1"
        self.expect("P9", "which it was told not to")

    def test_a_crash_that_passes(self):
        self.find("instance_event", having="case_result")["body"]["event"]["case_result"]["name"] = "crash"
        self.expect("P9", "case crash of r1/t/1#1/tester passed")

    def client_ran(self):
        """An h2load on host-b, before the result of the case."""
        began = self.find("cases_released")["wall"]
        for name, at in (("process_started", began), ("process_exited", began + 0.09)):
            self.history.records.insert(4, {"sequence": 950, "wall": at, "kind": "instance_event", "body": {
                "agent": "host-b", "epoch": "e", "sequence": 0, "event": {"instance": 2, "generation": 1, "sequence": 0, "wall_ns": int(at * 1e9),
                                                                         name: {"process": 5, "name": "h2load"}}}})
        self.history.records[4], self.history.records[5] = self.history.records[5], self.history.records[4]
        return began

    def test_a_pass_over_a_pulled_cable(self):
        began = self.client_ran()
        self.fault("pull cable", began - 1, began + 1, place="host-a")
        self.expect("P9", "the cable of host-a was out while h2load ran")

    def test_a_cable_that_was_out_for_a_part_of_the_time(self):
        began = self.client_ran()
        self.fault("pull cable", began - 1, began + 0.05, place="host-a")
        self.assertFalse([text for _, text in checker.check(self.history) if "cable" in text])

    # ---- P6, P7, P10
    def test_a_program_that_ends_by_itself(self):
        self.history.exits.append({"t": 1, "program": "host-a", "status": -6, "stopping": False, "excused": False})
        self.expect("P6", "host-a ended by itself with status -6")

    def test_a_journal_with_a_hole(self):
        self.history.broken.append("the journal has no record 7")
        self.expect("P7", "no record 7")

    def test_results_that_say_something_else(self):
        self.history.results["r1"][0]["verdict"] = "fail"
        self.expect("P7", "is pass in the journal, fail in results")

    def test_a_stream_that_was_never_stored(self):
        self.remove(self.find("content_stored"))
        self.expect("P10", "ended and was never stored")

    def test_a_stream_that_is_stored_with_another_hash(self):
        self.find("content_stored")["body"]["hash"] = "cd" * 32
        self.expect("P10", "is stored with another hash")


class Witnesses(unittest.TestCase):
    def test_times_away(self):
        life = [{"program": "host-a", "now": now, "t": t} for now, t in
                (("started", 1), ("held", 3), ("killed", 4), ("ended", 4.1), ("started", 6), ("held", 8), ("released", 9), ("ended", 20))]
        self.assertEqual(windows.away(life, "host-a", 30), [(3, 6), (8, 9), (20, 30)])

    def test_a_signal_that_we_did_not_send_is_no_excuse(self):
        history = history_module.History()
        history.life = [{"program": "host-a", "now": "killed", "t": 10.0}]
        history.faults = [{"kind": "fill disk", "place": "host-a", "t": 50.0, "healed": 55.0}]
        history.exits = [{"program": "host-a", "t": t, "status": s} for t, s in ((10.1, -9), (30.0, -9), (52.0, 74), (52.0, -6), (70.0, 1))]
        windows.excuse_exits(history)
        self.assertEqual([end["excused"] for end in history.exits], [True, False, True, False, False])

    def test_the_same_seed_is_the_same_schedule(self):
        def faults(seed):
            return [fault.as_dict() for fault in schedule.make(seed, 3, ["host-a", "host-b"], True, "ext4")]
        self.assertEqual(faults(7), faults(7))
        self.assertNotEqual(faults(7), faults(8))
        self.assertEqual({fault["kind"] for fault in faults(7)}, set(schedule.KINDS))

    def test_messages_are_read_by_their_files(self):
        vocabulary = messages.Vocabulary(PROTO)
        # Record{format 1, wall_ns -1, cell_ended{run 3, name "r3", outcome{verdict 1}}}
        data = bytes([8, 1, 16] + [255] * 9 + [1] + [17 << 3 & 255 | 2 | 128, 1, 10, 8, 3, 34, 2]) + b"r3" + bytes([42, 2, 8, 1])
        self.assertEqual(vocabulary.read("Record", data),
                         {"format": 1, "wall_ns": -1, "cell_ended": {"run": 3, "name": "r3", "outcome": {"verdict": 1}}})

    def journal(self, payloads):
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "journal.db")
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE journal(sequence INTEGER PRIMARY KEY, hash BLOB, payload BLOB)")
        link = bytes(32)
        for sequence, payload in enumerate(payloads, 1):
            link = hashlib.blake2b(link + payload, digest_size=32).digest()
            database.execute("INSERT INTO journal VALUES(?, ?, ?)", (sequence, link, payload))
        database.commit()
        return path, database

    def test_a_whole_journal(self):
        path, _ = self.journal([bytes([8, 1, 146, 1, 2, 8, 5])] * 3)
        history = history_module.History()
        history_module.read_journal(history, path, PROTO)
        self.assertEqual(history.broken, [])
        self.assertEqual([(r["kind"], r["body"]) for r in history.records], [("run_ended", {"run": 5})] * 3)

    def test_a_changed_record_and_a_missing_one(self):
        path, database = self.journal([bytes([8, 1])] * 5)
        database.execute("UPDATE journal SET payload = x'0802' WHERE sequence = 2")
        database.execute("DELETE FROM journal WHERE sequence = 4")
        database.commit()
        history = history_module.History()
        history_module.read_journal(history, path, PROTO)
        self.assertIn("the hash link of record 2 is broken", history.broken)
        self.assertIn("the journal has no record 4", history.broken)

    def test_the_watcher_sees_a_short_life_and_one_that_stays(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path, host = os.path.join(folder, "lives"), f"host{os.getpid()}"
        watcher = subprocess.Popen([sys.executable, os.path.join(HERE, "watcher.py"), path, "0.01"])
        began = time.time()
        forgetful = "env -i /bin/sleep 0.5; true"  # its sleep has no marker any more, but a parent
        with subprocess.Popen(["/bin/sh", "-c", "exec sleep 1"], env={"PANTHER_INSTANCE": f"7.2@{host}"}) as short, \
                subprocess.Popen(["/bin/sh", "-c", forgetful], env={"PANTHER_INSTANCE": f"9.1@{host}"}), \
                subprocess.Popen(["/bin/sleep", "60"], env={"PANTHER_INSTANCE": f"8.1@{host}"}) as stays:
            short.wait()
            while not any(line.get("gone", [0])[0] == short.pid for line in history_module.lines(path)):
                self.assertLess(time.time(), began + 30, "the watcher saw nothing end")
                time.sleep(0.02)
            watcher.send_signal(signal.SIGTERM)
            watcher.wait()
            stays.kill()
        history = history_module.History()
        history_module.read_watcher(history, path, {host: "host-a"})
        lives = {life["instance"]: life for life in history.processes}
        self.assertEqual((lives[7]["generation"], lives[7]["name"], lives[7]["alive"]), (2, "sleep", False))
        self.assertEqual(lives[7]["pid"], short.pid)
        self.assertGreater(lives[7]["last"], began + 0.5)
        self.assertTrue(lives[8]["alive"])
        self.assertIn("sleep", [life["name"] for life in history.processes if life["instance"] == 9])
        history_module.read_watcher(history, path, {"another host": "host-a"})
        self.assertEqual(history.processes, [])


if __name__ == "__main__":
    unittest.main()
