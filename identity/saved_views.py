"""Lists that people keep: own ones, and those that others above or beside them share."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, literal, or_, select

from core import audit, clock
from core.actor import Actor
from core.db import affected, session, upsert
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.text import Text
from identity.models import OrgUnit, Person, SavedView

MAX_NAME, MAX_QUERY, MAX_OWN = 60, 2000, 50


@dataclass(frozen=True, slots=True)
class KeptList:
    """A kept list: its filters as they stand in the address; `owner` names whose it is, None for one's own."""

    id: str
    name: str
    query: str
    shared: bool
    owner: str | None


def of_page(actor: Actor, page: str) -> list[KeptList]:
    """The actor's own views of a page, then those shared by people whose part of the tree holds the actor's."""
    if actor.unit_path is None:
        return []
    query = select(SavedView, Person.name).join(Person, Person.id == SavedView.person_id)
    query = query.join(OrgUnit, OrgUnit.id == Person.unit_id).where(SavedView.page == page, _seen(actor))
    rows = session().execute(query.order_by(SavedView.name, SavedView.id)).all()
    found = [_view(actor, row[0], row[1]) for row in rows]
    return sorted(found, key=lambda view: view.owner is not None)


def keep(actor: Actor, page: str, name: str, query: str, *, shared: bool) -> None:
    """Keep a list under a name; the same name again replaces it. Raises Invalid, or Conflict for too many."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or len(query) > MAX_QUERY:
        raise Invalid(
            "bad_view_name",
            Text(f"名称为 1 到 {MAX_NAME} 个字符。", f"A name has 1 to {MAX_NAME} characters."),
        )
    own = select(func.count()).where(SavedView.person_id == actor.id, SavedView.name != name)
    if (session().scalar(own) or 0) >= MAX_OWN:
        raise Conflict(
            "too_many_views",
            Text(f"最多保存 {MAX_OWN} 个视图，请先删除不用的。", f"At most {MAX_OWN} views. Delete some first."),
        )
    row = {
        "id": new_id(),
        "person_id": actor.id,
        "page": page,
        "name": name,
        "query": query,
        "shared": shared,
        "created_at": clock.now(),
    }
    upsert(session(), SavedView.__table__, [row], ["person_id", "page", "name"], update=["query", "shared"])
    if shared:
        audit.record(actor, "view.share", ("view", f"{page}/{name}"), {"query": query})


def forget(actor: Actor, view_id: str) -> None:
    """Drop one of the actor's own views. Raises NotFound."""
    gone = delete(SavedView).where(SavedView.id == view_id, SavedView.person_id == actor.id)
    if not affected(session(), gone):
        raise NotFound("no_such_view", Text("没有这个视图，或它不属于您。", "There is no such view of yours."))


def _seen(actor: Actor) -> ColumnElement[bool]:
    above = literal(actor.unit_path).startswith(OrgUnit.path)
    return or_(SavedView.person_id == actor.id, and_(SavedView.shared, above))


def _view(actor: Actor, row: SavedView, owner: str) -> KeptList:
    return KeptList(row.id, row.name, row.query, row.shared, None if row.person_id == actor.id else owner)
