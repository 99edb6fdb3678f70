"""The command line: one unit of work per command, errors said in both languages, passwords never as arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.again import sqlstate, thrown_out
from core.errors import ShoujiError
from core.uow import unit_of_work


@contextmanager
def command(*, write: bool = True, reading: bool = False) -> Iterator[Session]:
    """One unit of work, as `core.uow` has it; an expected error ends the command with its text and status 1."""
    try:
        with unit_of_work(write=write, reading=reading) as session:
            yield session
    except ShoujiError as error:
        raise failure(error) from error
    except DBAPIError as error:
        if not thrown_out(error):
            raise
        raise click.ClickException(
            f"数据库繁忙（{sqlstate(error)}），未做任何更改，请重新执行。 "
            f"The database was busy ({sqlstate(error)}); nothing was changed. Run the command again."
        ) from error


def failure(error: ShoujiError) -> click.ClickException:
    """What ends a command with the error's text and status 1."""
    return click.ClickException(f"{error.text.zh} {error.text.en}")


def read_password(*, new: bool = False) -> str:
    """A password typed without echo, twice when it is a new one; or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=new))
    return sys.stdin.readline().rstrip("\r\n")
