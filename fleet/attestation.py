"""What a phone's key attestation proves (PROTOCOL 3): judged at enrollment, and again when trust changes.

A level says where the signing key is held: `strongbox`, `tee`, `software`; `unverified`: a chain came that proves
nothing, for the reasons given; `none`: no chain came. What else the chain says (boot state, patch level) was true when
the key was made, and is kept where the chain is in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Select, or_, select

from core import clock, live
from core.actor import system_actor
from core.crypto import attestation as chains
from core.crypto.attestation import Checked, Trust
from core.crypto.jwk import PublicKey, b64u, public_from_der
from core.crypto.key_description import VERIFIED, KeyDescription
from core.db import session
from core.errors import Invalid
from core.log import get_logger
from core.runtime import settings
from core.text import Text
from core.uow import unit_of_work
from fleet import timeline
from fleet.events import DeviceChange, devices_changed
from fleet.models import Device
from fleet.states import LIVING
from fleet.views import AttestationView

NONE, UNVERIFIED = "none", "unverified"
HARDWARE = ("tee", "strongbox")
NO_ROOTS, TRUST_UNREADABLE, FOREIGN_AGENT, NO_HARDWARE = "no_roots", "trust_unreadable", "agent", "no_hardware"
OURS = (NO_ROOTS, TRUST_UNREADABLE)
"""Reasons that lie with the installation, and say nothing against a phone."""
REQUIRED = "required"
BATCH = 500

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """A level, why it is no better, what the chain says, and by which roots, lists and settings that was judged."""

    level: str
    reasons: tuple[str, ...] = ()
    said: dict[str, Any] | None = None
    basis: str | None = None

    def put(self, device: Device, challenge: bytes | None) -> None:
        """Note it at a phone."""
        device.attestation_level = self.level
        device.attestation_basis = self.basis
        device.attestation_report = {
            "reasons": list(self.reasons),
            "said": self.said,
            "challenge": challenge.hex() if challenge else None,
            "judged_at": clock.to_wire(clock.now()),
        }


def judge(pems: Sequence[str] | None, key: PublicKey, challenge: bytes, at: datetime) -> Judged:
    """What a chain proves of a key that was to answer a challenge, as of a time. Never refuses by itself."""
    if not pems:
        return Judged(NONE)
    trust = _trust()
    if trust is None:
        return Judged(UNVERIFIED, (TRUST_UNREADABLE,))
    if not trust.roots:
        return Judged(UNVERIFIED, (NO_ROOTS,), basis=_basis(trust))
    checked = chains.check(pems, key, challenge, trust, at)
    reasons = [str(flaw) for flaw in checked.flaws]
    if not reasons and _is_foreign(checked):
        reasons.append(FOREIGN_AGENT)
    if reasons or checked.said is None:
        return Judged(UNVERIFIED, tuple(reasons), basis=_basis(trust))
    return Judged(checked.said.level, (), _said(checked.said), _basis(trust))


def admit(judged: Judged) -> None:
    """Raise Invalid where this installation takes in none but phones whose key is proven to lie in hardware."""
    if settings().attestation != REQUIRED or judged.level in HARDWARE:
        return
    raise Invalid(
        "attestation_refused",
        Text(
            "本机构只接收能证明签名密钥在硬件中的手机：请用真机与正式版代理程序重新注册，或联系管理员。",
            "This installation takes in only phones that prove their signing key to lie in hardware: enroll a real "
            "phone with the company's own agent, or ask an administrator.",
        ),
        reasons=list(judged.reasons) or [NO_HARDWARE],
    )


def is_sound(boot_state: str, locked: bool | None) -> bool:
    """Whether a phone has booted its maker's system behind a locked bootloader."""
    return boot_state == VERIFIED and locked is True


def view(device: Device) -> AttestationView:
    """What is known of a phone's attestation."""
    report = device.attestation_report or {}
    judged_at = report.get("judged_at")
    return AttestationView(
        level=device.attestation_level,
        reasons=report.get("reasons", []),
        judged_at=clock.from_wire(judged_at) if judged_at else None,
        **(report.get("said") or {}),
    )


def outdated() -> bool:
    """Whether a chain was judged by other roots, lists or settings than those in force."""
    with unit_of_work(write=False):
        return session().scalar(_outdated().limit(1)) is not None


def judge_again() -> tuple[int, int]:
    """Judge at most `BATCH` chains anew that were judged by something else; returns how many, and how many of them
    came out different."""
    query = _outdated().order_by(Device.id).limit(BATCH).with_for_update(skip_locked=True)
    devices = session().scalars(query).all()
    changes = [change for device in devices if (change := _again(device)) is not None]
    if changes:
        timeline.add([_line(change) for change in changes])
        devices_changed.send(None, changes=changes)
        live.announce("devices", [change.device_id for change in changes])
    return len(devices), len(changes)


def _outdated() -> Select[tuple[Device]]:
    trust = _trust()
    if trust is None:
        return select(Device).where(Device.id.is_(None))
    other = or_(Device.attestation_basis.is_(None), Device.attestation_basis != _basis(trust))
    return select(Device).where(Device.attestation_level != NONE, other, Device.state.in_(LIVING))


def _again(device: Device) -> DeviceChange | None:
    report = device.attestation_report or {}
    challenge = bytes.fromhex(report.get("challenge") or "")
    before = (device.attestation_level, report.get("reasons"))
    judged = judge(device.attestation, public_from_der(device.signing_key), challenge, device.enrolled_at)
    judged.put(device, challenge)
    if before == (judged.level, list(judged.reasons)):
        return None
    actor = system_actor("attestation")
    return DeviceChange(device.id, "facts", before[0], judged.level, "attestation", actor.id, actor.name)


def _line(change: DeviceChange) -> timeline.Line:
    detail = {"old": change.old, "new": change.new}
    return timeline.Line(
        change.device_id, "enrollment", "attestation.judged", system_actor("attestation"), detail=detail
    )


def _trust() -> Trust | None:
    here = settings()
    try:
        return chains.read_trust(here.attestation_roots, here.attestation_revoked)
    except (OSError, ValueError) as error:
        log.error("attestation_trust_unreadable", error=str(error)[:200])
        return None


def _basis(trust: Trust) -> str:
    here = settings()
    parts = (trust.digest, here.agent_signature_checksum or "", here.agent_admin_component or "")
    return sha256("|".join(parts).encode()).hexdigest()


def _is_foreign(checked: Checked) -> bool:
    """Whether another app than ours asked for the key; not asked where no APK is set."""
    checksum = settings().agent_signature_checksum
    component = settings().agent_admin_component
    if checksum is None or component is None or checked.said is None:
        return False
    signed_by_us = checksum in {b64u(signer) for signer in checked.said.signers}
    return not signed_by_us or component.partition("/")[0] not in checked.said.packages


def _said(said: KeyDescription) -> dict[str, Any]:
    return {
        "boot_state": said.boot_state,
        "bootloader_locked": said.locked,
        "os_version": said.os_version,
        "patch_level": said.patch_level,
    }
