"""What the holder does and what happens to the phone; each passes the guard and leaves its record (§9)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import policies.engine as engine
from agent.archive import Archive
from agent.contacts import Book
from agent.core import Core
from agent.dialling import Dialler, DialResult
from agent.events import Events
from agent.guard import Guard, Outcome, act_event
from agent.handset import Handset
from agent.policy import PolicyDesk
from agent.records import blank_record
from mqtt.contract.codec import clean_text
from mqtt.contract.limits import RECORD_MAX, RECORD_TEXT_KEPT
from mqtt.contract.names import EventType, Severity

LOCKED = Outcome(allowed=False, action="lock", because=("locked",))


@dataclass(frozen=True, slots=True)
class Other:
    """The other side of a contact, as the phone knows it."""

    peer: dict[str, Any]
    keys: dict[str, str]
    known: bool
    relation: str | None
    conversation: str


class Acts:
    """Everything that can happen; used on the loop's thread."""

    def __init__(
        self, core: Core, handset: Handset, policy: PolicyDesk, events: Events, book: Book, guard: Guard
    ) -> None:
        self._core = core
        self._handset = handset
        self._policy = policy
        self._events = events
        self._archive: Archive = events.archive
        self._book = book
        self._guard = guard
        self._dialler = Dialler(core)

    # Messages

    def send(self, channel: str, address: str | None, text: str, name: str = "", *, group: bool = False) -> Outcome:
        """The holder sends a message."""
        if self._handset.body.locked:
            return LOCKED
        text = clean_text(text)
        other = self._other(channel, address, name)
        hits = self._guard.hits(text, self._handset.said(other.conversation, "out"))
        verdict = self._judge_message(channel, "out", text, hits, other)
        self._guard.tell(verdict, peer=other.peer, excerpt=text)
        if verdict.allowed:
            self._guard.count(other.keys, ["message"])
        return self._message(channel, "out", text, hits, other, verdict, group)

    def receive(self, channel: str, address: str | None, text: str, name: str = "", *, group: bool = False) -> Outcome:
        """A message arrives; it cannot be refused."""
        text = clean_text(text)
        other = self._other(channel, address, name)
        hits = self._guard.hits(text, self._handset.said(other.conversation, "in"))
        verdict = self._judge_message(channel, "in", text, hits, other)
        self._guard.tell(verdict, peer=other.peer, excerpt=text)
        return self._message(channel, "in", text, hits, other, verdict, group)

    def _judge_message(self, channel: str, direction: Any, text: str, hits: list[str], other: Other) -> engine.Verdict:
        return self._guard.judge(
            engine.Message(
                minute=self._core.clock.server_now(),
                channel=channel,
                direction=direction,
                text=text,
                hits=hits,
                known=other.known,
                relation=other.relation,  # type: ignore[arg-type]
                **self._guard.known(other.keys),
            )
        )

    def _message(
        self,
        channel: str,
        direction: str,
        text: str,
        hits: list[str],
        other: Other,
        verdict: engine.Verdict,
        group: bool,
    ) -> Outcome:
        blocked = direction == "out" and not verdict.allowed
        message_id = str(uuid.uuid4())
        members = self._members(channel, "text", direction, other, message_id)
        members |= {"text": text, "hits": hits, "blocked": blocked, "group": group}
        seq = self._keep(members)
        if not blocked:
            self._handset.messages[message_id] = {"channel": channel, "text": text, "direction": direction}
            self._handset.say(other.conversation, direction, text)
        return self._outcome(verdict, not blocked, seq, hits)

    def send_file(
        self, channel: str, address: str | None, content: bytes, media_type: str, kind: str, name: str = ""
    ) -> Outcome:
        """The holder sends a voice message, image, video or file."""
        if self._handset.body.locked:
            return LOCKED
        other = self._other(channel, address, name)
        verdict = self._judge_message(channel, "out", "", [], other)
        self._guard.tell(verdict, peer=other.peer)
        members = self._members(channel, kind, "out", other, str(uuid.uuid4()))
        members["blocked"] = not verdict.allowed
        wanted = verdict.allowed and self._media_wanted(kind, len(content))
        seq = self._keep(members, (media_type, content) if wanted else None)
        return self._outcome(verdict, verdict.allowed, seq)

    def _media_wanted(self, kind: str, size: int) -> bool:
        rule = self._policy.rule("archive")
        media = rule.media if rule else None
        if media is None:
            return True
        fits = media.maximum_mb is None or size <= media.maximum_mb * 1_000_000
        return fits and (media.kinds is None or kind in media.kinds)

    # Calls

    def call(self, number: str, seconds: int = 0, outcome: str = "connected", name: str = "") -> Outcome:
        """The holder calls a number."""
        if self._handset.body.locked:
            return LOCKED
        other = self._other("phone", number, name)
        verdict = self._judge_call("out", other)
        self._guard.tell(verdict, peer=other.peer)
        if verdict.allowed:
            self._guard.count(other.keys, self._guard.talk_counts(outcome, seconds))
        seq = self._keep(self._call_members("out", other, verdict, seconds, outcome))
        return self._outcome(verdict, verdict.allowed, seq)

    def called(self, number: str, seconds: int = 0, outcome: str = "connected", name: str = "") -> Outcome:
        """Somebody calls."""
        other = self._other("phone", number, name)
        verdict = self._judge_call("in", other)
        self._guard.tell(verdict, peer=other.peer)
        seq = self._keep(self._call_members("in", other, verdict, seconds, outcome))
        return self._outcome(verdict, verdict.allowed, seq)

    def _judge_call(self, direction: Any, other: Other) -> engine.Verdict:
        return self._guard.judge(
            engine.Call(
                minute=self._core.clock.server_now(),
                direction=direction,
                known=other.known,
                relation=other.relation,  # type: ignore[arg-type]
                recorder=self._handset.body.recorder,
                **self._guard.known(other.keys),
            )
        )

    def _call_members(
        self, direction: str, other: Other, verdict: engine.Verdict, seconds: int, outcome: str
    ) -> dict[str, Any]:
        members = self._members("call", "call", direction, other, str(uuid.uuid4()))
        if not verdict.allowed:
            return members | {"blocked": True, "outcome": "rejected"}
        talked = outcome == "connected"
        return members | {
            "outcome": outcome,
            "duration_s": seconds if talked else 0,
            "recorded": self._handset.body.recorder if talked else None,
        }

    def dial(self, point_id: str, seconds: int, outcome: str, done: Callable[[DialResult], object]) -> None:
        """The holder taps a contact point: a ticket first, then the call, whose record names the ticket."""
        found = self._book.find(point_id)
        if self._handset.body.locked or found is None or not found[0].may_call:
            done(DialResult("block", None, ("not permitted",), 0))
            return
        other = self._other_point(found[0].id, point_id, found[0].relation)
        verdict = self._judge_call("out", other)
        if not verdict.allowed:
            self._guard.tell(verdict, peer=other.peer)
            done(DialResult(verdict.action, None, tuple(r.rule for r in verdict.because), 0))
            return

        def ticketed(result: DialResult) -> None:
            if result.verdict in ("allow", "warn"):
                self._guard.count(other.keys, self._guard.talk_counts(outcome, seconds))
                members = self._call_members("out", other, verdict, seconds, outcome)
                seq = self._keep(members | {"ticket": result.ticket})
                result = DialResult(result.verdict, result.ticket, result.because, seq)
            done(result)

        self._dialler.ask(point_id, found[1], ticketed)

    # Protected acts, payments, apps

    def protected(self, act: str, detail: dict[str, Any] | None = None) -> Outcome:
        """The holder tries to delete, block, export, take a screenshot, or see a number."""
        if self._handset.body.locked:
            return LOCKED
        verdict = self._guard.judge(engine.ProtectedAct(minute=self._core.clock.server_now(), act=act))
        self._guard.tell(verdict, kind=act_event(act), detail={"act": act, **(detail or {})})
        return self._outcome(verdict, verdict.allowed)

    def pay(self, form: Any, amount_fen: int, address: str | None, channel: str, name: str = "") -> Outcome:
        """The holder sends a red packet, a transfer, or shows a collection code."""
        if self._handset.body.locked:
            return LOCKED
        other = self._other(channel, address, name)
        verdict = self._guard.judge(engine.Payment(minute=self._core.clock.server_now(), form=form))
        self._guard.tell(verdict, peer=other.peer, detail={"amount_fen": amount_fen, "form": form})
        kind = "red_packet" if form == "red_packet" else "transfer"
        members = self._members(channel, kind, "out", other, str(uuid.uuid4()))
        seq = self._keep(members | {"amount_fen": amount_fen, "blocked": not verdict.allowed})
        return self._outcome(verdict, verdict.allowed, seq)

    def open_app(self, package: str) -> Outcome:
        """The holder starts an app."""
        if self._handset.body.locked:
            return LOCKED
        verdict = self._guard.judge(engine.AppLaunch(minute=self._core.clock.server_now(), package=package))
        self._guard.tell(verdict, kind=EventType.APP_BLOCKED, detail={"package": package})
        return self._outcome(verdict, verdict.allowed)

    # The phone itself

    def happened(self, kind: EventType, severity: Severity, detail: dict[str, Any]) -> None:
        """Something befell the phone: tell, and judge the posture anew."""
        self._handset.save()
        self._events.tell(kind, severity, detail=detail)
        self._guard.posture_check()

    # Records

    def _keep(self, members: dict[str, Any], media: tuple[str, bytes] | None = None) -> int:
        rule = self._policy.rule("archive")
        channels = rule.channels if rule else None
        if channels is not None and members["channel"] not in (*channels, "device"):
            return 0
        text = members["text"].encode("utf-8", "replace")
        if len(text) > RECORD_MAX // 2:
            media = media or ("text/plain; charset=utf-8", text)
            members["text"] = members["text"][:RECORD_TEXT_KEPT]
        return self._archive.append(members, media)

    def _members(self, channel: str, kind: str, direction: str, other: Other, message_id: str) -> dict[str, Any]:
        at = self._core.clock.server_now()
        return blank_record(channel, kind, direction, other.conversation, other.peer, at) | {"id": message_id}

    def _other(self, channel: str, address: str | None, name: str) -> Other:
        address, name = address and clean_text(address), clean_text(name)
        kind = "phone" if channel in ("phone", "sms", "call") else channel
        found = self._book.by_address(kind, address)
        if found is not None:
            return self._other_point(found[0].id, found[1].id, found[0].relation)
        who = address or name
        keys = {"contact_point": f"{kind}:{who}", "customer": f"{kind}:{who}", "employee": "me"}
        conversation = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._core.id}/{kind}/{who}"))
        return Other({"address": address, "name": name}, keys, False, None, conversation)

    def _other_point(self, contact: str, point: str, relation: str) -> Other:
        keys = {"contact_point": point, "customer": contact, "relation": relation, "employee": "me"}
        conversation = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._core.id}/{point}"))
        return Other({"point": point}, keys, True, relation, conversation)

    @staticmethod
    def _outcome(verdict: engine.Verdict, allowed: bool, seq: int = 0, hits: Sequence[str] = ()) -> Outcome:
        because = tuple(reason.rule for reason in verdict.because)
        return Outcome(allowed, verdict.action, because, tuple(hits), seq)
