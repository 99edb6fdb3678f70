"""From the policies that reach a phone to its effective rules, and back to who asked for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pydantic import BaseModel

from policies.rules.algebra import Path, Value
from policies.rules.registry import Family, families

Fragments = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Origin:
    """One effective value and the indexes of the policies (in the given order) that it comes from."""

    path: Path
    value: Value
    sources: tuple[int, ...]


def compile_spec(spec: BaseModel, policy: str) -> Fragments:
    """The fragments of one policy's spec, by family; families that it does not set are absent."""
    given = {name: getattr(spec, name) for name in families()}
    return {name: families()[name].compile(value, policy) for name, value in given.items() if value is not None}


def merge(policies: Sequence[Mapping[str, Value]]) -> Fragments:
    """All fragments of several policies joined, family by family; the order makes no difference."""
    merged: Fragments = {}
    for name, family in families().items():
        given = [fragments[name] for fragments in policies if name in fragments]
        if given:
            merged[name] = reduce(family.operator.join, given)
    return merged


def rules_of(merged: Mapping[str, Value]) -> dict[str, Any]:
    """The `rules` of a bundle (PROTOCOL 12): the merged fragments as they are shipped."""
    shipped = {name: families()[name].finish(fragment) for name, fragment in merged.items()}
    return {name: value for name, value in shipped.items() if value is not None}


def origins(merged: Mapping[str, Value], policies: Sequence[Mapping[str, Value]]) -> list[Origin]:
    """For each effective value, which policies it comes from."""
    found: list[Origin] = []
    for name, fragment in merged.items():
        given = [fragments.get(name) for fragments in policies]
        found += [
            Origin(t.path, t.value, t.sources) for t in families()[name].operator.traces((name,), fragment, given)
        ]
    return found


def loosened(old: Mapping[str, Value], new: Mapping[str, Value]) -> list[Path]:
    """Where the new effective rules ask for less than the old ones; a family that is gone is lifted whole, if phones
    had any of it."""
    paths: list[Path] = []
    for name, fragment in old.items():
        if name in new:
            paths += families()[name].operator.loosened((name,), fragment, new[name])
        elif families()[name].finish(fragment) is not None:
            paths.append((name,))
    return paths


def family(name: str) -> Family:
    """The family of that name. Raises KeyError when there is none."""
    return families()[name]
