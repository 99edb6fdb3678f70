"""The rule families: each file in this folder declares one and registers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.text import Text
from policies.rules.algebra import Operator, Value


def as_merged(fragment: Value) -> Value:
    """The wire form of a family whose merged fragment needs no change."""
    return fragment


@dataclass(frozen=True, slots=True)
class Family:
    """One rule family.

    `spec` is the type of the member in a policy, `compile(spec, policy)` its fragment in wire units,
    `operator` how fragments of several policies are joined, `finish` the merged fragment as it is shipped
    (None: nothing to ship).
    """

    name: str
    title: Text
    spec: Any
    compile: Callable[[Any, str], Value]
    operator: Operator
    finish: Callable[[Value], Value] = as_merged


_families: dict[str, Family] = {}


def register(family: Family) -> Family:
    """Make a family known. Raises ValueError when the name is taken."""
    if family.name in _families:
        raise ValueError(f"rule family {family.name} is registered twice")
    _families[family.name] = family
    return family


def families() -> Mapping[str, Family]:
    """All families by name, in the order of their names."""
    return {name: _families[name] for name in sorted(_families)}
