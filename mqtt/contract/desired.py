"""`down/desired` and the documents behind it (§7, §12)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field

from mqtt.contract.model import Count, Digest, Generation, Label, Message, Name, ServerSigned
from mqtt.contract.names import BlobKind

BlobKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes in base64url."""


class BundleRef(Message):
    """Where a blob is and how it opens; `digest` and `size` are of the ciphertext."""

    digest: Digest
    size: Count
    key: BlobKey


class Desired(ServerSigned):
    """Payload of the JWS `shouji-desired+jws`."""

    generation: Generation
    bundle: BundleRef
    notice: Name | None = None


class BlobRef(BundleRef):
    """A document that a bundle needs."""

    kind: Annotated[BlobKind, Field(strict=False)]
    name: Label


class Bundle(Message):
    """The document of a device's policy; each family of `rules` is read by its own rule."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    rules: dict[Label, Any]
    blobs: list[BlobRef] = Field(default_factory=list)


class Term(Message):
    """One term of a keyword set: a literal `term` or an RE2 `pattern`."""

    id: Label
    term: Name | None = Field(default=None, exclude_if=lambda value: value is None)
    pattern: Name | None = Field(default=None, exclude_if=lambda value: value is None)
    exceptions: Annotated[list[Name], Field(alias="except")] = Field(default_factory=list)


class KeywordSet(Message):
    """Document of a `keyword_set` blob; `steps` names the normalisation, in order."""

    set: Label
    terms: list[Term]
    steps: list[Label] = Field(default_factory=list)


class FoldTable(Message):
    """Document of a `fold_table` blob: a character to its replacement, or to the empty string."""

    name: Label
    map: dict[str, str]


class CalendarDay(Message):
    """One day that differs from the weekly plan."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    kind: Literal["holiday", "workday"]
    name: Name | None = None


class Calendar(Message):
    """Document of a `calendar` blob."""

    name: Label
    days: list[CalendarDay]


def term_id(set_name: str, term: str) -> str:
    """The id of a term that was given none (§12)."""
    return f"{set_name}/{hashlib.sha256(term.encode()).hexdigest()[:12]}"
