"""Kept lists: the filters of a list under a name, for oneself or shared with those below."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, lists
from console.devices import FILTERS, PAGE
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from identity import saved_views

pages = Pages("views", __name__)


@pages.get("/devices/views/new", Permission.DEVICE_READ)
def new() -> str:
    """The form to keep the list as it is shown."""
    return _form(urlencode(lists.shown(FILTERS)), None)


@pages.post("/devices/views/new", Permission.DEVICE_READ)
def keep() -> ResponseReturnValue:
    """Keep it."""
    query = _cleaned(forms.field("query", saved_views.MAX_QUERY))
    shared = forms.field("shared", 5) == "yes"
    saved_views.keep(current_actor(), PAGE, forms.field("name", 200), query, shared=shared)
    return forms.done(_address(query), Text("视图已保存。", "The view is kept."))


@errors.on_form("page_views.keep")
def show_error(problem: ShoujiError) -> str:
    """The same form with the error."""
    return _form(request.form.get("query", "")[: saved_views.MAX_QUERY], problem.text)


@pages.post("/devices/views/<id>/forget", Permission.DEVICE_READ)
def forget(id: str) -> ResponseReturnValue:
    """Drop one's own view."""
    saved_views.forget(current_actor(), id)
    return forms.done(url_for("page_devices.show_list"), Text("视图已删除。", "The view is gone."))


def _form(query: str, error: Text | None) -> str:
    return render_template("view_form.html", query=query, values=request.form, error=error)


def _cleaned(query: str) -> str:
    """The filters of the list alone: a kept view leads nowhere else."""
    return urlencode([(name, value) for name, value in parse_qsl(query) if name in FILTERS])


def _address(query: str) -> str:
    plain = url_for("page_devices.show_list")
    return f"{plain}?{query}" if query else plain
