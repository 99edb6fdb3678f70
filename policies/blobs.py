"""Blobs: documents that phones fetch by the SHA-256 of their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import rfc8785
from sqlalchemy import select, update

from core import clock
from core.crypto.blobs import blob_key, open_blob, seal_blob
from core.crypto.jwk import b64u
from core.db import session, upsert
from core.runtime import runtime
from mqtt.contract.limits import BLOB_UNPACKED_MAX
from policies.models import Blob

BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Where a blob is and how it opens; `key` is b64u."""

    digest: str
    size: int
    key: str

    def plain(self) -> dict[str, Any]:
        """As it stands in a document or a desired state."""
        return {"digest": self.digest, "size": self.size, "key": self.key}


def canonical(document: Mapping[str, Any]) -> bytes:
    """The document's bytes: canonical JSON (RFC 8785)."""
    return rfc8785.dumps(dict(document))


def store(kind: str, name: str, document: Mapping[str, Any]) -> BlobRef:
    """The blob of a document; bytes that were stored before are used as they are, never packed again."""
    return store_bytes(kind, name, canonical(document))


def store_bytes(kind: str, name: str, content: bytes) -> BlobRef:
    """The same for a document that is canonical JSON already."""
    document_digest = sha256(content).hexdigest()
    found = _by_document(document_digest)
    if found is None:
        body = seal_blob(runtime().ring.bundle_secret(), content)
        row = {
            "digest": sha256(body).hexdigest(),
            "document_digest": document_digest,
            "kind": kind,
            "name": name,
            "size": len(body),
            "body": body,
            "retained": False,
            "created_at": clock.now(),
        }
        upsert(session(), Blob.__table__, [row], ["document_digest"], update=[])
        return _by_document(document_digest) or _ref(str(row["digest"]), len(body), document_digest)
    return found


def refs(digests: Iterable[str]) -> dict[str, BlobRef]:
    """References of blobs by digest, in one query; unknown ones are left out."""
    query = select(Blob.digest, Blob.size, Blob.document_digest).where(Blob.digest.in_(list(digests)))
    return {row.digest: _ref(row.digest, row.size, row.document_digest) for row in session().execute(query)}


def bodies(digests: Iterable[str]) -> dict[str, bytes]:
    """Stored bytes of blobs by digest."""
    rows = session().execute(select(Blob.digest, Blob.body).where(Blob.digest.in_(list(digests))))
    return {row.digest: row.body for row in rows}


def retained_bodies(digests: Iterable[str]) -> dict[str, bytes]:
    """Stored bytes of those of the blobs that are to lie on the broker."""
    query = select(Blob.digest, Blob.body).where(Blob.digest.in_(list(digests)), Blob.retained)
    return {row.digest: row.body for row in session().execute(query)}


def retain(digests: Iterable[str]) -> list[str]:
    """Mark blobs as lying on the broker; returns the digests as they came."""
    ordered = list(digests)
    marked = update(Blob).where(Blob.digest.in_(ordered)).values(retained=True)
    session().execute(marked, execution_options={"synchronize_session": False})
    return ordered


def document(digest: str) -> bytes | None:
    """The document inside a stored blob, None for an unknown digest."""
    row = session().execute(select(Blob.document_digest, Blob.body).where(Blob.digest == digest)).one_or_none()
    if row is None:
        return None
    return open_blob(_key(row.document_digest), row.body, BLOB_UNPACKED_MAX)


def _by_document(document_digest: str) -> BlobRef | None:
    query = select(Blob.digest, Blob.size).where(Blob.document_digest == document_digest)
    row = session().execute(query).one_or_none()
    return _ref(row.digest, row.size, document_digest) if row else None


def _key(document_digest: str) -> bytes:
    return blob_key(runtime().ring.bundle_secret(), bytes.fromhex(document_digest))


def _ref(digest: str, size: int, document_digest: str) -> BlobRef:
    return BlobRef(digest, size, b64u(_key(document_digest)))
