#!/usr/bin/env python3
"""A small DNS server for the zone of dns_conformance's tests that is right, or wrong in the one way that is named on its stdin (a line each, which
it says back). It prints its port first."""
import os, socket, struct, sys, threading

MODE = "right"
A, CNAME, TXT, AAAA, OPT, ANY = 1, 5, 16, 28, 41, 255


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, data, ttl=60, klass=1):
    return (name if isinstance(name, bytes) else wire(name)) + struct.pack("!HHIH", kind, klass, ttl, len(data)) + data


class Bad(Exception):
    pass


def read_name(data, at):
    labels, start = [], at
    while True:
        if at >= len(data):
            raise Bad
        length = data[at]
        if length > 63 or at - start > 254:
            raise Bad
        at += 1
        if length == 0:
            return ".".join(labels), at
        if at + length > len(data):
            raise Bad
        labels.append(data[at:at + length].decode("latin1"))
        at += length


def zone(name, kind, klass):
    """rcode and answers"""
    known = name if MODE == "case_sensitive" else name.lower()
    if klass != 1 and MODE != "any_class":
        return 5, []
    if known == "www.test.example":
        address = bytes([10, 0, 0, 1]) if MODE == "wrong_address" else bytes([192, 0, 2, 7])
        if kind == A or kind == ANY:
            owner = wire("other.test.example") if MODE == "wrong_owner" else b"\xc0\x0c"
            return 0, [record(owner, A, address[:3] if MODE == "short_data" else address)]
        if kind == 65280 and MODE == "unknown_type_refused":
            return 4, []
        return 0, []
    if known == "alias.test.example":
        chain = [record(b"\xc0\x0c", CNAME, wire("www.test.example")), record("www.test.example", A, bytes([192, 0, 2, 7]))]
        return 0, chain[1:] if MODE == "no_cname" else chain
    if known == "big.test.example":
        return 0, [record(b"\xc0\x0c", TXT, b"\xc8" + bytes([97 + i]) * 200) for i in range(2 if MODE == "small_tcp" else 8)]
    return (0 if MODE == "no_nxdomain" else 3), []


def answer(data, is_tcp):
    if MODE == "dies" and len(data) < 12:
        os._exit(1)
    if len(data) < 12:
        return None
    ident, flags, questions, answers, authority, additional = struct.unpack("!6H", data[:12])
    if flags & 0x8000 and MODE != "answers_answers":
        return None
    back = 0x8000 | (flags & 0x7900) | 0x0080
    if MODE == "wrong_id":
        ident ^= 1
    if MODE == "query_bit":
        back &= 0x7fff
    if MODE == "reserved_bit":
        back |= 0x40
    if MODE == "rd_lost":
        back &= ~0x0100
    if MODE == "rd_always":
        back |= 0x0100
    if flags >> 11 & 15:
        return struct.pack("!6H", ident, back | (0 if MODE == "any_opcode" else 4), 0, 0, 0, 0)

    def error(code):
        return struct.pack("!6H", ident, back | code, 0, 0, 0, 0)
    if questions != 1 and not (questions == 2 and MODE == "two_questions"):
        return error(1)
    try:
        name, at = read_name(data, 12)
        if at + 4 > len(data):
            raise Bad
    except Bad:
        return error(0 if MODE == "malformed_is_good" else 1)
    kind, klass = struct.unpack("!HH", data[at:at + 4])
    question = data[12:at + 4]
    at += 4
    opts, limit, version = 0, 512, 0
    for _ in range(min(additional, 4)):
        if data[at:at + 3] != b"\0\0\x29":
            break
        size, _, version, _, length = struct.unpack("!HBBHH", data[at + 3:at + 11])
        limit = max(512, min(size, 4096))
        if MODE == "edns_size_as_it_is":
            limit = size
        option = data[at + 11:at + 11 + length]
        opts += 1
        at += 11 + length
    if opts > 1 and MODE != "two_opts":
        return error(1)
    rcode, records = zone(name, kind, klass)
    extended = 0
    if opts and version and MODE != "any_version":
        rcode, extended, records = 0, 1, []
    if opts and option and MODE == "option_refused":
        rcode, records = 1, []
    tail = b""
    if (opts and MODE != "no_opt") or MODE == "opt_unasked":
        tail = b"\0" + struct.pack("!HHBBHH", OPT, 1232, extended, 0, 0, 0)
    if MODE == "question_lost":
        question = b""
    if MODE == "question_other":
        question = wire("other.test.example") + question[-4:]
    if MODE == "lower_case":
        question = question.lower()
    if MODE == "pointer_forward":
        records = [record(b"\xc0\xff", A, b"\0\0\0\0")]
    body = b"".join(records)
    if MODE == "cut_record":
        body = body[:-1]
    whole = 12 + len(question) + len(body) + len(tail)
    if (not is_tcp and whole > limit and MODE != "no_truncation") or (is_tcp and MODE == "tc_in_tcp"):
        records, body = [], b""
        back |= 0 if MODE == "tc_lost" else 0x0200
    return struct.pack("!6H", ident, back | rcode, 1 if question else 0, len(records), 0, 1 if tail else 0) + question + body + tail


def read_exactly(peer, count):
    data = b""
    while len(data) < count:
        piece = peer.recv(count - len(data))
        if not piece:
            return None
        data += piece
        if MODE == "tcp_one_piece" and len(data) < count:
            return None
    return data


def serve_stream(peer):
    try:
        while True:
            length = read_exactly(peer, 2)
            data = length and read_exactly(peer, struct.unpack("!H", length)[0])
            if not data:
                break
            back = answer(data, True)
            if back:
                peer.sendall(struct.pack("!H", len(back) + (1 if MODE == "tcp_wrong_length" else 0)) + back)
            if MODE == "tcp_one_query":
                break
    except OSError:
        pass
    peer.close()


def serve_streams(listener):
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        if MODE == "tcp_one_client":
            serve_stream(peer)
        else:
            threading.Thread(target=serve_stream, args=(peer,), daemon=True).start()


def bind():
    while True:  # one number for both transports
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.bind(udp.getsockname())
            tcp.listen(16)
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()


udp, tcp = bind()
print(udp.getsockname()[1], flush=True)
threading.Thread(target=serve_streams, args=(tcp,), daemon=True).start()


def listen_for_modes():
    global MODE
    for line in sys.stdin:
        MODE = line.strip()
        if MODE == "no_tcp":
            tcp.shutdown(socket.SHUT_RDWR)  # wakes accept() as well
        print(MODE, flush=True)
    os._exit(0)


threading.Thread(target=listen_for_modes, daemon=True).start()
held = None
while True:
    data, peer = udp.recvfrom(65535)
    if MODE == "silent":
        continue
    if MODE != "mixed_up":
        held = None
    if MODE == "mixed_up" and held:  # the answer of the one before
        back, held = held, answer(data, False)
    else:
        back = answer(data, False)
        held = back if MODE == "mixed_up" else None
    if back:
        udp.sendto(back, peer)
