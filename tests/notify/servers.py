"""Real servers on loopback for what leaves by HTTP and by SMTP."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Reply = Callable[["Request"], tuple[int, dict[str, str], bytes]]


@dataclass
class Request:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpServer:
    """Answers each POST by `reply` and keeps what came."""

    url: str
    reply: Reply
    seen: list[Request] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


def ok(_request: Request) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, b'{"errcode":0,"code":0}'


def always(status: int, body: bytes = b"", **headers: str) -> Reply:
    return lambda _request: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@contextmanager
def http_server(reply: Reply = ok) -> Iterator[HttpServer]:
    """A web server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            state.seen.append(request)
            status, headers, said = state.reply(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = HttpServer(f"http://127.0.0.1:{server.server_address[1]}", reply)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and then never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


@contextmanager
def dripping_server(every: float = 0.1) -> Iterator[int]:
    """A port that sends one byte of a header at a time, for ever."""
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not stop.wait(every):
                    self.request.sendall(b"a")
            except OSError:
                return

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """What a mail server took, and how it was spoken to."""

    port: int
    refuse: int | None = None
    letters: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@contextmanager
def smtp_server(certificate: Path | None = None, *, tls_first: bool = False) -> Iterator[Mailbox]:
    """A mail server on a free port; with a certificate it offers STARTTLS, or speaks TLS from the first byte."""
    context: ssl.SSLContext | None = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self._talk()
            except (OSError, ValueError):
                return

        def _talk(self) -> None:
            connection = self.request
            encrypted = bool(context and tls_first)
            if context and tls_first:
                connection = context.wrap_socket(connection, server_side=True)
            lines = connection.makefile("rb")

            def say(text: str) -> None:
                connection.sendall(text.encode() + b"\r\n")

            say("220 test")
            sender, to = "", list[str]()
            while line := lines.readline():
                word = line.strip().decode()
                verb = word.upper()
                if verb.startswith("EHLO"):
                    offers = "250-STARTTLS\r\n" if context and not encrypted else ""
                    say(f"250-test\r\n{offers}250 AUTH PLAIN")
                elif verb == "STARTTLS" and context:
                    say("220 go on")
                    connection = context.wrap_socket(connection, server_side=True)
                    lines, encrypted = connection.makefile("rb"), True
                elif verb.startswith("AUTH"):
                    box.logins.append(word.split()[-1])
                    say("235 ok")
                elif verb.startswith("MAIL FROM"):
                    sender, to = word.partition(":")[2].split()[0].strip("<>"), []
                    say("250 ok")
                elif verb.startswith("RCPT TO"):
                    to.append(word.partition(":")[2].split()[0].strip("<>"))
                    say("250 ok" if box.refuse is None else f"{box.refuse} no")
                elif verb == "DATA":
                    say("354 go on")
                    raw = b""
                    while (more := lines.readline()) != b".\r\n":
                        raw += more
                    letter = message_from_bytes(raw, policy=policy.default)
                    box.letters.append((sender, to, letter))
                    box.encrypted.append(encrypted)
                    say("250 ok")
                elif verb == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 ok")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    box = Mailbox(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
