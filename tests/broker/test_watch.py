"""Files that break while the broker runs: repaired, or the broker is stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.files import replace_file
from mqtt.broker.errors import BrokerUnsafe
from mqtt.broker.files import BrokerFiles
from mqtt.broker.managed import ManagedControl
from mqtt.broker.probe_client import Refused
from tests.broker.parts import Installation, until

pytestmark = pytest.mark.usefixtures("watchful")

FILES: dict[str, Callable[[BrokerFiles], Path]] = {
    "acl": lambda files: files.acl,
    "passwords": lambda files: files.passwords,
    "crl": lambda files: files.crl,
    "config": lambda files: files.config,
    "ca": lambda files: files.ca,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["removed", "emptied", "garbage"])
def test_a_file_that_breaks_while_running_is_repaired(broker: Installation, name: str, damage: str) -> None:
    path = FILES[name](broker.files)
    before = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "emptied" else b"\0\xff nonsense\n")
    process = broker.process()
    assert process is not None
    process.reload()
    assert until(lambda: path.exists() and whole(broker, path, before))
    assert until(broker.ready)


def whole(broker: Installation, path: Path, before: bytes) -> bool:
    content = path.read_bytes()
    return content.startswith(b"-----BEGIN X509 CRL") if path == broker.files.crl else content == before


def test_a_phone_never_uses_an_acl_that_was_opened_by_hand(broker: Installation) -> None:
    replace_file(broker.files.acl, b"pattern readwrite #\n")
    process = broker.process()
    assert process is not None
    process.reload()
    assert until(lambda: b"readwrite" not in broker.files.acl.read_bytes())
    assert until(broker.ready)


def test_a_broken_config_and_a_reload_end_in_a_safe_broker(broker: Installation) -> None:
    broker.files.config.write_bytes(b"nonsense\n")
    process = broker.process()
    assert process is not None
    process.reload()
    assert until(lambda: b"require_certificate true" in broker.files.config.read_bytes())
    assert until(broker.ready)


def test_an_older_revocation_list_put_back_by_hand_is_replaced(broker: Installation) -> None:
    older = broker.files.crl.read_bytes()
    phone = broker.phone()
    broker.revoke(phone)
    replace_file(broker.files.crl, older)
    assert until(lambda: broker.files.crl.read_bytes() != older)
    assert until(broker.ready)
    with broker.client(phone) as client, pytest.raises(Refused):
        client.connect()


def test_with_the_database_away_a_broken_list_is_restored_from_its_copy(broker: Installation) -> None:
    phone = broker.phone()
    broker.revoke(phone)
    before = broker.files.crl.read_bytes()
    broker.source_broken = True
    broker.files.crl.write_bytes(b"nonsense")
    assert until(lambda: broker.files.crl.read_bytes() == before)
    with broker.client(phone) as client, pytest.raises(Refused):
        client.connect()


def test_with_the_database_away_and_no_copy_left_the_broker_is_stopped_until_it_is_back(broker: Installation) -> None:
    broker.source_broken = True
    with broker.files.change():
        for path in (broker.files.crl, broker.files.crl_copy):
            path.write_bytes(b"nonsense")
    assert until(lambda: broker.process() is None)
    broker.source_broken = False
    assert until(broker.ready)


def test_a_broker_that_cannot_be_repaired_is_stopped(broker: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ManagedControl, "repair_files", lambda self: [])
    first = broker.process()
    assert first is not None
    with broker.files.change():
        replace_file(broker.files.acl, b"pattern readwrite #\n")
        first.reload()
    assert until(lambda: not first.alive())


def test_with_the_database_away_at_the_first_start_nothing_is_started(installation: Installation) -> None:
    installation.source_broken = True
    with pytest.raises(BrokerUnsafe), installation.role():
        pass
    assert installation.process() is None
