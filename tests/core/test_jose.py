from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import jose, packing
from core.crypto.jose import BadToken
from core.crypto.jwk import b64u, from_jwk, thumbprint, to_jwk
from core.crypto.keyring import KeyRing

TYP = "shouji-test+jws"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.open(tmp_path_factory.mktemp("ring") / "keys")


def _part(value: object) -> str:
    return b64u(json.dumps(value).encode())


def _reason(ring: KeyRing, token: str, **options: object) -> str:
    key = ring.signing_keys()[0]
    with pytest.raises(BadToken) as caught:
        jose.verify(token, typ=TYP, keys={key.kid: key.public}, sub="me", **options)  # type: ignore[arg-type]
    return caught.value.reason


def test_a_signed_token_is_read_back_and_by_a_general_library_too(ring: KeyRing) -> None:
    key = ring.signing_keys()[0]
    token = jose.sign(key, TYP, {"sub": "me", "iat": 5, "名": "值"})
    assert jose.verify(token, typ=TYP, keys={key.kid: key.public}, sub="me") == {"sub": "me", "iat": 5, "名": "值"}
    assert jwt.decode(token, key.public, algorithms=["ES256"], options={"verify_iat": False})["名"] == "值"


def test_each_check_refuses_by_itself(ring: KeyRing) -> None:
    key, other = ring.signing_keys()[0], ring.standby_key()
    good = jose.sign(key, TYP, {"sub": "me", "iat": 5})
    header, payload, signature = good.split(".")
    none = _part({"alg": "none", "typ": TYP, "kid": key.kid})
    assert _reason(ring, f"{none}.{payload}.") == "alg"
    hs = jwt.encode({"sub": "me", "iat": 5}, key.public_pem().hex(), "HS256", {"typ": TYP, "kid": key.kid})
    assert _reason(ring, hs) == "alg"
    assert _reason(ring, jose.sign(key, "shouji-other+jws", {"sub": "me", "iat": 5})) == "typ"
    assert _reason(ring, jose.sign(other, TYP, {"sub": "me", "iat": 5})) == "kid"
    assert _reason(ring, f"{header}.{_part({'sub': 'me', 'iat': 6})}.{signature}") == "signature"
    assert _reason(ring, jose.sign(key, TYP, {"sub": "you", "iat": 5})) == "sub"
    assert _reason(ring, jose.sign(key, TYP, {"sub": "me"})) == "iat"
    assert _reason(ring, jose.sign(key, TYP, {"sub": "me", "iat": True})) == "iat"
    assert _reason(ring, jose.sign(key, TYP, {"sub": "me", "iat": 5, "exp": "9"})) == "exp"
    assert _reason(ring, good, aud="x") == "aud"
    assert _reason(ring, good, require=("exp",)) == "missing_exp"
    assert _reason(ring, "a.b") == "form"
    assert _reason(ring, f"{header}.{payload}.{signature}=") == "form"


@pytest.mark.parametrize("payload", ['{"sub": "me", "iat": 5, "iat": 6}', '{"sub": "me", "iat": 5, "x": NaN}'])
def test_claims_that_two_libraries_read_differently_are_refused(ring: KeyRing, payload: str) -> None:
    key = ring.signing_keys()[0]
    signed = f"{_part({'alg': 'ES256', 'typ': TYP, 'kid': key.kid})}.{b64u(payload.encode())}"
    assert _reason(ring, f"{signed}.{b64u(jose.sign_bytes(key.private, signed.encode()))}") == "form"


@given(st.binary(max_size=3000))
def test_whatever_bytes_come_are_refused_and_never_crash(raw: bytes) -> None:
    with pytest.raises(BadToken):
        jose.verify(raw, typ=TYP, keys={})
    with pytest.raises(BadToken):
        jose.decrypt([], raw)


def test_a_jwe_opens_only_for_its_reader_and_survives_200_kb(ring: KeyRing) -> None:
    mine, other = ring.encryption_keys()[0], ring.standby_key()
    plain = os.urandom(200_000)
    token = jose.encrypt(mine.public, plain)
    assert jose.decrypt([mine], token) == plain
    with pytest.raises(BadToken, match="kid"):
        jose.decrypt([other], token)
    head, rest = token.split(".", 1)
    middle = len(rest) // 2
    flipped = rest[:middle] + ("A" if rest[middle] != "A" else "B") + rest[middle + 1 :]
    with pytest.raises(BadToken):
        jose.decrypt([mine], f"{head}.{flipped}")


def test_a_packed_bomb_is_not_unpacked(ring: KeyRing) -> None:
    key = ring.encryption_keys()[0]
    bomb = jose.encrypt(key.public, bytes(jose.MAX_UNPACKED + 1))
    assert len(bomb) < 100_000
    with pytest.raises(BadToken, match="too_large"):
        jose.decrypt([key], bomb)
    with pytest.raises(BadToken, match="gzip"):
        jose.unpack(packing.pack(b"one") + b"tail")
    with pytest.raises(BadToken, match="gzip"):
        jose.unpack(packing.pack(b"one")[:-4])


def test_a_point_off_the_curve_is_refused(ring: KeyRing) -> None:
    jwk = to_jwk(ring.standby_key().public)
    wrong = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    with pytest.raises(ValueError, match=r"."):
        from_jwk({**jwk, "y": wrong})
    assert thumbprint(from_jwk(jwk)) == jwk["kid"]


def test_rolling_over_publishes_the_next_key_ahead(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path / "keys")
    assert ring.public_signing() == []
    first, standby = ring.signing_keys()[0].kid, ring.standby_key().kid
    ring.publish()
    assert [thumbprint(key) for key in ring.public_signing()] == [first, standby]
    assert ring.roll_signing() == standby
    kids = [thumbprint(key) for key in ring.public_signing()]
    assert kids[:2] == [standby, first]
    assert kids[2] not in (first, standby)


def test_key_files_are_private(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path / "keys")
    ring.seal_key(), ring.signing_keys(), ring.ca_key()
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
