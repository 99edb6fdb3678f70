"""Real servers on loopback for what leaves by HTTP and by SMTP."""

from __future__ import annotations

import contextlib
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


class MailTalk:
    """One connection to the mail server, as far as the product speaks SMTP."""

    def __init__(self, box: Mailbox, connection: socket.socket, context: ssl.SSLContext | None, *, tls: bool) -> None:
        self._box = box
        self._context = context
        self._encrypted = False
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._sender, self._to = "", list[str]()
        if tls:
            self._encrypt()

    def run(self) -> None:
        """Answer command by command, until QUIT or the end."""
        self._say("220 test")
        while line := self._lines.readline():
            word = line.strip().decode()
            if word.upper() == "QUIT":
                self._say("221 bye")
                return
            self._answer(word)

    def _answer(self, word: str) -> None:
        verb, argument = word.upper(), word.partition(":")[2]
        if verb.startswith("EHLO"):
            offers = "250-STARTTLS\r\n" if self._context and not self._encrypted else ""
            self._say(f"250-test\r\n{offers}250 AUTH PLAIN")
        elif verb == "STARTTLS" and self._context:
            self._say("220 go on")
            self._encrypt()
        elif verb.startswith("AUTH"):
            self._box.logins.append(word.split()[-1])
            self._say("235 ok")
        elif verb.startswith("MAIL FROM"):
            self._sender, self._to = argument.split()[0].strip("<>"), []
            self._say("250 ok")
        elif verb.startswith("RCPT TO"):
            self._to.append(argument.split()[0].strip("<>"))
            self._say("250 ok" if self._box.refuse is None else f"{self._box.refuse} no")
        elif verb == "DATA":
            self._say("354 go on")
            self._take_letter()
            self._say("250 ok")
        else:
            self._say("250 ok")

    def _take_letter(self) -> None:
        raw = b""
        while (more := self._lines.readline()) != b".\r\n":
            raw += more
        self._box.letters.append((self._sender, self._to, message_from_bytes(raw, policy=policy.default)))
        self._box.encrypted.append(self._encrypted)

    def _encrypt(self) -> None:
        assert self._context is not None
        self._connection = self._context.wrap_socket(self._connection, server_side=True)
        self._lines, self._encrypted = self._connection.makefile("rb"), True

    def _say(self, text: str) -> None:
        self._connection.sendall(text.encode() + b"\r\n")


@contextmanager
def smtp_server(certificate: Path | None = None, *, tls_first: bool = False) -> Iterator[Mailbox]:
    """A mail server on a free port; with a certificate it offers STARTTLS, or speaks TLS from the first byte."""
    context: ssl.SSLContext | None = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                MailTalk(box, self.request, context, tls=tls_first).run()

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
