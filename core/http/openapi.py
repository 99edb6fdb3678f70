"""The OpenAPI 3.1 document: what the library collects, with demands and problem answers added to every operation."""

from __future__ import annotations

import re
from typing import Any, cast

from flask import Response, current_app

from core.http.access import Access, Demand, table
from core.http.answers import reply
from core.http.problems import PROBLEM_JSON
from core.http.routes import Api

api = Api("openapi", __name__, prefix="")
EXTENSION = "shouji_openapi"
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457; further members by `code`.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_ALWAYS = {400: "The request cannot be read", 422: "Invalid input"}
_GUARDED = {401: "Nobody, or not who they say", 403: "Not allowed"}


def document() -> dict[str, Any]:
    """The document of the current application, made once."""
    made = current_app.extensions.get(EXTENSION)
    if made is None:
        made = current_app.extensions[EXTENSION] = _make()
    return cast(dict[str, Any], made)


def _make() -> dict[str, Any]:
    made: dict[str, Any] = cast(Any, current_app).api_doc
    made["components"]["schemas"]["Problem"] = _PROBLEM
    made["components"]["schemas"].pop("ValidationErrorModel", None)
    for rule in current_app.url_map.iter_rules():
        found = table.get(rule.endpoint)
        path = made["paths"].get(_ARGUMENT.sub(r"{\1}", rule.rule))
        if found is None or path is None:
            continue
        for method in (rule.methods or set()) & {name.upper() for name in path}:
            _complete(path[method.lower()], found.demand)
    return made


def _complete(operation: dict[str, Any], demand: Demand) -> None:
    operation["x-demand"] = demand.value
    expected = dict(_ALWAYS)
    if demand is not Access.PUBLIC:
        operation["security"] = [{"bearer": []}]
        expected |= _GUARDED
    answers = operation.setdefault("responses", {})
    for status, says in expected.items():
        answers[str(status)] = {"description": says, "content": {PROBLEM_JSON: {"schema": _PROBLEM_REF}}}


@api.get("/openapi.json", Access.PUBLIC)
def openapi_json() -> Response:
    """This document."""
    return reply(document())
