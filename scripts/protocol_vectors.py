"""Makes docs/protocol-vectors.json, the worked examples of docs/protocol.md: `python -m scripts.protocol_vectors`.

Keys and inputs are fixed. Signatures and ciphertexts hold randomness, so they are made once and kept; the tests
verify and open what is stored.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.crypto_attestation import EmulatedRoot
from agent.records import blank_record
from core.crypto import jose
from core.crypto.blobs import blob_key, seal_blob
from core.crypto.jwk import SigningKey, b64u, thumbprint, to_jwk
from mqtt.contract import chain
from mqtt.contract.attestation import challenge
from mqtt.contract.names import DEVICE_AUDIENCE, Typ
from mqtt.contract.times import from_wire

FILE = Path(__file__).resolve().parent.parent / "docs" / "protocol-vectors.json"
DEVICE_ID = "3f2b8c1e-5d47-4a90-9c3e-7b1a2d4e6f80"
CONNECTION = "6c0f7f0e-9a53-4c1b-8a51-0d9a4f1f2b77"
COMMAND = "b1a7c3de-2f46-4d0b-9a8e-51f0c2d3e4a5"
MESSAGE = "0d6f4a52-8c1e-4b7a-9d30-6e2f1a5b4c3d"
ENROLLMENT_CODE = "0123456789ABCDEFGHJKMNPQRS"
IAT = 1795416600
AT = "2026-11-23T06:50:00.123Z"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key_of(name: str) -> SigningKey:
    """A fixed key pair, derived from its name: for examples alone."""
    scalar = int.from_bytes(hashlib.sha256(f"shouji protocol vector: {name}".encode()).digest(), "big")
    private = ec.derive_private_key(scalar % (_ORDER - 1) + 1, ec.SECP256R1())
    return SigningKey(private, thumbprint(private.public_key()))


def make() -> dict[str, Any]:
    """All examples."""
    device, opener, server, sealer = (key_of(name) for name in ("device sig", "device enc", "server sig", "server enc"))
    return {
        "device_id": DEVICE_ID,
        "keys": {
            "device_signing": _private_jwk(device, "sig"),
            "device_encryption": _private_jwk(opener, "enc"),
            "server_signing": _private_jwk(server, "sig"),
            "server_encryption": _private_jwk(sealer, "enc"),
        },
        "jwt": _jwt(device),
        "chain": _chain(device, sealer),
        "blob": _blob(),
        "command": _jws(server, Typ.COMMAND, _command()),
        "archived": _jws(server, Typ.ARCHIVED, _archived()),
        "hello": _jws(device, Typ.HELLO, _hello()),
        "result": _sealed(device, sealer),
        "csr": _csr(device),
        "attestation": _attestation(device),
    }


def _private_jwk(key: SigningKey, use: str) -> dict[str, str]:
    secret = key.private.private_numbers().private_value.to_bytes(32, "big")
    return {**to_jwk(key.public, use), "d": b64u(secret)}


def _jwt(key: SigningKey) -> dict[str, Any]:
    claims = {
        "iss": DEVICE_ID,
        "sub": DEVICE_ID,
        "aud": DEVICE_AUDIENCE,
        "iat": IAT,
        "exp": IAT + 120,
        "jti": "5a1f6a0e-3f0c-4a39-8a7e-0b6e0a6f3c11",
    }
    return {"header": {"alg": "ES256", "typ": str(Typ.DEVICE_JWT), "kid": key.kid}, **_jws(key, Typ.DEVICE_JWT, claims)}


def _jws(key: SigningKey, typ: str, claims: dict[str, Any]) -> dict[str, Any]:
    return {"claims": claims, "token": jose.sign(key, typ, claims)}


def _record(seq: int, salt: bytes, **members: Any) -> str:
    record = {
        "seq": seq,
        "salt": b64u(salt),
        **blank_record("wechat", "text", "out", "c-17", {"address": None, "name": "王先生"}, from_wire(AT)),
        "id": MESSAGE if seq == 1 else None,
        **members,
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _chain(device: SigningKey, sealer: SigningKey) -> dict[str, Any]:
    talk = {"channel": "call", "kind": "call", "outcome": "connected", "duration_s": 42, "recorded": True}
    texts = [
        _record(1, bytes(range(16)), text="您好，合同已发送。"),
        _record(2, bytes(range(16, 32)), peer={"address": "+8613800138000", "name": ""}, **talk),
    ]
    origin = chain.origin(DEVICE_ID)
    heads = list(chain.heads(origin, texts))
    signed = chain.signing_input(DEVICE_ID, heads[-1])
    batch = {
        "first": 1,
        "prev": origin.hex(),
        "records": texts,
        "head": heads[-1].hex(),
        "sig": b64u(jose.sign_bytes(device.private, signed)),
    }
    text = json.dumps(batch, ensure_ascii=False, separators=(",", ":"))
    return {
        "texts": texts,
        "leaves": [chain.leaf(text).hex() for text in texts],
        "h": [origin.hex(), *(head.hex() for head in heads)],
        "signature_input": signed.hex(),
        "batch": batch,
        "jwe": jose.encrypt(sealer.public, text.encode()),
    }


def _blob() -> dict[str, Any]:
    secret = hashlib.sha256(b"shouji protocol vector: bundle secret").digest()
    document = b'{"blobs":[],"rules":{"device":{"heartbeat_seconds":30}},"schema":1}'
    digest = hashlib.sha256(document).digest()
    body = seal_blob(secret, document)
    return {
        "document": document.decode(),
        "document_sha256": digest.hex(),
        "secret": secret.hex(),
        "key": b64u(blob_key(secret, digest)),
        "blob": base64.b64encode(body).decode(),
        "digest": hashlib.sha256(body).hexdigest(),
        "size": len(body),
    }


def _command() -> dict[str, Any]:
    args = {"message": "请联系主管"}
    return {"sub": DEVICE_ID, "jti": COMMAND, "type": "lock", "args": args, "iat": IAT, "exp": IAT + 600}


def _archived() -> dict[str, Any]:
    head = chain.origin(DEVICE_ID).hex()
    return {"sub": DEVICE_ID, "iat": IAT, "through": 0, "head": head, "root": None, "connection": CONNECTION}


def _hello() -> dict[str, Any]:
    return {
        "sub": DEVICE_ID,
        "jti": "e5c9b1de-74b7-4f0a-9a52-3d3c0c1e9d42",
        "iat": IAT,
        "connection": CONNECTION,
        "boot_id": "f0d2d3b4-8f6e-4a4e-b2a5-58cf0f5d5e1a",
        "agent_version": "1.0.0",
        "capabilities": ["device", "lock", "ping", "unlock", "wipe"],
        "generation": 0,
        "highest_generation": 0,
        "bundle": None,
        "reported": None,
        "contacts_version": 0,
        "next_seq": 1,
        "oldest_seq": 1,
        "archived_through": 0,
        "clock": AT,
        "notice_version": "1",
    }


def _sealed(device: SigningKey, sealer: SigningKey) -> dict[str, Any]:
    claims = {
        "sub": DEVICE_ID,
        "jti": "7d5f0f0c-0a8b-4a0e-8f7e-2c4f5f3f7a10",
        "iat": IAT + 2,
        "command": COMMAND,
        "status": "succeeded",
        "detail": None,
        "output": None,
        "at": AT,
    }
    made = _jws(device, Typ.RESULT, claims)
    token = jose.encrypt(sealer.public, made["token"].encode())
    header = token.split(".")[0]
    return {**made, "header": json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))), "jwe": token}


def _csr(device: SigningKey) -> dict[str, str]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shouji-device")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(device.private, hashes.SHA256())
    return {"pem": request.public_bytes(serialization.Encoding.PEM).decode()}


def _attestation(device: SigningKey) -> dict[str, Any]:
    """A chain by a test root, which is its last certificate."""
    chain = EmulatedRoot.make().attest(device.public, ENROLLMENT_CODE)
    return {"token": ENROLLMENT_CODE, "challenge": challenge(ENROLLMENT_CODE).hex(), "chain": chain}


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", "utf-8")
