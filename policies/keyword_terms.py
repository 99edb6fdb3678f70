"""What the ids of a keyword set's terms stand for."""

from __future__ import annotations

from typing import Any

from policies import drafts, world
from policies.language.compile import term_id
from policies.language.kinds import KeywordSetSpec

KIND = "KeywordSet"


def texts(name: str) -> dict[str, str]:
    """Term or pattern by id, of the set as it is stored and as it is in force; empty for one that is gone."""
    row = drafts.load([(KIND, name)]).get((KIND, name))
    if row is None or row.deleted_at is not None:
        return {}
    everywhere, ringed = world.in_force([KIND], [name])
    specs = [*(one.spec for some in ringed.values() for one in some), *(one.spec for one in everywhere.values())]
    return {id: text for spec in (*specs, row.spec) for id, text in _texts(name, spec).items()}


def _texts(name: str, spec: Any) -> dict[str, str]:
    return {term_id(name, entry): entry.text for entry in KeywordSetSpec.model_validate(spec).terms}
