"""A company with phones, and policies to give them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.runtime import runtime
from policies import receivers
from tests.fleet.company import Company
from tests.policies.office import Office


@pytest.fixture
def office(app: Flask, client: FlaskClient) -> Office:
    """Units, people and this room's receivers, as the running server has them."""
    runtime().ring.signing_keys()
    runtime().ring.publish()
    receivers.connect()
    return Office(Company.found(client))
