"""A server in miniature for the agent's own tests: a real broker over TLS, HTTP, and the keys of both sides.

It answers as the protocol says and no more; what the tests want to see or to spoil is in plain attributes.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe
from joserfc.jwk import ECKey
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent import crypto
from mqtt.contract import chain, topics
from mqtt.contract.jwks import Jwk
from mqtt.contract.names import Typ
from tests.agent.fake_broker import FakeBroker
from tests.agent.fake_parts import Authority, Blob, Device, new_key, pem, pem_key


class FakeServer(FakeBroker):
    def __init__(self, folder: Path, *, notice: str = "1") -> None:
        self.folder = folder
        self.ca = Authority()
        self.lock = threading.RLock()
        self._notice = notice
        self.retained: set[str] = set()
        self.subscribed = threading.Event()
        self.reset()
        self._start_broker()
        self._start_http()
        self._start_client()

    def reset(self) -> None:
        """Forget everything but the running parts."""
        for topic in self.retained:
            self.publish(topic, b"", retain=True)
        self.retained.clear()
        self.signing, self.standby, self.encryption = new_key(), new_key(), new_key()
        self.notice = self._notice
        self.devices: dict[str, Device] = {}
        self.tokens = {"T" * 26}
        self.blobs: dict[str, bytes] = {}
        self.media: dict[str, bytearray] = {}
        self.http_log: list[tuple[str, str]] = []
        self.jtis: set[str] = set()
        self.answer_hello = True
        self.archive_records = True
        self.enroll_ca: list[Authority] = [self.ca]
        self.clock_offset = 0.0
        self.sig_keys = [self.signing, self.standby]
        self.override: Callable[[str, str, bytes], tuple[int, bytes, dict[str, str]] | None] = lambda *_: None

    # Parts

    def _start_http(self) -> None:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                owner.http_log.append((self.command, self.path.split("?")[0]))
                got = owner.override(self.command, self.path, body)
                status, content, headers = got or owner.route(self.command, self.path, body, dict(self.headers))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_HEAD = _serve

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def _start_client(self) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "server", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", self.plain_port)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.http.shutdown()
        self.http.server_close()
        self.stop_mosquitto()

    # Keys

    def now(self) -> int:
        return int(time.time() + self.clock_offset)

    def jwks(self) -> list[dict[str, Any]]:
        sig = [crypto.to_jwk(key.public_key(), use="sig").wire() for key in self.sig_keys]
        return [*sig, crypto.to_jwk(self.encryption.public_key(), use="enc").wire()]

    @property
    def key_pin(self) -> str:
        return crypto.to_jwk(self.signing.public_key()).thumbprint

    def sign(self, typ: Typ | str, claims: dict[str, Any], key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
        key = key or self.signing
        return crypto.sign(key, crypto.to_jwk(key.public_key()).thumbprint, str(typ), claims).encode()

    def open(self, payload: bytes) -> bytes:
        registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
        registry.max_ciphertext_length = 16_000_000
        key = ECKey.import_key(pem_key(self.encryption).decode())
        return gzip.decompress(jwe.decrypt_compact(payload.decode(), key, registry=registry).plaintext or b"")

    def claims(self, device: Device, payload: bytes, typ: str) -> dict[str, Any]:
        kid = crypto.to_jwk(device.key).thumbprint  # type: ignore[arg-type]
        return crypto.verify(payload, typ=typ, keys={kid: device.key}, sub=device.id)  # type: ignore[dict-item]

    # HTTP

    def route(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        path = path.removeprefix("/api/v1/")
        if path == "notice":
            return _json(200, {"version": self.notice, "texts": {"zh-CN": "告知书", "en": "Notice"}})
        if path == "enroll":
            return self._enroll(json.loads(body))
        device = self._authenticate(headers.get("Authorization", ""))
        if device is None:
            when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.now()))
            return 401, b"{}", {"Date": when}
        return self._device_route(device, method, path, body, headers)

    def _device_route(
        self, device: Device, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        base = {"sub": device.id, "iat": self.now()}
        if path.split("?")[0] == "device/jwks":
            return 200, self.sign(Typ.JWKS, {**base, "keys": self.jwks()}), {}
        if path == "device/status":
            return 200, self.sign(Typ.STATUS, {**base, **device.status}), {}
        if path == "device/notice":
            device.got["notice"].append(json.loads(body))
            return 204, b"", {}
        if path == "device/results":
            self._up(device, "result", body)
            return 204, b"", {}
        if path == "device/records":
            self._up(device, "records", body)
            return 200, self.archived(device), {}
        if path == "device/certificate":
            csr = x509.load_pem_x509_csr(json.loads(body)["csr"].encode())
            certificate = self.ca.issue(device.id, csr.public_key())  # type: ignore[arg-type]
            device.serial = certificate.serial_number
            return _json(200, self._certificate(certificate))
        if path.startswith("device/blobs/"):
            blob = self.blobs.get(path.rsplit("/", 1)[-1])
            return (200, blob, {}) if blob is not None else (404, b"{}", {})
        if path.startswith("media"):
            return self._media(method, path, body, headers)
        return 404, b"{}", {}

    def _media(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        if method == "POST":
            name = str(uuid.uuid4())
            self.media[name] = bytearray()
            return 201, b"", {"Location": f"{self.url}/api/v1/media/{name}"}
        content = self.media[path.rsplit("/", 1)[-1]]
        if method == "PATCH":
            content += body
        return 204, b"", {"Upload-Offset": str(len(content))}

    def _certificate(self, certificate: x509.Certificate) -> dict[str, Any]:
        return {
            "certificate": pem(certificate),
            "ca": [pem(authority.certificate) for authority in self.enroll_ca],
            "certificate_expires_at": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%S}.000Z",
        }

    def _enroll(self, body: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        if body["token"] not in self.tokens:
            return _json(401, {"code": "token_invalid", "title": "token"})
        if (body.get("notice") or {}).get("version") != self.notice:
            return _json(428, {"code": "notice_not_accepted", "version": self.notice})
        csr = x509.load_pem_x509_csr(body["csr"].encode())
        device_id = str(uuid.uuid4())
        certificate = self.ca.issue(device_id, csr.public_key())  # type: ignore[arg-type]
        self.devices[device_id] = Device(device_id, body["encryption_key"], certificate)
        answer = {
            "device_id": device_id,
            **self._certificate(certificate),
            "broker": {"host": "127.0.0.1", "port": self.broker_port},
            "api": f"{self.url}/api/v1",
            "jwks": {"keys": self.jwks()},
            "holder": "confirmed",
        }
        return _json(201, answer)

    def _authenticate(self, header: str) -> Device | None:
        token = header.removeprefix("Bearer ")
        try:
            claims = json.loads(crypto.unb64u(token.split(".")[1]))
            device = self.devices[claims["sub"]]
            self.claims(device, token.encode(), "shouji-device+jwt")
        except (KeyError, IndexError, ValueError):
            return None
        fresh = abs(claims["iat"] - self.now()) < 120 and claims["exp"] - claims["iat"] <= 300
        if not fresh or claims["jti"] in self.jtis or claims["aud"] != "shouji-device":
            return None
        self.jtis.add(claims["jti"])
        return device

    # MQTT

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if retain and payload:
            self.retained.add(topic)
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def send(self, device: Device | str, kind: str, payload: bytes, *, retain: bool = False) -> None:
        device_id = device if isinstance(device, str) else device.id
        if retain:
            self.retained.add(topics.down(device_id, kind))
        self.client.publish(topics.down(device_id, kind), payload, qos=1, retain=retain)

    def _on_connect(self, *_: Any) -> None:
        self.client.subscribe(topics.ALL_UP, qos=1)

    def _on_subscribe(self, *_: Any) -> None:
        self.subscribed.set()

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        found = topics.parse(message.topic)
        if isinstance(found, topics.UpTopic) and found.device_id in self.devices:
            try:
                self._up(self.devices[found.device_id], found.kind.value, bytes(message.payload))
            except Exception as error:
                self.devices[found.device_id].got["errors"].append(repr(error))

    def _up(self, device: Device, kind: str, payload: bytes) -> None:
        with self.lock:
            if kind in ("presence", "heartbeat"):
                device.got[kind].append(json.loads(payload))
            elif kind in ("hello", "reported"):
                device.got[kind].append(self.claims(device, payload, f"shouji-{kind}+jws"))
            elif kind in ("result", "event"):
                device.got[kind].append(self.claims(device, self.open(payload), f"shouji-{kind}+jws"))
            else:
                self._records(device, json.loads(self.open(payload)))
            if kind == "hello" and self.answer_hello:
                self._greet(device, device.got["hello"][-1])
            if kind == "result" and device.got["result"][-1]["status"] != "received":
                device.open_commands.pop(device.got["result"][-1]["command"], None)

    def _greet(self, device: Device, hello: dict[str, Any]) -> None:
        self.send(device, "archived", self.archived(device, connection=hello["connection"]))
        if device.desired and hello["generation"] != device.desired["generation"]:
            self.send(device, "desired", self.sign(Typ.DESIRED, {**device.desired, "iat": self.now()}))
        for command in device.open_commands.values():
            self._offer(device, command)

    def _records(self, device: Device, batch: dict[str, Any]) -> None:
        device.got["batches"].append(batch)
        if not self.archive_records:
            return
        head = chain.head(bytes.fromhex(batch["prev"]), batch["records"])
        assert head.hex() == batch["head"], "head"
        raw = crypto.unb64u(batch["sig"])
        crypto._check_signature(device.key, raw, chain.signing_input(device.id, head))  # type: ignore[arg-type]
        first = batch["first"]
        assert first <= device.through + 1, "gap"
        for offset, text in enumerate(batch["records"]):
            if first + offset <= device.through:
                assert device.records[first + offset - 1] == text, "contradiction"
            else:
                device.records.append(text)
                device.head = chain.link(device.head, chain.leaf(text))
                device.through += 1
        self.send(device, "archived", self.archived(device))

    def archived(self, device: Device, **more: Any) -> bytes:
        claims = {
            "sub": device.id, "through": device.through, "head": device.head.hex(), "root": None,
            "iat": self.now(), **more,
        }  # fmt: skip
        return self.sign(Typ.ARCHIVED, claims)

    # What tests order

    def command(self, device: Device, kind: str, args: dict[str, Any] | None = None, **more: Any) -> str:
        command = {"jti": str(uuid.uuid4()), "type": kind, "args": args or {}, **more}
        device.open_commands[command["jti"]] = command
        self._offer(device, command)
        return str(command["jti"])

    def command_jws(self, device: Device, command: dict[str, Any]) -> bytes:
        iat = self.now()
        return self.sign(Typ.COMMAND, {"sub": device.id, "iat": iat, "exp": iat + 600, **command})

    def _offer(self, device: Device, command: dict[str, Any]) -> None:
        self.send(device, "command", self.command_jws(device, command))

    def blob(self, document: Any, **more: Any) -> Blob:
        blob = Blob(document, **more)
        self.blobs[blob.digest] = blob.bytes
        if len(blob.bytes) <= 200_000:
            self.publish(topics.blob(blob.digest), blob.bytes, retain=True)
        return blob

    def bundle(self, rules: dict[str, Any], keyword_sets: dict[str, Any] | None = None) -> Blob:
        refs = []
        for name, document in (keyword_sets or {}).items():
            refs.append({**self.blob(document).ref, "kind": "keyword_set", "name": name})
        return self.blob({"schema": 1, "rules": rules, "blobs": refs})

    def desire(self, device: Device, blob: Blob, generation: int | None = None, **more: Any) -> int:
        generation = generation or int(time.time() * 1000)
        device.desired = {
            "sub": device.id, "generation": generation, "bundle": blob.ref, "notice": self.notice, **more,
        }  # fmt: skip
        claims = {"iat": self.now(), **device.desired}
        self.publish(topics.down(device.id, "desired"), self.sign(Typ.DESIRED, claims), retain=True)
        return generation

    def contacts_jwe(self, device: Device, claims: dict[str, Any], typ: Typ | str = Typ.CONTACTS) -> bytes:
        jwk = Jwk.take(device.encryption_jwk)
        return crypto.encrypt_to(jwk, self.sign(typ, {"sub": device.id, "iat": self.now(), **claims})).encode()

    def revoke(self, device: Device) -> None:
        self.ca.revoked.append(device.serial)
        (self.folder / "crl.pem").write_bytes(self.ca.crl())
        self.stop_mosquitto()
        self.start_mosquitto()

    def wait(self, condition: Callable[[], Any], timeout: float = 10.0, what: str = "") -> Any:
        deadline = time.monotonic() + timeout
        while True:
            with self.lock:
                value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(what or "the server did not see what was waited for")
            time.sleep(0.01)


def _json(status: int, value: Any) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
