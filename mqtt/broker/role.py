"""The `broker` role: runs our Mosquitto and keeps it safe, or watches over an outside one."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from config.settings import Settings
from core.clock import monotonic
from core.crypto.x509 import CertificateAuthority
from core.log import get_logger
from mqtt.broker.admin import Admin
from mqtt.broker.errors import BrokerAway, BrokerError, BrokerUnsafe
from mqtt.broker.external import external_admin
from mqtt.broker.files import BrokerFiles
from mqtt.broker.managed import managed_admin
from mqtt.broker.runner import Runner
from mqtt.broker.types import CrlSource

CHECK_SECONDS = 10.0
SOURCE_SECONDS = 60.0
TICK_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0

OnTakeover = Callable[[str, int], None]
"""Told of a device whose session was taken over so often (the count) that its identity must be cloned."""

log = get_logger(__name__)


def run_broker_role(
    settings: Settings,
    ca: CertificateAuthority,
    source: CrlSource,
    stop: Event,
    on_takeover: OnTakeover,
    ready: Event | None = None,
) -> None:
    """Run until `stop` is set. Call it from the main thread. `ready` is set once the broker was found safe.

    Raises BrokerUnusable or BrokerUnsafe when the broker cannot be started safely the first time; later it tries again
    with growing pauses. An outside broker that turns unsafe ends the role: nobody may use it.
    """
    if settings.broker_url:
        _watch_outside(external_admin(settings, ca, source), stop, ready or Event())
        return
    files = BrokerFiles.in_data_dir(settings.data_dir)
    with files.sole_runner():
        runner = Runner(settings, files, managed_admin(settings, ca, source))
        try:
            runner.start()
            (ready or Event()).set()
            _keep_running(runner, stop, on_takeover)
        finally:
            runner.stop()


def _keep_running(runner: Runner, stop: Event, on_takeover: OnTakeover) -> None:
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = monotonic()
        _watch(runner, stop, on_takeover)
        runner.stop()
        if stop.is_set():
            return
        pause = FIRST_PAUSE_SECONDS if monotonic() - began > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
        while not stop.wait(pause):
            try:
                runner.start()
                break
            except BrokerError as error:
                log.critical("broker_not_started", code=error.code, reason=str(error), retry_seconds=pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _watch(runner: Runner, stop: Event, on_takeover: OnTakeover) -> None:
    """Return when the broker has ended, was halted as unsafe, or `stop` is set."""
    watch = Watch(runner.admin)
    while not stop.wait(TICK_SECONDS):
        for device_id, count in runner.clones():
            _tell(on_takeover, device_id, count)
        if not runner.alive():
            log.error("broker_ended", last_lines=runner.last_lines())
            return
        try:
            watch.tick(at_once=runner.was_reloaded())
        except BrokerUnsafe:
            return


class Watch:
    """Checks the broker every 10 s, and with the database every minute."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._next_check = monotonic() + CHECK_SECONDS
        self._next_source = monotonic() + SOURCE_SECONDS
        self._dropped = 0

    def tick(self, *, at_once: bool) -> None:
        """Check when it is time or asked for. Raises BrokerUnsafe; a broker that does not answer is logged."""
        now = monotonic()
        if now < self._next_check and not at_once:
            return
        ask_source = now >= self._next_source
        self._next_check = now + CHECK_SECONDS
        if ask_source:
            self._next_source = now + SOURCE_SECONDS
        try:
            report = self._admin.check(ask_source=ask_source)
        except BrokerAway as error:
            log.error("broker_away", reason=str(error), detail=error.members.get("detail"))
            return
        dropped = report.dropped_messages or 0
        if dropped > self._dropped:
            log.critical("broker_dropped_messages", total=dropped, new=dropped - self._dropped)
        self._dropped = dropped


def _tell(on_takeover: OnTakeover, device_id: str, count: int) -> None:
    log.warning("broker_cloned_identity", device=device_id, takeovers=count)
    try:
        on_takeover(device_id, count)
    except Exception:
        log.exception("broker_takeover_not_recorded", device=device_id)


def _watch_outside(admin: Admin, stop: Event, ready: Event) -> None:
    pause = FIRST_PAUSE_SECONDS
    while not ready.is_set():
        try:
            admin.apply()
            ready.set()
        except BrokerAway as error:
            log.error("broker_away", reason=str(error), detail=error.members.get("detail"), retry_seconds=pause)
            if stop.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    watch = Watch(admin)
    while not stop.wait(TICK_SECONDS):
        watch.tick(at_once=False)
