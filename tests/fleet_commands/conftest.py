"""Commands on a small company, with every binding as the running server has it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from compliance import evaluate
from core.runtime import runtime
from fleet import guards as fleet_guards
from fleet.commands import guards, offers
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import Desk


@pytest.fixture
def desk(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """People and keys; no higher room says anything about wipes unless a test binds one, and nobody judges phones."""
    monkeypatch.setattr(evaluate, "run", lambda *_, **__: 0)
    runtime().ring.signing_keys()
    runtime().ring.publish()
    fleet_guards.bind(open_wipe=offers.open_wipe, status_asked=offers.note_status_offer)
    monkeypatch.setattr(guards, "_bound", guards._Bound())
    return Desk.open(client)


@pytest.fixture
def phone(desk: Desk) -> Phone:
    """An enrolled phone."""
    return desk.company.enroll()
