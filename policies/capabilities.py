"""What a phone's policy needs and the phone cannot carry out: a finding, never silently compliant (PROTOCOL 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet import findings
from fleet.events import HelloReceived
from fleet.findings import Observation
from mqtt.contract.names import RuleState
from policies import in_force
from policies.desired import Desired
from policies.engine import Bundle
from policies.engine.families.archive import Archive

UNSUPPORTED = "unsupported"
RECORDER = "record_calls"


def missing(bundle: Bundle, able: frozenset[str]) -> list[str]:
    """Names of the rule families, and of the call recorder where it is required, that a phone lacks."""
    needed = set(bundle.rules)
    archive: Archive | None = bundle.rules.get("archive")
    if archive and archive.recording == "required":
        needed.add(RECORDER)
    return sorted(needed - able)


def observe(
    hellos: Sequence[HelloReceived], wanted: Mapping[str, Desired], said: Mapping[str, Mapping[str, Any]]
) -> None:
    """Open or close the finding of phones that said hello; one that a report opened stays until a report closes it."""
    bundles = in_force.bundles({state.bundle for state in wanted.values()})
    seen = []
    for hello in hellos:
        state = wanted.get(hello.device_id)
        loaded = bundles.get(state.bundle) if state else None
        if loaded is None:
            continue
        lacking = missing(loaded.bundle, frozenset(hello.hello.capabilities))
        if lacking or not _reported_lacking(said.get(hello.device_id)):
            detail = {"lacking": lacking} if lacking else {}
            seen.append(Observation(hello.device_id, UNSUPPORTED, bool(lacking), detail))
    findings.observe(seen)


def _reported_lacking(report: Mapping[str, Any] | None) -> bool:
    return report is not None and any(state != RuleState.ENFORCED for state in report["rules"].values())
