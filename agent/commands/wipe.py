"""wipe: with the queue sent first where asked for; nothing is left of work data afterwards."""

from __future__ import annotations

from typing import Any

from agent.commands.effects import Deed, Services, effect
from mqtt.contract.names import CommandType

WORK_DATA = ("records", "media")


@effect(CommandType.WIPE)
def wipe(deed: Deed) -> None:
    """Erases; `succeeded` comes after the erasure of work data, or just before the reset of the device."""
    if deed.args.preserve_records:
        # A restart in the middle of a wipe does not begin its time anew.
        left_s = max(0.0, deed.args.deadline_s - (deed.services.core.clock.server_time() - deed.since))
        deed.services.archive.drain(left_s, lambda left: _erase(deed, left))
    else:
        _erase(deed, deed.services.archive.unsent)


def _erase(deed: Deed, left: int) -> None:
    services = deed.services
    erase_work_data(services, deed.args.scope)
    output: dict[str, Any] = {"scope": deed.args.scope, "records_left": left}
    detail = f"{left} records were not archived" if left else None
    if deed.args.scope == "device":
        deed.succeed(output, detail, then=lambda: reset(services))
    else:
        deed.succeed(output, detail)


def erase_work_data(services: Services, scope: str) -> None:
    """Forget book, messages, policy and queue; keys and commands stay until the last word is said."""
    with services.core.store.step():
        services.book.erase()
        services.handset.erase_work()
        services.handset.body.wiped = scope
        services.core.retired = True
        services.handset.save()
        services.policy.erase()
        services.core.store.forget("counters", "notice")
        services.core.store.erase(WORK_DATA)
        services.archive.erased()


def reset(services: Services) -> None:
    """The phone goes back to the factory: keys, identity and everything else are gone."""
    services.connection.finish()
    services.core.store.erase(("facts", "commands", *WORK_DATA))
    services.core.store.release()
