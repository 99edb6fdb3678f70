"""The unit of work: the only place that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from core.again import thrown_out
from core.db import WRITES, db

BeforeCommit = Callable[[Session], None]
AfterCommit = Callable[[], None]

_before_commit: list[BeforeCommit] = []
_AFTER = "after_commit"
_UNDONE = "after_rollback"
_ONLY_READ = "only_read"


def before_commit(hook: BeforeCommit) -> BeforeCommit:
    """Register a hook that runs in every writing unit just before it commits (audit chain)."""
    _before_commit.append(hook)
    return hook


def after_commit(action: AfterCommit) -> None:
    """Run an action once the current unit has committed (wake a relay); never run when it rolls back."""
    db.session().info.setdefault(_AFTER, []).append(action)


def after_rollback(action: AfterCommit) -> None:
    """Run an action in a writing unit of its own if the current unit fails (count a wrong password, note a refusal).

    Not when the database threw the unit out: nothing was decided in it, and it is run again.
    """
    db.session().info.setdefault(_UNDONE, []).append(action)


def start_writing() -> None:
    """Go from reading to writing in a unit that began `reading`: what was read until now may have changed since."""
    session = db.session()
    if session.info.pop(_ONLY_READ, False):
        session.rollback()
        session.connection(execution_options={WRITES: True})


@contextmanager
def unit_of_work(*, write: bool = True, reading: bool = False) -> Iterator[Session]:
    """Open one transaction: leaving commits, raising rolls back.

    A unit that only reads says `write=False` and is rolled back at its end. One that has long work to do on what it
    reads begins `reading` and calls `start_writing` before its first change: SQLite lets one write at a time.
    """
    session = db.session()
    session.info.clear()
    session.info[_ONLY_READ] = reading
    try:
        if write and not reading:
            session.connection(execution_options={WRITES: True})
        yield session
        if write:
            session.flush()
            for hook in _before_commit:
                hook(session)
            session.commit()
            for action in session.info.pop(_AFTER, ()):
                action()
        else:
            session.rollback()
    except BaseException as error:
        session.rollback()
        undone = () if thrown_out(error) else session.info.pop(_UNDONE, ())
        session.info.clear()
        for action in undone:
            with unit_of_work():
                action()
        raise
    finally:
        session.info.clear()
        db.session.remove()
