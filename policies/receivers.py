"""What this room does when others tell it something: whole batches, rows and outbox rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core import outbox
from core.actor import system_actor
from core.runtime import settings
from fleet import editions
from fleet import events as fleet_events
from fleet import guards as fleet_guards
from fleet.events import DeviceChange, Enrolled, HelloReceived
from identity import events as identity_events
from identity import guards as identity_guards
from mqtt import events as mqtt_events
from policies import assignments, capabilities, desired, groups, housekeeping, lock, moves, reported, rollouts, world
from policies import devices as phones
from policies.reported import Said


def on_enrolled(_sender: object, devices: Sequence[Enrolled]) -> None:
    """A new phone joins the groups whose queries find it and gets its desired state."""
    ids = [phone.device_id for phone in devices]
    groups.evaluate_for(ids)
    desired.refresh(ids)


def on_changed(_sender: object, changes: Sequence[DeviceChange]) -> None:
    """A phone that moved, changed, or joined or left a group gets what reaches it now."""
    groups.evaluate_for(_to_be_asked(changes))
    moved = sorted({change.device_id for change in changes if change.what in ("unit", "groups", "state")})
    if not desired.postponed(moved):
        desired.refresh(moved)


def _to_be_asked(changes: Sequence[DeviceChange]) -> list[str]:
    """Phones of whom something changed that queries ask about."""
    asked = {change.device_id for change in changes if change.what in ("unit", "facts")}
    if any(change.what == "groups" for change in changes):
        names = groups.asked_about()
        asked |= {change.device_id for change in changes if change.what == "groups" and change.new in names}
    return sorted(asked)


def on_units_changed(_sender: object, unit_paths: Sequence[str]) -> None:
    """Units that were renamed or moved take their phones to other groups and assignments; many phones by a rollout."""
    lock.alone()
    ids = phones.below(unit_paths)
    with desired.postponing() as moved:
        groups.evaluate_for(ids)
    many = len(ids) > settings().unstaged_limit
    rollout = rollouts.start(system_actor("org"), "org_unit", []) if many else None
    desired.Refresh(world.current(), rollout).run(ids | moved)


def on_hello(_sender: object, hellos: Sequence[HelloReceived]) -> None:
    """A report that was lost is taken from the hello; a phone that has another state in force, or
    has accepted another notice, gets the desired one."""
    reported.take(
        [
            Said(
                hello.device_id,
                reported.judged_iat(hello.hello.iat, hello.received_at),
                hello.hello.reported,
                hello.received_at,
            )
            for hello in hellos
            if hello.hello.reported
        ]
    )
    ids = [hello.device_id for hello in hellos]
    wanted = desired.of_devices(ids)
    if desired.refresh([device_id for device_id in ids if device_id not in wanted]):
        wanted = desired.of_devices(ids)
    capabilities.observe(hellos, wanted, reported.of_devices(list(wanted)))
    behind = [hello for hello in hellos if hello.device_id in wanted and _differs(wanted[hello.device_id], hello)]
    desired.outrun([_seen(hello) for hello in behind if _is_ahead(wanted[hello.device_id], hello)])
    named = editions.named_to(list(wanted))
    told = {hello.device_id for hello in behind}
    behind += [hello for hello in hellos if hello.device_id not in told and _asked(named, hello)]
    for hello in behind:
        outbox.enqueue(desired.DESIRED_EFFECT, [hello.device_id], not_before=hello.not_before)


def on_notice_changed(_sender: object, version: str) -> None:
    """Every phone learns of the newest notice with its desired state, which keeps its generation."""
    desired.send(sorted(phones.everyone()))


def on_notice_named(_sender: object, device_ids: Sequence[str]) -> None:
    """A phone that changed hands, or whose holder accepted, is told which edition its desired state names now."""
    desired.send(device_ids)


def on_broker_forgot(_sender: object) -> None:
    """A broker without its memory gets the blobs and desired states again that phones may still wait for."""
    outbox.enqueue(desired.BLOB_EFFECT, housekeeping.blobs_in_use())
    desired.send(housekeeping.devices_behind())


def connect() -> None:
    """Listen to the rooms below."""
    fleet_events.devices_enrolled.connect(on_enrolled)
    fleet_events.devices_changed.connect(on_changed)
    fleet_events.hello_received.connect(on_hello)
    fleet_events.notice_changed.connect(on_notice_changed)
    fleet_events.notice_named.connect(on_notice_named)
    identity_events.units_changed.connect(on_units_changed)
    mqtt_events.broker_forgot.connect(on_broker_forgot)
    identity_guards.before_unit_removal(assignments.why_unit_stays)
    identity_guards.after_unit_move(moves.unit_moved)
    fleet_guards.bind(placed=moves.phones_placed, followed=moves.phones_followed)


def _differs(wanted: desired.Desired, hello: HelloReceived) -> bool:
    return (wanted.generation, wanted.bundle) != (hello.hello.generation, hello.hello.bundle)


def _asked(named: Mapping[str, str], hello: HelloReceived) -> bool:
    """Whether the phone says that it accepted another notice than the one that its desired state names."""
    return hello.hello.notice_version not in (None, named.get(hello.device_id))


def _is_ahead(wanted: desired.Desired, hello: HelloReceived) -> bool:
    """The phone has seen more than this server remembers: only a greater generation gets through to it."""
    same = hello.hello.generation == wanted.generation and hello.hello.bundle != wanted.bundle
    return hello.hello.highest_generation > wanted.generation or same


def _seen(hello: HelloReceived) -> tuple[str, int]:
    return hello.device_id, max(hello.hello.highest_generation, hello.hello.generation)


connect()
