#!/usr/bin/python3
# A web server that is wrong in a chosen way, to show that the tester's cases can fail. usage: wrong_server.py MODE SEED SIZE...
# It prints its port, serves /SIZE.bin as panther/content.h makes it, and ends with its stdin.
import os, re, socket, sys, threading

mode, seed, sizes = sys.argv[1], int(sys.argv[2]), [int(size) for size in sys.argv[3:]]
MASK = 2**64 - 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def content(size):
    words = []
    for k in range(1, size // 8 + 2):
        z = (seed + k * 0x9E3779B97F4A7C15) & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        words.append((z ^ z >> 31).to_bytes(8, "little"))
    return b"".join(words)[:size]


files = {f"/{size}.bin": content(size) for size in sizes}
first = files[f"/{sizes[0]}.bin"]


def message(status, fields="", body=b"", version="1.1"):
    return f"HTTP/{version} {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body


TAGS = 'ETag: "v1"\r\nLast-Modified: Mon, 02 Jan 2023 00:00:00 GMT\r\n'


# What each mode makes of a request; None: no answer. "careless" looks at the path only.
def answer(method, path, head):
    body = files.get(path)
    ranged = "\r\nRange:" in head
    if mode == "bytes" and body:
        body = body[:50] + bytes([body[50] ^ 1]) + body[51:]
    if mode == "short" and body:
        return message("200 OK", "", body)[:-1] + (b"" if len(body) > 5000 else b"x")
    if mode == "ranges" and ranged and body:
        if "0-4,90-99" in head:
            parts = b"".join(b"--b\r\nContent-Range: bytes %d-%d/%d\r\n\r\n" % (a, b, len(body)) + body[a + 1:b + 2] + b"\r\n" for a, b in ((0, 4), (90, 99)))
            return message("206 Partial Content", "Content-Type: multipart/byteranges; boundary=b\r\n", parts + b"--b--\r\n")
        return message("206 Partial Content", f"Content-Range: bytes 10-19/{len(body)}\r\n", body[11:21])
    if mode == "methods":
        if method == "HEAD":
            return message("200 OK", "", body)
        if method not in ("GET", "HEAD"):
            return message("405 Method Not Allowed")
    if mode == "grammar" and method == "OPTIONS":
        return b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"
    if mode == "grammar" and "HTTP/1.0" in head:
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    if mode == "forms" and not path.startswith("/"):
        return message("404 Not Found")
    if mode == "forms" and path == "/folder":
        return message("301 Moved Permanently", "Location: /nowhere/\r\n")
    if mode == "waits" and "Expect:" in head:
        return None
    if mode == "dates" and ("If-Modified-Since: yesterday" in head or ("If-None-Match" in head and "If-Modified-Since" in head)):
        return message("304 Not Modified", TAGS)[:-2] + b"\r\n"
    path = re.sub("^https?://[^/]*", "", path)
    if path not in files:
        return message("404 Not Found")
    if method == "HEAD":
        return message("200 OK", TAGS, body)[:-len(body)]
    return message("200 OK", TAGS, body)


def http1(peer, data):
    while True:
        while b"\r\n\r\n" not in data:
            more = peer.recv(65536)
            if not more:
                return
            data += more
        head, data = data.split(b"\r\n\r\n", 1)
        head = head.decode("latin-1") + "\r\n"
        words = head.split()
        if mode == "long" and len(head) > 8000:
            return
        if len(words) < 2:
            continue
        reply = answer(words[0], words[1], head)
        if mode == "dies":
            last_words(peer, reply[:20])
        if mode == "dies-later":
            last_words(peer, message("400 Bad Request", "Connection: close\r\n"))
        if mode == "order" and data.count(b"\r\n\r\n") > 2:
            peer.sendall(message("404 Not Found"))
        if reply is not None:
            peer.sendall(reply)
        if mode == "closes" or (mode == "folds" and "\r\n Connection: close" in head):
            return
        if mode == "folds" and "\r\n Connection: close" not in head and "Connection: close" in head:
            return


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def exactly(peer, count):
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


# Serves the first file for every field block, whatever is in it; ignores what it does not know, and all windows.
def http2(peer):
    settings = frame(4, 0, 0, bytes([0, 3, 0, 0, 0, 10]))
    peer.sendall(frame(6, 0, 0, bytes(8)) + settings if mode == "h2-first" else settings)
    for count in range(10**6):
        header = exactly(peer, 9)
        length, kind, flags, stream = int.from_bytes(header[:3], "big"), header[3], header[4], int.from_bytes(header[5:], "big")
        payload = exactly(peer, length)
        if kind == 4 and not flags & 1 and mode != "h2-no-ack":
            peer.sendall(frame(4, 1, 0))
        elif kind == 6 and not flags & 1:
            peer.sendall(frame(6, 1, 0, payload[::-1] if mode == "h2-ping" else payload))
        elif kind == 0xBB and mode == "h2-strict":
            peer.sendall(frame(7, 0, 0, bytes(7) + b"\1"))
            return
        elif kind in (1, 9) and flags & 4:
            if mode == "h2-dies":
                last_words(peer, frame(1, 4, stream, b"\x88") + frame(0, 0, stream, first[:100]))
            if mode == "h2-splits" and kind == 9:
                peer.sendall(frame(3, 0, stream, bytes(3) + b"\1"))
                continue
            fields = {"h2-uppercase": b"\0\1X\1y", "h2-connection": b"\0\12connection\5close", "h2-hpack": b"\xff\x7f"}.get(mode, b"")
            peer.sendall(frame(1, 4, stream, b"\x88" + fields) + frame(0, 1, stream, first))


# Who has these has no server to ask any more: nobody may be heard between the reply and the end.
def last_words(peer, reply):
    listener.shutdown(socket.SHUT_RDWR)
    peer.sendall(reply)
    os._exit(0)


def serve(peer):
    try:
        data = peer.recv(65536)
        while data and len(data) < 24 and PREFACE.startswith(data[:24]):
            data += peer.recv(24 - len(data))
        if data.startswith(b"PRI * "):
            http2(Ahead(peer, data[24:]))
        elif data:
            http1(peer, data)
    except (ConnectionError, OSError):
        pass
    finally:
        peer.close()


# A peer of which some bytes were read already.
class Ahead:
    def __init__(self, peer, data):
        self.peer, self.data, self.sendall = peer, data, peer.sendall

    def recv(self, count):
        if not self.data:
            return self.peer.recv(count)
        data, self.data = self.data[:count], self.data[count:]
        return data


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
try:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
except OSError:
    threading.Event().wait()  # last_words() ends the process
