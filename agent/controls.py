"""`phone.handset`: what a test or a simulation does with the phone in its hand; callable from any thread."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from agent.acts import Acts
from agent.dialling import DialResult
from agent.guard import Outcome
from agent.handset import Handset, Shown
from agent.loop import Loop
from mqtt.contract.names import EventType, Severity

P = ParamSpec("P")
T = TypeVar("T")


class _OnLoop(Protocol):
    @property
    def loop(self) -> Loop:
        """The loop on whose thread the methods run."""


S = TypeVar("S", bound=_OnLoop)


def on_loop(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Run a method on the loop's thread, whichever thread calls it."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.loop.run_sync(functools.partial(method, self, *args, **kwargs))

    return call


class Controls:
    """Hands on the phone."""

    def __init__(self, loop: Loop, handset: Handset, acts: Acts) -> None:
        self.loop = loop
        self._handset = handset
        self._acts = acts

    # What can be seen

    @property
    def locked(self) -> bool:
        """Whether the work side is locked."""
        return self._handset.body.locked

    @property
    def wiped(self) -> str | None:
        """Scope of a wipe that was carried out, or None."""
        return self._handset.body.wiped

    @property
    def screen(self) -> list[Shown]:
        """What was shown, oldest first."""
        return list(self._handset.screen)

    @property
    def state(self) -> Handset:
        """The handset itself."""
        return self._handset

    # Messages and calls

    @on_loop
    def send_sms(self, number: str, text: str, name: str = "") -> Outcome:
        """Send an SMS."""
        return self._acts.send("sms", number, text, name)

    @on_loop
    def receive_sms(self, number: str, text: str, name: str = "") -> Outcome:
        """An SMS arrives."""
        return self._acts.receive("sms", number, text, name)

    @on_loop
    def send_wechat(self, name: str, text: str, address: str | None = None, *, group: bool = False) -> Outcome:
        """Send a WeChat message to somebody, by the name on the screen."""
        return self._acts.send("wechat", address, text, name, group=group)

    @on_loop
    def receive_wechat(self, name: str, text: str, address: str | None = None, *, group: bool = False) -> Outcome:
        """A WeChat message arrives."""
        return self._acts.receive("wechat", address, text, name, group=group)

    @on_loop
    def send_message(self, channel: str, address: str | None, text: str, name: str = "") -> Outcome:
        """Send a message on any channel."""
        return self._acts.send(channel, address, text, name)

    @on_loop
    def send_file(
        self, channel: str, address: str | None, content: bytes, media_type: str, kind: str = "file", name: str = ""
    ) -> Outcome:
        """Send a voice message, image, video or file; its bytes go ahead of its record."""
        return self._acts.send_file(channel, address, content, media_type, kind, name)

    @on_loop
    def call(self, number: str, seconds: int = 30, outcome: str = "connected", name: str = "") -> Outcome:
        """Call a number."""
        return self._acts.call(number, seconds, outcome, name)

    @on_loop
    def incoming_call(self, number: str, seconds: int = 30, outcome: str = "connected", name: str = "") -> Outcome:
        """Somebody calls."""
        return self._acts.called(number, seconds, outcome, name)

    def dial(self, point_id: str, seconds: int = 30, outcome: str = "connected", timeout: float = 30.0) -> DialResult:
        """Call a contact point with a dial ticket. Not from the loop's thread, for it waits.

        Raises TimeoutError without a ticket.
        """
        ready = threading.Event()
        results: list[DialResult] = []

        def done(result: DialResult) -> None:
            results.append(result)
            ready.set()

        self.loop.call_soon(self._acts.dial, point_id, seconds, outcome, done)
        if not ready.wait(timeout):
            raise TimeoutError("no dial ticket")
        return results[0]

    # Acts that a policy may refuse

    @on_loop
    def delete_message(self, message_id: str = "") -> Outcome:
        """Delete a message."""
        return self._acts.protected("delete_message", {"message": message_id} if message_id else None)

    @on_loop
    def protected_act(self, act: str, /, **detail: Any) -> Outcome:
        """Any act of the `protection` family, or `reveal_number`."""
        return self._acts.protected(act, detail)

    @on_loop
    def screenshot(self) -> Outcome:
        """Take a screenshot."""
        return self._acts.protected("screenshot")

    @on_loop
    def export_contacts(self) -> Outcome:
        """Export the contacts."""
        return self._acts.protected("export_contacts")

    @on_loop
    def reveal_number(self, point_id: str) -> Outcome:
        """Ask to see a number."""
        return self._acts.protected("reveal_number", {"point": point_id})

    @on_loop
    def send_red_packet(self, name: str, amount_fen: int, channel: str = "wechat") -> Outcome:
        """Send a red packet, in fen."""
        return self._acts.pay("red_packet", amount_fen, None, channel, name)

    @on_loop
    def transfer_money(self, name: str, amount_fen: int, channel: str = "wechat") -> Outcome:
        """Transfer money, in fen."""
        return self._acts.pay("transfer", amount_fen, None, channel, name)

    @on_loop
    def open_app(self, package: str) -> Outcome:
        """Start an app."""
        return self._acts.open_app(package)

    # What befalls the phone

    @on_loop
    def change_sim(self, iccid: str) -> None:
        """Another SIM card is put in."""
        self._handset.body.iccids = [iccid]
        self._acts.happened(EventType.SIM_CHANGED, Severity.WARNING, {})

    @on_loop
    def root(self) -> None:
        """The phone is rooted."""
        self._handset.body.rooted = True
        self._acts.happened(EventType.ROOT_DETECTED, Severity.CRITICAL, {})

    @on_loop
    def revoke_permission(self, name: str) -> None:
        """The holder takes a permission away."""
        self._handset.body.permissions[name] = False
        self._acts.happened(EventType.PERMISSION_REVOKED, Severity.WARNING, {"permission": name})

    @on_loop
    def remove_admin(self) -> None:
        """The holder takes the agent's administrator rights away."""
        self._handset.body.agent_admin = False
        self._acts.happened(EventType.ADMIN_REMOVED, Severity.CRITICAL, {})

    @on_loop
    def set_posture(self, /, **facts: Any) -> None:
        """Set facts of the body, for example `developer_mode=True`. Raises AttributeError for one that it has not."""
        for name, value in facts.items():
            if not hasattr(self._handset.body, name):
                raise AttributeError(name)
            setattr(self._handset.body, name, value)
        self._handset.save()

    @on_loop
    def set_power(self, battery: float, *, charging: bool = False) -> None:
        """Battery between 0 and 1."""
        self._handset.battery, self._handset.charging = battery, charging

    @on_loop
    def set_network(self, network: str) -> None:
        """`wifi` or `cellular`."""
        self._handset.network = network

    @on_loop
    def move_to(self, lat: float, lon: float) -> None:
        """Where the phone is, in degrees."""
        self._handset.position = (lat, lon)
