#!/usr/bin/env python3
"""A small MQTT 3.1.1 server that is right, or wrong in the one way that is named on its stdin (a line each, which it says back). It prints its
port first. One thread; every client is served in its turn."""
import os, selectors, socket, struct, sys, threading, time

MODE = "right"
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(1, 15)
lock = threading.RLock()
clients, sessions, retained = set(), {}, {}


class Bad(Exception):
    pass


def text(value):
    return struct.pack("!H", len(value)) + value


def packet(kind, flags, body):
    length, left = b"", len(body)
    while True:
        length += bytes([left & 127 | (128 if left > 127 else 0)])
        left >>= 7
        if not left:
            return bytes([kind << 4 | flags]) + length + body


def matches(pattern, topic):
    one, other = pattern.split(b"/"), topic.split(b"/")
    if topic[:1] == b"$" and pattern[:1] in (b"#", b"+") and MODE != "dollar_matches":
        return False
    for i, level in enumerate(one):
        if level == b"#":
            return True
        if i >= len(other) or level not in (b"+", other[i]):
            return False
        if level == b"+" and MODE == "plus_is_hash":
            return True
    return len(one) == len(other)


class Session:
    def __init__(self):
        self.filters, self.queue, self.flight, self.next, self.received = {}, [], {}, 0, {}


class Client:
    def __init__(self, peer):
        self.peer, self.session, self.will, self.keep, self.level, self.id = peer, None, None, 0, 4, b""

    def send(self, kind, flags, body):
        try:
            self.peer.sendall(packet(kind, flags, body))
        except OSError:
            pass

    def properties(self):
        return b"\0" if self.level == 5 else b""

    def deliver(self, topic, payload, qos, retain):
        session, ident = self.session, b""
        if qos:
            session.next += 1
            ident = struct.pack("!H", 0 if MODE == "id_zero" else session.next)
            session.flight[session.next] = (topic, payload, qos)
        if MODE == "qos3_out":
            qos = 3
        self.send(PUBLISH, qos << 1 | retain, text(topic) + ident + self.properties() + payload[:50000 if MODE == "cut_payload" else None])

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.peer.recv(count - len(data))
            if not piece:
                raise Bad
            data += piece
            if MODE == "one_piece" and len(data) < count:
                raise Bad
        return data

    def read(self):
        first, length, shift = self.take(1)[0], 0, 0
        while True:
            byte = self.take(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
            if shift > 21 and MODE != "any_length":
                raise Bad
        if length > 1 << 20:
            return PINGREQ, 0, b""
        return first >> 4, first & 15, self.take(length)

    def connect(self, body):
        if body[:6] != b"\0\4MQTT":
            raise Bad
        self.level, flags, self.keep = struct.unpack("!BBH", body[6:10])
        if self.level not in (4, 5):
            self.send(CONNACK, 0, bytes([0, 2 if MODE == "level_code" else 1]))
            if MODE != "level_stays":
                raise Bad
            return
        if flags & 1 and MODE != "any_flags":
            raise Bad
        at = 10 + (self.level == 5)

        def field(at):
            size = struct.unpack("!H", body[at:at + 2])[0]
            return body[at + 2:at + 2 + size], at + 2 + size
        self.id, at = field(at)
        clean = bool(flags & 2)
        if not self.id:
            if not clean and MODE != "any_id" or MODE == "no_empty_id":
                self.send(CONNACK, 0, b"\0\2")
                raise Bad
            self.id = b"%d" % id(self)
        if flags & 4:
            at += self.level == 5
            topic, at = field(at)
            payload, at = field(at)
            self.will = (topic, payload, flags >> 3 & 3, bool(flags & 32) and MODE != "will_not_kept")
        if MODE != "no_takeover":
            for other in [c for c in clients if c.id == self.id and c is not self]:
                other.close()
        if clean and MODE != "never_clean":
            sessions.pop(self.id, None)
        present = self.id in sessions
        self.session = sessions.setdefault(self.id, Session())
        if MODE == "sessions_forgotten":
            present, self.session = False, Session()
        if MODE == "never_present":
            present = False
        self.clean = clean
        clients.add(self)
        self.send(CONNACK, 1 if MODE == "connack_flags" else 0, bytes([1 if present or MODE == "always_present" else 0, 5 if MODE == "refuses" else 0]) + self.properties())
        flight, self.session.flight = self.session.flight, {}
        for ident, (topic, payload, qos) in flight.items():
            if MODE == "not_redelivered":
                break
            self.session.flight[ident] = (topic, payload, qos)
            self.send(PUBLISH, (0 if MODE == "no_dup" else 8) | qos << 1, text(topic) + struct.pack("!H", ident + (MODE == "new_id")) + self.properties() + payload)
        queue, self.session.queue = self.session.queue, []
        for topic, payload, qos in queue:
            self.deliver(topic, payload, qos, 0)

    def publish(self, flags, body):
        qos, size = flags >> 1 & 3, struct.unpack("!H", body[:2])[0]
        if (qos == 3 or 2 + size > len(body)) and MODE != "any_publish":
            raise Bad
        topic, at, ident = body[2:2 + size], 2 + size, b""
        if b"\0" in topic and MODE != "any_publish" or set(topic) & set(b"+#") and MODE != "wildcard_passes":
            raise Bad
        if qos:
            ident, at = body[at:at + 2], at + 2
        payload = body[at + (self.level == 5):]
        if MODE == "other_ack":
            ident = bytes(reversed(ident))[:1] + b"\7"
        if qos == 1 and MODE != "no_puback":
            self.send(PUBACK, 0, ident)
        if qos == 2:
            self.send(PUBREC, 0, ident)
            twice = ident in self.session.received and MODE != "twice"
            self.session.received[ident] = True
            if twice:
                return
        route(topic, payload, qos, flags & 1)

    def subscribe(self, flags, body):
        if flags != 2 and MODE != "any_flags" or len(body) < 3 + (self.level == 5) and MODE != "any_subscribe":
            raise Bad
        ident, at, codes, new = body[:2], 2 + (self.level == 5), b"", []
        while at < len(body):
            size = struct.unpack("!H", body[at:at + 2])[0]
            pattern, qos = body[at + 2:at + 2 + size], body[at + 2 + size]
            at += 3 + size
            self.session.filters[pattern] = qos
            new.append((pattern, qos))
            codes += bytes([0 if MODE == "grants_zero" else qos])
        self.send(SUBACK, 0, ident + self.properties() + (codes[:1] if MODE == "one_code" else codes))
        for pattern, qos in new:
            for topic, (payload, kept_qos) in retained.items():
                if matches(pattern, topic):
                    self.deliver(topic, payload, min(qos, kept_qos), 0 if MODE == "retain_unmarked" else 1)

    def handle(self, kind, flags, body):
        if kind == CONNECT and (self.session is None or MODE == "reconnects"):
            self.connect(body)
        elif self.session is None and MODE != "no_connect_needed":
            raise Bad
        elif kind == PUBLISH:
            self.publish(flags, body)
        elif kind == PUBREL:
            if MODE != "no_pubcomp":
                self.send(PUBCOMP, 0, body[:2])
            self.session.received.pop(body[:2], None)
        elif kind == PUBREC:
            self.send(PUBREL, 2, body[:2])
        elif kind in (PUBACK, PUBCOMP):
            self.session.flight.pop(struct.unpack("!H", body[:2])[0], None)
        elif kind == SUBSCRIBE:
            self.subscribe(flags, body)
        elif kind == UNSUBSCRIBE:
            size = struct.unpack("!H", body[2:4])[0]
            if MODE != "unsubscribe_ignored":
                self.session.filters.pop(body[4:4 + size], None)
            self.send(UNSUBACK, 0, body[:2])
        elif kind == PINGREQ:
            if MODE != "no_pong":
                self.send(PINGRESP, 0, b"")
        elif kind == DISCONNECT:
            if MODE != "will_always":
                self.will = None
            raise Bad
        elif MODE != "any_type":
            raise Bad

    def close(self):
        clients.discard(self)
        try:
            self.peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.session and self.clean and sessions.get(self.id) is self.session and MODE != "never_clean":
            sessions.pop(self.id, None)
        will, self.will = self.will, None
        if will and MODE != "no_will":
            route(*will)

    def serve(self):
        try:
            while True:
                if self.keep and MODE != "no_keep_alive":
                    self.peer.settimeout(self.keep * (0.5 if MODE == "impatient" else 1.5))
                kind, flags, body = self.read()
                with lock:
                    self.handle(kind, flags, body)
        except (Bad, OSError, IndexError, struct.error):
            pass
        with lock:
            self.close()
        self.peer.close()


def route(topic, payload, qos, retain):
    if MODE == "swallows":
        return
    for ident, session in list(sessions.items()):
        client = next((c for c in clients if c.session is session), None)
        granted = max((q for f, q in session.filters.items() if matches(f, topic)), default=None)
        if granted is None:
            continue
        reached = qos if MODE == "full_qos" else min(qos, granted)
        if client:
            client.deliver(b"x" + topic if MODE == "other_topic" else topic, payload, reached, retain if MODE == "retain_marked" else 0)
        elif reached and MODE != "no_queue":
            if MODE == "stack":
                session.queue.insert(0, (topic, payload, reached))
            else:
                session.queue.append((topic, payload, reached))
    if retain:
        if payload or MODE == "never_cleared":
            if MODE != "first_kept" or topic not in retained:
                retained[topic] = (payload, qos)
        else:
            retained.pop(topic, None)
        if MODE == "nothing_kept":
            retained.clear()


def listen_for_modes():
    global MODE
    for line in sys.stdin:
        with lock:
            MODE = line.strip()
        print(MODE, flush=True)
    os._exit(0)


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
threading.Thread(target=listen_for_modes, daemon=True).start()
while True:
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if MODE == "dies":
        os._exit(1)
    if MODE == "silent":
        silent = peer
        continue
    threading.Thread(target=Client(peer).serve, daemon=True).start()
