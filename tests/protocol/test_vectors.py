"""The worked examples of the page, by the server's own code and by the agent's."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey

from agent import crypto as phone
from archive.batches import open_batch
from core.crypto import attestation, jose
from core.crypto.blobs import blob_key, open_blob
from core.crypto.jwk import SigningKey, b64u, from_jwk, public_to_der, thumbprint, unb64u
from core.crypto.x509 import parse_csr
from fleet.queries import DeviceKeys
from mqtt.contract import chain
from mqtt.contract.command import Command, parse_args
from mqtt.contract.enrollment import DeviceClaims
from mqtt.contract.names import DEVICE_AUDIENCE, Typ
from mqtt.contract.result import Result
from mqtt.contract.times import from_wire
from scripts import protocol_vectors

VECTORS: dict[str, Any] = json.loads(protocol_vectors.FILE.read_text("utf-8"))
KEYS: dict[str, dict[str, str]] = VECTORS["keys"]
DEVICE: str = VECTORS["device_id"]


def public(name: str) -> Any:
    return from_jwk({member: KEYS[name][member] for member in ("kty", "crv", "x", "y")})


def private(name: str) -> SigningKey:
    members: Any = {member: KEYS[name][member] for member in ("kty", "crv", "x", "y", "d")}
    pem = ECKey.import_key(members).as_pem(private=True)
    key: Any = serialization.load_pem_private_key(pem, None)
    return SigningKey(key, thumbprint(key.public_key()))


@pytest.mark.parametrize("name", KEYS)
def test_each_kid_is_the_thumbprint_of_its_key_pair(name: str) -> None:
    assert KEYS[name]["kid"] == thumbprint(public(name)) == private(name).kid


def test_the_examples_are_those_that_the_script_makes() -> None:
    made = protocol_vectors.make()
    assert made["keys"] == KEYS
    for name in ("jwt", "command", "archived", "hello"):
        assert made[name]["claims"] == VECTORS[name]["claims"]
    assert made["attestation"]["challenge"] == VECTORS["attestation"]["challenge"]
    for part in ("texts", "leaves", "h", "signature_input"):
        assert made["chain"][part] == VECTORS["chain"][part]


def test_the_device_jwt_verifies() -> None:
    claims = jose.verify(
        VECTORS["jwt"]["token"],
        typ=Typ.DEVICE_JWT,
        keys={KEYS["device_signing"]["kid"]: public("device_signing")},
        sub=DEVICE,
        aud=DEVICE_AUDIENCE,
        require=("iss", "exp", "jti"),
    )
    assert claims == VECTORS["jwt"]["claims"]
    assert DeviceClaims.take(claims).jti == claims["jti"]


@pytest.mark.parametrize(("name", "typ"), [("command", Typ.COMMAND), ("archived", Typ.ARCHIVED)])
def test_the_agent_verifies_what_the_server_signed(name: str, typ: Typ) -> None:
    keys = {KEYS["server_signing"]["kid"]: public("server_signing")}
    claims = phone.verify(VECTORS[name]["token"], typ=typ, keys=keys, sub=DEVICE)
    assert claims == VECTORS[name]["claims"]


def test_the_command_has_the_args_of_its_type() -> None:
    command = Command.take(VECTORS["command"]["claims"])
    assert parse_args(command.type, command.args).wire() == {"message": "请联系主管"}


def test_the_result_opens_and_verifies() -> None:
    token = jose.decrypt([private("server_encryption")], VECTORS["result"]["jwe"])
    assert token.decode() == VECTORS["result"]["token"]
    keys = {KEYS["device_signing"]["kid"]: public("device_signing")}
    claims = jose.verify(token, typ=Typ.RESULT, keys=keys, sub=DEVICE, require=("jti",))
    assert Result.take(claims).command == VECTORS["command"]["claims"]["jti"]


def test_the_header_of_the_jwe_is_what_the_page_prescribes() -> None:
    header = json.loads(unb64u(VECTORS["result"]["jwe"].split(".")[0]))
    assert header == VECTORS["result"]["header"]
    assert set(header) == {"alg", "enc", "kid", "epk"}
    assert header["kid"] == KEYS["server_encryption"]["kid"]
    assert VECTORS["result"]["jwe"].split(".")[1] == ""


def test_the_chain_is_hashed_as_the_page_says() -> None:
    told = VECTORS["chain"]
    last = hashlib.sha256(DEVICE.encode()).digest()
    assert told["h"][0] == last.hex()
    for text, leaf, head in zip(told["texts"], told["leaves"], told["h"][1:], strict=True):
        assert hashlib.sha256(text.encode()).hexdigest() == leaf
        last = hashlib.sha256(last + bytes.fromhex(leaf)).digest()
        assert last.hex() == head
    assert list(chain.heads(chain.origin(DEVICE), told["texts"]))[-1] == last


def test_the_signature_covers_exactly_the_bytes_of_the_page() -> None:
    told = VECTORS["chain"]
    signed = b"shouji-records-v1\x00" + DEVICE.encode() + b"\x00" + bytes.fromhex(told["h"][-1])
    assert signed.hex() == told["signature_input"]
    signature = unb64u(told["batch"]["sig"])
    assert len(signature) == 64
    assert jose.verify_bytes(public("device_signing"), signature, signed)
    assert not jose.verify_bytes(public("device_signing"), signature, signed + b"\x00")


def test_the_server_reads_the_batch_and_finds_no_defect() -> None:
    batch = open_batch([private("server_encryption")], VECTORS["chain"]["jwe"].encode())
    keys = DeviceKeys(
        DEVICE,
        "active",
        KEYS["device_signing"]["kid"],
        public_to_der(public("device_signing")),
        public_to_der(public("device_encryption")),
    )
    assert batch.defect(keys) is None
    assert [text.decode() for text in batch.texts] == VECTORS["chain"]["texts"]


def test_the_blob_opens_with_its_key_by_server_and_agent() -> None:
    told = VECTORS["blob"]
    body = base64.b64decode(told["blob"])
    assert (hashlib.sha256(body).hexdigest(), len(body)) == (told["digest"], told["size"])
    document_digest = hashlib.sha256(told["document"].encode()).digest()
    assert document_digest.hex() == told["document_sha256"]
    key = blob_key(bytes.fromhex(told["secret"]), document_digest)
    assert b64u(key) == told["key"]
    assert open_blob(key, body, 10_000) == told["document"].encode()
    assert phone.open_blob(body, told["key"]) == told["document"].encode()


def test_the_csr_is_taken() -> None:
    assert thumbprint(parse_csr(VECTORS["csr"]["pem"])) == KEYS["device_signing"]["kid"]


def test_the_attestation_answers_the_token_for_the_signing_key() -> None:
    told = VECTORS["attestation"]
    answer = hashlib.sha256(b"shouji-attestation-v1\x00" + told["token"].encode()).digest()
    assert answer.hex() == told["challenge"]
    root = x509.load_pem_x509_certificate(told["chain"][-1].encode())
    at = from_wire(protocol_vectors.AT)
    trust = attestation.Trust((root,))
    checked = attestation.check(told["chain"], public("device_signing"), answer, trust, at)
    assert checked.flaws == ()
    assert checked.said is not None
    assert (checked.said.level, checked.said.boot_state, checked.said.locked) == ("tee", "verified", True)
