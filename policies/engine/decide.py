"""One verdict from all families."""

from __future__ import annotations

from policies.engine.actions import rank, strictest
from policies.engine.bundle import Bundle
from policies.engine.families import FAMILIES
from policies.engine.situation import Situation
from policies.engine.verdict import Because, Verdict


def decide(bundle: Bundle, situation: Situation) -> Verdict:
    """Judge what is about to happen: the strictest action of all rules in force, and every rule that spoke.

    Reasons come strictest first. A rule that looked at a counter and had nothing against it gives no reason,
    but its counter is listed; one whose counter is unknown is listed with the value None and does not refuse.
    """
    spoken: list[Because] = []
    for name, rule in sorted(bundle.rules.items()):
        spoken += FAMILIES[name].judge(rule, situation, bundle)
    reasons = sorted((reason for reason in spoken if reason.action != "allow"), key=lambda r: -rank(r.action))
    counters = {(use.name, use.limit): use for use in (reason.counter for reason in spoken) if use}
    return Verdict(
        action=strictest(*(reason.action for reason in reasons)),
        because=reasons,
        counters=list(counters.values()),
    )
