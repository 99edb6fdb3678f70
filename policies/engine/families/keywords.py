"""Keywords in messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from policies.engine.documents import KeywordSet
from policies.engine.forms import Wire, Words, words
from policies.engine.registry import Known, register
from policies.engine.situation import Direction, Message, Situation
from policies.engine.verdict import Because
from policies.engine.vocabulary import Severity


class KeywordRule(Wire):
    """What follows when a term of a set is found."""

    set: str
    action: Literal["alert", "warn", "block"]
    severity: Severity
    direction: Literal["in", "out", "both"]
    say: Words | None = None


def action_of(rule: KeywordRule, direction: Direction) -> Literal["alert", "warn", "block"] | None:
    """What a rule does with a message in which a term of its set was found; None: it is about the other direction.

    Messages that came in cannot be blocked: they alert.
    """
    if rule.direction not in ("both", direction):
        return None
    return "alert" if direction == "in" else rule.action


def judge(rules: list[KeywordRule], situation: Situation, known: Known) -> Iterator[Because]:
    """Each term that was found, by the rule of its set."""
    if not isinstance(situation, Message):
        return
    found = _hits(situation, known)
    for rule in rules:
        action = action_of(rule, situation.direction)
        if action is None:
            continue
        for hit in found.get(rule.set, ()):
            text = words(f"命中敏感词库“{rule.set}”。", f"The text matches the keyword set “{rule.set}”.")
            yield Because(rule=hit, action=action, text=text, severity=rule.severity, say=rule.say)


def _hits(situation: Message, known: Known) -> dict[str, list[str]]:
    """Ids of the terms found, by set: those that the caller found, else those that are found now."""
    if situation.hits is None:
        found: dict[str, dict[str, None]] = {}
        for hit in known.scanner.scan(situation.text, situation.before):
            found.setdefault(hit.set, {})[hit.term] = None
        return {name: list(ids) for name, ids in found.items()}
    return {name: _of_set(name, situation.hits, terms) for name, terms in known.keyword_sets.items()}


def _of_set(name: str, hits: list[str], terms: KeywordSet) -> list[str]:
    ids = {term.id for term in terms.terms}
    return [hit for hit in hits if hit in ids or hit.startswith(f"{name}/")]


register("keywords", list[KeywordRule], judge)
