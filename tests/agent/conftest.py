"""A miniature server for a module, and phones that enroll with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.core import Options
from agent.loop import Loop
from agent.phone import Phone
from tests.agent.fake_server import FakeServer

QUICK = Options(
    heartbeat_s=3600.0,
    batch_delay=0.02,
    backoff_first=0.05,
    backoff_longest=0.3,
    blob_wait=0.5,
    resend_after=0.5,
    trace=True,
)

MakePhone = Callable[..., Phone]


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    running = FakeServer(tmp_path_factory.mktemp("server"))
    yield running
    running.close()


@pytest.fixture
def server(running_server: FakeServer) -> FakeServer:
    """The module's server, with nothing left of the test before."""
    running_server.reset()
    return running_server


@pytest.fixture
def make_phone(server: FakeServer, tmp_path: Path) -> Iterator[MakePhone]:
    """Enroll a phone; `connect=False` leaves it offline, other members change its options."""
    made: list[Phone] = []

    def make(name: str = "phone", *, connect: bool = True, loop: Loop | None = None, **options: Any) -> Phone:
        phone = Phone.enroll(server.url, "T" * 26, state=tmp_path / name, options=replace(QUICK, **options), loop=loop)
        made.append(phone)
        if connect:
            phone.connect()
            phone.wait_connected()
            phone.wait_greeted()
        return phone

    yield make
    for phone in made:
        phone.close()
