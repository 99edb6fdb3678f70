"""`down/command` (§8) and the arguments of each type."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from mqtt.contract.codec import BadPayload
from mqtt.contract.limits import DEADLINE_MAX_S, RING_MAX_S
from mqtt.contract.model import Label, Seconds, ServerSigned, Strict, Uuid
from mqtt.contract.names import CommandType

ShownText = Annotated[str, Field(max_length=2_000)]
"""Text that the holder reads on the phone."""


class NoArgs(Strict):
    """A command without arguments."""


class LockArgs(Strict):
    """`message` is shown on the locked screen and may be empty."""

    message: ShownText


class WipeArgs(Strict):
    """What to erase; `deadline_s` is how long, in seconds, the queue may delay it."""

    scope: Literal["work_data", "device"]
    preserve_records: bool
    deadline_s: Annotated[int, Field(ge=0, le=DEADLINE_MAX_S)]


class LocateArgs(Strict):
    """`reason` is shown on the phone outside work hours."""

    reason: ShownText


class MessageArgs(Strict):
    """A note to the holder."""

    title: ShownText
    text: ShownText


class RingArgs(Strict):
    """How long to ring, in seconds."""

    seconds: Annotated[int, Field(ge=1, le=RING_MAX_S)]


ARGS: Final[dict[CommandType, type[Strict]]] = {
    CommandType.PING: NoArgs,
    CommandType.LOCK: LockArgs,
    CommandType.UNLOCK: NoArgs,
    CommandType.WIPE: WipeArgs,
    CommandType.LOCATE: LocateArgs,
    CommandType.MESSAGE: MessageArgs,
    CommandType.RING: RingArgs,
    CommandType.REBOOT: NoArgs,
    CommandType.SYNC: NoArgs,
    CommandType.RESET_PASSCODE: NoArgs,
    CommandType.COLLECT_LOGS: NoArgs,
    CommandType.ROTATE_CERTIFICATE: NoArgs,
}


class Command(ServerSigned):
    """Payload of the JWS `shouji-command+jws`; `type` is a string: it may be newer than the reader."""

    jti: Uuid
    type: Label
    args: dict[str, Any]
    exp: Seconds


def parse_args(kind: CommandType | str, args: Any) -> Strict:
    """Check the arguments of a command. Raises BadPayload (`form`), or `unsupported` for an unknown type."""
    try:
        model = ARGS[CommandType(kind)]
    except ValueError:
        raise BadPayload("unsupported", str(kind)[:40]) from None
    return model.take(args)
