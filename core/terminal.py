"""The command line: one unit of work per command, errors said in both languages, passwords never as arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import clock
from core.again import sqlstate, thrown_out
from core.errors import ShoujiError, Waits
from core.uow import unit_of_work


@contextmanager
def command(*, write: bool = True, reading: bool = False) -> Iterator[Session]:
    """One unit of work, as `core.uow` has it; an expected error ends the command with its text and status 1, what waits
    for a second person with status 3."""
    try:
        with unit_of_work(write=write, reading=reading) as session:
            yield session
    except Waits as error:
        raise Waiting(error) from error
    except ShoujiError as error:
        raise failure(error) from error
    except DBAPIError as error:
        if not thrown_out(error):
            raise
        raise click.ClickException(
            f"数据库繁忙（{sqlstate(error)}），未做任何更改，请重新执行。 "
            f"The database was busy ({sqlstate(error)}); nothing was changed. Run the command again."
        ) from error


class Waiting(click.ClickException):
    """What ends a command that waits for a second person: what it would do, and the request's id; status 3."""

    exit_code = 3

    def __init__(self, error: Waits) -> None:
        asked = error.approval
        until = clock.to_wire(asked.expires_at)
        super().__init__(f"{error.text.zh} {error.text.en}\napproval: {asked.id} (until {until})")

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it; it is no error."""
        click.echo(self.format_message(), file=file or sys.stderr)


def failure(error: ShoujiError) -> click.ClickException:
    """What ends a command with the error's text and status 1."""
    return click.ClickException(f"{error.text.zh} {error.text.en}")


def write_file(path: Path, content: bytes) -> None:
    """Write what a command was asked to; a place that takes no file ends the command with what the system says."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def read_password(*, new: bool = False) -> str:
    """A password typed without echo, twice when it is a new one; or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=new))
    return sys.stdin.readline().rstrip("\r\n")
