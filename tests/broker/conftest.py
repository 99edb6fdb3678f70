"""Fixtures: a fresh installation, and one whose broker runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mqtt.broker import role
from tests.broker.parts import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation whose broker does not run yet."""
    return Installation.make(tmp_path)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The role looks every half second, so that a test need not wait ten."""
    monkeypatch.setattr(role, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(role, "SOURCE_SECONDS", 0.5)


@pytest.fixture
def broker(installation: Installation) -> Iterator[Installation]:
    """An installation whose broker runs."""
    with installation.role() as running:
        yield running
