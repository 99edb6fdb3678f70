"""What a phone signed has one meaning, whatever its JSON library let pass."""

from __future__ import annotations

import json
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from core.crypto.jose import BadToken, sign_bytes
from core.crypto.jwk import b64u, thumbprint
from mqtt import signed
from mqtt.contract.codec import BadPayload
from mqtt.contract.names import Typ
from mqtt.contract.reported import Reported

KEY = ec.generate_private_key(ec.SECP256R1())
KID = thumbprint(KEY.public_key())
DEVICE = str(uuid.uuid4())
BODY = json.dumps(
    {
        "sub": DEVICE,
        "jti": "1",
        "iat": 1795416600,
        "generation": 7,
        "bundle": None,
        "outcome": "failed",
        "at": "2026-11-23T06:50:00.123Z",
    }
)


def _with(member: str) -> str:
    return f"{BODY[:-1]}, {member}}}"


def _read(body: str, typ: str = Typ.REPORTED, limit: int = 200_000) -> Reported:
    header = json.dumps({"alg": "ES256", "typ": typ, "kid": KID})
    text = f"{b64u(header.encode())}.{b64u(body.encode())}"
    token = f"{text}.{b64u(sign_bytes(KEY, text.encode()))}"
    return signed.read(Reported, token, typ=Typ.REPORTED, keys={KID: KEY.public_key()}, sub=DEVICE, limit=limit)


def test_members_that_nobody_knows_are_ignored() -> None:
    assert _read(_with('"later": {"x": [1, 2]}')).generation == 7


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ('"later": 1e999', "number"),
        (f'"later": {"9" * 30}', "number"),
        (f'"later": {"[" * 40}{"]" * 40}', "too_deep"),
        ('"later": "\\u0000"', "nul"),
        ('"later": "\\ud800"', "lone_surrogate"),
    ],
)
def test_claims_that_libraries_read_in_different_ways_are_refused(member: str, reason: str) -> None:
    with pytest.raises(BadPayload) as caught:
        _read(_with(member))
    assert caught.value.reason == reason


def test_claims_are_bounded_and_the_signature_comes_first() -> None:
    with pytest.raises(BadPayload):
        _read(BODY, limit=50)
    with pytest.raises(BadToken):
        _read(_with('"iat": 5'), typ=Typ.HELLO)
