"""What a route demands: every route says it where it is defined; a test refuses a route that does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.permissions import Permission


class Access(Enum):
    """Demands that are not a single permission."""

    PUBLIC = "anyone"
    SIGNED_IN = "any person who is signed in"
    DEVICE = "a device with its own token"
    METRICS = "a collector on this machine or with the metrics token"


Demand = Permission | Access


@dataclass(frozen=True, slots=True)
class RouteRule:
    """The demand of one endpoint, whether its GET writes or its POST only reads, whether it answers with a page and takes
    a JSON body."""

    demand: Demand
    writes: bool = False
    page: bool = False
    takes_json: bool = False
    reads: bool = False


class RouteTable:
    """The rules of all endpoints of an application, by endpoint name."""

    def __init__(self) -> None:
        self._rules: dict[str, RouteRule] = {}

    def add(self, endpoint: str, rule: RouteRule) -> None:
        """Set the rule of an endpoint."""
        self._rules[endpoint] = rule

    def get(self, endpoint: str | None) -> RouteRule | None:
        """The rule of an endpoint, None when it has none."""
        return self._rules.get(endpoint or "")


table = RouteTable()
