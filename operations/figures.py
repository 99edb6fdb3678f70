"""Figures that an operator watches: ages of certificates, lists, jobs, waiting effects and the newest backup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from core import audit, clock, jobs, metrics, outbox
from core.crypto.crl import RevocationList
from core.db import session
from core.installation import BACKED_UP
from core.metrics import Gauge
from core.runtime import runtime
from mqtt.broker.ages import BrokerAges, ages


@metrics.collects
def operator_gauges() -> Iterable[Gauge]:
    """All of them; what this machine cannot see is left out."""
    broker = ages(runtime().settings, runtime().ca)
    yield Gauge("certificate_seconds_left", "Seconds until a certificate ends.", list(_certificates(broker)))
    if broker.revocations:
        yield from _revocation_list(broker.revocations)
    runs = jobs.last_runs(session()).values()
    yield Gauge(
        "job_age_seconds", "Seconds since a job ended last.", [_by("job", run.name, run.finished_at) for run in runs]
    )
    failed = [({"job": run.name}, float(run.outcome != "done")) for run in runs]
    yield Gauge("job_failed", "1 where the newest run of a job failed.", failed)
    oldest = outbox.oldest(session())
    yield Gauge(
        "outbox_oldest_seconds", "Seconds that the oldest effect has been due.", [({}, _age(oldest) if oldest else 0.0)]
    )
    backup = audit.newest(session(), BACKED_UP)
    if backup:
        yield Gauge("backup_age_seconds", "Seconds since the newest backup was made.", [({}, _age(backup))])


def _certificates(broker: BrokerAges) -> Iterator[tuple[dict[str, str], float]]:
    ends = {"ca": runtime().ca.certificate.not_valid_after_utc, "broker": broker.certificate_ends_at}
    for name, end in ends.items():
        if end:
            yield {"certificate": name}, (end - clock.now()).total_seconds()


def _revocation_list(found: RevocationList) -> Iterator[Gauge]:
    left = (found.ends_at - clock.now()).total_seconds()
    yield Gauge(
        "crl_age_seconds", "Seconds since the broker's revocation list was signed.", [({}, _age(found.issued_at))]
    )
    yield Gauge("crl_seconds_left", "Seconds until the broker's revocation list ends.", [({}, left)])
    yield Gauge("crl_entries", "Certificates on the broker's revocation list.", [({}, float(len(found.serials)))])


def _by(label: str, name: str, at: datetime) -> tuple[dict[str, str], float]:
    return {label: name}, _age(at)


def _age(at: datetime) -> float:
    return (clock.now() - at).total_seconds()
