"""What this room does when others tell it something: whole batches, judged at once or soon by the job."""

from __future__ import annotations

from collections.abc import Sequence

from archive.signals import Alerted, SeenEvent, events_seen, integrity_alerted, integrity_settled
from compliance import evaluate, sims, states
from compliance.checks.records import EVENT
from compliance.checks.silence import HELLO_OVERDUE, OFFLINE
from compliance.checks.sim import SIM_CHANGED
from fleet import findings
from fleet.events import (
    Accepted,
    Closed,
    DeviceChange,
    Enrolled,
    FindingChange,
    HelloReceived,
    PresenceChange,
    devices_changed,
    devices_closed,
    devices_enrolled,
    findings_changed,
    hello_received,
    notice_accepted,
    notice_changed,
    notice_named,
    posture_changed,
    presence_changed,
)
from fleet.findings import Observation
from mqtt.contract.names import EventType
from policies.events import desired_changed, reports_taken

AT_ONCE = 500
"""More phones than this are left to the job, so that one change never holds the database for long."""
SILENCES = frozenset({"silent", HELLO_OVERDUE, OFFLINE})
_FINDINGS = {EventType.SIM_CHANGED: SIM_CHANGED, EventType.INTEGRITY: EVENT}


@devices_enrolled.connect
def on_enrolled(_sender: object, devices: Sequence[Enrolled]) -> None:
    """New phones get a row."""
    evaluate.run([one.device_id for one in devices])


@devices_changed.connect
def on_changed(_sender: object, changes: Sequence[DeviceChange]) -> None:
    """State, holder, unit, groups or facts of phones changed: checks and exceptions may say something else."""
    _judge({change.device_id for change in changes})


@devices_closed.connect
def on_closed(_sender: object, devices: Sequence[Closed]) -> None:
    """Phones left the fleet: nothing of theirs counts any more."""
    ids = [one.device_id for one in devices]
    states.forget(ids)
    sims.forget(ids)


@hello_received.connect
def on_hello(_sender: object, hellos: Sequence[HelloReceived]) -> None:
    """A hello ends silence."""
    _judge_silent([hello.device_id for hello in hellos])


@presence_changed.connect
def on_presence(_sender: object, changes: Sequence[PresenceChange]) -> None:
    """A phone that is back ends silence."""
    _judge_silent([change.device_id for change in changes if change.online])


@posture_changed.connect
def on_posture(_sender: object, device_ids: Sequence[str]) -> None:
    """A heartbeat shows another posture."""
    _judge(set(device_ids))


@notice_accepted.connect
def on_accepted(_sender: object, acceptances: Sequence[Accepted]) -> None:
    """A notice was accepted on a phone."""
    _judge({one.device_id for one in acceptances})


@notice_named.connect
def on_named(_sender: object, device_ids: Sequence[str]) -> None:
    """A new holder is asked for the notice, or accepted it."""
    _judge(set(device_ids))


@notice_changed.connect
def on_notice(_sender: object, version: str) -> None:
    """Another notice is in force: every phone is behind it."""
    states.mark_all_due()


@findings_changed.connect
def on_findings(_sender: object, changes: Sequence[FindingChange]) -> None:
    """Findings that others observed opened or closed: state and step follow."""
    _judge({change.device_id for change in changes})


@desired_changed.connect
def on_desired(_sender: object, device_ids: Sequence[str]) -> None:
    """Phones are judged by another policy, which may be the whole fleet's: the job does it."""
    states.mark_due(device_ids)


@reports_taken.connect
def on_reports(_sender: object, device_ids: Sequence[str]) -> None:
    """Phones said what they made of their policy."""
    _judge(set(device_ids))


@integrity_alerted.connect
def on_alerts(_sender: object, alerts: Sequence[Alerted]) -> None:
    """Records of phones are in doubt."""
    _judge({alert.device_id for alert in alerts})


@integrity_settled.connect
def on_settled(_sender: object, device_ids: Sequence[str]) -> None:
    """Somebody has seen to such a doubt."""
    _judge(set(device_ids))


@events_seen.connect
def on_events(_sender: object, events: Sequence[SeenEvent]) -> None:
    """Some events of phones are findings."""
    seen = [
        Observation(one.device_id, _FINDINGS[one.event.type], True, {"by": "event"}, "event", one.seen_at)
        for one in events
        if one.event.type in _FINDINGS
    ]
    findings.observe_known(seen)


def _judge(device_ids: set[str]) -> None:
    if len(device_ids) <= AT_ONCE:
        evaluate.run(device_ids)
    else:
        states.mark_due(device_ids)


def _judge_silent(device_ids: Sequence[str]) -> None:
    """Those of the phones that a finding calls silent."""
    if device_ids:
        opened = findings.open_of(device_ids)
        _judge({key for key, several in opened.items() if any(one.code in SILENCES for one in several)})
