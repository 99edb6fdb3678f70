"""Explain an act: may this be done at this minute, by which rule of which policy, and with which counters.

It is judged by the bundle that the phone had in force then, or by the one that was wanted of it where it had none, with
the engine that the phone runs itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.actor import Actor
from core.errors import Conflict
from core.text import Text
from policies import explain, in_force
from policies.engine import Bundle, Call, Counter, Message, Verdict, counters_for, decide, talk_seconds
from policies.engine.forms import Words
from policies.engine.verdict import Because
from policies.views import ActView, BecauseView, CounterView, Explanation, Value

ENFORCED = "keywords.enforced"


@dataclass(frozen=True, slots=True)
class Ground:
    """What an act is judged on: the bundle, whether the phone had it in force, and what it was made of."""

    explained: Explanation
    digest: str
    bundle: Bundle

    @property
    def counters(self) -> list[Counter]:
        """What the limits of contact in it look at."""
        return counters_for(self.bundle.rules)

    @property
    def talk_seconds(self) -> int | None:
        """From how many seconds on a call counts as a talk; None: the engine's own figure."""
        return talk_seconds(self.bundle.rules)


def ground(actor: Actor, device_id: str, at: datetime | None) -> Ground:
    """What acts of a phone in the actor's scope are judged on at a minute. Raises NotFound, Conflict without any."""
    explained = explain.explain(actor, device_id, at)
    had = explained.in_force.bundle if explained.in_force else None
    digest = had or explained.bundle
    loaded = in_force.bundles([digest]).get(digest) if digest else None
    if digest is None or loaded is None:
        raise Conflict(
            "nothing_in_force",
            Text(
                "这一分钟手机没有任何策略，可以做任何事。",
                "The phone had no policy at that minute: nothing was forbidden.",
            ),
        )
    return Ground(explained, digest, loaded.bundle)


def judge(on: Ground, act: Call | Message) -> ActView:
    """The verdict on an act."""
    verdict = decide(on.bundle, act)
    return ActView(
        device_id=on.explained.device_id,
        at=on.explained.at,
        bundle=on.digest,
        in_force=bool(on.explained.in_force and on.explained.in_force.bundle == on.digest),
        allowed=verdict.allowed,
        action=verdict.action,
        text=_text(verdict.text),
        until=verdict.until,
        because=[_because(on, one) for one in verdict.because],
        counters=[CounterView(name=one.name, value=one.value, limit=one.limit) for one in _counters(verdict)],
    )


def _because(on: Ground, one: Because) -> BecauseView:
    return BecauseView(
        rule=one.rule,
        action=one.action,
        text=_text(one.text),
        until=one.until,
        counter=one.counter.name if one.counter else None,
        sources=_sources(on, one.rule),
    )


def _counters(verdict: Verdict) -> Iterable[Any]:
    return sorted(verdict.counters, key=lambda one: one.name)


def _sources(on: Ground, rule: str) -> list[dict[str, Any]]:
    """Policies, versions and assignments that a rule comes from."""
    policy, _, _ = rule.partition("/")
    own = [source for source in on.explained.policies if source["policy"] == policy]
    term = next((name for name, words in on.bundle.keyword_sets.items() if rule in {t.id for t in words.terms}), None)
    if term is None and own:
        return own
    place = f"{ENFORCED}.{term}" if term is not None else rule.replace("/", ".")
    return _of(on.explained.values, place) or _of(on.explained.values, place.partition(".")[0])


def _of(values: Sequence[Value], place: str) -> list[dict[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for value in values:
        if value.path == place or value.path.startswith(f"{place}."):
            found |= {str(source): source for source in value.sources}
    return [dict(found[key]) for key in sorted(found)]


def _text(words: Words) -> Text:
    return Text(words.zh, words.en)
