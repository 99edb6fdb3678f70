"""Heartbeats (§6): a hint of how the phone is, with its position where the policy asks for it."""

from __future__ import annotations

from agent.archive import Archive
from agent.clock import monotonic
from agent.core import Core
from agent.guard import Guard
from agent.handset import Handset
from agent.identity import AGENT_VERSION
from agent.loop import Timer
from agent.policy import PolicyDesk
from mqtt.contract.heartbeat import Heartbeat, Location, Queue
from mqtt.contract.limits import HEARTBEAT_DEFAULT_S
from mqtt.contract.names import Up
from mqtt.contract.records import read_record


class Heart:
    """Beats while a connection stands."""

    def __init__(self, core: Core, handset: Handset, policy: PolicyDesk, archive: Archive, guard: Guard) -> None:
        self._core = core
        self._handset = handset
        self._policy = policy
        self._archive = archive
        self._guard = guard
        self._timer: Timer | None = None
        self._located: float | None = None
        self.beats = 0

    @property
    def interval(self) -> float:
        """Seconds between heartbeats: the option, else the policy's, else the protocol's."""
        if self._core.options.heartbeat_s is not None:
            return self._core.options.heartbeat_s
        rule = self._policy.rule("device")
        return float((rule and rule.heartbeat_seconds) or HEARTBEAT_DEFAULT_S)

    def start(self) -> None:
        """Beat now and from now on."""
        self.beat()
        self._plan()

    def stop(self) -> None:
        """No more beats."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self) -> None:
        self.stop()
        self._timer = self._core.loop.call_later(self.interval, self._tick)

    def _tick(self) -> None:
        self.beat()
        self._plan()

    def beat(self) -> None:
        """Send one heartbeat."""
        if not self._core.online:
            return
        self.beats += 1
        self._core.publish(Up.HEARTBEAT, self.body().encode())

    def body(self) -> Heartbeat:
        """The heartbeat of this moment."""
        handset = self._handset
        return Heartbeat(
            at=self._core.clock.server_now(),
            battery=round(handset.battery, 2),
            charging=handset.charging,
            network="wifi" if handset.network == "wifi" else "cellular",
            storage_free=handset.storage_free,
            uptime_s=handset.uptime,
            queue=self._queue(),
            generation=self._policy.generation,
            bundle=self._policy.digest,
            posture=handset.posture(),
            location=self._location(),
            agent_version=AGENT_VERSION,
        )

    def _queue(self) -> Queue:
        if self._archive.unsent == 0:
            return Queue(records=0, oldest=None)
        found = self._core.store.records(self._archive.watermark + 1, 1)
        return Queue(records=self._archive.unsent, oldest=read_record(found[0].text).at if found else None)

    def _location(self) -> Location | None:
        rule = self._policy.rule("location")
        if rule is None or not self._core.collecting or self._core.identity.holder != "confirmed":
            return None
        every = 60.0 * (rule.every_minutes or 30)
        if self._located is not None and monotonic() - self._located < every:
            return None
        if not self._guard.location_allowed():
            return None
        self._located = monotonic()
        return self._handset.locate(self._core.clock.server_now())
