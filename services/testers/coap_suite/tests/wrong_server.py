#!/usr/bin/env python3
"""A small CoAP server that is right, or wrong in the one way that is named on its stdin (a line each, which it says back). It prints its port first."""
import os, socket, struct, sys, threading

MODE = "right"
CON, NON, ACK, RST = range(4)
store, partial, observers, answered = {}, {}, {}, {}
state = {"id": 1000, "sequence": 10}


class Bad(Exception):
    pass


def code(text):
    return int(text[0]) << 5 | int(text[2:])


def extended(value):
    return (value, b"") if value < 13 else (13, bytes([value - 13])) if value < 269 else (14, struct.pack("!H", value - 269))


def build(kind, what, ident, token=b"", options=(), payload=b""):
    data, last = bytes([0x40 | kind << 4 | len(token), what]) + struct.pack("!H", ident) + token, 0
    for number, value in sorted(options):
        if isinstance(value, int):
            value = value.to_bytes((value.bit_length() + 7) // 8, "big")
        (delta, more), (length, rest) = extended(number - last), extended(len(value))
        data, last = data + bytes([delta << 4 | length]) + more + rest + value, number
    return data + (b"\xff" + payload if payload else b"\xff" if MODE == "bare_marker" else b"")


def parse(data):
    if len(data) < 4:
        raise Bad
    kind, size, what, ident = data[0] >> 4 & 3, data[0] & 15, data[1], struct.unpack("!H", data[2:4])[0]
    if size > 8 and MODE != "any_format" or len(data) < 4 + size or what == 0 and len(data) > 4:
        raise Bad
    token, at, number, options = data[4:4 + size], 4 + size, 0, []
    while at < len(data) and data[at] != 0xff:
        both, at = (data[at] >> 4, data[at] & 15), at + 1
        values = []
        for nibble in both:
            if nibble == 15:
                raise Bad
            width = {13: 1, 14: 2}.get(nibble, 0)
            if at + width > len(data):
                raise Bad
            values.append(nibble if not width else int.from_bytes(data[at:at + width], "big") + (13 if width == 1 else 269))
            at += width
        if at + values[1] > len(data):
            raise Bad
        number += values[0]
        options.append((number, data[at:at + values[1]]))
        at += values[1]
    if at < len(data) and at + 1 == len(data):
        raise Bad
    return kind, what, ident, token[:8], options, data[at + 1:]


def respond(what, options, payload, peer, token):
    """code, options, payload"""
    values = dict(options)
    path = b"/".join(value for number, value in options if number == 11)
    block2 = int.from_bytes(values.get(23, b""), "big") if 23 in values else None
    if any(number & 1 and number not in (1, 3, 5, 7, 11, 15, 17, 23, 27, 35, 39) for number in values) and MODE != "any_option":
        return code("4.02"), [], b""
    if MODE == "elective_refused" and any(number >= 65000 for number in values):
        return code("4.02"), [], b""
    if 35 in values:
        return code("4.04" if MODE == "no_proxy_code" else "5.05"), [], b""
    if block2 is not None and block2 & 7 == 7 and MODE != "any_block":
        return code("4.00"), [], b""
    if what == 1:
        if path == b".well-known/core":
            return code("2.05"), [(12, 0 if MODE == "core_format" else 40)], b"</time>,</x>;obs"
        body = b"noon" if path == b"time" else store.get(path)
        if body is None:
            return (code("2.05"), [], b"found") if MODE == "all_found" else (code("4.04"), [(6, 1)] if MODE == "observe_nothing" and 6 in values else [], b"")
        extra = []
        if 6 in values and MODE != "not_observable":
            if values[6] in (b"", b"\0"):
                observers[path] = (peer, b"tokn" if MODE == "notify_token" else token)
                extra = [(6, state["sequence"])]
            elif MODE != "never_deregisters":
                observers.pop(path, None)
        size = 1024 if block2 is None else 16 << (block2 & 7)
        if len(body) <= size and block2 is None:
            return code("2.05"), extra, body
        number, exponent = (block2 or 6) >> 4, (block2 if block2 is not None else 6) & 7
        if MODE == "large_blocks":
            size, exponent, number = 1024, 6, number * size // 1024
        if MODE == "block_number":
            number += 1
        piece = body[number * size:(number + 1) * size]
        if MODE == "wrong_block" and number == 1:
            piece = piece[::-1]
        if MODE == "short_block":
            piece = piece[:-1]
        return code("2.05"), extra + [(23, number << 4 | (8 if (number + 1) * size < len(body) else 0) | exponent)], piece
    if what == 3:
        payload = payload if MODE != "put_forgets" else b""
        existed = path in store
        if 27 in values:
            block = int.from_bytes(values[27], "big")
            partial[path] = (partial.get(path, b"") if block >> 4 else b"") + payload
            if block & 8:
                return code("2.04" if MODE == "no_continue" else "2.31"), [(27, block if MODE != "other_block" else block + 16)], b""
            payload = partial.pop(path)
            if MODE == "loses_block":
                payload = payload[1024:]
        store[path] = payload
        notify(path)
        return code("2.01" if not existed or MODE == "always_created" else "2.04"), [], b""
    if what == 4:
        if MODE != "never_deletes":
            store.pop(path, None)
        observers.pop(path, None)
        return code("2.02"), [], b""
    return code("4.00" if MODE == "method_code" else "4.05"), [], b""


def notify(path):
    if path not in observers or MODE == "never_notifies":
        return
    peer, token = observers[path]
    state["id"] += 1
    state["sequence"] += -1 if MODE == "sequence_falls" else 1
    options = [] if MODE == "notify_plain" else [(6, state["sequence"])]
    payload = b"stale" if MODE == "notify_stale" else store[path]
    waiting[state["id"]] = path
    udp.sendto(build(CON, code("2.05"), state["id"], token, options, payload), peer)


waiting = {}


def handle(data, peer):
    version = data[:1] and data[0] >> 6
    if MODE == "dies" and len(data) < 4:
        os._exit(1)
    if data and version != 1 and MODE != "any_version":
        return
    try:
        kind, what, ident, token, options, payload = parse(data)
    except Bad:
        if len(data) >= 4 and data[0] >> 4 & 3 == CON:
            good = build(ACK, code("2.05"), struct.unpack("!H", data[2:4])[0], b"", [], b"noon")
            udp.sendto(good if MODE == "any_format" else build(RST, 0, struct.unpack("!H", data[2:4])[0]), peer)
        return
    if kind in (ACK, RST):
        path = waiting.pop(ident, None)
        if kind == RST and path in observers and MODE != "reset_ignored":
            observers.pop(path)
        if MODE == "answers_acks" and path is None:
            udp.sendto(build(RST, 0, ident), peer)
        return
    if what == 0 or what >> 5 in (1, 2, 6, 7):
        if kind == CON and MODE != "no_pong":
            udp.sendto(build(ACK if MODE in ("acks_reserved", "pong_ack") else RST, 0, ident), peer)
        return
    if (peer, ident) in answered and MODE != "duplicate_forgotten":
        if MODE != "duplicate_silent":
            udp.sendto(answered[peer, ident], peer)
        return
    state["id"] += 1
    if MODE == "duplicate_forgotten" and (peer, ident) in answered:
        back = build(ACK, code("2.05"), ident, token, [], b"x")
    else:
        result, extra, body = respond(what, options, payload, peer, token)
        if result == code("4.02") and kind == NON:
            return
        if MODE == "other_id":
            ident ^= 1
        if MODE == "token_lost":
            token = token[:-1]
        if MODE == "many_forgets" and kind == NON:
            token = token[:-1] + b"\xfe"
        if MODE == "error_500":
            result = code("5.00")
        back = build(ACK if kind == CON or MODE == "acks_non" else NON, result, state["id"] if kind == NON and MODE != "acks_non" else ident, token, extra, body)
        if kind == CON:
            answered[peer, ident] = back
    udp.sendto(back, peer)


def listen_for_modes():
    global MODE
    for line in sys.stdin:
        MODE = line.strip()
        print(MODE, flush=True)
    os._exit(0)


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
print(udp.getsockname()[1], flush=True)
threading.Thread(target=listen_for_modes, daemon=True).start()
while True:
    data, peer = udp.recvfrom(65535)
    if MODE != "silent":
        handle(data, peer)
