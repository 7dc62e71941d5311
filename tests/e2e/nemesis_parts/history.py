"""What happened, from witnesses that do not know each other: the store's journal (read by our own hands), the watcher's lives, the
nemesis' log, and what was left. The checker gets nothing else."""

import hashlib
import json
import os
import sqlite3

import messages

LINK_BYTES = 32
KINDS = ("coordinator", "agent", "guard", "host", "server", "tester", "other")


class History:
    def __init__(self):
        self.records = []  # {"sequence", "wall", "kind", "body"}
        self.broken = []  # what is wrong with the journal as a file
        self.processes = []  # lives, see read_watcher
        self.late = []  # (from, to): the watcher did not look
        self.faults = []
        self.life = []
        self.submissions = []
        self.exits = []
        self.leftovers = []  # what was there at the end and should not be, as text
        self.problems = []  # what did not come to its end, as text
        self.results = {}  # run -> rows of `panther-coord results`
        self.blobs = {}  # hash -> what the bytes really hash to, None: not there
        self.outboxes = {}  # host -> rows that nobody acknowledged
        self.settings = {}  # lease ladder and the like, see checker


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


# ---- the journal

def _open(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def read_journal(history, path, proto):
    vocabulary = messages.Vocabulary(proto)
    database = _open(path)
    link, expected = bytes(LINK_BYTES), 1
    for sequence, stored, payload in database.execute("SELECT sequence, hash, payload FROM journal ORDER BY sequence"):
        if sequence != expected:
            history.broken.append(f"the journal has no record {expected}")
        expected = sequence + 1
        link = hashlib.blake2b(link + payload, digest_size=LINK_BYTES).digest()
        if link != stored:
            history.broken.append(f"the hash link of record {sequence} is broken")
            link = stored
        record = vocabulary.read("Record", payload)
        bodies = [name for name in record if name not in ("format", "wall_ns")]
        kind = bodies[0] if bodies else ""
        history.records.append({"sequence": sequence, "wall": record.get("wall_ns", 0) / 1e9, "kind": kind, "body": record.get(kind, {})})
    database.close()


def read_blobs(history, folder):
    """Of everything that the journal says is stored."""
    for record in history.records:
        if record["kind"] == "content_stored":
            hash_ = record["body"].get("hash", "")
            path = os.path.join(folder, hash_[:2], hash_)
            history.blobs[hash_] = _hash_of(path)


def _hash_of(path):
    try:
        with open(path, "rb") as file:
            state = hashlib.blake2b(digest_size=32)
            while chunk := file.read(1 << 20):
                state.update(chunk)
            return state.hexdigest()
    except OSError:
        return None


def read_outbox(history, host, path):
    database = _open(path)
    history.outboxes[host] = database.execute("SELECT count(*) FROM outbox").fetchone()[0]
    database.close()


# ---- the watcher

def read_watcher(history, path, host_ids):
    lives = {}
    for line in lines(path):
        if "seen" in line:
            _seen(lives, line, host_ids)
        elif "gone" in line:
            life = lives.get(tuple(line["gone"]))
            if life:
                life["last"], life["alive"] = line["last"], False
        elif "late" in line:
            history.late.append(tuple(line["late"]))
        elif "end" in line:
            for key in line["alive"]:
                life = lives.get(tuple(key))
                if life:
                    life["last"] = line["end"]
    history.processes = sorted(lives.values(), key=lambda life: life["started"])


def _seen(lives, line, host_ids):
    try:
        numbers, host_id = line["marker"].split("@")
        instance, generation = (int(number) for number in numbers.split("."))
    except ValueError:
        return
    if host_id not in host_ids:
        return  # another lab on this machine
    key = (line["pid"], line["start"])
    life = lives.setdefault(key, {"pid": line["pid"], "start": line["start"], "started": line["started"], "first": line["seen"],
                                  "last": line["seen"], "alive": True, "instance": instance, "generation": generation,
                                  "host": host_ids[host_id], "names": []})
    life["names"].append(line["name"])
    life["name"], life["kind"] = line["name"], line["kind"]
