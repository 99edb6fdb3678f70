"""What imports into drafts share: entries of a list, what is wrong with them, and storing what was foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from core.actor import Actor
from policies import apply, drafts
from policies.drafts import Manager
from policies.faults import Fault
from policies.language.kinds import API_VERSION
from policies.language.messages import code_of, text_for
from policies.language.parse import typed
from policies.models import PolicyDocument


@dataclass(frozen=True, slots=True)
class Given:
    """An entry of the list as it would stand in a document, and its line."""

    line: int
    entry: dict[str, Any]


class ForeseenDocument(Protocol):
    """A document as an import would leave it; `revision` is the stored one's before, None for a new one."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def revision(self) -> int | None:
        """What it is stored as now."""

    @property
    def document(self) -> dict[str, Any]:
        """All of it."""


def stored(kind: str, name: str) -> PolicyDocument | None:
    """The document as it is stored; None where there is none, or where it is deleted."""
    row = drafts.load([(kind, name)]).get((kind, name))
    return row if row is not None and row.deleted_at is None else None


def document(kind: str, name: str, title: str | None, spec: dict[str, Any]) -> dict[str, Any]:
    """A document as it is sent."""
    metadata = {"name": name} if title is None else {"name": name, "title": title}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def fault(one: Given, model: type[BaseModel]) -> Fault | None:
    """The first thing that is wrong with an entry; None where it can be taken."""
    try:
        model.model_validate(one.entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return Fault(one.line, code_of(first["type"]), text_for(first["type"], first.get("ctx", {}), first["msg"]))
    return None


def save(
    actor: Actor,
    foreseen: ForeseenDocument,
    *,
    revision: int | None = None,
    reason: str = "",
    managed_by: Manager = "api",
    take_over: bool = False,
) -> int:
    """Store the document as a draft; returns its revision. Raises Conflict when it is not at `revision` any more.

    Without a revision it is written as it was foreseen; nobody's edit since then is lost.
    """
    document = foreseen.document
    given = revision if revision is not None else foreseen.revision
    if given is not None:
        document = {**document, "metadata": {**document["metadata"], "revision": given}}
    apply.apply_parsed(actor, [typed(document)], reason=reason, managed_by=managed_by, take_over=take_over)
    key = (document["kind"], foreseen.name)
    return drafts.load([key])[key].revision
