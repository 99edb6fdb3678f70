"""`up/reported` (§7): what became of the desired state."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mqtt.contract.model import DeviceSigned, Digest, Generation, Label, LongText, Message, WireTime
from mqtt.contract.names import Outcome, RuleState


class ReportedBody(Message):
    """One attempt: `generation` and `bundle` as attempted, null where they could not be verified."""

    generation: Generation | None
    bundle: Digest | None
    outcome: Annotated[Outcome, Field(strict=False)]
    detail: LongText | None = None
    at: WireTime
    rules: dict[Label, Annotated[RuleState, Field(strict=False)]] = Field(default_factory=dict)


class Reported(DeviceSigned, ReportedBody):
    """Payload of the JWS `shouji-reported+jws`."""
