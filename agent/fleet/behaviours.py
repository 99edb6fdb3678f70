"""How simulated holders and their phones behave; each behaviour is one function that registers itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from agent.fleet import texts
from agent.loop import Loop
from agent.phone import Phone
from policies.engine.versions import version_key


@dataclass
class Actor:
    """One simulated holder with a phone; `pace` is acts per hour."""

    phone: Phone
    index: int
    rng: random.Random
    pace: float
    people: list[tuple[str, str]] = field(default_factory=list)
    leaves: ExitStack = field(default_factory=ExitStack)
    """What is put away when the fleet has ended: until then a timer may still need it."""

    def __post_init__(self) -> None:
        self.people = [(texts.name(self.rng), texts.number(self.rng)) for _ in range(self.rng.randrange(3, 9))]

    @property
    def loop(self) -> Loop:
        """The loop that everything runs on."""
        return self.phone.loop

    def later(self, mean: float, call: Callable[[], object]) -> None:
        """Do something after a random time with this mean, in seconds."""
        self.loop.call_later(self.rng.expovariate(1.0 / mean), call)

    def at(self, seconds: float, call: Callable[[], object]) -> None:
        """Do something after exactly this time."""
        self.loop.call_later(seconds, call)


OLD_SYSTEM = version_key("13")
Behaviour = Callable[[Actor], None]
BEHAVIOURS: Final[dict[str, Behaviour]] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Register a behaviour by its function's name."""
    BEHAVIOURS[function.__name__] = function
    return function


@behaviour
def idle(_actor: Actor) -> None:
    """Heartbeats, policies and commands, and nothing of its own."""


@behaviour
def office(actor: Actor) -> None:
    """Chats and calls at the pace given."""
    if actor.pace <= 0:
        return

    def work() -> None:
        if actor.phone.handset.wiped is None and actor.pace > 0:
            act(actor)
            actor.later(3600.0 / actor.pace, work)

    actor.later(3600.0 / actor.pace, work)


@behaviour
def demo(actor: Actor) -> None:
    """As `office`; one phone in eight loses its network now and then, a few have something wrong with them."""
    office(actor)
    _one_in(actor, 8, lambda: _wander(actor))
    _one_in(actor, 12, lambda: actor.at(40, actor.phone.handset.root))
    _one_in(actor, 10, lambda: actor.at(25, lambda: actor.phone.handset.revoke_permission("accessibility")))
    _one_in(actor, 15, lambda: actor.at(60, lambda: actor.phone.handset.change_sim(f"898601{actor.index:013d}")))
    _drain_battery(actor)
    outdated(actor)


@behaviour
def outdated(actor: Actor) -> None:
    """A phone with an old system rejects policies that want more than one heartbeat a minute."""
    version = str(actor.phone.core.identity.facts.get("os_version"))
    if version_key(version) < OLD_SYSTEM:
        actor.phone.policy.refuse_some(_too_often)


def _too_often(rules: Mapping[str, Any]) -> str | None:
    rule = rules.get("device") or {}
    return "heartbeat_too_often" if rule.get("heartbeat_seconds", 60) < 60 else None


@behaviour
def flaky(actor: Actor) -> None:
    """As `office`, with a network that goes and comes all the time."""
    office(actor)
    _wander(actor, mean_on=20.0, mean_off=5.0)


def _one_in(actor: Actor, n: int, call: Callable[[], object]) -> None:
    # By index, so that even a small fleet shows each case.
    if actor.index % n == n // 2:
        call()


def _wander(actor: Actor, mean_on: float = 90.0, mean_off: float = 45.0) -> None:
    def leave() -> None:
        actor.phone.disconnect(clean=False)
        actor.later(mean_off, come)

    def come() -> None:
        actor.phone.connect()
        actor.later(mean_on, leave)

    actor.later(mean_on, leave)


def _drain_battery(actor: Actor) -> None:
    actor.phone.handset.set_power(actor.rng.uniform(0.15, 1.0))

    def tick() -> None:
        handset = actor.phone.handset.state
        level = handset.battery + (0.02 if handset.charging else -0.004)
        charging = level < 0.2 or (handset.charging and level < 0.98)
        actor.phone.handset.set_power(min(1.0, max(0.02, level)), charging=charging)
        actor.at(60, tick)

    actor.at(actor.rng.uniform(0, 60), tick)


def act(actor: Actor) -> None:
    """One thing that an employee's phone sees."""
    rng = actor.rng
    name, number = rng.choice(actor.people)
    hands = actor.phone.handset
    dice = rng.random()
    if dice < 0.35:
        hands.send_wechat(name, _own(actor, name))
    elif dice < 0.65:
        hands.receive_wechat(name, texts.line(rng, texts.CUSTOMER, name))
    elif dice < 0.75:
        hands.send_sms(number, _own(actor, name))
    elif dice < 0.9:
        outcome = rng.choices(["connected", "no_answer", "busy"], [6, 3, 1])[0]
        hands.call(number, rng.randrange(5, 300), outcome, name)
    elif dice < 0.96:
        hands.incoming_call(number, rng.randrange(5, 200), "connected", name)
    elif dice < 0.98:
        hands.send_red_packet(name, rng.randrange(1, 200) * 100)
    else:
        hands.protected_act(rng.choice(["delete_message", "screenshot", "block_contact"]))


def _own(actor: Actor, name: str) -> str:
    lines = texts.DOUBTFUL if actor.rng.random() < 0.05 else texts.EMPLOYEE
    return texts.line(actor.rng, lines, name)
