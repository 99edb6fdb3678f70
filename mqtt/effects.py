"""Effects: what the relay makes of outbox rows.

A *renderer* turns rows into messages from the truth at that moment; a *performer* acts on the broker itself.
A *settler* learns, in the transaction that forgets the rows, which of them reached a session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.crypto.jwk import SigningKey
from core.outbox import Due
from mqtt.contract.limits import PAYLOAD_MAX


@dataclass(frozen=True, slots=True)
class Publish:
    """One message to publish for an outbox row; `expiry_s` is its Message Expiry."""

    row_id: int
    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int | None = None

    def __post_init__(self) -> None:
        # A broker drops the connection over an oversized message and the library resends it for ever.
        if len(self.payload) > PAYLOAD_MAX:
            raise ValueError(f"{self.topic}: {len(self.payload)} bytes, more than {PAYLOAD_MAX}")


Renderer = Callable[[Sequence[Due], SigningKey], list[Publish]]
Performer = Callable[[Sequence[Due]], None]
Settler = Callable[[Sequence[Due], Sequence[Due]], None]

_renderers: dict[str, Renderer] = {}
_writing: set[str] = set()
_performers: dict[str, Performer] = {}
_settlers: dict[str, Settler] = {}


def renders(effect: str, *, writes: bool = False) -> Callable[[Renderer], Renderer]:
    """Register the renderer of an effect: (rows, signing key) -> messages; a row without any is simply done.

    One that changes the database says `writes`; no other holds up whoever writes meanwhile.
    """

    def add(renderer: Renderer) -> Renderer:
        _renderers[effect] = renderer
        if writes:
            _writing.add(effect)
        return renderer

    return add


def performs(effect: str) -> Callable[[Performer], Performer]:
    """Register the performer of an effect: it acts at once and raises to be tried again."""

    def add(performer: Performer) -> Performer:
        _performers[effect] = performer
        return performer

    return add


def settles(effect: str) -> Callable[[Settler], Settler]:
    """Register who learns of an effect's end: (rows that reached a session, rows that found none)."""

    def add(settler: Settler) -> Settler:
        _settlers[effect] = settler
        return settler

    return add


def renderer(effect: str) -> Renderer | None:
    """The renderer of an effect."""
    return _renderers.get(effect)


def writes(effect: str) -> bool:
    """Whether the renderer of an effect changes the database."""
    return effect in _writing


def performer(effect: str) -> Performer | None:
    """The performer of an effect."""
    return _performers.get(effect)


def settler(effect: str) -> Settler | None:
    """The settler of an effect."""
    return _settlers.get(effect)
