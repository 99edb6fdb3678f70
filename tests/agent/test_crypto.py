"""Tokens, sealed messages and blobs are believed only when every check passes."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent import crypto
from agent.crypto import DeviceKeys
from agent.errors import UnknownKey, Untrusted
from mqtt.contract.limits import UNPACKED_MAX
from tests.agent.fake_parts import Blob, new_key

SUB = "3f2b8c1e-0000-4000-8000-00000000abcd"
TYP = "shouji-command+jws"
SERVER = new_key()
KID = crypto.to_jwk(SERVER.public_key()).thumbprint
KEYS = {KID: SERVER.public_key()}


def _verify(token: str | bytes) -> dict[str, Any]:
    return crypto.verify(token, typ=TYP, keys=KEYS, sub=SUB)


def _token(header: dict[str, Any] | None = None, claims: Any = None, **more: Any) -> str:
    head = {"alg": "ES256", "typ": TYP, "kid": KID, **(header or {})}
    body = {"sub": SUB, "iat": 1764000000, **more} if claims is None else claims
    signed = ".".join(crypto.b64u(json.dumps(part).encode()) for part in (head, body))
    return f"{signed}.{crypto.b64u(crypto.sign_raw(SERVER, signed.encode()))}"


def test_a_good_token_gives_its_claims() -> None:
    assert _verify(_token(x=1)) == {"sub": SUB, "iat": 1764000000, "x": 1}


@pytest.mark.parametrize(
    "token",
    [
        _token({"alg": "none"}),
        _token({"alg": "HS256"}),
        _token({"typ": "shouji-desired+jws"}),
        _token({"typ": None}),
        _token({"crit": ["exp"]}),
        _token(claims={"sub": "other", "iat": 1}),
        _token(claims={"sub": SUB}),
        _token(claims={"sub": SUB, "iat": "1764000000"}),
        _token(claims={"sub": SUB, "iat": 1.5}),
        _token(claims={"sub": SUB, "iat": True}),
        _token(claims={"sub": SUB, "iat": 1, "exp": "2"}),
        _token(claims=[SUB]),
        _token()[:-4] + "AAAA",
        _token() + "=",
        _token().replace(".", "..", 1),
        "x.y",
        "",
        "é.é.é",
        crypto.sign(new_key(), KID, TYP, {"sub": SUB, "iat": 1}),
    ],
)
def test_a_token_with_one_thing_wrong_is_refused(token: str) -> None:
    with pytest.raises(Untrusted):
        _verify(token)


def test_a_payload_changed_after_signing_is_refused() -> None:
    head, _, signature = _token().split(".")
    changed = crypto.b64u(json.dumps({"sub": SUB, "iat": 1764000001}).encode())
    with pytest.raises(Untrusted, match="signature"):
        _verify(f"{head}.{changed}.{signature}")


def test_an_unknown_key_is_told_apart() -> None:
    other = new_key()
    with pytest.raises(UnknownKey):
        _verify(crypto.sign(other, crypto.to_jwk(other.public_key()).thumbprint, TYP, {"sub": SUB, "iat": 1}))


def test_two_members_of_one_name_in_a_payload_are_refused() -> None:
    head = crypto.b64u(json.dumps({"alg": "ES256", "typ": TYP, "kid": KID}).encode())
    body = crypto.b64u(f'{{"sub":"{SUB}","iat":1,"iat":2}}'.encode())
    signature = crypto.b64u(crypto.sign_raw(SERVER, f"{head}.{body}".encode()))
    with pytest.raises(Untrusted):
        _verify(f"{head}.{body}.{signature}")


def test_a_sealed_message_of_a_megabyte_comes_back() -> None:
    keys = DeviceKeys.generate()
    plain = bytes(range(256)) * 4096
    token = crypto.encrypt_to(keys.encryption_jwk, plain)
    assert crypto.decrypt(keys, token) == plain
    with pytest.raises(Untrusted):
        crypto.decrypt(DeviceKeys.generate(), token)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d.e", "....", "é" * 5])
def test_what_is_no_sealed_message_is_refused(token: str) -> None:
    with pytest.raises(Untrusted):
        crypto.decrypt(DeviceKeys.generate(), token)


def test_a_sealed_message_by_another_method_is_refused() -> None:
    keys = DeviceKeys.generate()
    parts = crypto.encrypt_to(keys.encryption_jwk, b"x").split(".")
    for change in ({"enc": "A128GCM"}, {"alg": "ECDH-ES+A256KW"}, {"zip": "DEF"}):
        header = json.loads(crypto.unb64u(parts[0])) | change
        spoiled = ".".join([crypto.b64u(json.dumps(header).encode()), *parts[1:]])
        with pytest.raises(Untrusted, match="header"):
            crypto.decrypt(keys, spoiled)


def test_unpacking_is_bounded_and_takes_one_whole_member() -> None:
    assert crypto.unpack(gzip.compress(b"x" * 100), 100) == b"x" * 100
    bomb = gzip.compress(b"\0" * (UNPACKED_MAX + 1))
    assert len(bomb) < 20_000
    for bad in (bomb, gzip.compress(b"x")[:-3], gzip.compress(b"x") + b"y", b"", b"x"):
        with pytest.raises(Untrusted):
            crypto.unpack(bad)


def test_a_blob_opens_with_its_key_alone() -> None:
    blob = Blob({"schema": 1})
    assert json.loads(crypto.open_blob(blob.bytes, crypto.b64u(blob.key_bytes))) == {"schema": 1}
    for key in (crypto.b64u(bytes(32)), "A" * 10, "!"):
        with pytest.raises(Untrusted):
            crypto.open_blob(blob.bytes, key)
    with pytest.raises(Untrusted):
        crypto.open_blob(b"short", crypto.b64u(blob.key_bytes))


def test_equal_documents_give_equal_blobs_with_the_nonce_of_the_protocol() -> None:
    key = bytes(range(32))
    sealed = AESGCM(key).encrypt(bytes(12), gzip.compress(b"{}", mtime=0), None)
    assert crypto.open_blob(sealed, crypto.b64u(key)) == b"{}"


@pytest.mark.parametrize("text", ["=", "AA=", "A", "+/==", "AB", "A A="])
def test_only_canonical_base64url_is_read(text: str) -> None:
    with pytest.raises(Untrusted):
        crypto.unb64u(text)
