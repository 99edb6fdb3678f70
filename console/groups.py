"""Groups of phones: the list, one with what hangs on it, and the form that shows whom a query finds as it is typed."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import document_form, errors, forms, frame, lists, words
from console.policies import tabs
from core.actor import Actor
from core.errors import Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_NAME, MAX_REVISION
from core.permissions import Permission
from core.text import Text
from fleet import devices, groups
from fleet import queries as fleet
from fleet.devices import Filters
from policies import assigned, documents, group_preview
from policies.language.group_query import FIELDS, read_query
from policies.views import DocumentView

KIND = "Group"
FIRST = 20
MAX_QUERY, MAX_PHONES = 1000, 500_000
WAYS = {"query": Text("按条件（动态）", "By a query (dynamic)"), "devices": Text("指定设备", "Listed phones")}
PLANNED = ("name", "way", "query", "devices")

pages = Pages("groups", __name__)


@pages.get("/groups", Permission.GROUP_READ)
def show_list() -> str:
    """Groups of phones, those that documents make and those that tokens fill."""
    actor = current_actor()
    page = groups.find(actor, lists.cursor(), lists.LIMIT)
    return render_template(
        "_groups.html" if frame.wants_part() else "groups.html",
        groups=page.items,
        documented=documents.existing(actor, KIND, [group.name for group in page.items]),
        total=groups.count(actor),
        paging=lists.paging(page, {}),
        tabs=tabs(actor, "groups"),
        may_write=actor.may(Permission.DOCUMENT_WRITE),
    )


@pages.get("/groups/new", Permission.DOCUMENT_WRITE)
@errors.shows("page_groups.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new group."""
    return _form(_sent() if problem else {"way": "query"}, None, problem)


@pages.get("/groups/<name>", Permission.GROUP_READ)
def show(name: str) -> str:
    """One group: how it is filled, its first phones, the groups around it and the policies that hang on it."""
    actor = current_actor()
    group = groups.get(actor, name)
    documented = bool(documents.existing(actor, KIND, [name]))
    users = documents.named_by(actor, KIND, name)
    return render_template(
        "group.html",
        group=group,
        documented=documented,
        phones=devices.find(actor, Filters(group=name), None, FIRST).items if _sees_phones(actor) else [],
        asks_about=sorted(read_query(group.query).groups) if group.query else [],
        asked_by=[other for kind, other in users if kind == KIND],
        assignments=assigned.find(actor, None, lists.LIMIT, group=name).items,
        words=words,
        may_write=documented and actor.may(Permission.DOCUMENT_WRITE),
    )


@pages.get("/groups/<name>/edit", Permission.DOCUMENT_WRITE)
@errors.shows("page_groups.change")
def edit(name: str, problem: ShoujiError | None = None) -> str:
    """The form of a stored group."""
    stored = documents.get(current_actor(), KIND, name)
    return _form({**(_sent() if problem else _values(stored)), "name": stored.name}, stored.managed_by, problem)


@pages.post("/groups/preview", Permission.DOCUMENT_READ, reads=True)
def preview() -> str:
    """Whom the group of the form holds, and what storing it would do; asked while it is filled in."""
    actor, query = current_actor(), forms.field("query", MAX_QUERY).strip()
    dynamic = forms.field("way", 10) != "devices"
    if dynamic and not query:
        return render_template("_group_preview.html", empty=True)
    try:
        if dynamic:
            seen = group_preview.preview(actor, query)
            count, ids = seen.count, [phone.id for phone in seen.sample]
        else:
            ids = _listed(actor)
            count, ids = len(ids), ids[:FIRST]
    except ShoujiError as error:
        place = error.members.get("place")
        return render_template("_group_preview.html", error=error.text, query=query, place=place)
    # While the name is missing it is asked under one that nobody uses.
    named = forms.field("name", MAX_NAME).strip() or "unnamed-preview"
    plan, wrong = document_form.foreseen(_document(actor, named, query, dynamic))
    return render_template(
        "_group_preview.html",
        count=count,
        phones=devices.views(actor, ids) if _sees_phones(actor) else [],
        plan=plan,
        wrong=wrong,
        error=None,
        words=words,
    )


@pages.post("/groups/new", Permission.DOCUMENT_WRITE, reads_first=True)
def create() -> ResponseReturnValue:
    """Make a group; it is in effect at once."""
    return _store(forms.field("name", MAX_NAME))


@pages.post("/groups/<name>/edit", Permission.DOCUMENT_WRITE, reads_first=True)
def change(name: str) -> ResponseReturnValue:
    """Change a group; it is in effect at once."""
    return _store(name)


def _store(name: str) -> ResponseReturnValue:
    actor = current_actor()
    query, dynamic = forms.field("query", MAX_QUERY).strip(), forms.field("way", 10) != "devices"
    done = document_form.store(actor, _document(actor, name, query, dynamic))
    return forms.done(url_for("page_groups.show", name=name.strip()), document_form.said(done))


def _document(actor: Actor, name: str, query: str, dynamic: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {"query": query} if dynamic else {"devices": _listed(actor)}
    revision = forms.whole("revision", 0, 0, MAX_REVISION)
    return document_form.built(KIND, name, forms.field("title", 100), spec, revision)


def _listed(actor: Actor) -> list[str]:
    """Ids of the phones of the form, one a line, by id or serial. Raises Invalid that names the lines without one."""
    lines = [line.strip() for line in forms.field("devices", MAX_PHONES).splitlines()]
    names = list(dict.fromkeys(filter(None, lines)))
    found = fleet.ids_named(actor, names)
    unknown = [name for name in names if name not in found]
    if unknown:
        shown = ", ".join(unknown[:5])
        raise Invalid(
            "unknown_device",
            Text(
                f"没有这些设备（{len(unknown)} 行）：{shown}。请填写设备编号或序列号。",
                f"No such phones (lines: {len(unknown)}): {shown}. Give device ids or serial numbers.",
            ),
        )
    return list(dict.fromkeys(found[name] for name in names))


def _sees_phones(actor: Actor) -> bool:
    return actor.may(Permission.DEVICE_READ)


def _values(stored: DocumentView) -> dict[str, str]:
    spec = stored.document["spec"]
    way = "query" if "query" in spec else "devices"
    values = {"title": stored.title or "", "way": way, "query": spec.get("query", "")}
    return {**values, "devices": "\n".join(spec.get("devices", ())), "revision": str(stored.revision)}


def _sent() -> dict[str, str]:
    values = {name: request.form.get(name, "")[:MAX_QUERY] for name in (*PLANNED, "title", "revision")}
    return {**values, "devices": request.form.get("devices", "")[:MAX_PHONES]}


def _form(values: dict[str, str], managed_by: str | None, problem: ShoujiError | None) -> str:
    fields = {**document_form.FIELDS, "group_query": "query", "unknown_device": "devices"}
    return render_template(
        "group_form.html",
        values=values,
        stored=managed_by is not None,
        kept_in_files=managed_by == "files",
        ways=words.options(WAYS),
        fields=FIELDS,
        triggers=PLANNED,
        reason=request.form.get("reason", "")[:500],
        error=document_form.told(problem) if problem else None,
        error_field=forms.field_of(problem, fields) if problem else None,
    )
