"""Blueprints whose routes cannot be written without saying who may call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast, get_type_hints

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from core.http.access import Access, Content, Demand, RouteRule, table

View = TypeVar("View", bound=Callable[..., Any])
Answers = Mapping[int, type[BaseModel] | Content | None]
API_PREFIX = "/api/v1"
JSON = "application/json"


class Api:
    """A room's HTTP interface: typed input (`path`, `query`, `body` arguments), OpenAPI, one demand per route.

    `answers`: what it answers by status, a model being JSON. `takes`: the content of a body that the view reads itself.
    `problems`: statuses of its problem answers beside those that every route of its kind has.
    """

    def __init__(self, name: str, import_name: str, *, prefix: str = API_PREFIX) -> None:
        self.blueprint = APIBlueprint(f"api_{name}", import_name, url_prefix=prefix, abp_tags=[Tag(name=name)])
        self._strict = prefix.startswith(API_PREFIX)

    def get(
        self,
        rule: str,
        demand: Demand,
        answers: Answers | None = None,
        *,
        writes: bool = False,
        problems: tuple[int, ...] = (),
        any_password: bool = False,
    ) -> Callable[[View], View]:
        """A GET route; `writes` when it records something (an audited read)."""
        said = RouteRule(demand, writes, problems=problems, any_password=any_password)
        return self._route("get", rule, said, answers)

    def post(
        self,
        rule: str,
        demand: Demand,
        answers: Answers | None = None,
        *,
        takes: Content | None = None,
        problems: tuple[int, ...] = (),
        reads_first: bool = False,
        any_password: bool = False,
    ) -> Callable[[View], View]:
        """A POST route; it honours Idempotency-Key. One that `reads_first` calls `core.uow.start_writing` itself."""
        said = RouteRule(
            demand,
            True,
            takes=takes or {},
            problems=problems,
            reads_first=reads_first,
            any_password=any_password,
        )
        return self._route("post", rule, said, answers)

    def put(
        self, rule: str, demand: Demand, answers: Answers | None = None, *, problems: tuple[int, ...] = ()
    ) -> Callable[[View], View]:
        """A PUT route."""
        return self._route("put", rule, RouteRule(demand, True, problems=problems), answers)

    def patch(
        self,
        rule: str,
        demand: Demand,
        answers: Answers | None = None,
        *,
        problems: tuple[int, ...] = (),
        reads_first: bool = False,
    ) -> Callable[[View], View]:
        """A PATCH route; `reads_first` as for POST."""
        said = RouteRule(demand, True, problems=problems, reads_first=reads_first)
        return self._route("patch", rule, said, answers)

    def delete(
        self, rule: str, demand: Demand, answers: Answers | None = None, *, problems: tuple[int, ...] = ()
    ) -> Callable[[View], View]:
        """A DELETE route."""
        return self._route("delete", rule, RouteRule(demand, True, problems=problems), answers)

    def _route(self, method: str, rule: str, said: RouteRule, answers: Answers | None) -> Callable[[View], View]:
        register = getattr(self.blueprint, method)

        def add(view: View) -> View:
            hints = get_type_hints(view)
            body: type[BaseModel] | None = hints.get("body")
            complete = replace(
                said,
                takes_json=body is not None,
                # Phones may be newer than the server: what they say beyond it is ignored (PROTOCOL 1).
                query=None if said.demand is Access.DEVICE or not self._strict else _members(hints.get("query")),
                takes={JSON: body} if body else said.takes,
                answers={status: _content(answer) for status, answer in (answers or {}).items()},
            )
            table.add(f"{self.blueprint.name}.{view.__name__}", complete)
            summary = (view.__doc__ or "").strip().split("\n")[0]
            register(rule, summary=summary, endpoint=view.__name__)(view)
            return view

        return add


def _members(query: type[BaseModel] | None) -> tuple[str, ...]:
    fields = query.model_fields if query else {}
    return tuple(field.alias or name for name, field in fields.items())


def _content(answer: type[BaseModel] | Content | None) -> Content:
    if answer is None:
        return {}
    return answer if isinstance(answer, Mapping) else {JSON: answer}


class Pages:
    """A room's web pages: like :class:`Api`, without OpenAPI; errors are answered as pages."""

    def __init__(self, name: str, import_name: str, *, prefix: str = "", template_folder: str | None = None) -> None:
        self.blueprint = Blueprint(
            f"page_{name}", import_name, url_prefix=prefix or None, template_folder=template_folder
        )

    def get(
        self, rule: str, demand: Demand, *, writes: bool = False, any_password: bool = False
    ) -> Callable[[View], View]:
        """A page."""
        return self._route("GET", rule, RouteRule(demand, writes, page=True, any_password=any_password))

    def post(
        self,
        rule: str,
        demand: Demand,
        *,
        reads: bool = False,
        reads_first: bool = False,
        any_password: bool = False,
    ) -> Callable[[View], View]:
        """A form; `reads` when it only looks at what was sent and changes nothing; `reads_first` as in :class:`Api`."""
        said = RouteRule(demand, not reads, page=True, reads=reads, reads_first=reads_first, any_password=any_password)
        return self._route("POST", rule, said)

    def _route(self, method: str, rule: str, made: RouteRule) -> Callable[[View], View]:
        def add(view: View) -> View:
            table.add(f"{self.blueprint.name}.{view.__name__}", made)
            self.blueprint.add_url_rule(rule, endpoint=view.__name__, view_func=cast(Any, view), methods=[method])
            return view

        return add
