"""Who a phone is after its enrollment, and how it enrolls (§3)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from agent import clock, crypto
from agent.crypto import DeviceKeys, PublicKey
from agent.errors import EnrollmentRefused, Untrusted
from agent.http import Server
from mqtt.contract import codec
from mqtt.contract.enrollment import DeviceFacts, EnrollmentAnswer, EnrollmentRequest
from mqtt.contract.jwks import Jwk
from mqtt.contract.names import Typ
from mqtt.contract.notice import Notice, NoticeAcceptance, NoticeProof, texts_digest
from mqtt.contract.times import to_wire

AGENT = "shouji-agent"
AGENT_VERSION = "1.0.0"
LANGUAGE = "zh-CN"
"""In which the holder reads."""
Show = Callable[[Notice], object]
"""Shows a notice to the holder."""
Attest = Callable[[PublicKey, str], list[str]]
"""Has the key store attest the signing key in answer to an enrollment token: a chain of PEM, leaf first."""
_MODELS = (
    ("Xiaomi", "23127PN0CC", "15"),
    ("HUAWEI", "ALN-AL00", "12"),
    ("HONOR", "BVL-AN00", "14"),
    ("OPPO", "PHZ110", "14"),
    ("vivo", "V2309A", "15"),
    ("samsung", "SM-S9280", "14"),
)


@dataclass(frozen=True, slots=True)
class Pins:
    """What the QR code pins: the CA and the server's signing key."""

    ca_sha256: str | None = None
    key_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """All that an enrollment left on the phone; sealed on disk."""

    device_id: str
    keys: dict[str, str]
    certificate: str
    ca: list[str]
    certificate_expires_at: str
    broker_host: str
    broker_port: int
    api: str
    holder: str
    facts: dict[str, Any]
    server_keys: list[dict[str, Any]]
    notice_version: str | None
    pins: dict[str, str | None] = field(default_factory=dict)
    notice: dict[str, Any] | None = None

    @classmethod
    def load(cls, members: dict[str, Any]) -> Identity:
        """Undo `dump`."""
        return cls(**members)

    def dump(self) -> dict[str, Any]:
        """JSON members."""
        return asdict(self)

    def device_keys(self) -> DeviceKeys:
        """The private keys, ready for use."""
        return DeviceKeys.load(self.keys)

    def renewed(self, certificate: str, ca: list[str], expires_at: str) -> Identity:
        """The same device with a new certificate."""
        return replace(self, certificate=certificate, ca=ca, certificate_expires_at=expires_at)


def made_up_facts(rng: random.Random) -> DeviceFacts:
    """Facts of a phone that does not exist."""
    manufacturer, model, version = rng.choice(_MODELS)
    return DeviceFacts(
        serial="".join(rng.choice("0123456789ABCDEFGHJKLMNPQRSTUVWX") for _ in range(12)),
        imei=[f"86{rng.randrange(10**13):013d}"],
        manufacturer=manufacturer,
        model=model,
        os="android",
        os_version=version,
        agent=AGENT,
        agent_version=AGENT_VERSION,
    )


def acceptance(keys: DeviceKeys, notice: Notice, at: datetime) -> NoticeAcceptance:
    """The holder accepts what was shown; the phone signs which texts those were (§3)."""
    said = NoticeAcceptance(version=notice.version, accepted_at=at, language=LANGUAGE)
    claims = NoticeProof(
        version=notice.version,
        texts=texts_digest(notice.texts),
        language=LANGUAGE,
        accepted_at=at,
        iat=int(at.timestamp()),
    )
    return said.model_copy(update={"proof": crypto.sign(keys.signing, keys.kid, Typ.NOTICE, claims.wire())})


def kept(notice: Notice, at: datetime) -> dict[str, Any]:
    """What the phone keeps of an accepted notice, for its holder to read again."""
    return {**notice.wire(), "accepted_at": to_wire(at), "language": LANGUAGE}


@dataclass(frozen=True)
class Enrollment:
    """One enrollment; a repeat with the same keys within 10 minutes gets the same answer."""

    server: Server
    base: str
    code: str
    facts: DeviceFacts
    keys: DeviceKeys
    pins: Pins
    employee_no: str | None = None
    accept_notice: bool = True
    show: Show | None = None
    attest: Attest | None = None

    def url(self, path: str) -> str:
        """Address under the API."""
        return f"{self.base.rstrip('/')}/api/v1/{path}"

    def notice(self) -> Notice | None:
        """The current notice; None when the server has none."""
        answer = self.server.request("GET", self.url("notice"))
        return None if answer.status == 404 else Notice.take(answer.expect(200).json())

    def request_body(self, notice: Notice | None) -> dict[str, Any]:
        """The members of `POST enroll`."""
        accepted = None
        if notice is not None and self.accept_notice:
            accepted = acceptance(self.keys, notice, clock.wall())
        request = EnrollmentRequest(
            token=self.code,
            csr=crypto.csr_pem(self.keys.signing),
            encryption_key=self.keys.encryption_jwk,
            device=self.facts,
            employee_no=self.employee_no,
            notice=accepted,
        )
        if self.attest is not None:
            chain = self.attest(self.keys.signing.public_key(), self.code)
            request = request.model_copy(update={"attestation": chain})
        return request.wire()

    def run(self) -> Identity:
        """Enroll. Blocks. Raises EnrollmentRefused, RequestFailed, or Untrusted for a false answer."""
        notice = self.notice()
        if notice is not None and self.show is not None:
            self.show(notice)
        answer = self.server.request(
            "POST",
            self.url("enroll"),
            headers={"Content-Type": "application/json"},
            body=codec.encode(self.request_body(notice)),
        )
        if answer.status != 201:
            raise EnrollmentRefused(answer.status, _problem(answer.body))
        members = EnrollmentAnswer.take(answer.json())
        return self._check(members, notice if self.accept_notice else None)

    def _check(self, answer: EnrollmentAnswer, notice: Notice | None) -> Identity:
        ca = crypto.keep_pinned(answer.ca, self.pins.ca_sha256)
        crypto.check_certificate(answer.certificate, ca, self.keys.signing, answer.device_id)
        return Identity(
            device_id=answer.device_id,
            keys=self.keys.dump(),
            certificate=answer.certificate,
            ca=ca,
            certificate_expires_at=to_wire(answer.certificate_expires_at),
            broker_host=answer.broker.host,
            broker_port=answer.broker.port,
            api=answer.api,
            holder=answer.holder,
            facts=self.facts.wire(),
            server_keys=[key.wire() for key in _pinned_keys(answer.jwks.keys, self.pins.key_sha256)],
            notice_version=notice.version if notice else None,
            pins=asdict(self.pins),
            notice=kept(notice, clock.wall()) if notice else None,
        )


def _pinned_keys(keys: list[Jwk], pin: str | None) -> list[Jwk]:
    if pin is None:
        return keys
    kept = [key for key in keys if key.use == "sig" and key.thumbprint == pin]
    if not kept:
        raise Untrusted("key_pin", "no server key matches the pin")
    return kept


def _problem(body: bytes) -> dict[str, object]:
    try:
        return codec.decode_object(body)
    except codec.BadPayload:
        return {}
