"""Chains of key attestation, without a server: what is believed, and each way in which a chain does not hold."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from agent.crypto_attestation import Emulated, EmulatedRoot, description
from core.crypto import attestation, key_description
from core.crypto.attestation import LONGEST, PEM_MAX, Checked, Flaw, Trust, read_trust
from mqtt.contract.attestation import challenge
from tests.fleet.phone import new_key

CODE = "0123456789ABCDEFGHJKMNPQRS"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
ROOT = EmulatedRoot.make()
KEY = new_key()


def _trust(*roots: EmulatedRoot, revoked: frozenset[int] = frozenset()) -> Trust:
    return Trust(tuple(root.certificate for root in roots or (ROOT,)), revoked, "one")


def _chain(root: EmulatedRoot = ROOT, code: str = CODE, said: Emulated | None = None) -> list[str]:
    return root.attest(KEY.public_key(), code, said or Emulated())


def _check(chain: list[str], trust: Trust | None = None, at: datetime = NOW) -> Checked:
    return attestation.check(chain, KEY.public_key(), challenge(CODE), trust or _trust(), at)


def _flaws(chain: list[str], trust: Trust | None = None, at: datetime = NOW) -> set[Flaw]:
    return set(_check(chain, trust, at).flaws)


def _read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def _signed(
    issuer: x509.Name,
    by: ec.EllipticCurvePrivateKey,
    *,
    key: ec.EllipticCurvePublicKey,
    statement: bytes | None = None,
    name: x509.Name | None = None,
    until: int = 2048,
) -> str:
    """A certificate as whoever holds a key can write one."""
    subject = name or x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Android Keystore Key")])
    builder = x509.CertificateBuilder(issuer, subject, key, 1, datetime(2020, 1, 1), datetime(until, 1, 1))
    if statement is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(key_description.OID, statement), critical=False)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("level", ["software", "tee", "strongbox"])
def test_a_chain_of_a_trusted_root_says_where_the_key_lies_and_what_has_booted(level: str) -> None:
    checked = _check(_chain(said=Emulated(level, "self_signed", False, patch_level=20261005)))
    assert checked.flaws == ()
    said = checked.said
    assert said is not None
    assert (said.level, said.boot_state, said.locked, said.patch_level) == (level, "self_signed", False, 20261005)
    assert (said.packages, said.challenge) == (("com.example.agent",), challenge(CODE))


def test_the_root_may_be_left_out_or_be_one_that_was_issued_again_since() -> None:
    chain, subject = _chain(), ROOT.certificate.subject
    assert _flaws(chain[:-1]) == set()
    ended = _signed(subject, ROOT.key, key=ROOT.key.public_key(), name=subject, until=2021)
    assert _flaws([*chain[:-1], ended]) == set()


def test_a_chain_of_another_root_is_not_believed() -> None:
    assert _flaws(_chain(), _trust(EmulatedRoot.make())) == {Flaw.ROOT}


def test_a_root_that_only_bears_the_name_of_ours_is_not_believed() -> None:
    assert _flaws(_chain(EmulatedRoot.make())) == {Flaw.ROOT}


def test_a_forged_leaf_under_a_true_batch_certificate_does_not_verify() -> None:
    chain = _chain()
    forged = _signed(_read(chain[1]).subject, new_key(), key=KEY.public_key(), statement=description(challenge(CODE)))
    assert _flaws([forged, *chain[1:]]) == {Flaw.SIGNATURE}


def test_a_chain_for_another_key_does_not_count() -> None:
    assert _flaws(ROOT.attest(new_key().public_key(), CODE)) == {Flaw.KEY}


def test_a_chain_for_another_token_does_not_count() -> None:
    assert _flaws(_chain(code="S" * 26)) == {Flaw.CHALLENGE}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_revoked_serial_anywhere_in_the_chain_ends_belief(place: int) -> None:
    chain = _chain()
    assert _flaws(chain, _trust(revoked=frozenset({_read(chain[place]).serial_number}))) == {Flaw.REVOKED}


@pytest.mark.parametrize("year", [2019, 2049])
def test_a_chain_counts_within_its_time_alone(year: int) -> None:
    assert _flaws(_chain(), at=datetime(year, 1, 1, tzinfo=UTC)) == {Flaw.VALIDITY}


def test_an_attested_key_cannot_vouch_for_another() -> None:
    """Whoever owns one good phone signs what they like below its key."""
    owner = new_key()
    good = ROOT.attest(owner.public_key(), CODE)
    extended = _signed(_read(good[0]).subject, owner, key=KEY.public_key(), statement=description(challenge(CODE)))
    assert Flaw.EXTENDED in _flaws([extended, *good])
    assert Flaw.SIGNATURE in _flaws([extended, *good]), "the leaf is no CA"


def test_a_key_that_was_brought_into_hardware_is_not_believed_to_be_there_alone() -> None:
    assert _flaws(_chain(said=Emulated(origin=2))) == {Flaw.ORIGIN}


def test_a_chain_without_a_statement_proves_nothing() -> None:
    assert _flaws([_signed(ROOT.certificate.subject, ROOT.key, key=KEY.public_key())]) == {Flaw.NO_STATEMENT}


def test_a_statement_of_hardware_is_read_from_what_hardware_enforces_alone() -> None:
    # The lower of the two levels counts, whichever it is.
    der = bytearray(description(challenge(CODE), Emulated("strongbox")))
    place = der.index(b"\x0a\x01\x02")
    der[place + 2] = 1
    assert key_description.read(bytes(der)).level == "tee"


@pytest.mark.parametrize(
    "chain",
    [
        [""],
        ["no certificate"],
        ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
        ["x" * 65_536],
        ["\ud800"],
        [_chain()[0] + " " * PEM_MAX],
        [*_chain(), "second"],
        _chain() * LONGEST,
        [_signed(ROOT.certificate.subject, ROOT.key, key=KEY.public_key(), statement=b"")],
        [_signed(ROOT.certificate.subject, ROOT.key, key=KEY.public_key(), statement=b"\x30\x84\xff\xff\xff\xff")],
    ],
    ids=["empty", "words", "no DER", "long words", "surrogate", "padded", "second", "too many", "nothing", "huge"],
)
def test_what_is_no_chain_is_malformed_and_nothing_worse(chain: list[str]) -> None:
    assert _check(chain) == Checked(None, (Flaw.MALFORMED,))


def test_a_chain_with_a_key_of_another_kind_is_judged_too() -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = ROOT.certificate.subject
    leaf = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2020, 1, 1), datetime(2048, 1, 1))
    pem = leaf.sign(ROOT.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    assert _flaws([pem]) == {Flaw.KEY, Flaw.NO_STATEMENT}


DER = description(challenge(CODE))


@given(at=st.integers(0, len(DER) - 1), value=st.integers(0, 255), cut=st.integers(0, len(DER)))
def test_a_damaged_statement_is_read_or_refused(at: int, value: int, cut: int) -> None:
    damaged = bytearray(DER)
    damaged[at] = value
    for der in (bytes(damaged), DER[:cut], bytes(damaged[:cut])):
        try:
            key_description.read(der)
        except ValueError:
            continue


class TestFiles:
    def test_trust_is_read_from_files_and_read_anew_when_they_change(self, tmp_path: Path) -> None:
        roots, revoked = tmp_path / "roots.pem", tmp_path / "status.json"
        roots.write_text(ROOT.pem + EmulatedRoot.make().pem)
        revoked.write_text(json.dumps({"entries": {"c35747a084470c3135aeefe2b8d40cd6": {"status": "REVOKED"}}}))
        before = read_trust(roots, revoked)
        assert (len(before.roots), before.revoked) == (2, frozenset({0xC35747A084470C3135AEEFE2B8D40CD6}))
        revoked.write_text(json.dumps({"entries": {"1": {"status": "SUSPENDED"}, "ff": {"status": "REVOKED"}}}))
        os.utime(revoked, ns=(1, 1))
        after = read_trust(roots, revoked)
        assert after.revoked == {1, 0xFF}
        assert after.digest != before.digest
        assert read_trust(None, None).roots == ()

    @pytest.mark.parametrize("content", ["", "[]", '{"entries": 7}', '{"entries": {"zz": {}}}', "{"])
    def test_a_broken_list_is_named(self, content: str, tmp_path: Path) -> None:
        revoked = tmp_path / "status.json"
        revoked.write_text(content)
        with pytest.raises(ValueError, match=r"status\.json"):
            read_trust(None, revoked)

    def test_a_file_without_roots_is_named(self, tmp_path: Path) -> None:
        roots = tmp_path / "roots.pem"
        roots.write_text("nothing")
        with pytest.raises(ValueError, match=r"roots\.pem"):
            read_trust(roots, None)
