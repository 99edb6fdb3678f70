"""Counters that contact limits look at; the caller keeps them and hands in their values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from policies.engine.vocabulary import Counted, CounterKey


class Counter(BaseModel):
    """What is counted, for whom, over which window (seconds, or `day`: a calendar day of the zone)."""

    model_config = ConfigDict(frozen=True)

    key: CounterKey
    count: Counted
    window: int | str
    timezone: str | None = None

    @property
    def name(self) -> str:
        """One name for equal counters, for example `customer/effective_talk/day@Asia/Shanghai`."""
        window = f"{self.window}@{self.timezone}" if self.timezone else str(self.window)
        return f"{self.key}/{self.count}/{window}"


def counters_for(rules: Mapping[str, Any]) -> list[Counter]:
    """All counters that the contact limits of a bundle's rules look at, each once."""
    limits = rules.get("contact_limits")
    found: Iterable[Counter | None] = (limit.counter() for limit in (limits.rules or ())) if limits else ()
    return list({counter.name: counter for counter in found if counter}.values())
