"""Reading a batch of records: opened, unpacked, parsed, hashed and checked by itself, without any database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.crypto import jose
from core.crypto.jose import BadToken
from core.crypto.jwk import SigningKey, unb64u
from fleet.queries import DeviceKeys
from mqtt.contract import chain, codec
from mqtt.contract.codec import BadPayload, Reason
from mqtt.contract.limits import BATCH_UNPACKED_MAX
from mqtt.contract.records import Batch

HEAD, SIGNATURE, CHAIN, CONTRADICTION = "head", "signature", "chain", "contradiction"
_DAMAGED_TEXT = frozenset({Reason.NUL, Reason.LONE_SURROGATE})


class Unreadable(Exception):
    """A payload that is no batch at all; `reason` is a stable code, `detail` holds no content."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class ReadBatch:
    """A batch with what follows from it: `leaves` and `heads` belong to its texts, `plain` is its JSON as it came."""

    first: int
    prev: bytes
    claimed: bytes
    signature: bytes
    texts: Sequence[bytes]
    leaves: Sequence[bytes]
    heads: Sequence[bytes]
    plain: bytes

    @property
    def last(self) -> int:
        """Seq of the last record."""
        return self.first + len(self.texts) - 1

    @cached_property
    def digest(self) -> str:
        """What makes a batch distinct: position, texts, prev and head; a fresh signature makes no other batch."""
        parts = (str(self.first).encode(), self.prev, self.claimed, *self.leaves)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def items(self) -> Iterator[tuple[int, bytes, bytes]]:
        """seq, leaf and h(seq) of each record in turn."""
        return zip(range(self.first, self.last + 1), self.leaves, self.heads, strict=True)

    def text(self, seq: int) -> bytes:
        """Bytes of the record of that seq."""
        return self.texts[seq - self.first]

    def head_at(self, seq: int) -> bytes | None:
        """h(seq) by this batch's own account, None when it does not say."""
        if seq == self.first - 1:
            return self.prev
        return self.heads[seq - self.first] if self.first <= seq <= self.last else None

    def defect(self, keys: DeviceKeys) -> str | None:
        """`head` or `signature` when the batch does not hold by itself, for the phone of these keys."""
        if self.heads[-1] != self.claimed:
            return HEAD
        signed = chain.signing_input(keys.device_id, self.claimed)
        return None if jose.verify_bytes(keys.signing, self.signature, signed) else SIGNATURE


def open_batch(keys: Sequence[SigningKey], payload: bytes) -> ReadBatch:
    """Open a batch's JWE (at most 8 MiB unpacked) and read it. Raises Unreadable."""
    try:
        return read(jose.decrypt(keys, payload, BATCH_UNPACKED_MAX))
    except BadToken as error:
        raise Unreadable(error.reason) from error


def read(plain: bytes) -> ReadBatch:
    """Read a batch's JSON. Raises Unreadable."""
    try:
        members = _members(plain)
        readings = _readings(_texts(members))
        # Only the other members are judged here: a text is judged when it is a record.
        batch = Batch.take({**members, "records": [""] * len(readings[0])})
        signature = unb64u(batch.sig)
    except BadPayload as error:
        raise Unreadable(error.reason, error.detail) from error
    except ValueError as error:
        raise Unreadable(Reason.FORM, "sig") from error
    prev, claimed = bytes.fromhex(batch.prev), bytes.fromhex(batch.head)
    for texts in readings:
        leaves = [hashlib.sha256(text).digest() for text in texts]
        heads = _heads(prev, leaves)
        if heads[-1] == claimed:
            break
    return ReadBatch(batch.first, prev, claimed, signature, texts, leaves, heads, plain)


def _texts(members: dict[str, Any]) -> list[str]:
    texts = members.get("records")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadPayload(Reason.FORM, "records")
    return texts


def _members(plain: bytes) -> dict[str, Any]:
    try:
        return codec.decode_object(plain, limit=BATCH_UNPACKED_MAX)
    except BadPayload as error:
        # The codec judges strings last, so everything else about the document is in order. A damaged text is no
        # reason to lose the evidence around it: its bytes are kept, and the record is opaque.
        if error.reason not in _DAMAGED_TEXT:
            raise
        members: dict[str, Any] = json.loads(plain)
        return members


def _readings(texts: list[str]) -> list[list[bytes]]:
    """The bytes that the phone may have hashed: with a lone surrogate its library chose them, and the head tells."""
    try:
        return [[text.encode() for text in texts]]
    except UnicodeEncodeError:
        return [
            [text.encode("utf-8", "surrogatepass") for text in texts],
            [text.encode("utf-8", "replace") for text in texts],
            [_substituted(text).encode() for text in texts],
        ]


def _substituted(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _heads(prev: bytes, leaves: Sequence[bytes]) -> list[bytes]:
    heads, last = [], prev
    for leaf in leaves:
        last = chain.link(last, leaf)
        heads.append(last)
    return heads
