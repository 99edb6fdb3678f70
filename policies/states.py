"""What the fleet asks of this room: policy states of its list, and which positions may be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core import clock
from fleet import queries as fleet
from fleet.guards import PolicyState
from policies import desired, in_force, reported
from policies.engine import LocationRequest, decide


def policy_states(device_ids: Sequence[str]) -> Mapping[str, PolicyState]:
    """Desired and reported policy of many phones, in two queries."""
    wanted, said = desired.of_devices(device_ids), reported.of_devices(device_ids)
    states: dict[str, PolicyState] = {}
    for device_id in {*wanted, *said}:
        state, report = wanted.get(device_id), said.get(device_id)
        parts = {}
        if state:
            parts["desired"] = {"generation": state.generation, "bundle": state.bundle}
        if report:
            shown = {key: report[key] for key in ("generation", "bundle", "outcome")}
            parts["reported"] = {**shown, "at": clock.to_wire(report["at"])}
        states[device_id] = PolicyState(**parts)
    return states


def positions_to_keep(positions: Sequence[tuple[str, datetime]]) -> set[int]:
    """Indexes of the positions (device id, time) that may be kept.

    The phone's holder is confirmed, its policy in force asks for positions, and the time is inside its hours.
    """
    ids = {device_id for device_id, _ in positions}
    confirmed = {phone.id for phone in fleet.refs(ids).values() if phone.holder_confirmed}
    digests = reported.bundles_in_force(confirmed)
    loaded = in_force.bundles(set(digests.values()))
    return {
        index
        for index, (device_id, at) in enumerate(positions)
        if (found := loaded.get(digests.get(device_id, ""))) and _allows(found, at)
    }


def _allows(loaded: in_force.Loaded, at: datetime) -> bool:
    try:
        return "location" in loaded.bundle.rules and decide(loaded.bundle, LocationRequest(minute=at)).allowed
    except OverflowError:  # the first and last days of the calendar have no local hours
        return False
