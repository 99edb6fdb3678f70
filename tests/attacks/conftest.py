"""An installation as attackers find it: the company with its rooms bound as the running server binds them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.runtime import runtime
from fleet import guards as fleet_guards
from fleet.commands import guards, offers
from policies import receivers
from tests.fleet_commands.desk import Desk
from tests.policies.office import Office


@pytest.fixture
def desk(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """People who ask and approve, with the worker's keys in place."""
    runtime().ring.signing_keys()
    runtime().ring.publish()
    fleet_guards.bind(open_wipe=offers.open_wipe, status_asked=offers.note_status_offer)
    monkeypatch.setattr(guards, "_bound", guards._Bound())
    receivers.connect()
    return Desk.open(client)


@pytest.fixture
def office(desk: Desk) -> Office:
    """The same company, for policies."""
    return Office(desk.company)
