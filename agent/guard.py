"""The rules at work: each thing about to happen is judged by the engine, then done or refused, told and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import policies.engine as engine
from agent import clock
from agent.core import Core
from agent.counters import Contacted, Counters
from agent.events import Events
from agent.handset import Handset
from agent.policy import PolicyDesk
from mqtt.contract.limits import EXCERPT_MAX
from mqtt.contract.names import EventType, Severity

_ACTS = {
    "delete_message": EventType.DELETE_BLOCKED,
    "clear_conversation": EventType.DELETE_BLOCKED,
    "recall_hide": EventType.DELETE_BLOCKED,
    "delete_contact": EventType.DELETE_BLOCKED,
    "delete_call_log": EventType.DELETE_BLOCKED,
    "block_contact": EventType.CONTACT_BLOCK_BLOCKED,
    "export_contacts": EventType.EXPORT_BLOCKED,
    "screenshot": EventType.EXPORT_BLOCKED,
    "share_contact_card": EventType.PRIVATE_CONTACT_SHARED,
    "reveal_number": EventType.NUMBER_REVEAL_BLOCKED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an act: whether it happened, why not, and what was found."""

    allowed: bool
    action: str
    because: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    seq: int = 0


class Guard:
    """Judges, tells, records."""

    def __init__(self, core: Core, handset: Handset, policy: PolicyDesk, events: Events) -> None:
        self._core = core
        self._handset = handset
        self._policy = policy
        self._events = events
        self._counters = Counters(core.store)

    def judge(self, situation: engine.Situation) -> engine.Verdict:
        """The engine's verdict under the policy in force."""
        return engine.decide(self._policy.bundle, situation)

    def location_allowed(self) -> bool:
        """Whether a position may be taken now."""
        return self.judge(engine.LocationRequest(minute=self._core.clock.server_now())).allowed

    def known(self, keys: dict[str, str]) -> dict[str, Any]:
        """Counters and last contacts of the people behind these keys, as a situation wants them."""
        now = self._core.clock.server_now()
        wanted = engine.counters_for(self._policy.bundle.rules)
        return {
            "counters": self._counters.values(wanted, keys, now),
            "last_contact": self._counters.last(keys),
        }

    def count(self, keys: dict[str, str], counts: list[str]) -> None:
        """Remember an outgoing contact for the limits."""
        self._counters.add(Contacted(self._core.clock.server_now(), keys, counts))

    def talk_counts(self, outcome: str, seconds: int) -> list[str]:
        """What an outgoing call counts as."""
        return list(engine.counts_of_call(outcome, seconds, engine.talk_seconds(self._policy.bundle.rules)))

    def hits(self, text: str, before: list[str]) -> list[str]:
        """Ids of all terms in a text, with those that began in the messages `before` it."""
        return list(dict.fromkeys(hit.term for hit in self._policy.bundle.scanner.scan(text, before)))

    def tell(
        self,
        verdict: engine.Verdict,
        *,
        kind: EventType | None = None,
        peer: dict[str, Any] | None = None,
        excerpt: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """An event for each rule that spoke, and a word to the holder where the act was refused."""
        for reason in verdict.because:
            refused = engine.refuses(reason.action)
            severity = reason.severity or ("warning" if refused or reason.action == "alert" else "info")
            self._events.tell(
                kind or self._kind(reason),
                Severity(severity),
                rule=reason.rule[:256],
                peer=peer,
                excerpt=excerpt[:EXCERPT_MAX] if excerpt is not None else None,
                blocked=refused,
                detail={"action": reason.action, **(detail or {})},
            )
            if reason.action not in ("alert", "allow"):
                self._handset.show("policy", reason.action, (reason.say or reason.text).zh)

    def _kind(self, reason: engine.Because) -> EventType:
        family, _, member = reason.rule.partition("/")
        if family in ("numbers", "payments", "apps", "protection"):
            return _BY_FAMILY.get(family) or _ACTS.get(member) or _PAYMENTS.get(member, EventType.APP_BLOCKED)
        if reason.severity is not None:
            return EventType.KEYWORD
        if reason.rule in self._hours():
            return EventType.OFF_HOURS
        if reason.rule.startswith("contact_limits/"):
            return EventType.THIRD_PARTY
        return EventType.FREQUENCY

    def _hours(self) -> set[str]:
        limits = self._policy.rule("contact_limits")
        quiet = [item.id for item in (limits and limits.quiet_hours) or ()]
        return {*quiet, *(item.id for item in self._policy.rule("work_hours") or ())}

    def posture_check(self) -> engine.Verdict:
        """Judge the phone itself; the ladder may lock it."""
        body = self._handset.body
        offline = timedelta(seconds=max(0.0, self._core.offline_for()))
        verdict = self.judge(
            engine.Posture(
                minute=self._core.clock.server_now(),
                os=str(self._core.identity.facts.get("os")),
                os_version=str(self._core.identity.facts.get("os_version")),
                encrypted=body.encrypted,
                passcode=body.passcode,
                rooted=body.rooted,
                developer_mode=body.developer_mode,
                agent_admin=body.agent_admin,
                permissions=body.permissions,
                security_patch=body.security_patch,
                offline_seconds=int(offline.total_seconds()),
                since=self._core.finding_since,
            )
        )
        self._remember(verdict)
        if not body.locked and any(reason.action == "lock" for reason in verdict.because):
            self._handset.lock(next(r.text.zh for r in verdict.because if r.action == "lock"), "policy")
        return verdict

    def _remember(self, verdict: engine.Verdict) -> None:
        now = clock.wall()
        standing = {reason.finding for reason in verdict.because if reason.finding}
        since = self._core.finding_since
        self._core.finding_since = {code: since.get(code, now) for code in standing}


_BY_FAMILY = {"apps": EventType.APP_BLOCKED}
_PAYMENTS = {
    "red_packet": EventType.RED_PACKET,
    "transfer": EventType.TRANSFER,
    "collection_code": EventType.TRANSFER,
    "reveal": EventType.NUMBER_REVEAL_BLOCKED,
    "dial": EventType.FREQUENCY,
}


def act_event(act: str) -> EventType:
    """The event of a protected act."""
    return _ACTS.get(act, EventType.APP_BLOCKED)
