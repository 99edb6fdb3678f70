"""What shadow rules would have done: judged when a message is archived, counted by day, never told to a phone.

Counts hold no text, and neither does the list of the newest messages: who reads one goes through the audited reader.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Delete, Table, delete, func, select, tuple_

from archive.models import ShadowCount, ShadowHit, ShadowTerm
from archive.replay import is_act
from archive.signals import ArchivedMessage, message_archived
from core import clock, live
from core.db import add_up, affected, insert_rows, session
from core.runtime import settings
from mqtt.contract.records import Record
from policies import shadow
from policies.engine.scanning import MESSAGES_BEFORE, TAIL
from policies.shadow import Judged, Said

LIVE_TOPIC = "shadow"
KEPT = timedelta(days=90)
KEPT_HITS = 1000
"""Newest messages kept of each rule."""
KEPT_TERMS = 500
"""Most frequent terms kept of each rule of a day that is over."""
TERMS_OF_MESSAGE = 20
REMEMBERED = 10_000
_RULE = ("policy", "day", "policy_version", "keyword_set", "set_version")
_COUNTS: Table = ShadowCount.__table__
_TERMS: Table = ShadowTerm.__table__
_HITS: Table = ShadowHit.__table__


class Conversations:
    """The ends of the last messages of the conversations that are under way, for words split over several.

    Only in memory, bounded, and lost with the process: a word that began before is missed then.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._said: OrderedDict[Hashable, list[tuple[int, str]]] = OrderedDict()

    def before(self, device_id: str, record: Record) -> list[str]:
        """What the same side said before this record, oldest first; the record itself is remembered."""
        place = (device_id, record.channel, record.conversation, record.direction)
        # A unit of work that failed is done again: what it had remembered comes after this record.
        earlier = [one for one in self._said.pop(place, ()) if one[0] < record.seq][-MESSAGES_BEFORE:]
        self._said[place] = [*earlier, (record.seq, record.text[-TAIL:])]
        if len(self._said) > self._most:
            self._said.popitem(last=False)
        return [text for _, text in earlier]


_conversations = Conversations()


@message_archived.connect
def on_archived(_sender: object, messages: Sequence[ArchivedMessage]) -> None:
    """Judge what was just archived; without any rule in the shadow this costs one small query."""
    index = shadow.current()
    if index is None:
        return
    spoken = [(one, one.record) for one in messages if one.record and _is_spoken(one, one.record)]
    said = [
        Said(one.device_id, record.text, record.direction, _conversations.before(one.device_id, record))
        for one, record in spoken
    ]
    judged = index.judge(said)
    if judged:
        keep([(spoken[verdict.number][0], verdict) for verdict in judged])


def _is_spoken(one: ArchivedMessage, record: Record) -> bool:
    """A contested text stands beside another one, and a late one is of a phone that no rule reaches any more."""
    said = is_act(record) and record.kind != "call" and bool(record.text)
    return said and not one.contested and not one.late


def keep(judged: Sequence[tuple[ArchivedMessage, Judged]]) -> None:
    """Count verdicts, note the newest messages, tell open pages."""
    today = today_here()
    counts: Counter[tuple[Any, ...]] = Counter()
    terms: Counter[tuple[Any, ...]] = Counter()
    for message, verdict in judged:
        trial = verdict.trial
        rule = (trial.policy, today, trial.policy_version, trial.keyword_set, trial.set_version)
        counts[(*rule, verdict.action, verdict.org_unit_id, message.device_id)] += 1
        terms.update((*rule, term, verdict.org_unit_id) for term in verdict.terms[:TERMS_OF_MESSAGE])
    _add(_COUNTS, (*_RULE, "action", "org_unit_id", "device_id"), counts)
    _add(_TERMS, (*_RULE, "term", "org_unit_id"), terms)
    _note(judged)
    named = {(v.trial.policy, v.trial.keyword_set) for _, v in judged}
    live.announce(LIVE_TOPIC, sorted({f"Policy/{one}" for one, _ in named} | {f"KeywordSet/{one}" for _, one in named}))


def today_here() -> date:
    """The day of the organisation's zone."""
    return clock.now().astimezone(ZoneInfo(settings().timezone)).date()


def _add(table: Table, keys: Sequence[str], counted: Counter[tuple[Any, ...]]) -> None:
    rows = [{**dict(zip(keys, place, strict=True)), "messages": number} for place, number in counted.items()]
    add_up(session(), table, rows, keys, "messages")


def _note(judged: Sequence[tuple[ArchivedMessage, Judged]]) -> None:
    """Note messages by rule, and forget the oldest of each rule above its bound."""
    by_rule: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for message, verdict in judged:
        trial = verdict.trial
        by_rule.setdefault((trial.policy, trial.keyword_set), []).append(
            {
                "policy": trial.policy,
                "policy_version": trial.policy_version,
                "keyword_set": trial.keyword_set,
                "set_version": trial.set_version,
                "action": verdict.action,
                "terms": verdict.terms[:TERMS_OF_MESSAGE],
                "device_id": message.device_id,
                "branch": message.branch,
                "seq": message.seq,
                "received_at": message.received_at,
            }
        )
    for (policy, keyword_set), rows in sorted(by_rule.items()):
        insert_rows(session(), _HITS, rows[-KEPT_HITS:])
        mine = (ShadowHit.policy == policy, ShadowHit.keyword_set == keyword_set)
        oldest = select(ShadowHit.id).where(*mine).order_by(ShadowHit.id.desc()).offset(KEPT_HITS).limit(1)
        session().execute(
            delete(ShadowHit).where(*mine, ShadowHit.id <= oldest.scalar_subquery()),
            execution_options={"synchronize_session": False},
        )


def forget_old() -> int:
    """Drop what is older than the days kept, and rare terms of days that are over; returns how many rows went."""
    first = today_here() - KEPT
    gone = [
        delete(ShadowCount).where(ShadowCount.day < first),
        delete(ShadowTerm).where(ShadowTerm.day < first),
        delete(ShadowHit).where(ShadowHit.received_at < clock.now() - KEPT),
        _rare(),
    ]
    return sum(affected(session(), statement) for statement in gone)


def _rare() -> Delete:
    """Terms of a rule, a unit and a day that is over, beyond the most frequent."""
    keys = [column for column in _TERMS.c if column.primary_key]
    by_rule = [column for column in keys if column.name != "term"]
    place = func.row_number().over(partition_by=by_rule, order_by=(_TERMS.c.messages.desc(), _TERMS.c.term))
    ranked = select(*keys, place.label("place")).where(_TERMS.c.day < today_here()).subquery()
    beyond = select(*(ranked.c[column.name] for column in keys)).where(ranked.c.place > KEPT_TERMS)
    return delete(ShadowTerm).where(tuple_(*keys).in_(beyond)).execution_options(synchronize_session=False)
