"""Processes that stay together: a child dies with its parent, and a supervisor restarts what ends."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkProcess

from core import clock
from core.log import get_logger

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
NAME_PREFIX = "shouji-"
STOP_SECONDS = 15.0
POLL_SECONDS = 0.2
RESTART_MAX_SECONDS = 30.0
STEADY_SECONDS = 30.0
COLLECT_AFTER = (20_000, 20, 50)
"""A batch of device messages makes some thousands of objects and keeps none: generation 0 is to outlast one."""

log = get_logger(__name__)
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when its parent ends, however it ends.

    The kernel watches the parent *thread*: start children from the main thread.
    """
    parent = os.getppid()
    _libc.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def end_with(parent: int) -> None:
    """Run first thing in a new child: the kernel ends it with its parent, and at once if that has ended already."""
    with_parent_death_signal()
    if os.getppid() != parent:
        os._exit(1)


def with_parent_death_signal() -> None:
    """Run in a new child before its program: the kernel ends it with its parent (`preexec_fn`)."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start_child(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process; call it from the main thread."""
    # A session of its own keeps a terminal's Ctrl-C for the parent, which ends its children in order.
    return subprocess.Popen(command, preexec_fn=with_parent_death_signal, start_new_session=True)  # noqa: PLW1509


def fork(name: str, work: Callable[[], None]) -> ForkProcess:
    """Run work in a copy of this process that ends with this one.

    Call it from the main thread of a process that has no other and holds no connection and no key of one part alone:
    the copy has all that was loaded, so it starts at once and shares the memory of it.
    """
    child = multiprocessing.get_context("fork").Process(target=_be_child, args=(work, os.getpid()), name=name)
    child.start()
    return child


def _be_child(work: Callable[[], None], parent: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    end_with(parent)
    # A session of its own keeps a terminal's Ctrl-C for the parent, which ends its children in order.
    os.setsid()
    work()


def show_as(role: str) -> None:
    """Name this process for `ps` and `top` by its role, of at most 8 letters."""
    _libc.prctl(PR_SET_NAME, f"{NAME_PREFIX}{role}".encode())


@dataclass(slots=True)
class _Child:
    name: str
    work: Callable[[], None]
    process: ForkProcess | None = None
    started: float = 0.0
    pause: float = 0.5
    due: float = 0.0


class Supervisor:
    """Starts children from the main thread, restarts those that end, stops all when told."""

    def __init__(self, parts: Mapping[str, Callable[[], None]]) -> None:
        self._children = [_Child(name, work) for name, work in parts.items()]
        self._stop = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; must be called in the main thread."""
        stop_on_signals(self._stop)
        try:
            while not self._stop.wait(POLL_SECONDS):
                for child in self._children:
                    self._tend(child)
        finally:
            self._end_all()

    def _tend(self, child: _Child) -> None:
        now = clock.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child, now)
            return
        code = child.process.exitcode
        if code is None:
            return
        log.warning("process_ended", process=child.name, code=code)
        steady = now - child.started > STEADY_SECONDS
        child.pause = 0.5 if steady else min(RESTART_MAX_SECONDS, child.pause * 2)
        child.process, child.due = None, now + child.pause

    def _start(self, child: _Child, now: float) -> None:
        child.process = fork(child.name, child.work)
        child.started = now
        log.info("process_started", process=child.name, pid=child.process.pid)

    def _end_all(self) -> None:
        running = [child.process for child in reversed(self._children) if child.process]
        for process in running:
            process.terminate()
        deadline = clock.monotonic() + STOP_SECONDS
        for process in running:
            process.join(max(0.1, deadline - clock.monotonic()))
            if process.exitcode is None:
                process.kill()
                process.join()


def stop_on_signals(stop: threading.Event) -> None:
    """Set the event at SIGTERM or SIGINT; must be called in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def spare_the_collector() -> None:
    """Call once a long-lived process has loaded all it needs: what is there now is never looked through again.

    Left as it is, the collector walks through every module and model several times in a burst of device messages: a
    tenth of a second each time, more than the burst itself takes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def flask_command(*words: str) -> list[str]:
    """The command line of our own `flask` command in this environment."""
    return [sys.executable, "-m", "flask", "--app", "app", *words]
