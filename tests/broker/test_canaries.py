"""The canaries on a real broker: they pass on ours, and each finds the defect it is there for."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.files import replace_file
from mqtt.broker.errors import BrokerAway, BrokerUnsafe
from mqtt.broker.managed import managed_admin
from mqtt.broker.process import find_mosquitto, spawn
from tests.broker.parts import Installation, until

ALL = {
    "valid_certificate_accepted",
    "foreign_topic_refused",
    "own_topic_accepted",
    "own_delivery",
    "client_id_bound_to_certificate",
    "foreign_delivery_refused",
    "revoked_certificate_refused",
    "missing_certificate_refused",
    "wrong_service_password_refused",
}


def without(text: str, *lines: str) -> str:
    kept = [line for line in text.splitlines() if line not in lines]
    assert len(kept) < len(text.splitlines()), "the defect changes nothing"
    return "\n".join(kept) + "\n"


def open_acl(made: Installation) -> None:
    replace_file(made.files.acl, b"pattern readwrite #\n")


def empty_acl(made: Installation) -> None:
    replace_file(made.files.acl, b"# nothing\n")


def acl_without_reading(made: Installation) -> None:
    acl = made.files.acl.read_text()
    replace_file(made.files.acl, without(acl, "pattern read shouji/v1/d/%u/down/+").encode())


def list_not_read(made: Installation) -> None:
    crl = f"crlfile {made.files.crl}"
    replace_file(made.files.config, without(made.files.config.read_text(), crl).encode())


def no_certificate_needed(made: Installation) -> None:
    config = made.files.config.read_text().replace("require_certificate true", "require_certificate false")
    config = config.replace("use_identity_as_username true\nuse_username_as_clientid true\n", "")
    replace_file(made.files.config, config.replace("allow_anonymous false", "allow_anonymous true").encode())


def client_id_free(made: Installation) -> None:
    config = without(made.files.config.read_text(), "use_username_as_clientid true")
    replace_file(made.files.config, config.encode())


def no_passwords(made: Installation) -> None:
    config = without(made.files.config.read_text(), f"password_file {made.files.passwords}")
    replace_file(made.files.config, config.replace("allow_anonymous false", "allow_anonymous true").encode())


DEFECTS: list[tuple[Callable[[Installation], None], set[str]]] = [
    (open_acl, {"foreign_topic_refused", "foreign_delivery_refused"}),
    (empty_acl, {"own_topic_accepted", "own_delivery"}),
    (acl_without_reading, {"own_delivery"}),
    (list_not_read, {"revoked_certificate_refused"}),
    (no_certificate_needed, {"missing_certificate_refused"}),
    (client_id_free, {"client_id_bound_to_certificate"}),
    (no_passwords, {"wrong_service_password_refused"}),
]


@contextmanager
def started_with(made: Installation, defect: Callable[[Installation], None]) -> Iterator[None]:
    """A broker that nobody watches, started with one defect in its files."""
    managed_admin(made.settings, made.ca, made.source).prepare()
    defect(made)
    child, _, stream = spawn(find_mosquitto(made.settings), made.files)
    try:
        assert until(lambda: answers(made))
        yield
    finally:
        child.kill()
        child.wait()
        stream.close()


def answers(made: Installation) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", made.settings.mqtt_port)) == 0


def test_every_canary_passes_on_a_fresh_broker(broker: Installation) -> None:
    report = broker.admin.probe()
    assert report.safe, report.failures
    assert {check.name for check in report.checks} == ALL
    assert report.dropped_messages == 0


def test_apply_on_a_running_broker_leaves_it_safe(broker: Installation) -> None:
    assert broker.admin.apply().safe


@pytest.mark.parametrize(("defect", "noticed_by"), DEFECTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_defect_is_noticed_by_its_canary(
    installation: Installation, defect: Callable[[Installation], None], noticed_by: set[str]
) -> None:
    with started_with(installation, defect):
        failed = {check.name for check in installation.admin.probe().checks if not check.passed}
    assert noticed_by <= failed


def test_a_broker_that_stays_unsafe_after_apply_is_stopped(installation: Installation) -> None:
    with started_with(installation, no_certificate_needed):  # a listener is not rebuilt by a reload
        with pytest.raises(BrokerUnsafe) as refused:
            installation.admin.apply()
        assert until(lambda: installation.process() is None)
    assert refused.value.members["reasons"]


def test_a_broker_that_is_not_there_is_away_and_not_unsafe(installation: Installation) -> None:
    managed_admin(installation.settings, installation.ca, installation.source).prepare()
    with pytest.raises(BrokerAway):
        installation.admin.probe()
    with pytest.raises(BrokerAway):
        installation.admin.apply()
    with pytest.raises(BrokerAway):
        installation.admin.kick([installation.phone().device_id])
