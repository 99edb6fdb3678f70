"""JSON Schemas as tables that people read: one row for each member, one table for each object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
TIME, DIGEST, INTEGER_MAX = "date-time", "^[0-9a-f]{64}$", 2**53 - 1
PATTERNS = {
    DIGEST: "hex, 64 digits",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": "UUID",
    "^[A-Za-z0-9_-]{43}$": "b64u, 32 bytes",
    "^[A-Za-z0-9_-]{86}$": "b64u, 64 bytes",
    "^[A-Za-z0-9_-]*$": "b64u",
}


def tables(name: str, schema: Schema) -> Iterator[str]:
    """The tables of a message: its own, then one for each object inside it."""
    yield f"### `{name}`\n"
    yield _table(schema) if schema.get("properties") else f"{_type(schema)}\n" if "type" in schema else "No members.\n"
    for part, inner in schema.get("$defs", {}).items():
        yield f"`{part}`:\n"
        yield _table(inner) if inner.get("properties") else f"{_type(inner)}\n"


def _table(schema: Schema) -> str:
    required = set(schema.get("required", ()))
    closed = "\n\nUnknown members are an error." if schema.get("additionalProperties") is False else ""
    rows = [
        f"| `{name}` | {_type(member)} | {_presence(name in required, member)} |"
        for name, member in schema["properties"].items()
    ]
    return "| member | form | presence |\n| --- | --- | --- |\n" + "\n".join(rows) + closed + "\n"


def _presence(required: bool, member: Schema) -> str:
    if required:
        return "required"
    default = member.get("default")
    return "may be absent" if default is None else f"absent: `{_plain(default)}`"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return f"`{str(schema['$ref']).rsplit('/', 1)[-1]}`"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kinds = {"string": _string, "integer": _number, "number": _number, "array": _array, "object": _object}
    kind = str(schema.get("type", ""))
    return kinds[kind](schema) if kind in kinds else kind or "any JSON value"


def _string(schema: Schema) -> str:
    if schema.get("format") == TIME:
        return "time"
    pattern = schema.get("pattern")
    if pattern:
        return PATTERNS.get(pattern, f"string like `{pattern}`".replace("|", "\\|"))
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if high is None:
        return "string"
    return f"string of {low} to {high:,} characters" if low else f"string of at most {high:,} characters"


def _number(schema: Schema) -> str:
    kind, high = schema["type"], schema.get("maximum")
    if "exclusiveMinimum" in schema:
        return f"{kind} above {schema['exclusiveMinimum']}"
    if "minimum" not in schema:
        return str(kind)
    if high is None:
        return f"{kind}, {schema['minimum']} or more"
    return f"{kind}, {schema['minimum']} to {'2^53 - 1' if high == INTEGER_MAX else f'{high:,}'}"


def _array(schema: Schema) -> str:
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    count = f"{low} to {high} " if high is not None else f"at least {low} " if low else ""
    return f"array of {count}{_type(schema.get('items', {}))}"


def _object(schema: Schema) -> str:
    values = schema.get("additionalProperties")
    if not isinstance(values, Mapping):
        return "object"
    names = schema.get("propertyNames", {})
    keys = f" by {_type({'type': 'string', **names})}" if "enum" in names else ""
    return f"object of {_type(values)}{keys}"
