"""Checks a history against the promises P1 to P4, P9 and P10 of tests/README.md. Pure: a history in, violations out; knows nothing of the
product but what it promises. checker_test.py shows for each check that it can fail."""

import re

# ---- the product's promises in seconds, and what a busy machine may take on top
KILL_LADDER_S = 5.0  # after the lease: TERM, grace, KILL
OVERDUE_S = 15.0  # an agent kills a guard that outlived its lease for so long
SLACK_S = 4.0  # eight test runs beside us on two processors: wake-ups come late
SWEEP_S = 12.0  # an agent that starts again finds what a guard left: its start, its sweep
CLOCK_S = 0.25  # records carry the time of their decision, faults that of their deed
CLAIM_S = 0.02  # who says that nothing lives has looked before; the watcher wrote when its look began

PASS = 1
CANCELLED = 4
VERDICTS = ("none", "pass", "inconc", "fail", "error")
REASONS = ("", "timeout", "lost", "killed", "cancelled", "unsupported", "assertion", "violation", "crash", "incomplete", "infrastructure")
END_CLEANED, END_GUARD_LOST = 1, 3
# What the load asks for (load.py): such a cell or case can have any verdict but this one.
NEVER_PASSES = re.compile(r"/verdicts/(fail|inconc|error)/|^(crash|hang)$")
CLIENTS = ("h2load", "gtlsclient")  # programs that need the server's host
KILLS = ("kill guard", "kill host", "kill server", "kill tester", "kill guard and agent", "power off")


class Story:
    """The journal, by run, trial and instance."""

    def __init__(self, history):
        self.history = history
        self.violations = []
        self.runs, self.trials, self.instances = {}, {}, {}
        self.cells = {}  # (run, test, cell) -> records
        for record in history.records:
            getattr(self, "_" + record["kind"], lambda _record: None)(record)

    def violated(self, promise, text):
        self.violations.append((promise, text))

    def _run_accepted(self, record):
        run = record["body"]["run"]
        if run in self.runs:
            self.violated("P1", f"r{run} was accepted twice")
        self.runs[run] = {"accepted": record, "ended": [], "cancelled": False}

    def _run_cancelled(self, record):
        self.runs[record["body"]["run"]]["cancelled"] = True

    def _run_ended(self, record):
        self.runs[record["body"]["run"]]["ended"].append(record)

    def _cell_ended(self, record):
        body = record["body"]
        self.cells.setdefault((body["run"], body.get("test", 0), body.get("cell", 0)), []).append(record)

    def _trial_started(self, record):
        body = record["body"]
        if body["trial"] in self.trials:
            self.violated("P3", f"{body['name']} was started twice")
        trial = self.trials[body["trial"]] = {"name": body["name"], "cell": (body["run"], body.get("test", 0), body.get("cell", 0)),
                                              "started": record, "stopping": None, "ended": [], "instances": [], "lease": body["lease_ms"] / 1000}
        for service in body.get("services", []):
            instance = {"trial": trial, "service": service["service"], "agent": service["agent"], "is_tester": service.get("is_tester", False),
                        "id": service["instance"], "events": [], "released": [], "lost": None, "stored": {}}
            trial["instances"].append(instance)
            self.instances[service["instance"]] = instance

    def _cases_released(self, record):
        self.instances[record["body"]["instance"]]["released"].append(record["body"])

    def _instance_event(self, record):
        instance = self.instances.get(record["body"]["event"]["instance"])
        if instance is None:
            self.violated("P3", f"an event of instance {record['body']['event']['instance']}, which was never placed")
        else:
            instance["events"].append(record)

    def _instance_lost(self, record):
        self.instances[record["body"]["instance"]]["lost"] = record

    def _trial_stopping(self, record):
        self.trials[record["body"]["trial"]]["stopping"] = record

    def _trial_ended(self, record):
        self.trials[record["body"]["trial"]]["ended"].append(record)

    def _content_stored(self, record):
        body = record["body"]
        self.instances[body["instance"]]["stored"][(body.get("generation", 0), body["name"])] = body


def verdict_of(body):
    outcome = body.get("outcome", {})
    return outcome.get("verdict", 0), outcome.get("reason", 0)


def verdict_text(body):
    verdict, reason = verdict_of(body)
    return VERDICTS[verdict] + (f" ({REASONS[reason]})" if reason else "")


def events_of(instance, kind, stale=False):
    return [r["body"]["event"][kind] for r in instance["events"] if kind in r["body"]["event"] and (stale or not r["body"].get("stale"))]


# ---- P1: one verdict each

def check_runs_and_cells(story):
    by_run = {}
    for (run, _, _), records in story.cells.items():
        by_run[run] = by_run.get(run, 0) + 1
        if len(records) != 1:
            story.violated("P1", f"{records[0]['body']['name']} has {len(records)} verdicts: "
                           + ", ".join(verdict_text(r["body"]) for r in records))
    for number, run in story.runs.items():
        body = run["accepted"]["body"]
        if len(run["ended"]) != 1:
            story.violated("P1", f"r{number} ended {len(run['ended'])} times")
        if by_run.get(number, 0) != body["cells"]:
            story.violated("P1", f"r{number} has {body['cells']} cells and {by_run.get(number, 0)} verdicts")
        for ended in run["ended"]:
            counted = sum(ended["body"].get(name, 0) for name in ("passed", "failed", "inconclusive", "errors", "none"))
            if counted != body["cells"]:
                story.violated("P1", f"r{number} ended with {counted} verdicts counted, of {body['cells']} cells")


def check_trials(story):
    attempts = {}
    for trial in story.trials.values():
        attempts.setdefault(trial["cell"], []).append(trial)
        if len(trial["ended"]) != 1:
            story.violated("P1", f"{trial['name']} ended {len(trial['ended'])} times")
    for cell, trials in attempts.items():
        for before, after in zip(trials, trials[1:]):
            if not before["ended"] or before["ended"][0]["sequence"] > after["started"]["sequence"]:
                story.violated("P3", f"{after['name']} began before {before['name']} had ended")
        for ended in story.cells.get(cell, [])[:1]:
            last = trials[-1]
            if ended["body"].get("attempts", 0) != len(trials):
                story.violated("P1", f"{ended['body']['name']} says {ended['body'].get('attempts', 0)} attempts of {len(trials)}")
            if verdict_of(ended["body"])[1] == CANCELLED and story.runs[cell[0]]["cancelled"]:
                continue  # between two attempts
            if last["ended"] and verdict_of(last["ended"][0]["body"])[0] != verdict_of(ended["body"])[0]:
                story.violated("P1", f"{ended['body']['name']} is {verdict_text(ended['body'])}, its last attempt "
                               f"{verdict_text(last['ended'][0]['body'])}")


def check_cases(story):
    for instance in story.instances.values():
        if not instance["trial"]["ended"]:
            continue
        results = {}
        for result in events_of(instance, "case_result"):
            results[result["number"]] = results.get(result["number"], 0) + 1
        unfinished = [case["name"] for case in instance["trial"]["ended"][0]["body"].get("unfinished", [])
                      if case.get("instance") == instance["id"]]
        for released in instance["released"]:
            if released.get("execute"):
                continue
            name = f"{instance['trial']['name']}/{instance['service']}"
            for index, case in enumerate(released.get("cases", [])):
                count = results.get(released["first_number"] + index, 0) + unfinished.count(case)
                if count != 1:
                    story.violated("P1", f"case {case} of {name} has {count} verdicts")


# The deadline of a trial runs in the coordinator: while that is away, or its disk takes nothing, nobody can end anything.
def check_bounded(story):
    away = story.history.settings["coordinator_away"]
    for trial in story.trials.values():
        for ended in trial["ended"][:1]:
            began, end = trial["started"]["wall"], ended["wall"]
            took = end - began - sum(max(0.0, min(end, b) - max(began, a)) for a, b in away)
            bound = story.history.settings["trial_limit_s"] + trial["lease"] + KILL_LADDER_S + OVERDUE_S
            if took > bound:
                story.violated("P1", f"{trial['name']} took {took:.0f} s, of at most {bound:.0f} s")


# What the command line says is what the journal says.
def check_results(story):
    for run, rows in story.history.results.items():
        ended = {records[0]["body"]["name"]: records[0]["body"] for (number, _, _), records in story.cells.items() if f"r{number}" == run}
        shown = {row["name"]: row for row in rows}
        for name, body in ended.items():
            row = shown.get(name)
            if row is not None and row["verdict"] != VERDICTS[verdict_of(body)[0]]:
                story.violated("P7", f"{name} is {verdict_text(body)} in the journal, {row['verdict']} in results")
        for name in shown.keys() - ended.keys():
            story.violated("P7", f"{name} is shown by results and has no verdict in the journal")


# ---- P2: what was acknowledged is there, and what was observed is not lost

def check_acknowledged(story):
    keys = {}
    for number, run in story.runs.items():
        keys.setdefault(run["accepted"]["body"].get("key", ""), []).append(f"r{number}")
    for key, runs in keys.items():
        if len(runs) > 1:
            story.violated("P2", f"the submission {key} became {', '.join(runs)}")
    for submission in story.history.submissions:
        if submission["status"] != 0:
            continue
        if submission["do"] == "submit" and keys.get(submission["key"]) != [submission["run"]]:
            story.violated("P2", f"the submission {submission['key']} was acknowledged as {submission['run']}, the store has "
                           f"{keys.get(submission['key'])}")
        if submission["do"] == "cancel" and not _was_cancelled(story, submission):
            story.violated("P2", f"the cancellation of {submission['run']} was acknowledged and is not in the store")


def _was_cancelled(story, submission):
    run = story.runs.get(int(submission["run"][1:]))
    return run and (run["cancelled"] or any(ended["wall"] <= submission["t"] for ended in run["ended"]))


def check_journal(story):
    for text in story.history.broken:
        story.violated("P7", text)


def check_sequences(story):
    last = {}
    for record in story.history.records:
        if record["kind"] == "instance_event":
            body = record["body"]
            outbox = (body["agent"], body["epoch"])
            if body["sequence"] != last.get(outbox, 0) + 1:
                story.violated("P2", f"record {record['sequence']}: event {body['sequence']} of {body['agent']} follows {last.get(outbox, 0)}")
            last[outbox] = body["sequence"]
    for instance in story.instances.values():
        spool = {}
        for record in instance["events"]:
            event = record["body"]["event"]
            number, generation = event.get("sequence", 0), event.get("generation", 0)
            if number == 0 and "instance_ended" in event:
                continue  # the agent's own word for a guard that went without one
            if number != spool.get(generation, 0) + 1:
                story.violated("P2", f"{_name(instance)}: what its guard observed as {number} follows {spool.get(generation, 0)}")
            spool[generation] = number
    for host, rows in story.history.outboxes.items():
        if rows:
            story.violated("P2", f"{rows} events of {host} were never acknowledged")


def _name(instance):
    return f"{instance['trial']['name']}/{instance['service']}"


# ---- P3, P4: what lives, as the watcher saw it

def _overlaps(one, other):
    """Both were alive at one time: the later had started when the earlier was seen."""
    return other["started"] < one["last"] and one["started"] < other["last"]


def check_one_generation(story):
    services = {}
    for process in story.history.processes:
        instance = story.instances.get(process["instance"])
        if instance is None:
            story.violated("P3", f"process {process['pid']} ({process['name']}) of instance {process['instance']}, which the store does not know")
            continue
        if process["kind"] == "guard":
            continue  # it says that nothing lives any more, and then ends itself
        services.setdefault((instance["trial"]["cell"], instance["service"]), []).append(process)
    for processes in services.values():
        for index, one in enumerate(processes):
            for other in processes[index + 1:]:
                if (one["instance"], one["generation"]) == (other["instance"], other["generation"]) or not _overlaps(one, other):
                    continue
                first = min(one, other, key=lambda life: life["started"])
                if first["last"] > _excused_until(story, first):
                    story.violated("P3", f"{_name(story.instances[first['instance']])}: process {first['pid']} of instance {first['instance']}."
                                   f"{first['generation']} still lived when {max(one, other, key=lambda l: l['started'])['instance']} ran")


def _disk_excuses_until(story, process):
    """What waits for a frozen disk does not die."""
    until = 0.0
    for fault in story.history.faults:
        healed = fault["healed"] + KILL_LADDER_S + SLACK_S
        if fault["kind"] == "slow disk" and fault.get("place") == process["host"] and fault["t"] <= process["last"] <= healed:
            until = max(until, healed)
    return until


def _excused_until(story, process):
    """How long it may live whatever its lease says: its guard was held or killed, and its agent could not sweep (the exception that P4
    states)."""
    settings, until = story.history.settings, _disk_excuses_until(story, process)
    marker = f"{process['instance']}.{process['generation']}@"
    away = settings["agents_away"].get(process["host"], [])
    for fault in story.history.faults:
        is_its = str(fault.get("marker", "")).startswith(marker) or any(m.startswith(marker) for m in fault.get("markers", []))
        begun, healed = fault["t"], fault.get("healed", fault["t"])
        if fault["kind"] in ("stop guard",) and is_its:
            until = max(until, healed + KILL_LADDER_S + SLACK_S)
        if fault["kind"] in ("kill guard", "kill guard and agent", "power off") and is_its:
            back = max([begun] + [b for a, b in away if a <= begun + SLACK_S and b >= begun])
            until = max(until, back + SWEEP_S)
    return until


def check_ends(story):
    """When a guard, or an agent in its place, says that an instance has ended, nothing of it lives: they have looked. When a trial has
    ended, neither, but for what nobody could look at."""
    for process in story.history.processes:
        instance = story.instances.get(process["instance"])
        if instance is None or process["kind"] == "guard":
            continue
        ends = [(r["body"]["event"]["wall_ns"] / 1e9, "its InstanceEnded", _disk_excuses_until) for r in instance["events"]
                if "instance_ended" in r["body"]["event"] and r["body"]["event"].get("generation") == process["generation"]]
        ends += [(r["wall"], "the end of its trial", _excused_until) for r in instance["trial"]["ended"][:1]]
        for wall, what, excused_until in ends:
            if process["last"] > wall + CLAIM_S and process["last"] > excused_until(story, process):
                story.violated("P4", f"{_name(instance)}: process {process['pid']} ({process['name']}) lived {process['last'] - wall:.1f} s "
                               f"after {what}")
                break


def check_guards_end(story):
    for process in story.history.processes:
        instance = story.instances.get(process["instance"])
        if instance is None or process["kind"] != "guard" or not instance["trial"]["ended"]:
            continue
        wall = instance["trial"]["ended"][0]["wall"] + SLACK_S
        if process["last"] > wall and process["last"] > _excused_until(story, process):
            story.violated("P4", f"{_name(instance)}: its guard {process['pid']} lived {process['last'] - wall:.1f} s too long")


def check_leases(story):
    """While no grant can reach a host, what runs there ends with its lease."""
    for host, intervals in story.history.settings["cut_off"].items():
        for begin, end in intervals:
            for process in story.history.processes:
                instance = story.instances.get(process["instance"])
                if process["host"] != host or instance is None:
                    continue
                limit = begin + instance["trial"]["lease"] + KILL_LADDER_S + SLACK_S
                if limit < end and process["started"] < end and process["last"] > limit and process["last"] > _excused_until(story, process):
                    story.violated("P4", f"{_name(instance)}: process {process['pid']} ({process['name']}) on {host} lived "
                                   f"{min(process['last'], end) - begin:.1f} s after the last grant, its lease is {instance['trial']['lease']:.0f} s")


def check_leftovers(story):
    for text in story.history.leftovers:
        story.violated("P4", text)
    for process in story.history.processes:
        if process["alive"]:
            story.violated("P4", f"process {process['pid']} ({process['name']}) of instance {process['instance']} is left")


def check_lost_guards(story):
    """A guard that was lost was killed, or its host had no room for it; one that ended by itself has said so in its spool."""
    for instance in story.instances.values():
        for ended in events_of(instance, "instance_ended", stale=True):
            if ended.get("cause") != END_GUARD_LOST:
                continue
            if "ended with status 0" in ended.get("text", ""):
                story.violated("P2", f"{_name(instance)}: its guard ended well, and what it observed at its end is lost")
            elif not any(_explains_loss(fault, instance, ended.get("text", "")) for fault in story.history.faults):
                story.violated("P6", f"{_name(instance)}: its guard was lost ({ended.get('text')}), and nobody harmed it")


def _explains_loss(fault, instance, text):
    markers = fault.get("markers", []) + [str(fault.get("marker", ""))]
    if any(marker.split(".")[0] == str(instance["id"]) for marker in markers):
        return fault["kind"] in ("kill guard", "kill guard and agent", "power off", "stop guard")
    began = instance["trial"]["started"]["wall"]
    ended = instance["trial"]["ended"][0]["wall"] if instance["trial"]["ended"] else began
    if fault["t"] > ended or fault["healed"] < began - SLACK_S or fault.get("place") not in (instance["agent"], "", "coordinator"):
        return False
    if "while it started" in text:  # the agent was killed between its intent and the guard's start
        kills_agent = fault["kind"] in ("kill agent", "kill both ends", "kill guard and agent")
        return fault["kind"] == "kill all ends" or (kills_agent and fault["place"] == instance["agent"])
    return fault["kind"] in ("fill disk", "no descriptors", "slow disk") and fault["place"] == instance["agent"]


# ---- P9: no false pass; P10: streams

def check_passes(story):
    for trial in story.trials.values():
        for ended in trial["ended"][:1]:
            if verdict_of(ended["body"])[0] == PASS:
                _check_pass(story, trial)


def _check_pass(story, trial):
    if NEVER_PASSES.search(trial["name"]):
        story.violated("P9", f"{trial['name']} passed, which it was told not to")
    for instance in trial["instances"]:
        name = _name(instance)
        causes = [ended.get("cause", 0) for ended in events_of(instance, "instance_ended")]
        if causes != [END_CLEANED]:
            story.violated("P9", f"{trial['name']} passed, but {name} ended with the causes {causes}")
        for result in events_of(instance, "case_result"):
            if verdict_of(result)[0] != PASS:
                story.violated("P9", f"{trial['name']} passed, but case {result['name']} is {verdict_text(result)}")
        if instance["is_tester"] and not instance["released"]:
            story.violated("P9", f"{trial['name']} passed, but {name} was told to do nothing")
        _check_streams(story, trial, instance)
        _check_kills(story, trial, instance)
        if instance["is_tester"]:
            _check_cables(story, trial, instance)


def check_cases_that_cannot_pass(story):
    for instance in story.instances.values():
        for result in events_of(instance, "case_result", stale=True):
            if NEVER_PASSES.search(result["name"]) and verdict_of(result)[0] == PASS:
                story.violated("P9", f"case {result['name']} of {_name(instance)} passed, which it cannot")


def _times_of(instance, program):
    """[(from, to)]: when the guard saw processes of this name start and end."""
    began, times = {}, []
    for record in instance["events"]:
        event = record["body"]["event"]
        if event.get("process_started", {}).get("name") == program:
            began[event["process_started"]["process"]] = event["wall_ns"] / 1e9
        if event.get("process_exited", {}).get("process") in began:
            times.append((began[event["process_exited"]["process"]], event["wall_ns"] / 1e9))
    return times


def _check_cables(story, trial, tester):
    """A client whose host, or whose server's host, was cut off all the time cannot have reached anything."""
    hosts = {instance["agent"] for instance in trial["instances"]}
    if len(hosts) < 2:
        return
    for program in CLIENTS:
        for begin, end in _times_of(tester, program):
            for fault in story.history.faults:
                if fault["kind"] == "pull cable" and fault["place"] in hosts and fault["t"] < begin and fault["healed"] > end:
                    story.violated("P9", f"{trial['name']} passed, but the cable of {fault['place']} was out while {program} ran")


def _check_streams(story, trial, instance):
    ends = {end["stream"]: end for end in events_of(instance, "stream_end")}
    exited = [process["process"] for process in events_of(instance, "process_exited")]
    wanted = ["plugin.log", "host.stderr"]
    names = {}
    for process in events_of(instance, "process_started"):
        names[process["name"]] = names.get(process["name"], 0) + 1
        suffix = f".{names[process['name']]}" if names[process["name"]] > 1 else ""
        wanted += [f"{process['name']}{suffix}.stdout", f"{process['name']}{suffix}.stderr"]
        if exited.count(process["process"]) != 1:
            story.violated("P9", f"{trial['name']} passed, but the end of process {process['name']} was never told")
    for stream in wanted:
        if stream not in ends:
            story.violated("P9", f"{trial['name']} passed, but stream {stream} of {_name(instance)} has no end")


def _check_kills(story, trial, instance):
    """What was killed before the trial wound down cannot have passed."""
    stopping = trial["stopping"]["wall"] if trial["stopping"] else trial["ended"][0]["wall"]
    for fault in story.history.faults:
        if fault["kind"] not in KILLS or fault["t"] > stopping - CLOCK_S:
            continue
        markers = fault.get("markers", []) + ([fault["marker"]] if fault.get("marker") else [])
        if any(marker.split(".")[0] == str(instance["id"]) for marker in markers):
            story.violated("P9", f"{trial['name']} passed, but {fault.get('name', 'everything')} of {_name(instance)} was killed "
                           f"{stopping - fault['t']:.2f} s before it was over")


def check_streams(story):
    """Every stream that was said to be whole is stored whole."""
    for instance in story.instances.values():
        for record in instance["events"]:
            event = record["body"]["event"]
            if "stream_end" not in event:
                continue
            end = event["stream_end"]
            stored = instance["stored"].get((event.get("generation", 0), end["stream"]))
            if stored is None:
                story.violated("P10", f"{_name(instance)}: stream {end['stream']} ended and was never stored")
            elif stored["hash"] != end["hash"] and not end.get("dropped_bytes"):
                story.violated("P10", f"{_name(instance)}: stream {end['stream']} is stored with another hash")
    for hash_, real in story.history.blobs.items():
        if hash_ != real:
            story.violated("P2", f"the stored content {hash_[:12]} is " + ("not there" if real is None else "damaged"))


# ---- what did not come to its end, and programs that ended by themselves

def check_programs(story):
    for text in story.history.problems:
        story.violated("P1", text)
    for end in story.history.exits:
        if not end["excused"] and not end["stopping"]:
            story.violated("P6", f"{end['program']} ended by itself with status {end['status']}")


CHECKS = (check_journal, check_runs_and_cells, check_trials, check_cases, check_bounded, check_results, check_acknowledged, check_sequences,
          check_one_generation, check_ends, check_guards_end, check_lost_guards, check_leases, check_leftovers, check_passes,
          check_cases_that_cannot_pass, check_streams, check_programs)


def check(history):
    """Violations as (promise, text), in the order of the checks."""
    story = Story(history)
    for one in CHECKS:
        one(story)
    return story.violations


def verdicts(history):
    """How many cells ended how, and how many trials there were."""
    counts, trials = {}, 0
    for record in history.records:
        trials += record["kind"] == "trial_started"
        if record["kind"] == "cell_ended":
            text = verdict_text(record["body"])
            counts[text] = counts.get(text, 0) + 1
    return counts, trials
