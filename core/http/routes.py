"""Blueprints whose routes cannot be written without saying who may call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from core.http.access import Demand, RouteRule, table

View = TypeVar("View", bound=Callable[..., Any])
Answers = dict[int | str, type[BaseModel] | dict[Any, Any] | None]
API_PREFIX = "/api/v1"


class Api:
    """A room's HTTP interface: typed input (`path`, `query`, `body` arguments), OpenAPI, one demand per route."""

    def __init__(self, name: str, import_name: str, *, prefix: str = API_PREFIX) -> None:
        self.blueprint = APIBlueprint(f"api_{name}", import_name, url_prefix=prefix, abp_tags=[Tag(name=name)])

    def get(
        self, rule: str, demand: Demand, answers: Answers | None = None, *, writes: bool = False
    ) -> Callable[[View], View]:
        """A GET route; `writes` when it records something (an audited read)."""
        return self._route("get", rule, demand, answers, writes)

    def post(self, rule: str, demand: Demand, answers: Answers | None = None) -> Callable[[View], View]:
        """A POST route; it honours Idempotency-Key."""
        return self._route("post", rule, demand, answers, True)

    def put(self, rule: str, demand: Demand, answers: Answers | None = None) -> Callable[[View], View]:
        """A PUT route."""
        return self._route("put", rule, demand, answers, True)

    def patch(self, rule: str, demand: Demand, answers: Answers | None = None) -> Callable[[View], View]:
        """A PATCH route."""
        return self._route("patch", rule, demand, answers, True)

    def delete(self, rule: str, demand: Demand, answers: Answers | None = None) -> Callable[[View], View]:
        """A DELETE route."""
        return self._route("delete", rule, demand, answers, True)

    def _route(
        self, method: str, rule: str, demand: Demand, answers: Answers | None, writes: bool
    ) -> Callable[[View], View]:
        register = getattr(self.blueprint, method)

        def add(view: View) -> View:
            takes_json = "body" in view.__annotations__
            table.add(f"{self.blueprint.name}.{view.__name__}", RouteRule(demand, writes, takes_json=takes_json))
            summary = (view.__doc__ or "").strip().split("\n")[0]
            register(rule, summary=summary, responses=answers or {}, endpoint=view.__name__)(view)
            return view

        return add


class Pages:
    """A room's web pages: like :class:`Api`, without OpenAPI; errors are answered as pages."""

    def __init__(self, name: str, import_name: str, *, prefix: str = "", template_folder: str | None = None) -> None:
        self.blueprint = Blueprint(
            f"page_{name}", import_name, url_prefix=prefix or None, template_folder=template_folder
        )

    def get(self, rule: str, demand: Demand, *, writes: bool = False) -> Callable[[View], View]:
        """A page."""
        return self._route("GET", rule, RouteRule(demand, writes, page=True))

    def post(self, rule: str, demand: Demand, *, reads: bool = False) -> Callable[[View], View]:
        """A form; `reads` when it only looks at what was sent and changes nothing."""
        return self._route("POST", rule, RouteRule(demand, not reads, page=True, reads=reads))

    def _route(self, method: str, rule: str, made: RouteRule) -> Callable[[View], View]:
        def add(view: View) -> View:
            table.add(f"{self.blueprint.name}.{view.__name__}", made)
            self.blueprint.add_url_rule(rule, endpoint=view.__name__, view_func=cast(Any, view), methods=[method])
            return view

        return add
