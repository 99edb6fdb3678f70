"""Documents that a form builds: what they would do while it is filled in, and storing them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import render_template

from console import forms, policy_words, words
from console.policy_editor import require_accepted
from core.actor import Actor
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.reasons import clean_reason
from core.text import Text
from policies import apply
from policies.apply import Outcome
from policies.language.kinds import API_VERSION
from policies.language.problems import Refused

FIELDS = {"reason_required": "reason", "looser_not_accepted": "accept_looser"}


def built(kind: str, name: str, title: str, spec: Mapping[str, Any], revision: int | None) -> dict[str, Any]:
    """A document of a form's fields; the revision that the form began with keeps two editors apart."""
    metadata: dict[str, Any] = {"name": name.strip()}
    if title.strip():
        metadata["title"] = title.strip()
    if revision:
        metadata["revision"] = revision
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def foreseen(document: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Text | None]:
    """What storing the document would do, for the templates; or what is wrong with it."""
    actor = current_actor()
    try:
        return policy_words.outcome(actor, apply.plan(actor, body(document), "json")), None
    except ShoujiError as error:
        return None, told(error)


def planned(document: Mapping[str, Any]) -> str:
    """The part of a page that says what storing the document would do, or what is wrong with it."""
    plan, wrong = foreseen(document)
    return render_template("_plan.html", plan=plan, error=wrong, problems=[], words=words)


def store(actor: Actor, document: Mapping[str, Any]) -> Outcome:
    """Store a document that takes effect at once: with a reason, and what becomes looser ticked.

    Raises Refused, Invalid, Conflict, Forbidden.
    """
    reason = clean_reason(forms.field("reason"))
    return apply.apply(
        actor,
        body(document),
        "json",
        reason=reason,
        managed_by="console",
        take_over=forms.field("take_over") == "yes",
        agree=lambda found: require_accepted(found.review),
    )


def told(error: ShoujiError) -> Text:
    """What is wrong, by member: lines of a text that nobody wrote would mislead."""
    if not isinstance(error, Refused):
        return error.text
    zh = " ".join(f"{one.path}：{one.text.zh}" for one in error.problems[:3])
    return Text(zh, " ".join(f"{one.path}: {one.text.en}" for one in error.problems[:3]))


def said(done: Outcome) -> Text:
    """What storing did."""
    count = done.review.devices
    return Text(
        f"已保存并生效，影响 {count} 台设备。",
        f"Saved and in effect; it touches {count} phone{'' if count == 1 else 's'}.",
    )


def body(document: Mapping[str, Any]) -> bytes:
    """The document as JSON."""
    return json.dumps(document, ensure_ascii=False).encode()
