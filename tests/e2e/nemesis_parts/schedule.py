"""Which fault when, on whom, for how long: nothing but the seed, the minutes and what the machine allows decide it."""

import random

SETTLE_BEFORE_S = 3.0  # the first trials begin
GAP_S = (0.6, 4.2)  # between the beginnings of two faults
# Two faults of one part at a time would be one; and it is left alone for a moment after each.
REST_S = 1.5

# kind: (parts, lengths in seconds to choose from). Parts: coordinator, agent (of a host), network of a place, disk of a place; a
# service's fault chooses one of the processes that live when it begins by `pick`.
SHORT, LONG = (0.3, 2.0), (5.0, 14.0)
KINDS = {
    "kill coordinator": (["coordinator"], [(0.0, 1.0), (2.0, 6.0)]),
    "stop coordinator": (["coordinator"], [SHORT, LONG]),
    "kill agent": (["agent"], [(0.0, 1.0), (2.0, 16.0)]),
    "stop agent": (["agent"], [SHORT, LONG]),
    "kill both ends": (["coordinator", "agent"], [(0.0, 2.0), (3.0, 8.0)]),
    "kill all ends": (["coordinator", "all agents"], [(0.0, 3.0)]),
    "kill guard": ([], [(0.0, 0.0)]),
    "stop guard": ([], [SHORT, LONG]),
    "kill guard and agent": (["agent"], [(0.0, 1.0), (2.0, 10.0)]),
    "kill host": ([], [(0.0, 0.0)]),
    "stop host": ([], [SHORT, LONG]),
    "kill server": ([], [(0.0, 0.0)]),
    "stop server": ([], [SHORT, LONG]),
    "kill tester": ([], [(0.0, 0.0)]),
    "stop tester": ([], [SHORT, LONG]),
    "power off": (["agent"], [(0.0, 2.0), (3.0, 8.0)]),
    "pull cable": (["network"], [SHORT, (11.0, 16.0)]),
    "drop outgoing": (["network"], [SHORT, LONG]),
    "drop incoming": (["network"], [SHORT, LONG]),
    "fill disk": (["disk"], [(1.0, 3.0), (4.0, 10.0)]),
    "slow disk": (["disk"], [(2.0, 6.0)]),
    "no descriptors": (["descriptors"], [(1.0, 6.0)]),
}
NEEDS = {"network": "network", "disk": "disk"}


class Fault:
    def __init__(self, number, at, kind, place, length, pick):
        self.number, self.at, self.kind, self.place, self.length, self.pick = number, at, kind, place, length, pick

    def as_dict(self):
        return {"fault": self.number, "at": round(self.at, 3), "kind": self.kind, "place": self.place, "length": round(self.length, 3),
                "pick": round(self.pick, 6)}


def is_possible(kind, network, disk):
    parts = KINDS[kind][0]
    if "network" in parts:
        return network
    if kind == "slow disk":
        return disk == "ext4"
    return disk is not None or "disk" not in parts


def _taken(kind, place, hosts):
    """Names of what the fault keeps busy."""
    parts = KINDS[kind][0]
    names = set()
    for part in parts:
        if part == "coordinator":
            names |= {"program coordinator", "descriptors coordinator"}
        elif part == "agent":
            names |= {f"program {place}", f"descriptors {place}"}
        elif part == "all agents":
            names |= {f"program {host}" for host in hosts} | {f"descriptors {host}" for host in hosts}
        elif part == "descriptors":
            names |= {f"program {place}", f"descriptors {place}"}
        else:
            names.add(f"{part} {place}")
    return names


def _place(random_, kind, hosts):
    parts = KINDS[kind][0]
    if parts == ["coordinator"]:
        return "coordinator"
    if "agent" in parts:
        return random_.choice(hosts)
    if parts and parts[0] in ("network", "disk", "descriptors"):
        return random_.choice(["coordinator"] + hosts)
    return ""


def make(seed, minutes, hosts, network, disk):
    """All faults in the order of their beginnings: decks of every possible kind, shuffled, so that each comes as often as others."""
    random_ = random.Random(f"faults {seed}")
    kinds = [kind for kind in KINDS if is_possible(kind, network, disk)]
    busy, deck, faults, at = {}, [], [], SETTLE_BEFORE_S
    while at < minutes * 60:
        if not deck:
            deck = kinds[:]
            random_.shuffle(deck)
        kind = deck.pop()
        place, pick = _place(random_, kind, hosts), random_.random()
        length = random_.uniform(*random_.choice(KINDS[kind][1]))
        names = _taken(kind, place, hosts)
        begin = max([at] + [busy.get(name, 0.0) for name in names])
        if begin < minutes * 60:
            faults.append(Fault(0, begin, kind, place, length, pick))
        for name in names:
            busy[name] = begin + length + REST_S
        at += random_.uniform(*GAP_S)
    faults.sort(key=lambda fault: fault.at)
    for number, fault in enumerate(faults, 1):
        fault.number = number
    return faults
