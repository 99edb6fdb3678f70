"""A whole server and a fleet of phones that talk all the time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from agent.fleet.behaviours import Actor, act, behaviour
from agent.fleet.fleet import FLEET_OPTIONS, Fleet, Plan
from tests.support.server import Server

MEAN_PAUSE_SECONDS = 5.0
IMPATIENT = replace(FLEET_OPTIONS, backoff_longest=3.0, resend_after=5.0, hello_again=5.0)
quiet = threading.Event()


@behaviour
def chatty(actor: Actor) -> None:
    """Chats and calls all the time, until the test says that it is quiet."""

    def work() -> None:
        if not quiet.is_set() and actor.phone.handset.wiped is None:
            act(actor)
        actor.later(MEAN_PAUSE_SECONDS, work)

    actor.later(MEAN_PAUSE_SECONDS, work)


@contextmanager
def talking(server: Server, state: Path, count: int) -> Iterator[Fleet]:
    """A fleet whose holders chat and call without a pause; connected when the block begins."""
    fleet = Fleet(Plan(server.base_url, server.token(), count, state, behaviour="chatty", options=IMPATIENT))
    quiet.clear()
    fleet.start()
    try:
        fleet.wait_connected()
        yield fleet
    finally:
        fleet.stop()


def settle(fleet: Fleet, timeout: float = 180.0) -> dict[str, int]:
    """Let every phone fall silent and wait until the server has receipted all that they recorded."""
    quiet.set()
    fleet.wait_connected(timeout)
    return fleet.wait(lambda counts: counts["archived"] >= counts["records"], timeout)
