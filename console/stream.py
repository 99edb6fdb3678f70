"""The live stream of one page (server-sent events): ids that changed, at most once a second, and a sign of life.

It runs after its request's unit of work is over and holds no transaction. It ends with its viewer's session, with the
process, or when the browser is gone.
"""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Generator, Iterator

from flask import Flask, Response, current_app, request

from console import live
from console.live import TOPICS, Hub
from console.mailbox import Change, Mailbox
from core import clock
from core.errors import NotFound
from core.http.access import Access
from core.http.identity import EXTENSION, SESSION_COOKIE, Authenticators, current_actor
from core.http.routes import Pages
from core.text import Text
from core.uow import unit_of_work

SIGN_OF_LIFE_SECONDS = 15.0
TICK_SECONDS = 1.0
RETRY_MS = 3000

pages = Pages("live", __name__)


@pages.get("/live/<topic>", Access.SIGNED_IN)
def follow(topic: str) -> Response:
    """Follow a topic. Raises NotFound, Forbidden, or Unavailable when all places are taken."""
    if topic not in TOPICS:
        raise NotFound("no_such_topic", Text("没有这个主题。", "There is no such topic."))
    actor = current_actor()
    demand = TOPICS[topic].demand
    if demand is not None:
        actor.require(demand)
    hub = live.hub()
    box = hub.join(actor, topic)
    signed_in = _session_check(current_app._get_current_object(), request.cookies.get(SESSION_COOKIE), box)  # type: ignore[attr-defined]
    answer = Response(_Stream(hub, box, signed_in, _hang_up(request.environ)), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


class _Stream:
    """Iterates the stream's bytes; leaving it, however that happens, frees the place."""

    def __init__(self, hub: Hub, box: Mailbox, signed_in: Callable[[], bool], gone: Callable[[], bool]) -> None:
        self._hub, self._box = hub, box
        self._signed_in, self._gone = signed_in, gone
        self._parts = self._write()

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        """Called by the server at the end of the answer."""
        self._parts.close()
        self._hub.leave(self._box)

    def _write(self) -> Generator[bytes, None, None]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        due = clock.monotonic() + SIGN_OF_LIFE_SECONDS
        while not self._hub.stopping and not self._gone():
            change = self._box.take(TICK_SECONDS)
            if change:
                yield _message(self._box.topic, change)
                threading.Event().wait(TICK_SECONDS)
            if clock.monotonic() >= due:
                if not self._signed_in():
                    return
                yield b": here\n\n"
                due = clock.monotonic() + SIGN_OF_LIFE_SECONDS


def _message(topic: str, change: Change) -> bytes:
    return f"event: {topic}\ndata: {json.dumps({'ids': change.ids})}\n\n".encode()


def _session_check(app: Flask, cookie: str | None, box: Mailbox) -> Callable[[], bool]:
    """Whether the viewer is still signed in, may still look, and still stands where they stood in the tree."""
    bound: Authenticators = app.extensions[EXTENSION]

    def check() -> bool:
        with app.app_context(), unit_of_work(write=False):
            actor = bound.staff(None, cookie)
        stays = actor is not None and actor.unit_path == box.actor.unit_path
        return stays and actor is not None and TOPICS[box.topic].may_follow(actor)

    return check


def _hang_up(environ: dict[str, object]) -> Callable[[], bool]:
    """Whether the browser is gone: a page that was left must not hold its place until a write fails."""
    connection = environ.get("gunicorn.socket")
    if type(connection) is not socket.socket:
        return lambda: False
    plain = connection
    poll = select.poll()
    poll.register(plain, select.POLLIN)

    def gone() -> bool:
        try:
            return bool(poll.poll(0)) and plain.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    return gone
