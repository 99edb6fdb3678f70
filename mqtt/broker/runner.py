"""One life of our Mosquitto: prepared, started, made sure of, stopped."""

from __future__ import annotations

import subprocess
import time

from config.settings import Settings
from core.clock import monotonic
from core.log import get_logger
from core.text import Text
from mqtt.broker.admin import Admin
from mqtt.broker.errors import BrokerUnusable
from mqtt.broker.files import BrokerFiles
from mqtt.broker.logs import LogFollower, TakeoverCounter
from mqtt.broker.ports import owns_port, port_taken
from mqtt.broker.process import BrokerProcess, find_mosquitto, running, spawn

READY_SECONDS = 15.0
"""A large store is read before the first listener opens."""

log = get_logger(__name__)


class Runner:
    """Starts and stops the child; knows whether it lives and what its log said."""

    def __init__(self, settings: Settings, files: BrokerFiles, admin: Admin) -> None:
        self.admin = admin
        self._settings = settings
        self._files = files
        self._program = find_mosquitto(settings)
        self._counter = TakeoverCounter()
        self._child: subprocess.Popen[bytes] | None = None
        self._process: BrokerProcess | None = None
        self._follower: LogFollower | None = None

    def start(self) -> None:
        """Start it and return when it listens and every canary passed.

        Raises BrokerUnusable (it does not come up), BrokerUnsafe or BrokerAway; then nothing is left running.
        """
        leftover = running(self._files)
        if leftover:
            leftover.stop()
        self.admin.prepare()
        self._refuse_taken_port()
        self._child, self._process, stream = spawn(self._program, self._files)
        self._follower = LogFollower(stream, self._counter)
        try:
            self._wait_until_ready(self._process)
            report = self.admin.check(ask_source=False)
        except BaseException:
            self.stop()
            raise
        self._follower.reloaded.clear()
        log.info(
            "broker_ready", pid=self._process.pid, port=self._settings.mqtt_port, probe_ms=round(report.duration_ms)
        )

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        if self._child is None or self._process is None or self._follower is None:
            return
        if self._child.poll() is None:
            self._process.stop()
        self._child.wait()
        self._follower.close()
        self._child = self._process = self._follower = None
        self._files.pid.unlink(missing_ok=True)

    def alive(self) -> bool:
        """Whether the child runs."""
        return self._child is not None and self._child.poll() is None

    def clones(self) -> list[tuple[str, int]]:
        """Devices that were taken over too often since the last call."""
        return self._follower.clones() if self._follower else []

    def was_reloaded(self) -> bool:
        """Whether the broker read its files again since the last call: then they are looked at without delay."""
        if self._follower is None or not self._follower.reloaded.is_set():
            return False
        self._follower.reloaded.clear()
        return True

    def last_lines(self) -> list[str]:
        """The end of the child's log."""
        return list(self._follower.last_lines) if self._follower else []

    def _wait_until_ready(self, process: BrokerProcess) -> None:
        end = monotonic() + READY_SECONDS
        while not (
            owns_port(process.pid, self._settings.mqtt_host, self._settings.mqtt_port) and self._files.socket.exists()
        ):
            if not self.alive() or monotonic() > end:
                reason = "; ".join(self.last_lines()[-3:]) or "no log line"
                raise BrokerUnusable(
                    Text(
                        f"消息服务器未能启动：{reason}",
                        f"The broker did not start: {reason}",
                    )
                )
            time.sleep(0.01)

    def _refuse_taken_port(self) -> None:
        port = self._settings.mqtt_port
        if port_taken(self._settings.mqtt_host, port):
            raise BrokerUnusable(
                Text(
                    f"端口 {port} 已被其他程序占用，请更改 SHOUJI_MQTT_PORT。",
                    f"Port {port} is in use by another program: choose another SHOUJI_MQTT_PORT.",
                )
            )
