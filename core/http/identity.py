"""Who calls: the rooms above bind how credentials become an actor; the edge asks once per request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, current_app, g, request

from core.actor import Actor
from core.errors import Forbidden, Unauthenticated
from core.http.access import Access, RouteRule
from core.permissions import Permission
from core.text import Text

SESSION_COOKIE = "shouji_session"
EXTENSION = "shouji_authenticators"
PASSWORD_CHANGE = "password_change_required"  # noqa: S105
ANONYMOUS = Actor("system", "anonymous", "anonymous")


@dataclass(frozen=True, slots=True)
class Authenticators:
    """How a person's or a device's credentials become an actor."""

    staff: Callable[[str | None, str | None], Actor | None]
    device: Callable[[str], Actor]


def bind(app: Flask, authenticators: Authenticators) -> None:
    """Set the application's authenticators."""
    app.extensions[EXTENSION] = authenticators


def authenticate(rule: RouteRule) -> None:
    """Find the actor of this request and refuse whoever does not meet the route's demand.

    Raises Unauthenticated or Forbidden.
    """
    bound: Authenticators = current_app.extensions[EXTENSION]
    if rule.demand in (Access.PUBLIC, Access.METRICS):
        return
    if rule.demand is Access.DEVICE:
        g.actor = bound.device(_bearer() or "")
        return
    # A cookie is not taken for the API: it would be sent by a foreign page too.
    cookie = request.cookies.get(SESSION_COOKIE) if rule.page else None
    actor = bound.staff(_bearer(), cookie)
    if actor is None:
        raise Unauthenticated("sign_in_required", Text("请先登录。", "Sign in first."))
    g.actor = actor
    if actor.must_change_password and not rule.any_password:
        raise Forbidden(
            PASSWORD_CHANGE,
            Text(
                "您的密码由他人设置，请先修改密码（POST /api/v1/auth/password）。",
                "Somebody else set your password. Change it first (POST /api/v1/auth/password).",
            ),
        )
    if isinstance(rule.demand, Permission):
        actor.require(rule.demand)


def _bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def current_actor() -> Actor:
    """The actor of the current request; on a public route, nobody."""
    actor: Actor = g.get("actor", ANONYMOUS)
    return actor
