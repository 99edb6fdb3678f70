"""Bodies of this room's HTTP interface."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from core.http.fields import Body
from core.limits import MAX_NAME, MAX_UNIT_PATH
from core.reasons import MAX_REASON
from fleet.commands.request import MAX_LIFETIME_S, MIN_LIFETIME_S
from fleet.commands.selection import MAX_NAMED, Selector

SHA256 = Field(None, pattern="^[0-9a-f]{64}$")


class CommandBody(Body):
    """A command; `expires_in`: seconds that it may wait for its phone."""

    type: str = Field(min_length=1, max_length=40)
    args: dict[str, Any] = Field(default_factory=dict)
    reason: str = Field("", max_length=MAX_REASON)
    expires_in: int | None = Field(None, ge=MIN_LIFETIME_S, le=MAX_LIFETIME_S)


class SelectorBody(Body):
    """Exactly one of: named devices, a group, an org unit (path or id) with all below it, or all in one's scope."""

    devices: list[str] | None = Field(None, min_length=1, max_length=MAX_NAMED)
    group: str | None = Field(None, min_length=1, max_length=MAX_NAME)
    org_unit: str | None = Field(None, min_length=1, max_length=MAX_UNIT_PATH)
    all: bool | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> SelectorBody:
        given = [name for name in ("devices", "group", "org_unit", "all") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of devices, group, org_unit, all / 请只填其中一项")
        return self

    def selector(self) -> Selector:
        """As services take it."""
        if self.devices:
            return Selector("devices", devices=tuple(self.devices))
        if self.group:
            return Selector("group", name=self.group)
        return Selector("org_unit", name=self.org_unit) if self.org_unit else Selector("all")


class RevokeManyBody(Body):
    """Phones to be cut off together, exactly those that the preview showed."""

    selector: SelectorBody
    reason: str = Field(min_length=1, max_length=MAX_REASON)
    targets_sha256: str = Field(pattern="^[0-9a-f]{64}$")


class SelectBody(Body):
    """Which phones."""

    selector: SelectorBody


class ManyBody(CommandBody):
    """A command to many phones; with `targets_sha256` of its preview it hits exactly those that the preview showed."""

    selector: SelectorBody
    targets_sha256: str | None = SHA256


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=MAX_REASON)


class FreezeBody(Body):
    """Freeze or lift."""

    frozen: bool
    reason: str = Field(min_length=1, max_length=MAX_REASON)
