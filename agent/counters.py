"""What contact limits count on this phone alone: its own attempts and talks of the last week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.store import PhoneStore
from mqtt.contract.times import from_wire, to_wire
from policies.engine import Counter

KEPT = 500
"""Contacts that are remembered; the server has all of them."""


@dataclass(frozen=True, slots=True)
class Contacted:
    """One outgoing contact: who, and what it counts as."""

    at: datetime
    keys: dict[str, str]
    counts: list[str]


class Counters:
    """Counts by key; a figure is None where this phone cannot know it."""

    def __init__(self, store: PhoneStore) -> None:
        self._store = store
        self._kept = [
            Contacted(from_wire(item["at"]), item["keys"], item["counts"]) for item in store.get("counters") or []
        ]

    def add(self, contacted: Contacted) -> None:
        """Remember one contact."""
        self._kept = [*self._kept, contacted][-KEPT:]
        kept: list[dict[str, Any]] = [
            {"at": to_wire(item.at), "keys": item.keys, "counts": item.counts} for item in self._kept
        ]
        self._store.put("counters", kept)

    def values(self, counters: list[Counter], keys: dict[str, str], now: datetime) -> dict[str, int]:
        """The figure of each counter by its name, where its key is known."""
        found: dict[str, int] = {}
        for counter in counters:
            key = keys.get(counter.key)
            if key is not None:
                since = counter.since(now)
                found[counter.name] = sum(
                    item.at >= since and item.keys.get(counter.key) == key and counter.count in item.counts
                    for item in self._kept
                )
        return found

    def last(self, keys: dict[str, str]) -> dict[str, datetime]:
        """When each key was last tried."""
        return {name: item.at for item in self._kept for name, key in keys.items() if item.keys.get(name) == key}
