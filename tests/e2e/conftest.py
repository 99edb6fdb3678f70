"""A whole server on each database, shared by the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.phone import Phone
from tests.support.server import Server


@pytest.fixture
def phone(server: Server, tmp_path: Path) -> Iterator[Phone]:
    """A phone that is enrolled, connected and greeted."""
    with living_phone(server, tmp_path / "phone") as living:
        yield living


class living_phone:
    """A context that enrolls and connects a phone and closes it at the end."""

    def __init__(self, server: Server, state: Path, **token: object) -> None:
        self._server, self._state, self._token = server, state, token

    def __enter__(self) -> Phone:
        self.phone = Phone.enroll(self._server.base_url, self._server.token(**self._token), state=self._state)
        self.phone.connect()
        self.phone.wait_greeted()
        return self.phone

    def __exit__(self, *_: object) -> None:
        self.phone.close()
