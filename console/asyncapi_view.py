"""The AsyncAPI document arranged for reading: topics with their messages, envelopes and flattened schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from console.openapi_view import Member, members
from mqtt.contract.carriage import CARRIAGES, Carriage
from policies.asyncapi import channel_name, envelope
from policies.wire_schemas import wire_schemas


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who sends it, what is around it, what is in it."""

    name: str
    summary: str
    envelope: str
    media_type: str
    answered_by: str | None
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic."""

    anchor: str
    topic: str
    from_device: bool
    retained: bool
    messages: list[Message]


def channels() -> list[Channel]:
    """All topics, in the order of the protocol."""
    found = []
    for _, group in groupby(CARRIAGES, key=lambda one: one.topic):
        here = list(group)
        first = here[0]
        shown = [_message(one) for one in here]
        found.append(Channel(channel_name(first), first.topic, first.from_device, first.retained, shown))
    return found


def _message(one: Carriage) -> Message:
    schema: Mapping[str, Any] = wire_schemas()[one.schema]
    holder = {"components": {"schemas": schema.get("$defs", {})}}
    return Message(one.name, one.summary, envelope(one), one.media_type, one.answered_by, list(members(holder, schema)))
