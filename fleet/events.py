"""What this room tells higher rooms. Each signal carries a whole batch and is sent inside the sender's unit of work;
a receiver writes rows and outbox rows, nothing else. The sender argument is always None.

- `devices_enrolled(devices: list[Enrolled])`: phones that were just enrolled; their groups and holder are in place.
- `devices_changed(changes: list[DeviceChange])`: state, holder, org unit, groups or facts of phones changed.
- `devices_closed(devices: list[Closed])`: phones that became retired or wiped; sent after `devices_changed`.
- `hello_received(hellos: list[HelloReceived])`: verified hellos, newest of each phone.
- `presence_changed(changes: list[PresenceChange])`: only real changes between online and offline.
- `posture_changed(device_ids: list[str])`: the newest heartbeat shows another posture, or is the first one.
- `notice_changed(version: str)`: holders have to accept another notice.
- `notice_named(device_ids: list[str])`: what the desired state of these phones says of the notice changed.
- `notice_accepted(acceptances: list[Accepted])`: phones that accepted a version for the first time.
- `findings_changed(changes: list[FindingChange])`: findings that were opened or closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from blinker import Namespace

from mqtt.contract.hello import Hello

_signals = Namespace()

devices_enrolled = _signals.signal("devices-enrolled")
devices_changed = _signals.signal("devices-changed")
devices_closed = _signals.signal("devices-closed")
hello_received = _signals.signal("hello-received")
presence_changed = _signals.signal("presence-changed")
posture_changed = _signals.signal("posture-changed")
notice_changed = _signals.signal("notice-changed")
notice_named = _signals.signal("notice-named")
notice_accepted = _signals.signal("notice-accepted")
findings_changed = _signals.signal("findings-changed")


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new phone."""

    device_id: str
    org_unit_id: str
    person_id: str | None
    confirmed: bool
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """What changed of a phone; `old` and `new` are states, person ids or unit ids, or None where neither fits."""

    device_id: str
    what: Literal["state", "holder", "unit", "groups", "facts"]
    old: str | None
    new: str | None
    reason: str
    actor_id: str
    actor_name: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A phone that is out of the fleet; `state` is `retired` or `wiped`."""

    device_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class HelloReceived:
    """A verified hello; `not_before` says when it is answered (None: at once).

    Hellos within one quiet span are answered together at its end, with what is true then for the newest connection.
    """

    device_id: str
    state: str
    hello: Hello
    received_at: datetime
    new_boot: bool
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """A phone came online or went offline."""

    device_id: str
    online: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A notice version accepted on a phone."""

    device_id: str
    person_id: str | None
    version: str


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that was opened (`open`) or closed."""

    device_id: str
    code: str
    open: bool
