"""Results: what phones say became of commands. The phone's signed word is the truth, whatever was thought before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core import clock
from core.crypto.jose import BadToken, decrypt
from core.crypto.jwk import SigningKey
from core.db import session
from core.runtime import runtime
from fleet import queries
from fleet.commands import moves
from fleet.commands.models import Command
from fleet.commands.moves import Move, carry_out
from fleet.commands.registry import kind_of
from fleet.commands.states import Trigger
from fleet.models import Device
from fleet.queries import DeviceKeys
from mqtt import effort, signed
from mqtt.contract.codec import BadPayload
from mqtt.contract.limits import CLOCK_SKEW_S
from mqtt.contract.names import ResultStatus, Typ
from mqtt.contract.result import Result
from mqtt.events import flooded
from mqtt.routes import Inbound, Refusal

HOLDER_UNCONFIRMED = "holder_unconfirmed"
MAX_UNPACKED = 1024 * 1024
TRIGGERS = {
    ResultStatus.RECEIVED: Trigger.RECEIVED,
    ResultStatus.SUCCEEDED: Trigger.SUCCEEDED,
    ResultStatus.FAILED: Trigger.FAILED,
    ResultStatus.REJECTED: Trigger.REJECTED,
}


@dataclass(frozen=True, slots=True)
class _Said:
    message: Inbound
    result: Result

    @property
    def iat(self) -> int:
        """The phone's time, or the receive time where it runs more than 120 s ahead."""
        received = int(self.message.received_at.timestamp())
        return received if self.result.iat > received + CLOCK_SKEW_S else self.result.iat


def record(batch: Sequence[Inbound]) -> list[Refusal]:
    """Take a batch of `up/result` messages; what repeats, is older, or fits no step of the table changes nothing.

    Refused is what cannot be opened or verified, and a result for a command that is not the phone's own.
    """
    refusals: list[Refusal] = []
    said = _read_all(batch, refusals)
    commands = _lock({one.result.command for one in said})
    words: list[Move] = []
    nameless = _unconfirmed(commands)
    for one in said:
        command = commands.get(one.result.command)
        if command is None or command.device_id != one.message.device_id:
            refusals.append(Refusal(one.message, "unknown_command", one.result.command))
            continue
        words.append(_move(one, command, withheld=command.id in nameless))
    carry_out(words)
    return refusals


def _read_all(batch: Sequence[Inbound], refusals: list[Refusal]) -> list[_Said]:
    keys = queries.keys({message.device_id for message in batch})
    ring = runtime().ring.encryption_keys()
    said: list[_Said] = []
    flooding: set[str] = set()
    for message in batch:
        device = keys.get(message.device_id)
        if device is None:
            refusals.append(Refusal(message, "unknown_device"))
            continue
        if effort.is_spent(message.device_id):
            # Dropped: at its next hello the command is offered again, and the phone repeats its result.
            flooding.add(message.device_id)
            continue
        try:
            with effort.of(message.device_id):
                said.append(_Said(message, _read(message, device, ring)))
        except (BadToken, BadPayload) as error:
            refusals.append(Refusal(message, error.reason, getattr(error, "detail", "")))
    if flooding:
        flooded.send(None, devices=sorted(flooding))
    return said


def _read(message: Inbound, device: DeviceKeys, ring: Sequence[SigningKey]) -> Result:
    token = decrypt(ring, message.payload, MAX_UNPACKED)
    keys = {device.signing_kid: device.signing}
    return signed.read(Result, token, typ=Typ.RESULT, keys=keys, sub=device.device_id, limit=MAX_UNPACKED)


def _lock(command_ids: set[str]) -> dict[str, Command]:
    """The commands, locked; phones that a result may close are locked first, as everybody else does it."""
    if not command_ids:
        return {}
    rows = session().execute(select(Command.device_id, Command.type).where(Command.id.in_(command_ids)))
    closing = {device_id for device_id, name in rows if kind_of(name).on_success}
    if closing:
        session().execute(select(Device.id).where(Device.id.in_(closing)).order_by(Device.id).with_for_update())
    return {command.id: command for command in moves.locked(Command.id.in_(command_ids))}


def _unconfirmed(commands: Mapping[str, Command]) -> set[str]:
    """Commands whose output tells where somebody is, of phones of which nobody has confirmed who holds them."""
    private = [command for command in commands.values() if kind_of(command.type).content]
    if not private:
        return set()
    phones = queries.refs({command.device_id for command in private})
    return {command.id for command in private if not phones[command.device_id].holder_confirmed}


def _move(one: _Said, command: Command, *, withheld: bool) -> Move:
    said: dict[str, Any] = {
        "status": str(one.result.status),
        "detail": one.result.detail,
        "output": None if withheld else one.result.output,
        "at": clock.to_wire(one.result.at),
    }
    if withheld and one.result.output is not None:
        said["withheld"] = HOLDER_UNCONFIRMED
    return Move(command, TRIGGERS[one.result.status], result=said, iat=one.iat)
