"""From what reaches a phone to the bundle that it fetches: merge, canonical JSON, blob."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from core.db import json_text, session, upsert
from policies import blobs, fold_tables, models
from policies.blobs import BlobRef
from policies.language.compile import calendar_document, keyword_set_document
from policies.models import BundlePart
from policies.rules.merging import Fragments, merge, rules_of
from policies.world import Mixture, World

SCHEMA = 1


def merged(world: World, mixture: Mixture) -> Fragments:
    """The effective rules of a mixture, before they take their wire form."""
    return merge([world.fragments(policy) for policy in sorted({source.policy for source in mixture})])


def bundle_document(rules: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The bundle's document (PROTOCOL 7)."""
    return {"schema": SCHEMA, "rules": rules, "blobs": sorted(parts, key=lambda part: (part["kind"], part["name"]))}


def make(world: World, mixture: Mixture) -> str:
    """The digest of the bundle of a mixture; it and the blobs that it names are stored."""
    rules = rules_of(merged(world, mixture))
    parts = list(_parts(world, rules))
    named = [{**ref.plain(), "kind": kind, "name": name} for kind, name, ref in parts]
    bundle = blobs.store(blobs.BUNDLE, "", bundle_document(rules, named))
    rows = [{"bundle_digest": bundle.digest, "blob_digest": ref.digest} for _, _, ref in parts]
    upsert(session(), BundlePart.__table__, rows, ["bundle_digest", "blob_digest"], update=[])
    return bundle.digest


def parts_of(bundle_digest: str) -> list[str]:
    """Digests of the blobs that a bundle names."""
    return list(session().scalars(select(BundlePart.blob_digest).where(BundlePart.bundle_digest == bundle_digest)))


def keep_mixture(mixture: Mixture) -> str:
    """Keep a mixture by its digest; returns the digest."""
    plain = [source.plain() for source in mixture]
    digest = hashlib.sha256(json_text(plain).encode()).hexdigest()
    row = {"digest": digest, "sources": plain}
    upsert(session(), models.Mixture.__table__, [row], ["digest"], update=[])
    return digest


def sets_named(rules: dict[str, Any]) -> list[str]:
    """Keyword sets that rules name."""
    return sorted({rule["set"] for rule in rules.get("keywords", ())})


def calendars_named(rules: dict[str, Any]) -> list[str]:
    """Calendars that rules name."""
    return sorted({rule["calendar"] for rule in rules.get("work_hours", ()) if "calendar" in rule})


def _parts(world: World, rules: dict[str, Any]) -> Iterator[tuple[str, str, BlobRef]]:
    steps: set[str] = set()
    for name in sets_named(rules):
        terms = world.keyword_set(name)
        if terms:
            yield "keyword_set", name, blobs.store("keyword_set", name, keyword_set_document(name, terms))
            steps.update(terms.steps)
    for step in fold_tables.with_tables(steps):
        yield "fold_table", step, blobs.store_bytes("fold_table", step, fold_tables.content(step))
    for name in calendars_named(rules):
        days = world.calendar(name)
        if days:
            yield "calendar", name, blobs.store("calendar", name, calendar_document(name, days))
