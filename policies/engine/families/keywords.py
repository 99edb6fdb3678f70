"""Keywords in messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from policies.engine.forms import Wire, Words, words
from policies.engine.matching import find_hits
from policies.engine.registry import Known, register
from policies.engine.situation import Message, Situation
from policies.engine.verdict import Because
from policies.engine.vocabulary import Severity


class KeywordRule(Wire):
    """What follows when a term of a set is found."""

    set: str
    action: Literal["alert", "warn", "block"]
    severity: Severity
    direction: Literal["in", "out", "both"]
    say: Words | None = None


def judge(rules: list[KeywordRule], situation: Situation, known: Known) -> Iterator[Because]:
    """Each term that was found, by the rule of its set.

    Messages that came in cannot be blocked: they alert.
    """
    if not isinstance(situation, Message):
        return
    for rule in rules:
        if rule.direction not in ("both", situation.direction):
            continue
        for hit in _hits(rule.set, situation, known):
            action = "alert" if situation.direction == "in" else rule.action
            text = words(f"命中敏感词库“{rule.set}”。", f"The text matches the keyword set “{rule.set}”.")
            yield Because(rule=hit, action=action, text=text, severity=rule.severity, say=rule.say)


def _hits(name: str, situation: Message, known: Known) -> list[str]:
    terms = known.keyword_sets.get(name)
    if situation.hits is None:
        return find_hits(terms, situation.text) if terms else []
    ids = {term.id for term in terms.terms} if terms else set()
    return [hit for hit in situation.hits if hit in ids or hit.startswith(f"{name}/")]


register("keywords", list[KeywordRule], judge)
