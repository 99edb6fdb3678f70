"""What a document may hold, read from the JSON Schema of its models: the form has no rules of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from policies.language.kinds import CalendarSpec, KeywordSetSpec
from policies.rules import PolicySpec
from policies.rules.forms import Spec

Kind = Literal["group", "list", "weekly", "choice", "ticks", "whole", "text", "duration"]
FORMS: dict[str, type[Spec]] = {"Policy": PolicySpec, "KeywordSet": KeywordSetSpec, "Calendar": CalendarSpec}
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Shape:
    """One member: what it is, which values there are, and what is in it.

    `names` is the kind of documents whose names are meant; `every` the word that stands for all of the options;
    `options` of a duration are words that may stand for it.
    """

    kind: Kind
    options: tuple[Any, ...] = ()
    names: str | None = None
    every: str | None = None
    limit: int = LONGEST
    low: int | None = None
    high: int | None = None
    required: bool = False
    default: Any = None
    item: Shape | None = None
    members: Mapping[str, Shape] = field(default_factory=dict)


@cache
def shape_of(kind: str) -> Shape:
    """The spec of a kind of documents. Raises KeyError for a kind that has no form."""
    schema = FORMS[kind].model_json_schema()
    return _read(schema, schema.get("$defs", {}))


def walk(shape: Shape, path: str = "") -> Iterator[tuple[str, Shape]]:
    """Every member below, by the path that its words stand under; items of a list have the path of their list."""
    yield path, shape
    if shape.item:
        yield from ((found, one) for found, one in walk(shape.item, path) if found != path or one.kind != "group")
    for name, member in shape.members.items():
        yield from walk(member, f"{path}.{name}" if path else name)


def _read(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    if "$ref" in schema:
        return _read(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return _either([part for part in schema["anyOf"] if part.get("type") != "null"], definitions)
    if schema.get("type") == "object":
        return _object(schema, definitions)
    if schema.get("type") == "array":
        item = _read(schema["items"], definitions)
        return Shape("ticks", item.options) if item.kind == "choice" else Shape("list", item=item)
    return _scalar(schema)


def _either(parts: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> Shape:
    """One of several: what is optional, or a word that stands for the rest."""
    *words, last = parts
    shape = _read(last, definitions)
    if not words:
        return shape
    word = words[0]["const"]
    return replace(shape, every=word) if shape.kind == "ticks" else replace(shape, options=(word,))


def _object(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    if "properties" in schema:
        required = schema.get("required", ())
        members = {
            name: replace(_read(member, definitions), required=name in required, default=member.get("default"))
            for name, member in schema["properties"].items()
        }
        return Shape("group", members=members)
    value = _read(schema["additionalProperties"], definitions)
    if "propertyNames" in schema:
        return Shape("group", members=dict.fromkeys(schema["propertyNames"]["enum"], value))
    return Shape("weekly", item=value)


def _scalar(schema: Mapping[str, Any]) -> Shape:
    if schema["type"] == "boolean":
        return Shape("choice", (True,) if "const" in schema else (True, False))
    if "enum" in schema:
        return Shape("choice", tuple(schema["enum"]))
    if schema["type"] == "integer":
        return Shape("whole", low=schema.get("minimum"), high=schema.get("maximum"))
    if schema.get("format") == "duration":
        return Shape("duration")
    return Shape("text", names=schema.get("names"), limit=schema.get("maxLength", LONGEST))
