"""What a reader of documents sees of the phones that they name: those of the own part of the tree, no other.

Names of documents and groups are for everybody who may read documents; which phones there are elsewhere is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from core.actor import Actor
from core.ids import is_uuid
from fleet import queries as fleet
from identity.scope import sees_everything
from policies.drafts import Change
from policies.language.diff import FieldChange

NAMES_PHONES = ("Group", "Assignment")


def hidden_in(actor: Actor, contents: Iterable[Any]) -> set[str]:
    """Ids in these specs (of groups and assignments) that are no phones of the actor's part of the tree."""
    if sees_everything(actor):
        return set()
    named = {text for content in contents for text in _texts(content) if is_uuid(text)}
    return named - fleet.in_scope_of(actor, named)


def without(content: Any, hidden: Collection[str]) -> Any:
    """The same content without hidden ids: left out of lists, null elsewhere."""
    if isinstance(content, dict):
        return {name: without(value, hidden) for name, value in content.items()}
    if isinstance(content, list):
        return [without(item, hidden) for item in content if not _is_hidden(item, hidden)]
    return None if _is_hidden(content, hidden) else content


def names_any(content: Any, hidden: Collection[str]) -> bool:
    """Whether a content names a hidden phone."""
    return any(text in hidden for text in _texts(content))


def shown_fields(actor: Actor, kind: str, fields: list[FieldChange]) -> list[FieldChange]:
    """Differences of a document without those that are about phones elsewhere."""
    if kind not in NAMES_PHONES:
        return fields
    hidden = hidden_in(actor, [[field.old, field.new] for field in fields])
    return [
        FieldChange(field.path, without(field.old, hidden), without(field.new, hidden)) if hidden else field
        for field in fields
        if not (_is_hidden(field.old, hidden) or _is_hidden(field.new, hidden))
    ]


def shown_changes(actor: Actor, changes: list[Change]) -> list[Change]:
    """What a request changes, as the actor may see it."""
    return [
        Change(one.kind, one.name, one.action, shown_fields(actor, one.kind, one.fields)) if one.fields else one
        for one in changes
    ]


def _is_hidden(value: Any, hidden: Collection[str]) -> bool:
    return isinstance(value, str) and value in hidden


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for item in content.values() if isinstance(content, dict) else content:
            yield from _texts(item)
