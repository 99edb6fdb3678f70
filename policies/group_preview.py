"""What a group's query finds, before anything is saved."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from core.views import View
from fleet import queries as fleet
from identity import scope
from policies import drafts, groups
from policies.language.group_query import Query, read_query

SAMPLE = 20


class PhoneFound(View):
    """A phone that a query finds."""

    id: str
    serial: str
    manufacturer: str
    model: str
    os: str
    os_version: str
    agent_version: str
    org_unit: str


class Preview(View):
    """How many phones of the actor's part of the tree a query finds, and the first of them by serial."""

    count: int
    sample: list[PhoneFound]


def preview(actor: Actor, query: str) -> Preview:
    """Ask a query of the phones that the actor sees. Raises Invalid that says what cannot be read or is not there.

    `place` of the error is the character (from 0) at which the query cannot be read.
    """
    actor.require(Permission.DOCUMENT_READ)
    test = _read(query)
    found = {facts["id"]: facts for facts in groups.facts_of(None, grouped=bool(test.groups)) if test(facts)}
    seen = set(found) if scope.sees_everything(actor) else fleet.in_scope_of(actor, found)
    first = sorted((found[device_id] for device_id in seen), key=lambda facts: (facts["serial"], facts["id"]))
    return Preview(count=len(seen), sample=[PhoneFound.model_validate(facts) for facts in first[:SAMPLE]])


def _read(query: str) -> Query:
    try:
        test = read_query(query)
    except PydanticCustomError as error:
        said = error.context or {}
        raise Invalid("group_query", Text(said["zh"], said["en"]), place=said["place"]) from error
    known = drafts.load([("Group", name) for name in test.groups]) if test.groups else {}
    for name in sorted(test.groups):
        row = known.get(("Group", name))
        if row is None or row.deleted_at is not None:
            raise Invalid("unknown_group", Text(f"没有名为“{name}”的分组。", f"There is no group named “{name}”."))
    return test
