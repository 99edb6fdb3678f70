"""The canaries on a real broker: they pass on ours, and each finds the defect it is there for."""

from __future__ import annotations

import pytest

from mqtt.broker import BrokerUnsafe
from mqtt.broker.files import replace_file
from tests.broker.parts import Installation

ALL = {
    "valid_certificate_accepted",
    "foreign_topic_refused",
    "own_topic_accepted",
    "own_delivery",
    "foreign_delivery_refused",
    "revoked_certificate_refused",
    "missing_certificate_refused",
    "wrong_service_password_refused",
}


def test_every_canary_passes_on_a_fresh_broker(broker: Installation) -> None:
    report = broker.admin.probe()
    print(report.duration_ms)
    assert report.safe, report.failures
    assert {check.name for check in report.checks} == ALL
    assert report.dropped_messages == 0


def test_apply_on_a_running_broker_leaves_it_safe(broker: Installation) -> None:
    assert broker.admin.apply().safe
