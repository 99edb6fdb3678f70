"""Work that PostgreSQL throws out because of somebody else's is run again, as a whole.

Locks are taken in one order (docs/architecture.md), so a deadlock is rare; where one happens all the same, nothing of
the unit was kept and nothing of it left the process, so nobody has to be told to try again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from core.log import get_logger

DEADLOCK, SERIALIZATION = "40P01", "40001"
RETRIES = 2
SHORTEST_S, LONGEST_S = 0.02, 0.15
T = TypeVar("T")
_random = secrets.SystemRandom()

log = get_logger(__name__)


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code of what went wrong; None for other errors and other databases."""
    code = getattr(getattr(error, "orig", None), "sqlstate", None)
    return code if isinstance(code, str) else None


def thrown_out(error: BaseException) -> bool:
    """Whether the database ended a transaction in favour of another one: the same may succeed a moment later."""
    return sqlstate(error) in (DEADLOCK, SERIALIZATION)


def run(work: Callable[[], T], what: str, before_again: Callable[[], None] = lambda: None) -> T:
    """Do work that opens its unit of work itself; thrown out, it is done again, twice at most and a moment later.

    `what` names it in the log, `before_again` puts back what it used up.
    """
    for left in range(RETRIES, -1, -1):
        try:
            return work()
        except Exception as error:
            if not left or not thrown_out(error):
                raise
            log.warning("run_again", what=what, sqlstate=sqlstate(error), left=left)
        time.sleep(_random.uniform(SHORTEST_S, LONGEST_S))
        before_again()
    raise AssertionError("unreachable")
