"""Topics of §4: built and read in this one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mqtt.contract.names import Down, Up

PREFIX: Final = "shouji/v1"
ALL_UP: Final = f"{PREFIX}/d/+/up/+"
"""Filter of everything that devices send; for the server's own session alone."""

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_DEVICE = re.compile(rf"{PREFIX}/d/({_UUID})/(up|down)/([a-z]+)", re.ASCII)
_BLOB = re.compile(rf"{PREFIX}/blobs/([0-9a-f]{{64}})", re.ASCII)


class BadTopic(ValueError):
    """A topic that the protocol does not know."""


@dataclass(frozen=True, slots=True)
class UpTopic:
    """A device's own topic, read."""

    device_id: str
    kind: Up


@dataclass(frozen=True, slots=True)
class DownTopic:
    """A topic to one device, read."""

    device_id: str
    kind: Down


@dataclass(frozen=True, slots=True)
class BlobTopic:
    """A blob's topic, read; `digest` is 64 hex characters."""

    digest: str


def up(device_id: str, kind: Up | str) -> str:
    """Topic on which `device_id` publishes `kind`."""
    return f"{PREFIX}/d/{device_id}/up/{Up(kind).value}"


def down(device_id: str, kind: Down | str) -> str:
    """Topic on which the server publishes `kind` to `device_id`."""
    return f"{PREFIX}/d/{device_id}/down/{Down(kind).value}"


def all_down(device_id: str) -> str:
    """The subscription of one device."""
    return f"{PREFIX}/d/{device_id}/down/+"


def blob(digest: str) -> str:
    """Topic of a blob by its hex SHA-256."""
    return f"{PREFIX}/blobs/{digest}"


def parse(topic: str) -> UpTopic | DownTopic | BlobTopic:
    """Read any topic of the protocol. Raises BadTopic for every other one."""
    if match := _DEVICE.fullmatch(topic):
        device_id, way, kind = match.groups()
        try:
            return UpTopic(device_id, Up(kind)) if way == "up" else DownTopic(device_id, Down(kind))
        except ValueError:
            raise BadTopic(topic) from None
    if match := _BLOB.fullmatch(topic):
        return BlobTopic(match.group(1))
    raise BadTopic(topic)
