"""From the log of what was done to programs, cables and disks: when was who away, and when could no grant of a lease reach a host."""


def joined(intervals):
    """Sorted, and those that touch are one."""
    result = []
    for begin, end in sorted(intervals):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


def away(life, program, end):
    """[(from, to)]: it did not run, or was held."""
    intervals, down, held = [], None, None
    for line in life:
        if line.get("program") != program:
            continue
        now, t = line["now"], line["t"]
        if now in ("killed", "ended"):
            down = t if down is None else down
            if held is not None:
                intervals.append((held, t))
                held = None
        elif now == "started" and down is not None:
            intervals.append((down, t))
            down = None
        elif now == "held":
            held = t if held is None else held
        elif now == "released" and held is not None:
            intervals.append((held, t))
            held = None
    for begin in (down, held):
        if begin is not None:
            intervals.append((begin, end))
    return joined(intervals)


def with_ends(faults, end):
    """Lines of faults.jsonl, those that began, each with the time it was healed."""
    healed = {line["fault"]: line["t"] for line in faults if line.get("healed")}
    begun = [dict(line) for line in faults if line.get("begun")]
    for fault in begun:
        fault["healed"] = healed.get(fault["fault"], fault["t"] if fault["kind"].startswith(("kill", "power")) else end)
    return begun


def of_faults(faults, kinds, place):
    return [(fault["t"], fault["healed"]) for fault in faults if fault["kind"] in kinds and fault.get("place") == place]


CABLES = ("pull cable", "drop outgoing", "drop incoming")


def settings(history, hosts, end, trial_limit_s):
    """What the checker must know of the times; history.faults has its ends."""
    faults, life = history.faults, history.life
    coordinator = away(life, "coordinator", end)
    no_disk = of_faults(faults, ("fill disk", "slow disk", "no descriptors"), "coordinator")
    no_link = of_faults(faults, CABLES, "coordinator")
    agents = {host: away(life, host, end) for host in hosts}
    cut = {host: joined(coordinator + no_link + agents[host] + of_faults(faults, CABLES, host)) for host in hosts}
    return {"coordinator_away": joined(coordinator + no_disk + no_link), "agents_away": agents, "cut_off": cut, "trial_limit_s": trial_limit_s}


# A full disk or no descriptors may end a program: it says so and is started again. A signal that we did not send may not.
TIGHT_S = 5.0


def excuse_exits(history):
    for end in history.exits:
        killed = any(line.get("program") == end["program"] and line["now"] == "killed" and abs(line["t"] - end["t"]) < TIGHT_S
                     for line in history.life)
        tight = any(fault["kind"] in ("fill disk", "no descriptors") and fault["place"] == end["program"]
                    and fault["t"] <= end["t"] <= fault["healed"] + TIGHT_S for fault in history.faults)
        end["excused"] = (killed and end["status"] == -9) or (tight and end["status"] > 0)
