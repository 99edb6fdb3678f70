"""Light phones: thousands of TLS connections in one process that answer at once. `python -m bench.phones FOLDER PORT`.

They do what the protocol asks of a phone that gets a desired state it can apply, and nothing else: a full reference
phone each would be the limit that is measured. The process tells on standard output when all are connected, and what
it did when asked by a line on standard input.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import socket
import ssl
import sys
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bench import wire
from bench.broker import reply_topic
from core.crypto.jwk import b64u, thumbprint, unb64u
from core.process import spare_the_collector
from mqtt.contract import topics
from mqtt.contract.limits import SESSION_EXPIRY_S
from mqtt.contract.names import Typ, Up

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 30.0
PING_SECONDS = 100.0
READ_BYTES = 65_536
PLAIN_REPLY = b"r" * 700
DESIRED, BASELINE = b"/down/desired", b"/down/bench"
NONCES = 12
"""Signatures that a phone can give cheaply; beyond that it makes a nonce when it needs one."""
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer:
    """ES256 with the costly half done beforehand: here thousands of phones share a core, out there each has its own."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._secret = key.private_numbers().private_value
        self._nonces = [_nonce() for _ in range(NONCES)]

    def sign(self, data: bytes) -> bytes:
        """64 bytes, R || S."""
        r, inverse = self._nonces.pop() if self._nonces else _nonce()
        s = inverse * (int.from_bytes(hashlib.sha256(data).digest(), "big") + r * self._secret) % ORDER
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _nonce() -> tuple[int, int]:
    """R of a nonce that is used once, and the nonce's inverse."""
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    return numbers.public_numbers.x % ORDER, pow(numbers.private_value, -1, ORDER)


class LightPhone:
    """One connection."""

    def __init__(self, device_id: str, identity: Path, context: ssl.SSLContext, port: int) -> None:
        self.device_id = device_id
        key = load_pem_private_key(identity.read_bytes().partition(b"-----END CERTIFICATE-----")[2], None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 -- we wrote the file
        self._signer = Signer(key)
        header = {"alg": "ES256", "kid": thumbprint(key.public_key()), "typ": Typ.REPORTED}
        self._header = b64u(json.dumps(header).encode())
        self._packets = wire.Packets()
        self._reported = topics.up(device_id, Up.REPORTED)
        self._reply = wire.publish(reply_topic(device_id), PLAIN_REPLY, 1)
        self.answered = self.desired_bytes = self.reported_bytes = 0
        raw = socket.create_connection((HOST, port), TIMEOUT_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(raw, server_hostname=HOST)
        self.socket.sendall(wire.connect(device_id, clean=False, expiry_s=SESSION_EXPIRY_S))
        self._await(wire.CONNACK)
        self.socket.sendall(wire.subscribe(topics.all_down(device_id)))
        self._await(wire.SUBACK)
        self.socket.setblocking(False)

    def _await(self, kind: int) -> None:
        while not any(got == kind for got, _ in self._packets.feed(self.socket.recv(READ_BYTES))):
            pass

    def read(self) -> None:
        """Take what came and answer it."""
        out: list[bytes] = []
        while True:
            try:
                data = self.socket.recv(READ_BYTES)
            except ssl.SSLWantReadError:
                break
            if not data:
                raise ConnectionError(f"{self.device_id} was cut")
            for kind, body in self._packets.feed(data):
                if kind == wire.PUBLISH:
                    self._take(body, out)
            if not self.socket.pending():
                break
        if out:
            self.send(b"".join(out))

    def send(self, data: bytes) -> None:
        """Write; a phone has so little to say that the kernel takes it at once."""
        self.socket.send(data)

    def _take(self, body: bytes, out: list[bytes]) -> None:
        topic, mid, payload = wire.delivery(body)
        out.append(wire.puback(mid))
        if topic.endswith(BASELINE):
            out.append(self._reply)
        elif topic.endswith(DESIRED) and payload:
            report = self._report(payload)
            out.append(wire.publish(self._reported, report, 2))
            self.desired_bytes, self.reported_bytes = len(payload), len(report)
            self.answered += 1

    def _report(self, desired: bytes) -> bytes:
        wanted = json.loads(unb64u(desired.split(b".")[1]))
        now = time.time()
        at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        claims = (
            f'{{"generation":{wanted["generation"]},"bundle":"{wanted["bundle"]["digest"]}","outcome":"applied",'
            f'"detail":null,"at":"{at}","rules":{{"device":"enforced","protection":"enforced"}},'
            f'"sub":"{self.device_id}","jti":"{uuid.uuid4()}","iat":{int(now)}}}'
        )
        signed = f"{self._header}.{b64u(claims.encode())}".encode()
        return signed + b"." + b64u(self._signer.sign(signed)).encode()


def connect(folder: Path, port: int) -> dict[int, LightPhone]:
    """Connect all phones of the folder, one after the other; by descriptor."""
    phones: dict[int, LightPhone] = {}
    for device_id in (folder / "ids").read_text().split():
        identity = folder / f"{device_id}.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(identity)
        phone = LightPhone(device_id, identity, context, port)
        phones[phone.socket.fileno()] = phone
    return phones


def serve(phones: dict[int, LightPhone]) -> None:
    """Answer until standard input ends."""
    poll = select.epoll()
    for descriptor in phones:
        poll.register(descriptor, select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    due = time.monotonic() + PING_SECONDS
    while True:
        for descriptor, _ in poll.poll(1.0, 1000):
            if descriptor in phones:
                phones[descriptor].read()
            elif not os.read(descriptor, READ_BYTES):
                return
            else:
                _tell(phones)
        if time.monotonic() > due:
            due = time.monotonic() + PING_SECONDS
            for phone in phones.values():
                phone.send(wire.PING)


def _tell(phones: dict[int, LightPhone]) -> None:
    listed = list(phones.values())
    figures = {
        "answered": sum(phone.answered for phone in listed),
        "desired_bytes": max(phone.desired_bytes for phone in listed),
        "reported_bytes": max(phone.reported_bytes for phone in listed),
        "cpu_seconds": time.process_time(),
    }
    print(json.dumps(figures), flush=True)


def main() -> None:
    """Connect, say so, serve."""
    phones = connect(Path(sys.argv[1]), int(sys.argv[2]))
    spare_the_collector()
    print(json.dumps({"connected": len(phones)}), flush=True)
    serve(phones)


if __name__ == "__main__":
    main()
