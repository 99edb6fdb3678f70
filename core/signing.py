"""The signing desk: the worker signs for the web process what a device asks over HTTP.

The web process names a kind and a device, never the content: the worker makes the claims from the database and signs
them, so whoever takes over the web process still cannot make a phone obey.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from config.settings import Settings
from core.crypto.jwk import SigningKey
from core.errors import Unavailable
from core.files import socket_path
from core.log import get_logger
from core.runtime import runtime, settings
from core.text import Text
from core.uow import unit_of_work

TIMEOUT_SECONDS = 5.0
MAX_LINE = 1024 * 1024

Maker = Callable[[str, Mapping[str, Any], SigningKey], str]

log = get_logger(__name__)
_makers: dict[str, Maker] = {}


def makes(kind: str) -> Callable[[Maker], Maker]:
    """Register the maker of one kind of signed answer: (device id, detail, signing key) -> compact JWS."""

    def add(maker: Maker) -> Maker:
        _makers[kind] = maker
        return maker

    return add


def _desk_socket(current: Settings) -> Path:
    folder = current.data_dir / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return socket_path(folder, "signing.sock")


def request(kind: str, device_id: str, detail: Mapping[str, Any] | None = None) -> str:
    """Ask the desk for a signed answer to a device. Raises Unavailable while the worker is away."""
    line = json.dumps({"kind": kind, "device": device_id, "detail": dict(detail or {})}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(str(_desk_socket(settings())))
            connection.sendall(line)
            answer = json.loads(connection.makefile("rb").readline(MAX_LINE))
    except (OSError, ValueError) as error:
        raise _away() from error
    if "token" not in answer:
        raise _away()
    return str(answer["token"])


def _away() -> Unavailable:
    return Unavailable(
        "signing_unavailable",
        Text("签名服务暂不可用，请稍后重试。", "The signing desk is away. Try again in a moment."),
        headers={"Retry-After": "5"},
    )


def sign_here(kind: str, device_id: str, detail: Mapping[str, Any] | None = None) -> str:
    """Make and sign an answer in this process; only the worker may."""
    return _makers[kind](device_id, detail or {}, runtime().ring.signing_keys()[0])


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class SigningDesk:
    """The desk's listener, in the worker."""

    def __init__(self, app: Flask, current: Settings) -> None:
        path = _desk_socket(current)
        path.unlink(missing_ok=True)
        self._server = _Server(str(path), _handler(app))
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, name="signing-desk", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _handler(app: Flask) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        """One question, one answer."""

        def handle(self) -> None:
            self.connection.settimeout(TIMEOUT_SECONDS)
            try:
                question = json.loads(self.rfile.readline(MAX_LINE))
                with app.app_context(), unit_of_work(write=False):
                    answer = {"token": sign_here(question["kind"], question["device"], question["detail"])}
            except Exception as error:
                log.warning("signing_failed", error=type(error).__name__)
                answer = {"error": type(error).__name__}
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    return Handler
