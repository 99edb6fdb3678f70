"""The hash chain of records (§9): hashes alone, no keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from mqtt.contract.names import RECORDS_CONTEXT


def leaf(text: str) -> bytes:
    """SHA-256 of a record's exact text. Raises UnicodeEncodeError on a lone surrogate."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def origin(device_id: str) -> bytes:
    """h(0) of a device's chain."""
    return hashlib.sha256(device_id.encode("utf-8")).digest()


def link(previous: bytes, record_leaf: bytes) -> bytes:
    """h(seq) from h(seq - 1) and the leaf of seq."""
    return hashlib.sha256(previous + record_leaf).digest()


def heads(previous: bytes, texts: Iterable[str]) -> Iterator[bytes]:
    """h after each text in turn, starting from `previous`."""
    current = previous
    for text in texts:
        current = link(current, leaf(text))
        yield current


def head(previous: bytes, texts: Iterable[str]) -> bytes:
    """h after the last text; `previous` when there is none."""
    last = previous
    for last in heads(previous, texts):  # noqa: B007
        pass
    return last


def signing_input(device_id: str, head_hash: bytes) -> bytes:
    """The bytes that a batch's `sig` covers."""
    return b"\x00".join((RECORDS_CONTEXT, device_id.encode("utf-8"), head_hash))
