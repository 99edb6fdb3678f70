"""What several tests of people stand on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from tests.identity import world
from tests.identity.asking import START


@pytest.fixture
def installation(app: Flask) -> Iterator[None]:
    """An installation that is three days old, with a requester and an approver as old as it."""
    with time_machine.travel(START, tick=False) as wall:
        world.first_start()
        world.unit("/A/一组")
        world.unit("/B")
        world.person("asker", "it_admin")
        world.person("second", "it_admin")
        wall.shift(timedelta(days=3))
        yield
