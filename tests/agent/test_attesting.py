"""Emulated key attestation: what the agent's options lead to, and that it goes along with the enrollment."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import pytest

from agent import crypto
from agent.attesting import add_attestation, attested_by
from agent.crypto import DeviceKeys
from agent.errors import AgentError
from agent.http import Server
from agent.identity import Enrollment, Pins, made_up_facts
from core.crypto.attestation import check, read_trust
from core.crypto.key_description import KeyDescription
from mqtt.contract.attestation import challenge
from mqtt.contract.times import from_wire

CODE = "T" * 26
AT = from_wire("2026-11-25T00:00:00.000Z")


def _options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_attestation(parser)
    return parser.parse_args(words)


def _said(root: Path, *words: str) -> KeyDescription:
    attest = attested_by(_options("--attest-root", str(root), *words))
    assert attest is not None
    key = DeviceKeys.generate().signing.public_key()
    checked = check(attest(key, CODE), key, challenge(CODE), read_trust(root, None), AT)
    assert checked.flaws == ()
    assert checked.said is not None
    return checked.said


def test_a_root_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    assert _said(root).level == "tee"
    made = root.read_bytes()
    assert root.stat().st_mode & 0o077 == 0
    said = _said(root, "--attest-level", "strongbox", "--attest-boot", "unverified")
    assert (said.level, said.boot_state, said.locked) == ("strongbox", "unverified", False)
    assert root.read_bytes() == made


def test_without_a_root_nothing_is_attested() -> None:
    assert attested_by(_options()) is None


def test_a_file_that_holds_no_root_is_named(tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_text("nothing")
    with pytest.raises(AgentError, match="attest_root"):
        attested_by(_options("--attest-root", str(root)))


@pytest.mark.parametrize("attested", [True, False])
def test_the_chain_goes_along_with_the_enrollment(attested: bool, tmp_path: Path) -> None:
    attest = attested_by(_options("--attest-root", str(tmp_path / "root.pem"))) if attested else None
    facts = made_up_facts(random.Random(1))
    enrollment = Enrollment(
        Server(crypto.http_context(None)), "http://127.0.0.1", CODE, facts, DeviceKeys.generate(), Pins(), attest=attest
    )
    body = enrollment.request_body(None)
    assert len(body.get("attestation") or []) == (3 if attested else 0)
