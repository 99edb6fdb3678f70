"""A phone: all parts put together, and the interface for tests and programs, callable from any thread."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from agent import crypto
from agent.acts import Acts
from agent.commands import CommandDesk, Services
from agent.connection import Connection, Parts
from agent.contacts import Book
from agent.controls import Controls, on_loop
from agent.core import Core, Options
from agent.enrolling import begin, former_chain, keep
from agent.errors import AgentError
from agent.events import Events
from agent.guard import Guard
from agent.handset import Handset
from agent.heart import Heart
from agent.http import Server
from agent.identity import Attest, Enrollment, Identity, Pins, Show, made_up_facts
from agent.keydesk import KeyDesk
from agent.late import LateDelivery
from agent.loop import Loop
from agent.media import MediaQueue
from agent.notice import NoticeDesk
from agent.offline import OfflineWatch
from agent.policy import PolicyDesk
from agent.probe import Probe
from agent.renewal import Renewal
from agent.status import StatusDesk, is_over
from agent.store import PhoneStore, Store
from mqtt.contract.enrollment import DeviceFacts
from mqtt.contract.names import Down, StatusAction, Typ
from mqtt.contract.status import Status

T = TypeVar("T")
SLOT = "phone"
POLL_S = 0.01


class Phone:
    """One phone with its state on disk."""

    def __init__(
        self,
        loop: Loop,
        store: Store,
        device_id: str,
        options: Options,
        *,
        owns: bool = False,
        http: Server | None = None,
    ) -> None:
        self.loop = loop
        self._owned = (loop, store) if owns else None
        rows = PhoneStore(store, device_id)
        kept = rows.get("identity")
        if kept is None:
            raise AgentError("not_enrolled")
        identity = Identity.load(kept)
        self.core = Core(loop, rows, identity, http or Server(crypto.http_context(options.http_ca)), options)
        self._build(str(identity.facts.get("serial", "")))

    # Beginnings

    @classmethod
    def enroll(
        cls,
        server: str,
        code: str,
        *,
        state: Path,
        pins: Pins | None = None,
        employee_no: str | None = None,
        facts: DeviceFacts | None = None,
        options: Options | None = None,
        loop: Loop | None = None,
        slot: str = SLOT,
        accept_notice: bool = True,
        show_notice: Show | None = None,
        attest: Attest | None = None,
    ) -> Phone:
        """Enroll a new phone whose state is in the folder `state`; connects nothing yet. Blocks.

        The notice is given to `show_notice` before it is accepted.

        Raises EnrollmentRefused, RequestFailed or Untrusted.
        """
        options = options or Options()
        store = Store(state)
        attempt = begin(store, slot, code, facts or made_up_facts(random.Random(options.seed)))  # noqa: S311
        identity = Enrollment(
            Server(crypto.http_context(options.http_ca)), server, code, attempt.facts, attempt.keys,
            pins or Pins(), employee_no, accept_notice, show_notice, attest,
        ).run()  # fmt: skip
        keep(store, slot, identity)
        return cls(loop or Loop(4).start(), store, identity.device_id, options, owns=loop is None)

    @classmethod
    def open(cls, state: Path, *, options: Options | None = None, loop: Loop | None = None, slot: str = SLOT) -> Phone:
        """The phone whose state is in a folder. Raises AgentError (`not_enrolled`) when there is none."""
        store = Store(state)
        device_id = store.slots().get(slot)
        if device_id is None:
            store.close()
            raise AgentError("not_enrolled")
        return cls(loop or Loop(4).start(), store, device_id, options or Options(), owns=loop is None)

    def _build(self, serial: str) -> None:
        core = self.core
        self.keydesk = KeyDesk(core)
        self.body = Handset(core.store, iccid=f"898600{serial}")
        self.events = Events(core)
        self.archive = self.events.archive
        self.notice = NoticeDesk(core)
        self.policy = PolicyDesk(core, self.keydesk, self.events.integrity, self.notice.want)
        self.guard = Guard(core, self.body, self.policy, self.events)
        self.book = Book(core, self.keydesk, self.events.integrity)
        self.status = StatusDesk(core, self.keydesk, self.events.integrity)
        self.heart = Heart(core, self.body, self.policy, self.archive, self.guard)
        self.commands = CommandDesk(core, self.keydesk, self.events.integrity)
        self.media = MediaQueue(core, self.body, self.policy)
        self.late = LateDelivery(core, self.keydesk, self.archive)
        self.renewal = Renewal(core)
        self.offline = OfflineWatch(core, self.body, self.policy, self.book, self.guard)
        parts = Parts(self.heart, self.policy, self.archive, self.book, self.notice, self.status)
        self.connection = Connection(
            core,
            parts,
            {
                Down.DESIRED: self.policy.on_desired,
                Down.COMMAND: self.commands.on_command,
                Down.ARCHIVED: self._on_archived,
                Down.CONTACTS: self.book.on_contacts,
            },
        )
        acts = Acts(core, self.body, self.policy, self.events, self.book, self.guard)
        self.handset = Controls(self.loop, self.body, acts)
        self.probe = Probe(core, self.connection, self.heart)
        self._wire()

    def _wire(self) -> None:
        self.services = Services(
            self.core, self.body, self.policy, self.archive, self.book, self.guard, self.connection,
            self.renewal.renew,
        )  # fmt: skip
        self.commands.services = self.services
        self.archive.media_gate = self.media.go
        self.archive.detour = self.late.go
        self.core.retired = self.body.body.wiped is not None
        self.media.passed = self.archive.flush_soon
        self.connection.greeted = self._greeted
        self.renewal.renewed = self.connection.renewed
        self.renewal.reconnect = lambda: self.connection.reconnect(new_boot=False)
        self.status.on_status = self._on_status
        self.policy.applied = self._applied
        self._started = False
        self._begin_chain()

    def _begin_chain(self) -> None:
        former = self.core.store.get("former")
        if former is not None and self.archive.last_seq == 0:
            self.archive.append(former_chain(former, self.core.clock.server_now()))

    # Between the parts

    def _applied(self) -> None:
        rule = self.policy.rule("device")
        restrictions = [str(item) for item in (rule and rule.restrictions) or []]
        if restrictions != self.body.body.restrictions:
            self.body.body.restrictions = restrictions
            self.body.save()
        self.offline.check()

    def _greeted(self) -> None:
        self.commands.say_again()
        self.media.go()

    def _on_archived(self, payload: bytes) -> None:
        self.keydesk.check(
            payload,
            Typ.ARCHIVED,
            lambda claims: self._receipt(claims, payload),
            lambda why: self.events.integrity("archived", why),
        )

    def _receipt(self, claims: dict[str, Any], payload: bytes) -> None:
        archived = self.archive.on_archived(claims, payload.decode())
        if claims.get("connection") == self.core.connection:
            self.connection.answered()
            self.core.learn(claims["iat"])
            self.core.heard()
            self.offline.heard()
            if not self.core.time_ready:
                self.core.time_ready = True
                self.commands.time_known()
        elif archived is not None:
            self.core.learn(archived.iat)

    def _on_status(self, status: Status) -> None:
        if status.command is not None:
            self.commands.on_command(status.command)
            self.commands.time_known()
        if is_over(status):
            self._unenroll()
        elif status.action == StatusAction.REAUTHENTICATE:
            self.renewal.renew(lambda error: self.renewal.reconnect() if error is None else None)
        else:
            self.connection.later(float(status.retry_after or 0))

    def _unenroll(self) -> None:
        self.connection.finish()
        self.book.erase()
        self.body.erase_work()
        self.policy.erase()
        self.late.go()

    # From any thread

    @property
    def id(self) -> str:
        """The device id."""
        return self.core.id

    @property
    def identity(self) -> Identity:
        """What the enrollment gave."""
        return self.core.identity

    @on_loop
    def connect(self) -> None:
        """Begin to live: connect, and stay connected."""
        if not self._started:
            self._started = True
            self.commands.recover()
            self.keydesk.refresh_daily()
            self.renewal.start()
            self.offline.start()
        self.connection.start()

    @on_loop
    def disconnect(self, *, clean: bool = True) -> None:
        """Leave the broker: with a word, or as one who loses the network. `connect` comes back."""
        self.connection.stop(clean=clean)

    def close(self) -> None:
        """Leave and free what this phone owns; its state stays on disk."""
        if not self.loop.running:
            return
        gone = threading.Event()
        self.loop.call_soon(self.connection.finish, gone.set)
        gone.wait(5)
        self._free()

    def _free(self) -> None:
        owned, self._owned = self._owned, None
        if owned is not None:
            owned[0].stop()
            owned[1].close()

    def kill(self) -> None:
        """End as a process does that is killed: no word to anybody. The state on disk is what it is."""
        self.loop.run_sync(lambda: self.connection.stop(clean=False))
        self._free()

    @property
    def connected(self) -> bool:
        """Whether a connection stands."""
        return self.core.online

    def wait(self, condition: Callable[[Phone], T], timeout: float = 15.0, what: str = "") -> T:
        """Wait until a condition, judged on the loop's thread, is true; gives its value.

        Raises TimeoutError.
        """
        deadline = time.monotonic() + timeout
        while True:
            value = self.loop.run_sync(condition, self)
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(what or "the phone did not come to the state that was waited for")
            time.sleep(POLL_S)

    def wait_connected(self, timeout: float = 15.0) -> None:
        """Until CONNACK."""
        self.wait(lambda phone: phone.core.online, timeout, "not connected")

    def wait_greeted(self, timeout: float = 45.0) -> None:
        """Until the server has answered a hello of this start."""
        self.wait(lambda phone: phone.core.time_ready, timeout, "hello is not answered")

    def wait_applied(self, generation: int | None = None, timeout: float = 30.0) -> int:
        """Until a policy, or at least that generation, is in force; gives the generation."""
        least = 1 if generation is None else generation
        return self.wait(
            lambda phone: phone.policy.generation if phone.policy.generation >= least else 0,
            timeout,
            "no policy applied",
        )

    def wait_archived(self, seq: int | None = None, timeout: float = 30.0) -> int:
        """Until the server has receipted every record, or those up to `seq`; gives the watermark."""
        self.wait(
            lambda phone: phone.archive.watermark >= (phone.archive.last_seq if seq is None else seq),
            timeout,
            "records are not archived",
        )
        return self.archive.watermark

    def wait_command(self, command_id: str, timeout: float = 30.0) -> dict[str, Any]:
        """Until a command is finished on the phone; gives its last result. Raises TimeoutError."""
        final = ("succeeded", "failed", "rejected")

        def finished(phone: Phone) -> dict[str, Any] | None:
            kept = phone.core.store.command(command_id)
            return kept["result"] if kept and kept["result"]["status"] in final else None

        found = self.wait(finished, timeout, "the command is not finished")
        if found is None:
            raise TimeoutError
        return found

    @on_loop
    def accept_notice(self) -> None:
        """The holder accepts the notice that is shown."""
        self.notice.accept()

    @on_loop
    def beat(self) -> None:
        """Send a heartbeat now."""
        self.heart.beat()

    @on_loop
    def hello(self) -> None:
        """Send hello, heartbeat and queue now."""
        self.connection.sync()
