"""The simulated handset: what a phone is and shows, without any rule. Rules are the guard's matter."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agent import clock
from agent.store import PhoneStore
from mqtt.contract.heartbeat import Location, Posture

PERMISSIONS = ("accessibility", "call_log", "sms", "notification", "overlay")
MESSAGES_REMEMBERED = 2
DEFAULT_APPS = ("com.tencent.mm", "com.tencent.mobileqq", "com.tencent.wework")


@dataclass
class Body:
    """Facts of the handset that survive a restart."""

    locked: bool = False
    lock_message: str = ""
    lock_reason: str = ""
    passcode_reset_due: bool = False
    wiped: str | None = None
    encrypted: bool = True
    passcode: bool = True
    rooted: bool = False
    developer_mode: bool = False
    agent_admin: bool = True
    permissions: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PERMISSIONS, True))
    iccids: list[str] = field(default_factory=list)
    sim_salt: str = ""
    security_patch: str = "2026-10-05"
    restrictions: list[str] = field(default_factory=list)
    apps: list[str] = field(default_factory=lambda: list(DEFAULT_APPS))
    recorder: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that was put on the screen."""

    at: datetime
    kind: str
    title: str
    text: str


class Handset:
    """State of one simulated handset."""

    def __init__(self, store: PhoneStore, iccid: str) -> None:
        self._store = store
        kept = store.get("handset")
        self.body = Body(**kept) if kept else Body(iccids=[iccid], sim_salt=os.urandom(16).hex())
        self.battery = 0.83
        self.charging = False
        self.network = "wifi"
        self.storage_free = 41_943_040_000
        self.position = (31.2304, 121.4737)
        self.screen: list[Shown] = []
        self.ringing_until = 0.0
        self.reboots = 0
        self.messages: dict[str, dict[str, Any]] = {}
        self._said: dict[tuple[str, str], deque[str]] = {}
        self._started = clock.monotonic()
        self.save()

    def save(self) -> None:
        """Keep the facts."""
        self._store.put("handset", dict(vars(self.body)))

    @property
    def uptime(self) -> int:
        """Seconds since the last start of the phone."""
        return int(clock.monotonic() - self._started)

    def show(self, kind: str, title: str, text: str) -> None:
        """Put something on the screen; the last hundred are remembered."""
        self.screen.append(Shown(clock.wall(), kind, title, text))
        del self.screen[:-100]

    def lock(self, message: str, reason: str) -> None:
        """Lock the work side; emergency calls stay possible."""
        self.body.locked, self.body.lock_message, self.body.lock_reason = True, message, reason
        self.save()

    def unlock(self) -> None:
        """Open the work side again."""
        self.body.locked, self.body.lock_message, self.body.lock_reason = False, "", ""
        self.save()

    def ring(self, seconds: int) -> None:
        """Ring, whatever the volume."""
        self.ringing_until = clock.monotonic() + seconds

    def reboot(self) -> None:
        """Start again."""
        self.reboots += 1
        self._started = clock.monotonic()

    def say(self, conversation: str, direction: str, text: str) -> None:
        """Remember what one side of a conversation said last."""
        self._said.setdefault((conversation, direction), deque(maxlen=MESSAGES_REMEMBERED)).append(text)

    def said(self, conversation: str, direction: str) -> list[str]:
        """The last messages of one side, oldest first: a word may go on from them."""
        return list(self._said.get((conversation, direction), ()))

    def erase_work(self) -> None:
        """Forget messages and everything else of the work side."""
        self.messages.clear()
        self._said.clear()
        self.screen.clear()

    def posture(self) -> Posture:
        """The posture as a heartbeat tells it (§6)."""
        body = self.body
        salt = bytes.fromhex(body.sim_salt)
        return Posture(
            encrypted=body.encrypted,
            passcode=body.passcode,
            rooted=body.rooted,
            developer_mode=body.developer_mode,
            agent_admin=body.agent_admin,
            permissions=dict(body.permissions),
            sim=[_hmac(salt, iccid) for iccid in body.iccids],
            security_patch=body.security_patch,
        )

    def locate(self, at: datetime) -> Location:
        """One position."""
        return Location(lat=self.position[0], lon=self.position[1], accuracy_m=12.0, at=at)


def _hmac(salt: bytes, text: str) -> str:
    return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()
