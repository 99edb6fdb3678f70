"""Findings that rest on key attestation, beside those that rest on what a phone says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.crypto_attestation import Emulated, EmulatedRoot
from tests.compliance.bureau import Bureau
from tests.conftest import Tune
from tests.fleet.phone import Phone

ROOT = EmulatedRoot.make()
NO_ROOT = "{device: {forbid: [root]}, compliance: [{when: [root], after: 0h, do: alert}]}"


@pytest.fixture(autouse=True)
def _roots(tune: Tune, tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_text(ROOT.pem)
    tune(attestation_roots=path)


def _phone(bureau: Bureau, root: EmulatedRoot = ROOT, **said: Any) -> Phone:
    phone, token = Phone(), bureau.company.token()
    chain = root.attest(phone.signing.public_key(), token, Emulated(**said))
    return bureau.company.enroll(phone, token, attestation=chain)


def _counted(bureau: Bureau, phone: Phone) -> set[str]:
    """Codes about the attestation that stand against a phone once the job has looked at it."""
    bureau.tick()
    return bureau.counted(phone) & {"attestation_failed", "attestation_missing", "boot_unverified"}


@pytest.mark.parametrize("said", [{"boot_state": "unverified"}, {"locked": False}, {"boot_state": "self_signed"}])
def test_a_phone_that_booted_something_else_is_a_finding_that_hardware_attests(
    bureau: Bureau, said: dict[str, Any]
) -> None:
    bureau.rule(NO_ROOT)
    phone = _phone(bureau, **said)
    bureau.tick()
    found = bureau.findings(phone)["boot_unverified"]
    assert (found["severity"], found["basis"], found["judged_on"]) == ("critical", "attested", "enrollment")
    assert bureau.shown(phone)["step"] == "alert"


def test_a_phone_that_booted_its_makers_system_is_none(bureau: Bureau) -> None:
    bureau.rule(NO_ROOT)
    assert _counted(bureau, _phone(bureau)) == set()


def test_what_booted_is_no_finding_where_no_policy_forbids_root(bureau: Bureau) -> None:
    assert _counted(bureau, _phone(bureau, boot_state="unverified")) == set()


def test_what_software_says_of_the_boot_is_no_attestation(bureau: Bureau) -> None:
    bureau.rule(NO_ROOT)
    assert _counted(bureau, _phone(bureau, level="software", boot_state="unverified")) == set()


def test_a_chain_that_does_not_hold_is_a_finding_with_its_reasons(bureau: Bureau) -> None:
    bureau.rule(NO_ROOT)
    phone = _phone(bureau, EmulatedRoot.make(), boot_state="unverified")
    bureau.tick()
    found = bureau.findings(phone)
    assert found["attestation_failed"]["detail"] == {"reasons": ["root"]}
    assert "root" in found["attestation_failed"]["reason"]["en"]
    assert "boot_unverified" not in found, "a chain that is not believed says nothing about the boot"
    assert bureau.shown(phone)["state"] == "noncompliant"


def test_no_chain_and_no_roots_are_no_finding(bureau: Bureau, tune: Tune) -> None:
    assert _counted(bureau, bureau.company.enroll()) == set()
    tune(attestation_roots=None)
    assert _counted(bureau, _phone(bureau)) == set()


def test_once_attestation_is_required_phones_of_before_are_a_finding_until_they_enroll_anew(
    bureau: Bureau, tune: Tune
) -> None:
    before, software, good = bureau.company.enroll(), _phone(bureau, level="software"), _phone(bureau)
    tune(attestation="required")
    with bureau.at(hours=2):
        bureau.tick()
        assert bureau.findings(before)["attestation_missing"]["severity"] == "warning"
        assert bureau.findings(software)["attestation_missing"]["detail"] == {"level": "software"}
        assert "attestation_missing" not in bureau.findings(good)
        tune(attestation="optional")
    with bureau.at(hours=4):
        bureau.tick()
        assert "attestation_missing" not in bureau.findings(before)
