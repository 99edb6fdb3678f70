"""The OpenAPI 3.1 document: paths and parameters as the library collects them, bodies and answers as each route says.

The library names a schema by its class alone, so that two rooms' classes of one name would overwrite each other; here
pydantic names them, apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, cast

from flask import Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.http.access import Access, Content, RouteRule, table
from core.http.answers import reply
from core.http.problems import PROBLEM_JSON, Problem
from core.http.routes import Api

api = Api("openapi", __name__, prefix="")
EXTENSION = "shouji_openapi"
REFERENCE = "#/components/schemas/{model}"
Mode = Literal["validation", "serialization"]
Names = dict[tuple[type[BaseModel], Mode], dict[str, Any]]
IN: Mode = "validation"
OUT: Mode = "serialization"
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_PROBLEMS = {
    400: "The request cannot be read",
    401: "Nobody, or not who they say",
    403: "Not allowed",
    404: "There is no such thing, or not in one's part of the tree",
    409: "Not as things stand; `code` says why",
    413: "Too large",
    415: "Of a type that is not taken here",
    422: "Invalid input; `errors` names each wrong member",
    428: "Something has to be accepted first; `code` says what",
    429: "Too many; `Retry-After` says when again",
    503: "Busy or starting; nothing was changed; `Retry-After` says when again",
}
_SUCCESS = {200: "Done", 201: "Made", 202: "Taken", 204: "Done, nothing to say"}


def document() -> dict[str, Any]:
    """The document of the current application, made once."""
    made = current_app.extensions.get(EXTENSION)
    if made is None:
        made = current_app.extensions[EXTENSION] = _make()
    return cast(dict[str, Any], made)


def _make() -> dict[str, Any]:
    made: dict[str, Any] = cast(Any, current_app).api_doc
    operations = list(_operations(made["paths"]))
    models: set[tuple[type[BaseModel], Mode]] = {(Problem, OUT)}
    models.update(one for _, _, rule in operations for one in _models(rule))
    ordered = sorted(models, key=lambda one: (one[0].__module__, one[0].__qualname__, one[1]))
    names, definitions = models_json_schema(ordered, ref_template=REFERENCE)
    schemas = made["components"]["schemas"] | definitions["$defs"]
    schemas.pop("ValidationErrorModel", None)
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, operation, rule in operations:
        _complete(path, operation, rule, cast(Names, names))
    return made


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], RouteRule]]:
    for rule in current_app.url_map.iter_rules():
        found, path = table.get(rule.endpoint), _ARGUMENT.sub(r"{\1}", rule.rule)
        if found is None or path not in paths:
            continue
        for method in (rule.methods or set()) & {name.upper() for name in paths[path]}:
            yield path, paths[path][method.lower()], found


def _models(rule: RouteRule) -> Iterator[tuple[type[BaseModel], Mode]]:
    for mode, content in ((IN, rule.takes), *((OUT, answer) for answer in rule.answers.values())):
        yield from ((schema, mode) for schema in content.values() if isinstance(schema, type))


def _complete(path: str, operation: dict[str, Any], rule: RouteRule, names: Names) -> None:
    operation["x-demand"] = rule.demand.value
    if rule.demand is not Access.PUBLIC:
        operation["security"] = [{"bearer": []}]
    if rule.takes:
        operation["requestBody"] = {"required": True, "content": _content(rule.takes, IN, names)}
    answers = {
        str(status): {"description": (_SUCCESS | _PROBLEMS)[status]}
        | ({"content": _content(said, OUT, names)} if said else {})
        for status, said in (rule.answers or {200: {}}).items()
    }
    problem = {"content": {PROBLEM_JSON: {"schema": names[(Problem, OUT)]}}}
    for status in _problems(path, operation, rule):
        answers[str(status)] = {"description": _PROBLEMS[status], **problem}
    operation["responses"] = answers | {"default": {"description": "Any other problem", **problem}}


def _content(content: Content, mode: Mode, names: Names) -> dict[str, Any]:
    return {
        media_type: {"schema": names[(schema, mode)] if isinstance(schema, type) else schema}
        for media_type, schema in content.items()
    }


def _problems(path: str, operation: dict[str, Any], rule: RouteRule) -> list[int]:
    """Statuses of the problem answers of a route: those of its kind, and its own."""
    found = {400, 422, *rule.problems}
    if rule.demand is not Access.PUBLIC:
        found |= {401, 403}
    if "{" in path:
        found.add(404)
    if rule.takes:
        found |= {413, 415} if rule.takes_json else {413}
    return sorted(found)


@api.get("/openapi.json", Access.PUBLIC, {200: {"application/json": {"type": "object"}}})
def openapi_json() -> Response:
    """This document."""
    return reply(document())
