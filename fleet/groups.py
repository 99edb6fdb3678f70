"""Groups: named sets of phones, filled by documents and by enrollment tokens."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Select, delete, func, select

from core import audit, clock, live
from core.actor import Actor
from core.db import session, upsert
from core.errors import Invalid, NotFound
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from core.views import View
from fleet.chunks import chunks
from fleet.events import DeviceChange, devices_changed
from fleet.models import Device, Group, GroupMember
from fleet.visibility import in_scope

FROM_DOCUMENT, FROM_TOKEN, FROM_PERSON = "document", "token", "person"
_NAME = re.compile(r"[a-z0-9-]{1,63}")


class GroupView(View):
    """A group and how many of its phones the actor sees."""

    name: str
    title: str
    query: str | None
    devices: int


def find(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[GroupView]:
    """Groups by name; the figures count phones in the actor's scope."""
    actor.require(Permission.GROUP_READ)
    page = keyset(session(), select(Group), [Group.name], cursor, limit)
    counts = _counts(actor, [group.name for group in page.items])
    return page.map(lambda group: _view(group, counts))


def get(actor: Actor, name: str) -> GroupView:
    """One group. Raises NotFound."""
    actor.require(Permission.GROUP_READ)
    group = session().get(Group, name)
    if group is None:
        raise NotFound("no_such_group", Text("没有这个分组。", "There is no such group."))
    return _view(group, _counts(actor, [name]))


def names() -> set[str]:
    """Names of all groups."""
    return set(session().scalars(select(Group.name)))


def count(actor: Actor) -> int:
    """How many groups there are."""
    actor.require(Permission.GROUP_READ)
    return session().scalar(select(func.count()).select_from(Group)) or 0


def replace(
    actor: Actor, name: str, device_ids: Collection[str], *, title: str = "", query: str | None = None
) -> list[str]:
    """Make the phones that a document (or the evaluation of its query) names the group's; returns the changed ids.

    Phones that a token put there stay. Ids that are no phone in the actor's scope raise Invalid.
    """
    actor.require(Permission.DOCUMENT_WRITE)
    _require_devices(actor, device_ids)
    row = {"name": checked_name(name), "title": title, "query": query, "created_at": clock.now()}
    upsert(session(), Group.__table__, [row], ["name"], update=["title", "query"])
    named = set(session().scalars(_members(name).where(GroupMember.source == FROM_DOCUMENT)))
    gone, new = named - set(device_ids), set(device_ids) - named
    _remove(name, gone)
    joined = _add(name, new, FROM_DOCUMENT)
    changed = sorted(gone | joined)
    if changed:
        audit.record(actor, "group.change", ("group", name), {"added": len(joined), "removed": len(gone)})
        tell_changed(actor, changed, name)
    return changed


def adjust(actor: Actor, name: str, joined: Collection[str], left: Collection[str]) -> list[str]:
    """Let phones join and leave a group whose query was asked of them alone; returns the changed ids."""
    actor.require(Permission.DOCUMENT_WRITE)
    present = set(session().scalars(_members(name).where(GroupMember.device_id.in_([*joined, *left]))))
    gone = present & set(left)
    _remove(name, gone)
    new = set(joined) - present
    rows = [{"group_name": name, "device_id": device_id, "source": FROM_DOCUMENT} for device_id in sorted(new)]
    upsert(session(), GroupMember.__table__, rows, ["group_name", "device_id"], update=[])
    changed = sorted(gone | new)
    if changed:
        audit.record(actor, "group.change", ("group", name), {"added": len(new), "removed": len(gone)})
        tell_changed(actor, changed, name)
    return changed


def remove(actor: Actor, name: str) -> list[str]:
    """Remove a group and who is in it; returns the ids of its phones."""
    actor.require(Permission.DOCUMENT_WRITE)
    device_ids = sorted(session().scalars(_members(name)))
    session().execute(delete(GroupMember).where(GroupMember.group_name == name))
    session().execute(delete(Group).where(Group.name == name))
    audit.record(actor, "group.delete", ("group", name), {"devices": len(device_ids)})
    if device_ids:
        tell_changed(actor, device_ids, name)
    return device_ids


def members(name: str) -> list[str]:
    """Ids of the phones in a group that are not closed."""
    query = select(Device.id).join(GroupMember, GroupMember.device_id == Device.id)
    return list(session().scalars(query.where(GroupMember.group_name == name, Device.state.in_(("active", "lost")))))


def locked(name: str) -> str:
    """The name of a group that there is, locked until the unit of work ends. Raises Invalid."""
    # Phones may join it meanwhile.
    query = select(Group.name).where(Group.name == name).with_for_update(key_share=True)
    if session().scalar(query) is None:
        raise Invalid("unknown_group", Text(f"没有分组“{name[:63]}”。", f"There is no group “{name[:63]}”."))
    return name


def of_devices(device_ids: Sequence[str]) -> dict[str, list[str]]:
    """Names of the groups of many phones, in one query."""
    query = select(GroupMember.device_id, GroupMember.group_name).where(GroupMember.device_id.in_(device_ids))
    found: dict[str, list[str]] = {}
    for device_id, name in session().execute(query.order_by(GroupMember.group_name)):
        found.setdefault(device_id, []).append(name)
    return found


def ensure(names: Iterable[str]) -> None:
    """Make groups of these names where there are none yet. Raises Invalid for a name that is none."""
    now = clock.now()
    rows = [{"name": checked_name(name), "title": "", "query": None, "created_at": now} for name in sorted(set(names))]
    upsert(session(), Group.__table__, rows, ["name"], update=[])


def join_by_token(device_id: str, names: Iterable[str]) -> None:
    """Put a phone that enrolls into the groups of its token."""
    wanted = sorted(set(names))
    ensure(wanted)
    rows = [{"group_name": name, "device_id": device_id, "source": FROM_TOKEN} for name in wanted]
    upsert(session(), GroupMember.__table__, rows, ["group_name", "device_id"], update=[])


def join(device_id: str, name: str) -> None:
    """Put a phone into a group by a person's hand; a document that is applied again leaves it there."""
    row = {"group_name": name, "device_id": device_id, "source": FROM_PERSON}
    upsert(session(), GroupMember.__table__, [row], ["group_name", "device_id"], update=[])


def leave(device_id: str, name: str) -> None:
    """Take a phone out of a group, whatever put it there."""
    _remove(name, [device_id])


def checked_name(name: str) -> str:
    """The name itself. Raises Invalid when it is not one."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            "bad_group_name",
            Text(
                "分组名称只能用小写字母、数字和“-”，最多 63 个字符。",
                "A group's name has lower-case letters, digits and “-”, at most 63.",
            ),
            group=name[:63],
        )
    return name


def tell_changed(actor: Actor, device_ids: Sequence[str], name: str) -> None:
    """Say that phones joined or left a group."""
    changes = [DeviceChange(device_id, "groups", None, name, "", actor.id, actor.name) for device_id in device_ids]
    live.announce("devices", device_ids)
    devices_changed.send(None, changes=changes)


def _members(name: str) -> Select[tuple[str]]:
    return select(GroupMember.device_id).where(GroupMember.group_name == name)


def _remove(name: str, device_ids: Collection[str]) -> None:
    for some in chunks(device_ids):
        gone = delete(GroupMember).where(GroupMember.group_name == name, GroupMember.device_id.in_(some))
        session().execute(gone, execution_options={"synchronize_session": False})


def _add(name: str, device_ids: Collection[str], source: str) -> set[str]:
    """Add phones; those that a token put there become the document's too, so they count as joined no second time."""
    present = set(session().scalars(_members(name)))
    rows = [{"group_name": name, "device_id": device_id, "source": source} for device_id in device_ids]
    upsert(session(), GroupMember.__table__, rows, ["group_name", "device_id"], update=[])
    return set(device_ids) - present


def _counts(actor: Actor, names: Sequence[str]) -> dict[str, int]:
    query = select(GroupMember.group_name, func.count().label("phones")).join(
        Device, Device.id == GroupMember.device_id
    )
    query = query.where(GroupMember.group_name.in_(names), in_scope(actor)).group_by(GroupMember.group_name)
    return {row.group_name: row.phones for row in session().execute(query)}


def _require_devices(actor: Actor, device_ids: Collection[str]) -> None:
    known: set[str] = set()
    for some in chunks(device_ids):
        known |= set(session().scalars(select(Device.id).where(Device.id.in_(some), in_scope(actor))))
    unknown = sorted(set(device_ids) - known)
    if unknown:
        raise Invalid(
            "unknown_device",
            Text(f"没有这台设备：{unknown[0]}。", f"There is no such phone: {unknown[0]}."),
            devices=unknown[:20],
        )


def _view(group: Group, counts: Mapping[str, int]) -> GroupView:
    return GroupView(name=group.name, title=group.title, query=group.query, devices=counts.get(group.name, 0))
