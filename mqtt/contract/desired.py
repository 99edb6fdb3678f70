"""`down/desired` and the bundle behind it (§7, §12).

The rules, keyword sets, calendars and fold tables are read by the rule engine, which has their schemas.
"""

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


def term_id(set_name: str, term: str) -> str:
    """The id of a term that was given none (§12)."""
    return f"{set_name}/{hashlib.sha256(term.encode()).hexdigest()[:12]}"
