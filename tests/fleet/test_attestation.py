"""Key attestation at enrollment: what the server then says of a phone, and when it does not take one in."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography import x509

from agent.crypto_attestation import Emulated, EmulatedRoot
from core import clock, jobs
from core.crypto.jwk import b64u
from tests.conftest import Tune
from tests.fleet.company import Company
from tests.fleet.phone import Phone

ROOT = EmulatedRoot.make()
JOB = "fleet-attestation"
SIGNER = bytes(range(32))


@pytest.fixture
def roots(tune: Tune, tmp_path: Path) -> Path:
    """The file of trusted roots, set."""
    path = tmp_path / "roots.pem"
    path.write_text(ROOT.pem)
    tune(attestation_roots=path)
    return path


def _enroll(company: Company, phone: Phone | None = None, root: EmulatedRoot = ROOT, **said: Any) -> Phone:
    phone, token = phone or Phone(), company.token()
    chain = root.attest(phone.signing.public_key(), token, Emulated(**said))
    return company.enroll(phone, token, attestation=chain)


def _shown(company: Company, phone: Phone) -> dict[str, Any]:
    shown: dict[str, Any] = company.device(phone)["attestation"]
    return shown


@pytest.mark.parametrize("level", ["software", "tee", "strongbox"])
def test_a_device_shows_what_its_chain_proves(company: Company, roots: Path, level: str) -> None:
    shown = _shown(company, _enroll(company, level=level, boot_state="unverified", locked=False))
    assert shown.pop("judged_at") is not None
    assert shown == {
        "level": level,
        "reasons": [],
        "boot_state": "unverified",
        "bootloader_locked": False,
        "os_version": 150000,
        "patch_level": 202610,
    }


def test_without_a_chain_there_is_none(company: Company, roots: Path) -> None:
    for changes in ({}, {"attestation": None}):
        shown = _shown(company, company.enroll(Phone(), None, **changes))
        assert (shown["level"], shown["reasons"], shown["boot_state"]) == ("none", [], None)


def test_without_roots_a_chain_is_kept_and_not_believed(company: Company) -> None:
    shown = _shown(company, _enroll(company))
    assert (shown["level"], shown["reasons"], shown["boot_state"]) == ("unverified", ["no_roots"], None)


def test_a_chain_that_does_not_hold_proves_nothing_and_says_why(company: Company, roots: Path) -> None:
    foreign = company.enroll(attestation=ROOT.attest(Phone().signing.public_key(), "S" * 26))
    assert _shown(company, foreign)["reasons"] == ["key", "challenge"]
    forged = _enroll(company, root=EmulatedRoot.make())
    assert (_shown(company, forged)["level"], _shown(company, forged)["reasons"]) == ("unverified", ["root"])
    garbage = company.enroll(attestation=["x" * 65_536])
    assert _shown(company, garbage)["reasons"] == ["malformed"]


def test_more_certificates_than_a_chain_has_are_refused_at_the_door(company: Company, roots: Path) -> None:
    answer = company.try_enroll(Phone(), company.token(), attestation=["x"] * 17)
    assert (answer.status_code, answer.json["code"]) == (422, "bad_form")


def test_a_key_that_another_app_asked_for_does_not_count(company: Company, roots: Path, tune: Tune) -> None:
    ours: dict[str, Any] = {"package": "com.example.agent", "signers": [SIGNER]}
    tune(agent_signature_checksum=b64u(SIGNER), agent_admin_component="com.example.agent/.AdminReceiver")
    assert _shown(company, _enroll(company, **ours))["level"] == "tee"
    for other in ({"signers": [bytes(32)]}, {"package": "com.example.agent.evil"}):
        assert _shown(company, _enroll(company, **{**ours, **other}))["reasons"] == ["agent"]


class TestRequired:
    @pytest.fixture(autouse=True)
    def _required(self, roots: Path, tune: Tune) -> None:
        tune(attestation="required")

    def test_a_phone_that_proves_its_key_is_taken_in(self, company: Company) -> None:
        assert _shown(company, _enroll(company, level="strongbox"))["level"] == "strongbox"

    @pytest.mark.parametrize(
        ("chain", "reasons"),
        [
            (None, ["no_hardware"]),
            (lambda key, code: ROOT.attest(key, code, Emulated("software")), ["no_hardware"]),
            (lambda key, code: EmulatedRoot.make().attest(key, code), ["root"]),
            (lambda _key, _code: ["x"], ["malformed"]),
        ],
        ids=["no chain", "software", "foreign root", "garbage"],
    )
    def test_any_other_is_refused_and_its_token_not_used(self, company: Company, chain: Any, reasons: Any) -> None:
        phone, token = Phone(), company.token(max_uses=1)
        body = {"attestation": chain(phone.signing.public_key(), token)} if chain else {}
        answer = company.try_enroll(phone, token, **body)
        assert (answer.status_code, answer.json["code"]) == (422, "attestation_refused")
        assert answer.json["reasons"] == reasons
        good = ROOT.attest(phone.signing.public_key(), token)
        assert company.try_enroll(phone, token, attestation=good).status_code == 201

    def test_a_stranger_learns_nothing_of_it(self, company: Company) -> None:
        assert company.try_enroll(Phone(), "0" * 26).json["code"] == "token_refused"


class TestJudgedAgain:
    def test_roots_that_are_named_later_count_for_phones_of_before(
        self, company: Company, tune: Tune, tmp_path: Path
    ) -> None:
        phone = _enroll(company)
        assert jobs.run(JOB) == "idle"
        path = tmp_path / "roots.pem"
        path.write_text(ROOT.pem)
        tune(attestation_roots=path)
        # The chain is judged as of the enrollment: that it has ended since is no reason.
        with time_machine.travel(clock.now() + timedelta(days=365 * 30)):
            assert (jobs.run(JOB), jobs.run(JOB)) == ("done", "idle")
        assert _shown(company, phone)["level"] == "tee"
        assert company.timeline(phone, "enrollment") == ["attestation.judged", "device.enrolled"]

    def test_a_serial_that_is_revoked_later_ends_belief(
        self, company: Company, roots: Path, tune: Tune, tmp_path: Path
    ) -> None:
        status = tmp_path / "status.json"
        status.write_text('{"entries": {}}')
        tune(attestation_revoked=status)
        phone, token = Phone(), company.token()
        chain = ROOT.attest(phone.signing.public_key(), token)
        company.enroll(phone, token, attestation=chain)
        batch = x509.load_pem_x509_certificate(chain[1].encode()).serial_number
        status.write_text(json.dumps({"entries": {f"{batch:x}": {"status": "REVOKED"}}}))
        os.utime(status, ns=(1, 1))
        assert jobs.run(JOB) == "done"
        shown = _shown(company, phone)
        assert (shown["level"], shown["reasons"], shown["boot_state"]) == ("unverified", ["revoked"], None)

    def test_a_file_that_cannot_be_read_changes_nothing_and_lets_nobody_in(
        self, company: Company, roots: Path, tune: Tune
    ) -> None:
        before = _enroll(company)
        roots.write_text("broken")
        os.utime(roots, ns=(1, 1))
        assert jobs.run(JOB) == "idle"
        assert _shown(company, before)["level"] == "tee"
        assert _shown(company, _enroll(company))["reasons"] == ["trust_unreadable"]
        tune(attestation="required")
        phone, token = Phone(), company.token()
        chain = ROOT.attest(phone.signing.public_key(), token)
        assert company.try_enroll(phone, token, attestation=chain).json["reasons"] == ["trust_unreadable"]
