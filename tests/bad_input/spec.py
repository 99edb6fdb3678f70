"""The OpenAPI document as a list of operations, and values for them: ones that would do, and garbage."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

NOBODY = "00000000-0000-4000-8000-000000000000"
DEEP: Any = json.loads("[" * 70 + "]" * 70)
TEXTS = [
    "", " ", "x", "<script>alert(1)</script>", "\u202e", "=HYPERLINK(1)", "长" * 500, "a\0b", "\ud800",
    "../../etc/passwd", "' OR 1=1 --", "%00", "null", "-1", "1e999", "true", "2026-01-01T00:00:00Z", "0000-00-00", "/",
    "//", "/总部", "😀" * 65, NOBODY, "x" * 70_000,
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, 1e308, [], [None], [[]], {},
    {"": None}, {"a": {"b": []}}, ["x"] * 300, DEEP, *TEXTS,
]  # fmt: skip
PATH_VALUES = [
    NOBODY,
    "x",
    "%00",
    "%ED%A0%80",
    "..%2F..%2Fetc",
    "%FF",
    "a" * 300,
    "%27%20OR%201%3D1",
    "-1",
    "%F0%9F%98%80",
    "%2F",
]
QUERY_VALUES = [
    "",
    "-1",
    "0",
    "201",
    "9" * 40,
    "1e9",
    "true",
    "[]",
    "%00",
    "%FF",
    "%ED%A0%80",
    "null",
    "x" * 900,
    "2026-13-45",
    "W10",
    "WzFd",
    "eyJhIjoxfQ",
]
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"\xff\xfe",
    b'{"a": NaN}',
    b"[" * 5000,
    b"{}",
    b'{"a": 1, "a": 2}',
    b"\x00",
]
TYPES = ["application/json"] * 8 + [
    "text/plain",
    "application/yaml",
    "application/jose",
    "application/merge-patch+json",
    "x",
    "",
]


_POLICY = {
    "apiVersion": "shouji/v1",
    "kind": "Policy",
    "metadata": {"name": "fuzz", "title": "x", "revision": 1},
    "spec": {
        "device": {"heartbeat_seconds": 60, "minimum_os": {"android": "13"}, "forbid": ["root"]},
        "work_hours": {
            "timezone": "Asia/Shanghai",
            "weekly": {"mon-fri": ["09:00-18:00"]},
            "outside": {"apps": "lock"},
        },
        "contact_limits": {
            "rules": [{"id": "a", "key": "customer", "count": "effective_talk", "max": 3, "window": "7d"}]
        },
        "apps": {"mode": "allow", "packages": [{"name": "com.tencent.mm", "filing": "x", "reviewed": "2026-11-01"}]},
        "compliance": [{"when": ["root"], "after": "72h", "do": "lock"}],
    },
}
_SET = {
    "terms": [{"term": "abc", "except": ["abcd"]}, {"pattern": "a{1,3}(b|c)"}],
    "match": ["width"],
    "tests": {"hit": ["abc"]},
}
_GROUP = {"query": "os_version < 14 and org_unit in /总部"}
_CALENDAR = {"days": [{"date": "2026-10-01", "kind": "holiday", "name": "x"}]}
_HEAD = {"apiVersion": "shouji/v1", "metadata": {"name": "fuzz"}}
_DOCUMENTS = [
    _POLICY,
    {**_HEAD, "kind": "KeywordSet", "spec": _SET},
    {**_HEAD, "kind": "Group", "spec": _GROUP},
    {**_HEAD, "kind": "Calendar", "spec": _CALENDAR},
    {**_HEAD, "kind": "Assignment", "spec": {"policy": "fuzz", "to": {"org_unit": "/"}}},
]
_LOCK = {"type": "lock", "args": {"message": "x"}, "reason": "x", "expires_in": 3600}
EXAMPLES: dict[str, Any] = {
    "POST /api/v1/staff": {"name": "x", "username": "fuzz", "employee_no": "F1", "roles": ["auditor"], "org_unit": "/"},
    "POST /api/v1/org-units": {"name": "fuzz", "parent": "/"},
    "POST /api/v1/enrollment-tokens": {
        "max_uses": 1,
        "expires_in": 60,
        "org_unit": "/",
        "groups": ["g"],
        "person": "E1",
    },
    "POST /api/v1/devices/{id}/commands": _LOCK,
    "POST /api/v1/commands": {**_LOCK, "selector": {"devices": [NOBODY]}},
    "POST /api/v1/documents/plan": _DOCUMENTS,
    "POST /api/v1/documents/apply": _DOCUMENTS,
    "PUT /api/v1/notice": {"version": "v", "texts": {"zh-CN": "x", "en": "x"}},
    "PATCH /api/v1/devices/{id}": {"state": "lost", "reason": "x"},
    "PATCH /api/v1/staff/{id}": {"name": "x", "employee_no": "F2", "org_unit": "/", "revision": 1},
    "POST /api/v1/device/notice": {"version": "v", "accepted_at": "2026-11-23T06:50:00.123Z"},
    "POST /api/v1/freeze": {"frozen": False, "reason": "x"},
}
"""Bodies that would do, of which garbage is made by changing one member."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    demand: str
    path_names: tuple[str, ...]
    query_names: tuple[str, ...]
    members: dict[str, Any]

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return f"{self.method} {self.path}"

    @property
    def guarded(self) -> bool:
        """Whether it wants to know who calls."""
        return self.demand != "anyone"

    @property
    def permission(self) -> bool:
        """Whether it asks for a permission, rather than for anybody who is signed in or for a phone."""
        return "." in self.demand

    @property
    def for_devices(self) -> bool:
        """Whether only a phone may call it."""
        return self.demand.startswith("a device")

    def address(self, *, other: str = NOBODY, **values: str) -> str:
        """The path with these values in it, and `other` for every name that is not among them."""
        path = self.path
        for name in self.path_names:
            path = path.replace(f"{{{name}}}", quote(values.get(name, other), safe="%"))
        return path


def operations(document: dict[str, Any]) -> list[Operation]:
    """All operations of an OpenAPI document."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            names = {place: tuple(p["name"] for p in parameters if p["in"] == place) for place in ("path", "query")}
            members = _members(document, operation)
            demand = operation["x-demand"]
            found.append(Operation(method.upper(), path, demand, names["path"], names["query"], members))
    return found


def _members(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return dict(_resolved(document, schema).get("properties", {}))


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return dict(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])


class Garbage:
    """Requests without sense, the same for the same seed."""

    def __init__(self, seed: int, known: list[str]) -> None:
        self._random = random.Random(seed)
        self._known = known

    def address(self, operation: Operation) -> str:
        """A path with garbage, or with ids of things that are there, and sometimes a query."""
        values = {name: self._random.choice(PATH_VALUES + self._known * 6) for name in operation.path_names}
        path = operation.address(**values)
        names = [*operation.query_names, "unknown"]
        pairs = [f"{name}={self._random.choice(QUERY_VALUES)}" for name in names if self._random.random() < 0.5]
        return f"{path}?{'&'.join(pairs)}" if pairs else path

    def body(self, operation: Operation) -> tuple[bytes | None, str]:
        """A body and its content type."""
        if operation.method in ("GET", "DELETE") and self._random.random() < 0.8:
            return None, ""
        if operation.name in EXAMPLES and self._random.random() < 0.7:
            return json.dumps(self._changed(EXAMPLES[operation.name])).encode(), "application/json"
        kind = self._random.choice(TYPES)
        if self._random.random() < 0.3 or not operation.members:
            return self._random.choice(BODIES), kind
        members = {
            name: self._value(schema) for name, schema in operation.members.items() if self._random.random() < 0.8
        }
        if self._random.random() < 0.1:
            members["unknown"] = 1
        return json.dumps(members).encode(), kind

    def _changed(self, value: Any) -> Any:
        """The same value with one thing in it replaced by garbage, or left out."""
        inner = isinstance(value, dict | list) and bool(value) and self._random.random() < 0.9
        if not inner:
            return self._random.choice([*VALUES, *self._known])
        names = list(value) if isinstance(value, dict) else list(range(len(value)))
        chosen = self._random.choice(names)
        if self._random.random() < 0.1:
            kept = [name for name in names if name != chosen]
            return {name: value[name] for name in kept} if isinstance(value, dict) else [value[name] for name in kept]
        changed = {name: self._changed(value[name]) if name == chosen else value[name] for name in names}
        return changed if isinstance(value, dict) else list(changed.values())

    def _value(self, schema: dict[str, Any]) -> Any:
        if self._random.random() < 0.5:
            return self._random.choice([*VALUES, *self._known])
        for choice in schema.get("anyOf", [schema]):
            if "enum" in choice:
                return self._random.choice(choice["enum"])
            kind = choice.get("type")
            if kind == "integer":
                return self._random.choice([0, 1, 60, 3600])
            if kind == "boolean":
                return self._random.random() < 0.5
            if kind == "array":
                return [self._random.choice([*TEXTS[:8], *self._known])]
            if kind == "object":
                return {self._random.choice(["a", "seconds", "message", "zh-CN"]): self._random.choice(VALUES)}
        return f"t{uuid.UUID(int=self._random.getrandbits(128)).hex[:8]}"
