"""Bundles as the engine reads them, from their stored blobs. A digest never changes its meaning, so they are cached."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

from mqtt.contract.limits import HEARTBEAT_DEFAULT_S
from policies import blobs
from policies.engine import Bundle
from policies.engine.families.device import Device

MAX_CACHED = 200


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bundle, ready to be judged by."""

    bundle: Bundle

    @property
    def heartbeat_seconds(self) -> int:
        """How often a phone with this bundle beats, in seconds."""
        rule: Device | None = self.bundle.rules.get("device")
        return (rule.heartbeat_seconds if rule else None) or HEARTBEAT_DEFAULT_S


_cache: dict[str, Loaded] = {}
_guard = Lock()


def bundles(digests: Collection[str]) -> dict[str, Loaded]:
    """Bundles by digest; unknown ones are left out."""
    found: dict[str, Loaded] = {}
    for digest in digests:
        loaded = _cache.get(digest) or _load(digest)
        if loaded:
            found[digest] = loaded
    return found


def _load(digest: str) -> Loaded | None:
    content = blobs.document(digest)
    if content is None:
        return None
    plain = json.loads(content)
    parts: dict[str, dict[str, object]] = {"keyword_set": {}, "calendar": {}, "fold_table": {}}
    for part in plain["blobs"]:
        body = blobs.document(part["digest"])
        if body is not None and part["kind"] in parts:
            parts[part["kind"]][part["name"]] = json.loads(body)
    loaded = Loaded(
        Bundle.read(plain["rules"], parts["keyword_set"], parts["calendar"], fold_tables=parts["fold_table"])
    )
    with _guard:
        if len(_cache) >= MAX_CACHED:
            _cache.pop(next(iter(_cache)))
        _cache[digest] = loaded
    return loaded
