"""Topics: the kinds of things that people are told of, each registered by the room that tells them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from core.text import Text

SeverityName = Literal["info", "warning", "critical"]


class Severity(IntEnum):
    """How much something matters; channels and people ask for a least one."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def code(self) -> SeverityName:
        """As it is written in requests and answers."""
        return _NAMES[self]


_NAMES: dict[Severity, SeverityName] = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "critical",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of notice. `title` says what happened to somebody who is not the one concerned.

    `chosen`: people and channels may ask for it; what is not is sent to whom it must be.
    """

    kind: str
    severity: Severity
    title: Text
    chosen: bool = True


_topics: dict[str, Topic] = {}


def register(kind: str, severity: Severity, title: Text, *, chosen: bool = True) -> str:
    """Add a topic; returns its kind."""
    _topics[kind] = Topic(kind, severity, title, chosen)
    return kind


def topic_of(kind: str) -> Topic:
    """The topic of that kind; one that nobody registered is a warning under its own name."""
    return _topics.get(kind) or Topic(kind, Severity.WARNING, Text(kind, kind))


def all_topics() -> list[Topic]:
    """Every topic that can be asked for, by kind."""
    return [_topics[kind] for kind in sorted(_topics) if _topics[kind].chosen]
