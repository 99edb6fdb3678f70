"""One event loop for any number of phones: sockets, timers, calls from other threads, a pool for what blocks.

Everything that a phone does runs on the loop's thread, so its parts need no locks.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from agent.clock import monotonic

T = TypeVar("T")
log = logging.getLogger("agent.loop")


class Pollable(Protocol):
    """Something with a socket that the loop watches."""

    def on_readable(self) -> None:
        """The socket has bytes."""

    def on_writable(self) -> None:
        """The socket takes bytes."""


class Timer:
    """A call in the future."""

    __slots__ = ("args", "call", "due")

    def __init__(self, due: float, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.due = due
        self.call: Callable[..., object] | None = call
        self.args = args

    def cancel(self) -> None:
        """Do not call any more."""
        self.call = None
        self.args = ()


class Loop:
    """Runs callbacks one at a time; `workers` threads take requests that block, `connectors` the handshakes."""

    def __init__(self, workers: int = 8, connectors: int = 8) -> None:
        self._selector = selectors.DefaultSelector()
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        # Apart, so that a thousand waiting requests do not keep a phone from its connection.
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="agent-io")
        self._connectors = ThreadPoolExecutor(connectors, thread_name_prefix="agent-connect")
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._selector.register(self._wake_r, selectors.EVENT_READ, None)
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._ident: int | None = None

    # From any thread

    def call_soon(self, call: Callable[..., object], *args: Any) -> None:
        """Run on the loop's thread, after what is waiting already."""
        self._ready.append((call, args))
        if threading.get_ident() != self._ident:
            with contextlib.suppress(BlockingIOError, OSError):
                self._wake_w.send(b"0")

    def run_sync(self, call: Callable[..., T], *args: Any, timeout: float = 30.0) -> T:
        """Run on the loop's thread and wait for the value; on that thread itself, at once."""
        if self._ident is None or threading.get_ident() == self._ident:
            return call(*args)
        future: Future[T] = Future()
        self.call_soon(_settle, future, call, args)
        return future.result(timeout)

    def submit(self, blocking: Callable[[], T], done: Callable[[T | Exception], object]) -> None:
        """Run `blocking` on a pool thread, then `done` with its value or exception on the loop's thread."""
        self._beside(self._pool, blocking, done)

    def submit_connect(self, blocking: Callable[[], T], done: Callable[[T | Exception], object]) -> None:
        """As `submit`, on the threads kept for handshakes."""
        self._beside(self._connectors, blocking, done)

    def _beside(
        self, pool: ThreadPoolExecutor, blocking: Callable[[], T], done: Callable[[T | Exception], object]
    ) -> None:
        def work() -> None:
            try:
                outcome: T | Exception = blocking()
            except Exception as error:
                outcome = error
            self.call_soon(done, outcome)

        if not self._stopping:
            pool.submit(work)

    @property
    def running(self) -> bool:
        """Whether the loop has been started and not stopped."""
        return self._ident is not None and not self._stopping

    def start(self) -> Loop:
        """Run on a thread of its own."""
        started = threading.Event()
        self.call_soon(started.set)
        self._thread = threading.Thread(target=self.run, name="agent-loop", daemon=True)
        self._thread.start()
        started.wait()
        return self

    def stop(self) -> None:
        """End the loop and its thread; what is still waiting is dropped."""
        self._stopping = True
        self.call_soon(lambda: None)
        if self._thread is not None and threading.get_ident() != self._ident:
            self._thread.join(10)
        for pool in (self._pool, self._connectors):
            pool.shutdown(wait=False, cancel_futures=True)

    # On the loop's thread

    def call_later(self, delay: float, call: Callable[..., object], *args: Any) -> Timer:
        """Run after `delay` seconds."""
        timer = Timer(monotonic() + delay, call, args)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        if threading.get_ident() != self._ident:
            self.call_soon(lambda: None)
        return timer

    def watch(self, sock: socket.socket, owner: Pollable, *, write: bool = False) -> None:
        """Watch a socket for bytes, and for room where `write`."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if write else 0)
        try:
            self._selector.modify(sock, events, owner)
        except KeyError:
            self._selector.register(sock, events, owner)

    def unwatch(self, sock: socket.socket) -> None:
        """Stop watching a socket, before it is closed."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def run(self) -> None:
        """Run until `stop`."""
        self._ident = threading.get_ident()
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._ident = None
            self._selector.close()
            self._wake_r.close()
            self._wake_w.close()

    def _turn(self) -> None:
        for key, events in self._selector.select(self._patience()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_r.recv(4096)
                continue
            if events & selectors.EVENT_READ:
                self._safely(key.data.on_readable, ())
            if events & selectors.EVENT_WRITE:
                self._safely(key.data.on_writable, ())
        now = monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                self._safely(timer.call, timer.args)
        for _ in range(len(self._ready)):
            call, args = self._ready.popleft()
            self._safely(call, args)

    def _patience(self) -> float | None:
        if self._ready:
            return 0.0
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - monotonic()) if self._timers else None

    def _safely(self, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        # One phone's fault must not stop the others.
        try:
            call(*args)
        except Exception:
            log.exception("a callback failed")


def _settle(future: Future[T], call: Callable[..., T], args: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call(*args))
    except BaseException as error:
        future.set_exception(error)
