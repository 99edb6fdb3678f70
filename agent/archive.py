"""The queue of records: chained when made, sent in order, dropped only against the server's receipt (§9)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent import crypto
from agent.clock import monotonic
from agent.core import Core
from agent.loop import Timer
from agent.store import StoredRecord
from mqtt.contract import chain, codec
from mqtt.contract.archived import Archived
from mqtt.contract.codec import BadPayload
from mqtt.contract.limits import BATCH_RECORDS_MAX, PAYLOAD_MAX, REFUSED_RESEND_S, SALT_BYTES
from mqtt.contract.names import Up

log = logging.getLogger("agent.archive")
WINDOW = 4
"""Batches that may wait for their receipts at once."""
BATCH_BYTES = 400_000
"""Unpacked size of a batch to begin with; halved while its JWE does not fit a message."""
QUIET_RESEND_S = 2.0
"""Receipts that move nothing make the phone send again at most this often, in seconds."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch ready to go: its JWE and the seqs it holds."""

    payload: bytes
    first: int
    last: int


class Archive:
    """Records of one phone."""

    def __init__(self, core: Core, integrity: Callable[[str, str], object]) -> None:
        self._core = core
        self._integrity = integrity
        origin: dict[str, Any] = {"seq": 0, "head": chain.origin(core.id).hex()}
        kept = core.store.get("archive") or {}
        self.receipt: dict[str, Any] = kept.get("receipt") or {**origin, "jws": None}
        self.watermark: int = kept.get("watermark", 0)
        self._base: dict[str, Any] = kept.get("base") or origin
        self._iat: int = kept.get("iat", 0)
        last = core.store.last_record()
        anchor = last or (int(self._base["seq"]), bytes.fromhex(self._base["head"]))
        self.last_seq, self._last_head = anchor
        self._sent = self.watermark
        self._moved = 0
        self._outstanding: list[int] = []
        self._refused_until = 0.0
        self._resent_at = 0.0
        self._flush_timer: Timer | None = None
        self._answer_timer: Timer | None = None
        self._drains: list[Callable[[], object]] = []
        self.detour: Callable[[], object] = lambda: None
        self.media_gate: Callable[[], object] = lambda: None

    # What the phone says of itself

    @property
    def next_seq(self) -> int:
        """The seq that the next record will get."""
        return self.last_seq + 1

    @property
    def oldest_seq(self) -> int:
        """The oldest seq still held; `next_seq` when none is."""
        return self._core.store.oldest_seq() or self.next_seq

    @property
    def unsent(self) -> int:
        """Records without a receipt."""
        return max(0, self.last_seq - self.watermark)

    # Making records

    def append(self, members: dict[str, Any], media: tuple[str, bytes] | None = None) -> int:
        """Chain and store a record; `media` is a type and the bytes that must go first. Gives its seq.

        Nothing is kept, and 0 is given, while the holder has not accepted the notice in force.
        """
        if not self._core.collecting:
            return 0
        seq = self.next_seq
        record = {"seq": seq, "salt": crypto.b64u(os.urandom(SALT_BYTES)), **members}
        if media is not None:
            digest = crypto.sha256_hex(media[1])
            record["media"] = {"sha256": digest, "size": len(media[1]), "type": media[0]}
        text = codec.encode(_cleaned(record)).decode()
        self.append_text(text)
        if media is not None:
            self._core.store.add_media(digest, media[0], media[1], seq)
            self.media_gate()
        return seq

    def append_text(self, text: str) -> None:
        """Chain and store a record's exact text."""
        head = chain.link(self._last_head, chain.leaf(text))
        self._core.store.add_record(StoredRecord(self.next_seq, text, head))
        self.last_seq, self._last_head = self.next_seq, head
        self.flush_soon()

    # Sending

    def flush_soon(self) -> None:
        """Send in a moment, so that records made together go together."""
        if self._flush_timer is None:
            self._flush_timer = self._core.loop.call_later(self._core.options.batch_delay, self.flush)

    def restart(self) -> None:
        """Begin again after the watermark, as after each connect."""
        self._sent = self.watermark
        self._outstanding = []
        self.flush()

    def flush(self) -> None:
        """Send what may go now, in chain order."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if monotonic() < self._refused_until or self._core.trust.encryption is None:
            return
        while self._core.online and len(self._outstanding) < WINDOW:
            packed = self.pack(self._sent + 1)
            if packed is None or not self._core.publish(Up.RECORDS, packed.payload):
                break
            self._sent = packed.last
            self._outstanding.append(packed.last)
        self._watch_answer()

    def pack(self, first: int) -> Packed | None:
        """The batch that begins at `first`, or at the oldest record still held after it; None for none."""
        first = max(first, self.oldest_seq)
        blocked = self._core.store.waiting_media()
        limit = BATCH_RECORDS_MAX if blocked is None else min(BATCH_RECORDS_MAX, blocked[0] - first)
        records = self._core.store.records(first, limit) if limit > 0 else []
        previous = self._head(first - 1)
        if not records or previous is None:
            return None
        count = _fitting(records, BATCH_BYTES)
        while True:
            payload = self._core.seal(self._encode(records[:count], previous))
            if len(payload) <= PAYLOAD_MAX or count == 1:
                return Packed(payload, first, records[count - 1].seq)
            count = max(1, count // 2)

    def _encode(self, records: list[StoredRecord], previous: bytes) -> bytes:
        head = records[-1].head
        return codec.encode(
            {
                "first": records[0].seq,
                "prev": previous.hex(),
                "records": [record.text for record in records],
                "head": head.hex(),
                "sig": crypto.sign_chain(self._core.keys.signing, self._core.id, head),
            }
        )

    def _head(self, seq: int) -> bytes | None:
        for known in (self._base, self.receipt):
            if seq == known["seq"]:
                return bytes.fromhex(known["head"])
        return self._core.store.head(seq)

    def _watch_answer(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
        if self._outstanding:
            self._answer_timer = self._core.loop.call_later(self._core.options.resend_after, self.restart)

    # Receipts

    def on_archived(self, claims: dict[str, Any], jws: str) -> Archived | None:
        """Take a verified receipt; None when it does not hold or is older than one seen."""
        try:
            archived = Archived.take(claims)
        except BadPayload as error:
            self._integrity("archived", error.reason)
            return None
        if archived.iat < self._iat:
            return None
        own = self._head(archived.through)
        if (own is not None and own.hex() != archived.head) or archived.through > self.last_seq:
            self._integrity("archived", "head")
            return None
        with self._core.store.step():
            self._apply(archived, jws if own is not None else None)
        self._after(archived)
        return archived

    @property
    def last_head(self) -> bytes:
        """h of the last record, sent or not."""
        return self._last_head

    def _apply(self, archived: Archived, jws: str | None) -> None:
        self._iat = archived.iat
        if jws is not None and archived.through >= self.receipt["seq"]:
            self.receipt = {"seq": archived.through, "head": archived.head, "jws": jws}
            self._core.store.mark_archived(archived.through, self._core.clock.server_time())
            self._prune()
        self._moved = archived.through - self.watermark
        self.watermark = archived.through
        self._save()

    def _after(self, archived: Archived) -> None:
        if archived.refused is not None:
            log.warning("a batch was refused: %s", archived.refused.reason)
            self._refused_until = monotonic() + REFUSED_RESEND_S
            self._core.loop.call_later(REFUSED_RESEND_S, self.restart)
            self._outstanding = []
            self._watch_answer()
            return
        if self._moved > 0:
            self._refused_until = 0.0
        self._outstanding = [last for last in self._outstanding if last > archived.through]
        self._sent = max(self._sent, archived.through)
        if self._moved < 0 or (self._moved == 0 and self._outstanding and archived.connection is None):
            self._again()
        else:
            self.flush()
        if self.unsent == 0:
            drains, self._drains = self._drains, []
            for done in drains:
                done()

    def _again(self) -> None:
        # Two receipts for one batch must not make the phone send everything twice, for ever.
        wait = self._resent_at + QUIET_RESEND_S - monotonic()
        self._resent_at = max(monotonic(), self._resent_at + QUIET_RESEND_S)
        if wait <= 0:
            self.restart()
        else:
            self._core.loop.call_later(wait, self.restart)

    def _prune(self) -> None:
        options = self._core.options
        before = self._core.clock.server_time() - options.keep_archived
        dropped = self._core.store.drop_archived(before, self.receipt["seq"] - options.keep_archived_rows)
        if dropped is not None:
            self._base = {"seq": dropped[0], "head": dropped[1].hex()}

    def _save(self) -> None:
        self._core.store.put(
            "archive",
            {"receipt": self.receipt, "watermark": self.watermark, "base": self._base, "iat": self._iat},
        )

    # Before and after an erasure

    def erased(self) -> None:
        """The queue is gone: nothing is sent any more, and the chain ends."""
        self._base = {"seq": self.last_seq, "head": self._last_head.hex()}
        self.watermark = self._sent = self.last_seq
        self._outstanding = []
        self._watch_answer()
        self._save()

    def drain(self, deadline: float, done: Callable[[int], object]) -> None:
        """Send the queue; call `done` with what is left when it is empty or `deadline` seconds are over."""
        finished = False

        def finish() -> None:
            nonlocal finished
            if not finished:
                finished = True
                done(self.unsent)

        if self.unsent == 0:
            finish()
            return
        self._drains.append(finish)
        self._core.loop.call_later(deadline, finish)
        self.restart()
        if self._core.mqtt_closed:
            self.detour()


def _fitting(records: list[StoredRecord], limit: int) -> int:
    size = 0
    for count, record in enumerate(records):
        size += len(record.text) * 3 if not record.text.isascii() else len(record.text)
        if size > limit:
            return max(1, count)
    return len(records)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return codec.clean_text(value)
    if isinstance(value, dict):
        return {codec.clean_text(name): _cleaned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
