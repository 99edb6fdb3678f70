"""The notice to the holder and its acceptance (§3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from mqtt.contract.model import Digest, Label, LongText, Message, Seconds, WireTime, absent


class Notice(Message):
    """`GET notice`: texts by language."""

    version: Label
    texts: dict[Label, LongText]


class NoticeAcceptance(Message):
    """`POST device/notice`, and `notice` of an enrollment; `proof` is a JWS of the device of `NoticeProof`."""

    version: Label
    accepted_at: WireTime
    language: Label | None = absent()
    proof: LongText | None = absent()


class NoticeProof(Message):
    """Claims of `proof`: what was shown and accepted, signed by the device signing key. `texts` is `texts_digest`."""

    version: Label
    texts: Digest
    language: Label
    accepted_at: WireTime
    iat: Seconds


def texts_digest(texts: Mapping[str, str]) -> str:
    """Hex SHA-256 of the canonical JSON of the texts."""
    canonical = json.dumps(dict(texts), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
