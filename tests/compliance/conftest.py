"""Compliance on a small company, with every room bound as the running server has it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.runtime import runtime
from tests.compliance.bureau import Bureau
from tests.fleet.company import Company


@pytest.fixture
def bureau(app: Flask, client: FlaskClient) -> Bureau:
    """People, units and keys."""
    runtime().ring.signing_keys()
    runtime().ring.publish()
    return Bureau.open(Company.found(client))
