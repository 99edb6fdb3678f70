"""Token buckets: how much one phone may send (PROTOCOL 4); a phone that floods is cut for a minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from mqtt.contract.limits import FLOOD_CUT_S

BURST_SECONDS = 10
KICK_EVERY_SECONDS = 1.0
MAX_TRACKED = 200_000


@dataclass(slots=True)
class _Bucket:
    messages: float
    size: float
    at: float
    cut_until: float = 0.0
    told_at: float = -inf


@dataclass(slots=True)
class Buckets:
    """Judges each message by its phone's recent rate; times are monotonic seconds."""

    messages_per_second: int
    bytes_per_second: int
    flooding: set[str] = field(default_factory=set)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def allow(self, device_id: str, size: int, now: float) -> bool:
        """Whether a message may pass; a phone that runs dry is noted in `flooding`, each second anew."""
        bucket = self._buckets.get(device_id)
        if bucket is None:
            bucket = self._new(device_id, now)
        elif now < bucket.cut_until:
            self._tell(device_id, bucket, now)
            return False
        self._refill(bucket, now)
        if bucket.messages < 1 or bucket.size < size:
            bucket.cut_until = now + FLOOD_CUT_S
            self._tell(device_id, bucket, now)
            return False
        bucket.messages -= 1
        bucket.size -= size
        return True

    def take_flooding(self) -> list[str]:
        """The phones to be cut now; they are forgotten by this call."""
        taken, self.flooding = sorted(self.flooding), set()
        return taken

    def _new(self, device_id: str, now: float) -> _Bucket:
        if len(self._buckets) >= MAX_TRACKED:
            self._buckets = {name: old for name, old in self._buckets.items() if now - old.at < FLOOD_CUT_S}
        full = _Bucket(self.messages_per_second * BURST_SECONDS, self.bytes_per_second * BURST_SECONDS, now)
        self._buckets[device_id] = full
        return full

    def _refill(self, bucket: _Bucket, now: float) -> None:
        passed = now - bucket.at
        bucket.at = now
        bucket.messages = min(
            self.messages_per_second * BURST_SECONDS, bucket.messages + passed * self.messages_per_second
        )
        bucket.size = min(self.bytes_per_second * BURST_SECONDS, bucket.size + passed * self.bytes_per_second)

    def _tell(self, device_id: str, bucket: _Bucket, now: float) -> None:
        if now - bucket.told_at >= KICK_EVERY_SECONDS:
            bucket.told_at = now
            self.flooding.add(device_id)
