"""Lists: filters and place stand in the address, so that a list can be kept, sent and gone back to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request

from core.paging import Page

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a list stands: how many to a page, and the addresses of its first and its following page."""

    limit: int
    first: str | None
    following: str | None


def shown(names: Iterable[str]) -> dict[str, str]:
    """The filters of this request that say something, by name."""
    return {name: request.args[name] for name in names if request.args.get(name, "").strip()}


def cursor() -> str | None:
    """Where the reader is in the list; None at its beginning."""
    return request.args.get("cursor") or None


def address(parameters: Mapping[str, str]) -> str:
    """This page with other parameters."""
    return address_of(request.path, parameters)


def address_of(path: str, parameters: Mapping[str, str]) -> str:
    """A path with parameters, or alone where there are none."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


def paging(page: Page[Any], filters: Mapping[str, str], limit: int = LIMIT) -> Paging:
    """The ways on from a page of the list, filters kept."""
    following = address({**filters, "cursor": page.next_cursor}) if page.next_cursor else None
    return Paging(limit, address(filters) if cursor() else None, following)
