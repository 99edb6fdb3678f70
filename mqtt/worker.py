"""The worker process: ingest, relay, signing desk and scheduler, started and stopped together."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from flask import Flask

from config.settings import Settings
from core import leases, roles, scheduler
from core.ids import new_id
from core.log import get_logger
from core.runtime import runtime
from core.signing import SigningDesk
from core.uow import unit_of_work
from mqtt.broker.endpoint import service_endpoint
from mqtt.buckets import Buckets
from mqtt.ingest import Ingest
from mqtt.relay import Relay
from mqtt.routes import Router

LEASE_NAME = "worker"
LEASE = timedelta(seconds=15)
WAIT_SECONDS = 1.0

log = get_logger(__name__)


class Part(Protocol):
    """Something of a higher room that lives as long as the worker does."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; returns when it has ended."""


class Worker:
    """One per installation at a time: a second one waits for the lease."""

    def __init__(self, app: Flask, settings: Settings, router: Router, beside: Sequence[Part] = ()) -> None:
        self._app, self._settings, self._router, self._beside = app, settings, router, beside
        self._owner = new_id()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; holds the lease all the while and ends when it is lost."""
        if not self._wait_for_lease(stop):
            return
        with self._app.app_context():
            runtime().ring.signing_keys()
            runtime().ring.publish()
        desk = SigningDesk(self._app, self._settings)
        buckets = Buckets(self._settings.device_message_rate, self._settings.device_byte_rate)
        ingest = Ingest(self._app, self._router, service_endpoint(self._settings, "ingest"), buckets)
        relay = Relay(self._app, service_endpoint(self._settings, "relay"))
        clockwork = scheduler.start(self._app, self._settings.timezone)
        desk.start()
        ingest.start()
        relay.start()
        for part in self._beside:
            part.start()
        log.info("worker_started")
        try:
            self._tend(stop, ingest, relay)
        finally:
            clockwork.shutdown(wait=False)
            ingest.stop()
            relay.stop()
            desk.stop()
            for part in self._beside:
                part.stop()
            with self._app.app_context(), unit_of_work() as current:
                leases.release(current, LEASE_NAME, self._owner)
            log.info("worker_stopped")

    def _wait_for_lease(self, stop: threading.Event) -> bool:
        while not stop.is_set():
            with self._app.app_context(), unit_of_work() as current:
                if leases.acquire(current, LEASE_NAME, self._owner, LEASE):
                    return True
            stop.wait(WAIT_SECONDS)
        return False

    def _tend(self, stop: threading.Event, ingest: Ingest, relay: Relay) -> None:
        while not stop.wait(roles.REPORT_EVERY.total_seconds()):
            try:
                held = self._report(ingest, relay)
            except Exception:
                log.exception("worker_report_failed")
                continue
            if not held:
                log.error("worker_lease_lost")
                return

    def _report(self, ingest: Ingest, relay: Relay) -> bool:
        figures = {
            "ingest_connected": ingest.connected,
            "relay_connected": relay.connected,
            "ingest_stored": ingest.stored,
            "ingest_refused": ingest.refused,
            "ingest_dropped": ingest.dropped,
            "relay_published": relay.published,
            "relay_failed": relay.failed,
        }
        with self._app.app_context(), unit_of_work() as current:
            roles.report(current, "worker", os.getpid(), figures)
            return leases.acquire(current, LEASE_NAME, self._owner, LEASE)
