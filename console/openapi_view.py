"""The OpenAPI document arranged for reading: operations by tag, with demands and flattened schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.http.access import Access
from core.text import Text

METHODS = ("get", "post", "put", "patch", "delete")
MAX_DEPTH = 6
_LIMITS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "maxItems", "default")
_ACCESS = {
    Access.PUBLIC.value: Text("公开", "public"),
    Access.SIGNED_IN.value: Text("已登录", "signed in"),
    Access.DEVICE.value: Text("设备令牌", "device token"),
    Access.METRICS.value: Text("采集器", "collector"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a schema, nested ones as a dotted path."""

    path: str
    type: str
    required: bool
    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an operation."""

    status: str
    description: str
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address."""

    anchor: str
    method: str
    path: str
    summary: str
    demand: Text
    parameters: list[tuple[str, Member]]
    body: list[Member]
    media: list[str]
    answers: list[Answer]


def by_tag(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """All operations in the order of the document, under their tags."""
    found: dict[str, list[Operation]] = {}
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                tag = (item[method].get("tags") or ["–"])[0]
                found.setdefault(tag, []).append(_operation(document, path, method, item[method]))
    return dict(sorted(found.items()))


def _operation(document: Mapping[str, Any], path: str, method: str, spec: Mapping[str, Any]) -> Operation:
    content = spec.get("requestBody", {}).get("content", {})
    schema = _schema(content)
    return Operation(
        anchor=re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-"),
        method=method.upper(),
        path=path,
        summary=spec.get("summary", ""),
        demand=_demand(spec.get("x-demand", "")),
        parameters=[
            (one["in"], _member(document, one["name"], one.get("schema", {}), bool(one.get("required"))))
            for one in spec.get("parameters", ())
        ],
        body=list(members(document, schema)),
        media=list(content),
        answers=[_answer(document, status, answer) for status, answer in sorted(spec.get("responses", {}).items())],
    )


def _demand(value: str) -> Text:
    return _ACCESS.get(value) or Text(value, value)


def _answer(document: Mapping[str, Any], status: str, spec: Mapping[str, Any]) -> Answer:
    return Answer(status, spec.get("description", ""), list(members(document, _schema(spec.get("content", {})))))


def _schema(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the first kind of content."""
    first: Mapping[str, Any] = next(iter(content.values()), {})
    schema: Mapping[str, Any] = first.get("schema", {})
    return schema


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, or what it refers to; `anyOf` with null is the other one."""
    while "$ref" in schema:
        schema = document["components"]["schemas"].get(schema["$ref"].rsplit("/", 1)[-1], {})
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return _resolve(document, choices[0]) if len(choices) == 1 else schema


def members(
    document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[Member]:
    """All members of a schema, those of nested ones too; what it refers to is in the document's components."""
    plain = _resolve(document, schema)
    if plain.get("type") == "array":
        yield from members(document, plain.get("items", {}), f"{prefix}[]", depth + 1)
        return
    if depth > MAX_DEPTH:
        return
    required = set(plain.get("required", ()))
    for name, member in plain.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield _member(document, path, member, name in required)
        yield from members(document, member, path, depth + 1)


def _member(document: Mapping[str, Any], path: str, schema: Mapping[str, Any], required: bool) -> Member:
    plain = _resolve(document, schema)
    limits = [f"{name} {_value(plain[name])}" for name in _LIMITS if plain.get(name) is not None]
    if "enum" in plain:
        limits.append(" | ".join(str(value) for value in plain["enum"]))
    words = [schema.get("description") or plain.get("description") or "", ", ".join(limits)]
    return Member(path, _type(document, schema), required, " · ".join(word for word in words if word))


def _value(value: Any) -> str:
    """A value as JSON has it; limits that are whole numbers come as floats."""
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value, ensure_ascii=False)


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    nullable = any(one.get("type") == "null" for one in schema.get("anyOf", ()))
    plain = _resolve(document, schema)
    name = str(plain.get("type", "any"))
    if name == "array":
        name = f"{_type(document, plain.get('items', {}))}[]"
    elif plain.get("format"):
        name = f"{name} ({plain['format']})"
    return f"{name} | null" if nullable else name
