"""What a route demands: every route says it where it is defined; a test refuses a route that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import BaseModel

from core.permissions import Permission


class Access(Enum):
    """Demands that are not a single permission."""

    PUBLIC = "anyone"
    SIGNED_IN = "any person who is signed in"
    DEVICE = "a device with its own token"
    METRICS = "a collector on this machine or with the metrics token"


Demand = Permission | Access
Content = Mapping[str, type[BaseModel] | dict[str, Any]]
"""Media types of a body, each with the model or the JSON Schema of what it holds."""


@dataclass(frozen=True, slots=True)
class RouteRule:
    """The demand of one endpoint and what it takes and answers.

    `writes`: its GET writes; `reads`: its POST only reads; `reads_first`: its view calls `core.uow.start_writing`
    itself, after its long work; `page`: errors are answered as pages; `takes_json`: its body is JSON and nothing
    else; `any_password`: open to somebody who has yet to replace a password that another person set; `query`: the
    query members that there are, None where others are let through.
    """

    demand: Demand
    writes: bool = False
    page: bool = False
    takes_json: bool = False
    reads: bool = False
    reads_first: bool = False
    any_password: bool = False
    query: tuple[str, ...] | None = None
    takes: Content = field(default_factory=dict)
    answers: Mapping[int, Content] = field(default_factory=dict)
    problems: tuple[int, ...] = ()


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
