"""What every part of a phone stands on: identity, keys, clock, store, and the way out."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from agent import crypto
from agent.clock import PhoneClock, wall
from agent.errors import Untrusted
from agent.http import DeviceApi, Server
from agent.identity import Identity
from agent.link import Done, Link
from agent.loop import Loop
from agent.store import PhoneStore
from agent.trust import Trust
from agent.weather import CALM, Weather
from mqtt.contract import limits, topics
from mqtt.contract.names import CommandType, RuleFamily, Typ, Up

T = TypeVar("T")

CAPABILITIES: Final = frozenset(
    [family.value for family in RuleFamily] + [kind.value for kind in CommandType] + ["record_calls"]
)
"""All that this phone can carry out (§5)."""


@dataclass(frozen=True)
class Options:
    """How a phone runs; times in seconds."""

    keep_alive: int = 120
    heartbeat_s: float | None = None
    capabilities: frozenset[str] = CAPABILITIES
    accept_notices: bool = True
    collects: bool = True
    clock_offset: float = 0.0
    batch_delay: float = 0.2
    resend_after: float = limits.BATCH_RESEND_S
    hello_again: float = 60.0
    hello_fresh: float = limits.HELLO_FRESH_S
    blob_wait: float = limits.BLOB_WAIT_S
    keep_archived: float = limits.KEEP_ARCHIVED_S
    keep_archived_rows: int = 10_000
    backoff_first: float = limits.BACKOFF_FIRST_S
    backoff_longest: float = limits.BACKOFF_MAX_S
    refusals_before_status: int = 3
    integrity_quiet: float = limits.INTEGRITY_EVENT_S
    trace: bool = False
    seed: int | None = None
    http_ca: str | None = None


class Core:
    """State that the parts of one phone share; used on the loop's thread."""

    def __init__(self, loop: Loop, store: PhoneStore, identity: Identity, server: Server, options: Options) -> None:
        self.loop = loop
        self.store = store
        self.identity = identity
        self.id = identity.device_id
        self.options = options
        self.rng = random.Random(options.seed)  # noqa: S311
        self.keys = identity.device_keys()
        time = store.get("time") or {}
        self.clock = PhoneClock(options.clock_offset, time.get("highest", 0), time.get("last", 0))
        self.trust = Trust(store, identity.server_keys)
        self.api = DeviceApi(server, identity.api, self.id, self.keys, lambda: int(self.clock.server_time()))
        self.boot_id = str(uuid.uuid4())
        self.link: Link | None = None
        self.weather: Weather = CALM
        self.connection = ""
        self.time_ready = False
        self.mqtt_closed = False
        self.notice_accepted = True
        self.retired = False
        self.finding_since: dict[str, datetime] = {}
        self._heard: float = time.get("heard", wall().timestamp())

    @property
    def online(self) -> bool:
        """Whether a connection stands."""
        return self.link is not None and self.link.alive

    @property
    def collecting(self) -> bool:
        """Whether anything may be recorded: the notice in force is accepted, and nothing was wiped."""
        return self.options.collects and self.notice_accepted and not self.retired

    def publish(self, kind: Up, payload: bytes, done: Done | None = None) -> bool:
        """Publish on one of the phone's own topics; False without a connection."""
        if self.link is None or not self.link.alive:
            return False
        self.weather.out(self.link, topics.up(self.id, kind), payload, done)
        return True

    def sign(self, typ: str, members: Mapping[str, Any]) -> str:
        """A JWS of this phone: `sub`, `jti`, `iat` and the members (§4)."""
        claims = {**members, "sub": self.id, "jti": str(uuid.uuid4()), "iat": self.clock.next_iat()}
        self.save_time()
        return crypto.sign(self.keys.signing, self.keys.kid, typ, claims)

    def seal(self, plain: bytes | str) -> bytes:
        """A JWE to the server. Raises Untrusted while no encryption key is known."""
        if self.trust.encryption is None:
            raise Untrusted("no_encryption_key")
        return crypto.encrypt_to(self.trust.encryption, plain.encode() if isinstance(plain, str) else plain).encode()

    def learn(self, iat: int) -> None:
        """Take the server's time from a verified JWS."""
        if iat > self.clock.highest_iat:
            self.clock.learn(iat)
            self.save_time()
        else:
            self.clock.learn(iat)

    def heard(self) -> None:
        """The server was heard, verified."""
        self._heard = wall().timestamp()
        self.save_time()

    def offline_for(self) -> float:
        """Seconds since the server was last heard, by the wall clock, which runs on while the phone is off."""
        return max(0.0, wall().timestamp() - self._heard)

    def save_time(self) -> None:
        """Keep what must not go back."""
        kept = {"highest": self.clock.highest_iat, "last": self.clock.last_iat, "heard": self._heard}
        self.store.put("time", kept)

    def save_identity(self, identity: Identity) -> None:
        """Replace the identity, after a renewal or a change of holder."""
        self.identity = identity
        self.store.put("identity", identity.dump())

    def ask(self, blocking: Callable[[], T], done: Callable[[T | Exception], object]) -> None:
        """Run a blocking request beside the loop."""
        self.loop.submit(blocking, done)

    def verify(self, token: bytes | str, typ: Typ) -> dict[str, Any]:
        """Claims of a JWS of the server for this phone. Raises UnknownKey or Untrusted."""
        return self.trust.verify(token, typ, self.id)
