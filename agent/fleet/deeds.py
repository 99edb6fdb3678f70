"""What can befall a simulated phone: each deed is one function that registers itself, with the finding it leads to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from agent.fleet.behaviours import Actor, act
from agent.phone import Phone
from agent.store import PhoneStore, Store
from mqtt.contract.names import Up


class Terms(Protocol):
    """How a deed is done."""

    @property
    def lasts(self) -> float:
        """For how many seconds."""

    @property
    def value(self) -> float | str | None:
        """Its figure or word."""


Do = Callable[[Actor, Terms], object]


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed and the code of the finding that the server must come to, if any."""

    do: Do
    finding: str | None


DEEDS: Final[dict[str, Deed]] = {}


def deed(finding: str | None = None) -> Callable[[Do], Do]:
    """Register a deed by its function's name."""

    def add(function: Do) -> Do:
        DEEDS[function.__name__] = Deed(function, finding)
        return function

    return add


def figure(terms: Terms, default: float) -> float:
    """The step's figure, else a default."""
    return float(terms.value) if isinstance(terms.value, int | float) else default


@deed()
def lose_network(actor: Actor, terms: Terms) -> None:
    """Cut off without a word, and back after `for`."""
    actor.phone.disconnect(clean=False)
    actor.at(terms.lasts, actor.phone.connect)


@deed()
def storm(actor: Actor, _terms: Terms) -> None:
    """Cut off and back at once, without jitter: with `phones = "all"` everybody knocks together."""
    actor.phone.disconnect(clean=False)
    actor.phone.connect()


@deed()
def go_silent(actor: Actor, terms: Terms) -> None:
    """Connected, but without heartbeats, as an agent that the system has frozen."""
    heart = actor.phone.heart
    heart.stop()

    def wake() -> None:
        if actor.phone.core.online:
            heart.start()

    actor.at(terms.lasts, wake)


@deed()
def reboot(actor: Actor, _terms: Terms) -> None:
    """The phone starts again."""
    actor.phone.body.reboot()
    actor.phone.connection.reconnect(new_boot=True)


@deed()
def low_battery(actor: Actor, terms: Terms) -> None:
    """`value` is the level, 0.03 unless given."""
    actor.phone.handset.set_power(figure(terms, 0.03))


@deed()
def change_sim(actor: Actor, _terms: Terms) -> None:
    """Another SIM card."""
    actor.phone.handset.change_sim(f"898601{actor.rng.randrange(10**13):013d}")


@deed("root")
def root(actor: Actor, _terms: Terms) -> None:
    """The phone is rooted."""
    actor.phone.handset.root()
    actor.phone.beat()


@deed("permissions")
def revoke_permission(actor: Actor, terms: Terms) -> None:
    """`value` names it, `accessibility` unless given."""
    actor.phone.handset.revoke_permission(terms.value if isinstance(terms.value, str) else "accessibility")
    actor.phone.beat()


@deed("agent_admin")
def remove_admin(actor: Actor, _terms: Terms) -> None:
    """The holder takes the agent's administrator rights away."""
    actor.phone.handset.remove_admin()
    actor.phone.beat()


@deed("clock_skew")
def skew_clock(actor: Actor, terms: Terms) -> None:
    """The phone's wall clock is off by `value` seconds, 3,600 unless given; it says hello with it."""
    actor.phone.core.clock.offset = figure(terms, 3_600.0)
    actor.phone.hello()


@deed("policy_rejected")
def refuse_policy(actor: Actor, terms: Terms) -> None:
    """Reject the desired state, and every newer one, for `for`; then take it after all."""
    actor.phone.policy.refuse("simulated")

    def mend() -> None:
        actor.phone.policy.relent()
        actor.phone.hello()

    actor.at(terms.lasts, mend)


@deed("cloned_identity")
def clone(actor: Actor, terms: Terms) -> None:
    """A second phone with the same keys lives beside the first for `for`; the two push each other out."""
    store = Store(Path(actor.leaves.enter_context(tempfile.TemporaryDirectory(prefix="clone-"))))
    actor.leaves.callback(store.close)
    PhoneStore(store, actor.phone.id).write("identity", actor.phone.identity.dump())
    # It records nothing, not even that it does not know its receipts: the chain stays the first one's.
    options = replace(actor.phone.core.options, collects=False, seed=actor.index, backoff_longest=2.0)
    other = Phone(actor.loop, store, actor.phone.id, options)
    other.connect()

    def end() -> None:
        other.connection.finish()
        actor.phone.connect()

    actor.at(terms.lasts, end)


@deed("flood")
def flood(actor: Actor, terms: Terms) -> None:
    """`value` heartbeats a second, 200 unless given, for `for`."""
    rate, phone, left = figure(terms, 200.0), actor.phone, [terms.lasts]

    def burst() -> None:
        if phone.core.online:
            body = phone.heart.body().encode()
            for _ in range(round(rate / 10)):
                phone.core.publish(Up.HEARTBEAT, body)
        left[0] -= 0.1
        if left[0] > 0:
            actor.at(0.1, burst)

    burst()


@deed()
def talk(actor: Actor, terms: Terms) -> None:
    """`value` acts of the holder at once, 10 unless given."""
    for _ in range(round(figure(terms, 10.0))):
        act(actor)
