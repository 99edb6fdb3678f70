"""What is checked again in the moment of signing, for everything that destroys. Whoever fails waits, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fleet.commands import approval, caps, freeze, guards
from fleet.commands.models import Command
from fleet.commands.registry import kind_of
from identity import queries

FROZEN: Final = "freeze"
CAP: Final = "cap"
RECORDS: Final = "unsent_records"
GUARD: Final = "guard"
STATE: Final = "device_state"
UNAPPROVED: Final = "approval"
HOLDER_CHANGED: Final = "holder_changed"
LEFT_SCOPE: Final = "left_scope"
DROPPED: Final = (HOLDER_CHANGED, LEFT_SCOPE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A command that might be signed, with its phone as it is now."""

    command: Command
    args: Mapping[str, Any]
    device_state: str
    unit_id: str
    holder_id: str | None


def dropped(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Why commands that destroy are not for these phones any more, by command id, before the first signature.

    The phone went to another holder since it was asked for, or out of the part of the tree of whoever asked or
    approved. What was signed once is on its way: it stays.
    """
    seen: dict[tuple[str, str], bool] = {}

    def out_of_sight(person_id: str | None, unit_id: str) -> bool:
        if person_id is None:
            return False
        if (person_id, unit_id) not in seen:
            known = bool(queries.person_refs([person_id]))
            seen[person_id, unit_id] = not known or queries.sees(person_id, unit_id)
        return not seen[person_id, unit_id]

    found: dict[str, str] = {}
    for one in candidates:
        command = one.command
        if not command.destructive or command.first_offer_at is not None:
            continue
        people = (command.requested_by, approval.approver_of(command))
        if command.holder_id != one.holder_id:
            found[command.id] = HOLDER_CHANGED
        elif any(out_of_sight(person, one.unit_id) for person in people):
            found[command.id] = LEFT_SCOPE
    return found


def holds(candidates: Sequence[Candidate], *, may_spend: bool) -> dict[str, str]:
    """Why commands must not be signed now, by command id; those that may be are missing.

    `may_spend` is false where nothing can be written: a command never signed before then has no approval yet.
    """
    found = {one.command.id: STATE for one in candidates if one.device_state not in kind_of(one.command.type).states}
    risky = [one for one in candidates if one.command.destructive and one.command.id not in found]
    if not risky:
        return found
    if freeze.is_frozen():
        return found | {one.command.id: FROZEN for one in risky}
    approved = [one for one in risky if kind_of(one.command.type).approval]
    found |= {one.command.id: why for one in approved if (why := _objection(one))}
    first = [one.command for one in risky if one.command.first_offer_at is None and one.command.id not in found]
    found |= dict.fromkeys(caps.over_cap(first), CAP)
    # Last, because it spends the approval: a wipe that waits for something else keeps it.
    checker = approval.Checker(may_spend=may_spend)
    unapproved = [one for one in approved if one.command.id not in found and not checker.holds(one.command, one.args)]
    return found | {one.command.id: UNAPPROVED for one in unapproved}


def _objection(one: Candidate) -> str | None:
    preserve = bool(one.args.get("preserve_records", True))
    device_ids = [one.command.device_id]
    if guards.objections(device_ids, preserve_records=preserve):
        return GUARD
    loses = not preserve and guards.would_lose_records(device_ids)
    return RECORDS if loses and not approval.may_lose_records(one.command, one.unit_id) else None
