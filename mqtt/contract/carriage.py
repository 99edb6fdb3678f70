"""How each message of §4 travels: its topic, its way, its envelope. The tables of topics are made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mqtt.contract import topics
from mqtt.contract.names import RETAINED_DOWN, Down, Typ, Up

DEVICE, DIGEST = "{device_id}", "{digest}"


@dataclass(frozen=True, slots=True)
class Carriage:
    """One kind of message on one topic.

    `schema` names the JSON Schema of what is inside; `typ` is that of the JWS around it, None without one;
    `encrypted` when a JWE is around that; `answered_by` names the message that answers it.
    """

    name: str
    topic: str
    schema: str
    summary: str
    typ: Typ | None = None
    encrypted: bool = False
    retained: bool = False
    answered_by: str | None = None

    @property
    def from_device(self) -> bool:
        """Whether the device publishes it."""
        return "/up/" in self.topic

    @property
    def media_type(self) -> str:
        """Content type of the payload as it is on the wire."""
        if self.schema == "bundle":
            return "application/octet-stream"
        return "application/jose" if self.typ or self.encrypted else "application/json"


def _up(
    kind: Up, summary: str, typ: Typ | None = None, *, encrypted: bool = False, answered_by: str | None = None
) -> Carriage:
    topic = f"{topics.PREFIX}/d/{DEVICE}/up/{kind}"
    return Carriage(kind.value, topic, kind.value, summary, typ, encrypted, answered_by=answered_by)


def _down(
    kind: Down, summary: str, typ: Typ, *, name: str = "", encrypted: bool = False, answered_by: str | None = None
) -> Carriage:
    topic = f"{topics.PREFIX}/d/{DEVICE}/down/{kind}"
    name = name or kind.value
    return Carriage(name, topic, name, summary, typ, encrypted, kind in RETAINED_DOWN, answered_by)


CARRIAGES: Final = (
    _up(
        Up.HELLO,
        "Once after each connect; the server answers with everything that differs.",
        Typ.HELLO,
        answered_by="archived",
    ),
    _up(Up.PRESENCE, "Whether the device is there; also its Will. A hint, which proves nothing."),
    _up(Up.HEARTBEAT, "State and posture, every `heartbeat_seconds` of the bundle. A hint, which proves nothing."),
    _up(Up.REPORTED, "What the device made of its desired state.", Typ.REPORTED),
    _up(Up.RESULT, "What became of a command.", Typ.RESULT, encrypted=True),
    _up(
        Up.RECORDS, "A batch of the communications archive, chained and signed.", encrypted=True, answered_by="archived"
    ),
    _up(Up.EVENT, "The fast copy of an event that is a record too.", Typ.EVENT, encrypted=True),
    _down(Down.DESIRED, "What the device is to have in force.", Typ.DESIRED, answered_by="reported"),
    _down(
        Down.COMMAND,
        "One command, signed anew at each offer; Message Expiry is the time to `exp`.",
        Typ.COMMAND,
        answered_by="result",
    ),
    _down(Down.ARCHIVED, "The receipt: up to which record the server holds everything.", Typ.ARCHIVED),
    _down(Down.CONTACTS, "The contact book, for the device's eyes alone.", Typ.CONTACTS, encrypted=True),
    _down(
        Down.CONTACTS,
        "Where a contact book is that is too large for MQTT.",
        Typ.CONTACTS_POINTER,
        name="contacts-pointer",
    ),
    Carriage(
        "blob",
        f"{topics.PREFIX}/blobs/{DIGEST}",
        "bundle",
        "Immutable content under the SHA-256 of its bytes: AES-256-GCM of gzip of canonical JSON (§7).",
        retained=True,
    ),
)
"""Every message that goes over MQTT."""
