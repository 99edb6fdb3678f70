"""Trying a keyword set on a message: what hits, where, and which evasions were undone to find it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.actor import Actor
from core.db import json_text
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from policies import drafts, keyword_tests
from policies.engine import Scanner
from policies.keyword_import import KIND, keyword_spec
from policies.language.compile import term_id
from policies.language.kinds import KeywordSetSpec
from policies.language.parse import parse
from policies.publish import no_such_document

_COMPILED = 4
"""Sets that stay compiled, so that each further letter of a message is answered at once."""


@dataclass(frozen=True, slots=True)
class Found:
    """A term that was found: its id and text, from where to where it stands, what stands there, and through what.

    `start` is below 0 where it begins in an earlier message.
    """

    id: str
    term: str
    start: int
    end: int
    piece: str
    through: list[str]


def try_stored(actor: Actor, name: str, text: str, before: Sequence[str] = ()) -> list[Found]:
    """Try the draft of a stored set. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    row = drafts.load([(KIND, name)]).get((KIND, name))
    if row is None or row.deleted_at is not None:
        raise no_such_document(KIND, name)
    return _found(row.name, json_text(row.spec), text, before)


def try_document(actor: Actor, document: str, text: str, before: Sequence[str] = ()) -> list[Found]:
    """Try a set as it is being written, as YAML. Raises Refused, and Invalid when it is not exactly one set."""
    actor.require(Permission.DOCUMENT_READ)
    parsed = parse(document.encode())
    if len(parsed) != 1:
        raise Invalid("one_keyword_set", Text("请只提供一个 KeywordSet。", "Give exactly one KeywordSet."))
    keyword_spec(parsed[0])
    return _found(parsed[0].name, json_text(parsed[0].data["spec"]), text, before)


def _found(name: str, spec: str, text: str, before: Sequence[str]) -> list[Found]:
    scanner, terms = _compiled(name, spec)
    said = "".join(before)
    return [
        Found(hit.term, terms[hit.term], hit.start, hit.end, _piece(said, text, hit.start, hit.end), list(hit.through))
        for hit in scanner.scan(text, before)
    ]


def _piece(said: str, text: str, start: int, end: int) -> str:
    return said[start:] + text[:end] if start < 0 else text[start:end]


@lru_cache(maxsize=_COMPILED)
def _compiled(name: str, spec: str) -> tuple[Scanner, dict[str, str]]:
    model = KeywordSetSpec.model_validate(json.loads(spec))
    return keyword_tests.scanner({name: model}), {term_id(name, entry): entry.text for entry in model.terms}
