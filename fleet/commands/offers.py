"""Offers: a command is signed anew, with the same `jti`, each time it is offered, for at most ten minutes.

Only the worker comes here: it holds the key that phones obey. Commands are never retained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from core import clock, outbox
from core.crypto import jose
from core.crypto.jwk import SigningKey
from core.db import session
from core.outbox import Due
from core.runtime import runtime
from fleet.commands import checks, drops, moves, sealing
from fleet.commands.approval import SIGNER
from fleet.commands.checks import Candidate
from fleet.commands.models import Command
from fleet.commands.moves import Move, carry_out
from fleet.commands.registry import EFFECT
from fleet.commands.states import UNFINISHED, Trigger
from fleet.models import Device
from mqtt import effects
from mqtt.contract import topics
from mqtt.contract.command import Command as Wire
from mqtt.contract.limits import COMMAND_LIFE_S
from mqtt.contract.names import CommandType, Down, Typ
from mqtt.effects import Publish


@dataclass(frozen=True, slots=True)
class Offer:
    """A signed command; `exp` in unix seconds."""

    command: Command
    token: str
    exp: int


@effects.renders(EFFECT, writes=True)
def render(rows: Sequence[Due], key: SigningKey) -> list[Publish]:
    """Sign what of these commands is still to be offered and may be; oldest first."""
    now = clock.now()
    offers = {offer.command.id: offer for offer in _sign(_candidates([row.key for row in rows], lock=True), key, now)}
    ready = [(row, offers[row.key]) for row in rows if row.key in offers]
    ready.sort(key=lambda pair: (pair[1].command.requested_at, pair[0].id))
    return [
        Publish(
            row.id,
            topics.down(offer.command.device_id, Down.COMMAND),
            offer.token.encode(),
            retain=False,
            expiry_s=max(1, offer.exp - int(now.timestamp())),
        )
        for row, offer in ready
    ]


@effects.settles(EFFECT)
def settle(reached: Sequence[Due], _missed: Sequence[Due]) -> None:
    """A PUBACK for a session means `sent`; without a session the command waits for the phone's next hello."""
    if reached:
        # A row that was rendered into nothing comes here too: only what was handed out is sent.
        commands = moves.locked(Command.id.in_([row.key for row in reached]), Command.last_exp.is_not(None))
        carry_out([Move(command, Trigger.SENT) for command in commands if command.held is None])


def offer_unfinished(device_ids: Sequence[str], not_before: datetime | None = None) -> None:
    """Have all unfinished commands of these phones offered, oldest first."""
    query = select(Command.id).where(
        Command.device_id.in_(device_ids), Command.state.in_(UNFINISHED), Command.withdrawn.is_(False)
    )
    outbox.enqueue(EFFECT, list(session().scalars(query.order_by(Command.requested_at, Command.id))), None, not_before)


def open_wipe(device_id: str) -> str | None:
    """The open wipe of a phone, signed, for `GET device/status`; it changes nothing, so it offers only what was signed
    before. The web process notes it by `note_status_offer` beforehand. In the worker alone."""
    query = select(Command.id).where(
        Command.device_id == device_id,
        Command.type == str(CommandType.WIPE),
        Command.state.in_(UNFINISHED),
        Command.withdrawn.is_(False),
    )
    # Without locks: the web process that waits for this answer holds the row.
    known = _candidates(list(session().scalars(query)), lock=False)
    found = [one for one in known if one.command.first_offer_at is not None]
    if not found or checks.holds(found, may_spend=False):
        return None
    newest = max(found, key=lambda one: one.command.requested_at)
    return _signed(newest, runtime().ring.signing_keys()[0], clock.now()).token


def note_status_offer(device_id: str) -> None:
    """Note that the phone may now get its open wipe by `device/status`: a cancel must know when the last one dies."""
    change = update(Command).where(
        Command.device_id == device_id,
        Command.type == str(CommandType.WIPE),
        Command.state.in_(UNFINISHED),
        Command.withdrawn.is_(False),
        Command.first_offer_at.is_not(None),
    )
    exp = int(clock.now().timestamp()) + COMMAND_LIFE_S + 60
    session().execute(
        change.values(last_exp=exp, offers=Command.offers + 1), execution_options={"synchronize_session": False}
    )


def _candidates(command_ids: Sequence[str], *, lock: bool) -> list[Candidate]:
    query = (
        select(Command, Device.state, Device.org_unit_id, Device.person_id)
        .join(Device, Device.id == Command.device_id)
        .where(Command.id.in_(set(command_ids)), Command.state.in_(UNFINISHED), Command.withdrawn.is_(False))
        .order_by(Command.id)
        .execution_options(populate_existing=True)
    )
    query = query.with_for_update(of=Command) if lock else query
    return [
        Candidate(command, sealing.open_args(command.id, command.args), state, unit_id, holder_id)
        for command, state, unit_id, holder_id in session().execute(query)
    ]


def _sign(candidates: Sequence[Candidate], key: SigningKey, now: datetime) -> list[Offer]:
    timely: list[Candidate] = []
    late: list[Candidate] = []
    for one in candidates:
        over = one.command.expires_at is not None and one.command.expires_at <= now
        (late if over else timely).append(one)
    carry_out([Move(one.command, Trigger.TIMED_OUT) for one in late])
    timely = _without_dropped(timely)
    held = checks.holds(timely, may_spend=True)
    _note_holds(timely, held)
    offers = [_signed(one, key, now) for one in timely if one.command.id not in held]
    _note_offers(offers, now)
    return offers


def _without_dropped(candidates: Sequence[Candidate]) -> list[Candidate]:
    """End what is not for its phone any more, and tell whoever asked for it."""
    gone = checks.dropped(candidates)
    if not gone:
        return list(candidates)
    ending = [one.command for one in candidates if one.command.id in gone]
    carry_out([Move(command, Trigger.LAPSED, SIGNER, gone[command.id]) for command in ending])
    drops.tell(ending, gone)
    return [one for one in candidates if one.command.id not in gone]


def _note_holds(candidates: Sequence[Candidate], held: dict[str, str]) -> None:
    """Say what waits for what; what lost its approval ends here."""
    lapsed = [one.command for one in candidates if held.get(one.command.id) == checks.UNAPPROVED]
    ended = carry_out([Move(command, Trigger.LAPSED, SIGNER, "approval_unusable") for command in lapsed])
    gone = {command.id for command in ended}
    changed = []
    for one in candidates:
        why = held.get(one.command.id)
        if one.command.id not in gone and one.command.held != why:
            one.command.held = why
            changed.append(one.command)
    moves.announce(changed)


def _signed(one: Candidate, key: SigningKey, now: datetime) -> Offer:
    issued = int(now.timestamp())
    exp = issued + COMMAND_LIFE_S
    if one.command.expires_at is not None:
        exp = max(issued + 1, min(exp, int(one.command.expires_at.timestamp())))
    claims = Wire(
        sub=one.command.device_id,
        jti=one.command.id,
        type=one.command.type,
        args=dict(one.args),
        iat=issued,
        exp=exp,
    )
    return Offer(one.command, jose.sign(key, Typ.COMMAND, claims.wire()), exp)


def _note_offers(offers: Sequence[Offer], now: datetime) -> None:
    """Remember what was handed out before it is: this commits ahead of the publish."""
    if not offers:
        return
    session().flush()
    rows = [
        {
            "command": offer.command.id,
            "exp": max(offer.exp, offer.command.last_exp or 0),
            "first": offer.command.first_offer_at or now,
        }
        for offer in offers
    ]
    table = Command.__table__
    change = update(Command).where(table.c.id == bindparam("command"))
    values = {"last_exp": bindparam("exp"), "first_offer_at": bindparam("first"), "offers": table.c.offers + 1}
    session().connection().execute(change.values(values), rows)
