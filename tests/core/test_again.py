from __future__ import annotations

import pytest
from flask import Flask
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import OperationalError

from core import again
from core.uow import after_rollback, unit_of_work


def lost(kind: type[Exception] = DeadlockDetected) -> OperationalError:
    return OperationalError("UPDATE", {}, kind("somebody else goes on"))


def test_work_that_was_thrown_out_is_run_again_a_bounded_number_of_times() -> None:
    tries: list[int] = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise lost()
        return "done"

    assert again.run(work, "test") == "done"
    tries.extend([1] * 10)
    for fails, expected in ((lost(), 3), (lost(LockNotAvailable), 1), (ValueError(), 1)):
        tried: list[int] = []

        def fail(error: Exception = fails, tried: list[int] = tried) -> None:
            tried.append(1)
            raise error

        with pytest.raises(type(fails)):
            again.run(fail, "test")
        assert len(tried) == expected


def test_what_a_refusal_leaves_behind_is_not_left_by_a_unit_that_is_run_again(app: Flask) -> None:
    noted: list[str] = []
    for error in (lost(), ValueError()):
        with pytest.raises(type(error)), unit_of_work():
            after_rollback(lambda error=error: noted.append(type(error).__name__))  # type: ignore[misc]
            raise error
    assert noted == ["ValueError"]
