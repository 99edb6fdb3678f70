"""Figures that an operator watches: ages of certificates, lists, jobs, waiting effects and the newest backup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from core import audit, clock, jobs, metrics, outbox
from core.crypto.crl import read_crl
from core.crypto.x509 import certificate_end
from core.db import session
from core.metrics import Gauge
from core.runtime import runtime
from mqtt.broker.files import BrokerFiles
from operations.backup import BACKED_UP


@metrics.collects
def operator_gauges() -> Iterable[Gauge]:
    """All of them; what this machine cannot see is left out."""
    yield Gauge("certificate_seconds_left", "Seconds until a certificate ends.", list(_certificates()))
    yield from _revocation_list()
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


def _certificates() -> Iterator[tuple[dict[str, str], float]]:
    ends = {"ca": runtime().ca.certificate.not_valid_after_utc}
    broker = _broker_files().certificate
    if broker.exists():
        ends["broker"] = certificate_end(broker)
    for name, end in ends.items():
        yield {"certificate": name}, (end - clock.now()).total_seconds()


def _revocation_list() -> Iterator[Gauge]:
    path = runtime().settings.broker_crl_path or _broker_files().crl
    if path.exists():
        found = read_crl(path.read_bytes(), runtime().ca)
        left = (found.ends_at - clock.now()).total_seconds()
        yield Gauge(
            "crl_age_seconds", "Seconds since the broker's revocation list was signed.", [({}, _age(found.issued_at))]
        )
        yield Gauge("crl_seconds_left", "Seconds until the broker's revocation list ends.", [({}, left)])
        yield Gauge("crl_entries", "Certificates on the broker's revocation list.", [({}, float(len(found.serials)))])


def _broker_files() -> BrokerFiles:
    return BrokerFiles(Path(runtime().settings.data_dir).absolute() / "broker")


def _by(label: str, name: str, at: datetime) -> tuple[dict[str, str], float]:
    return {label: name}, _age(at)


def _age(at: datetime) -> float:
    return (clock.now() - at).total_seconds()
