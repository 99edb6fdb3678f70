"""PostgreSQL's own programs, which copy a database whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sqlalchemy import URL

from core.errors import Unavailable
from core.text import Text
from operations.errors import program_failed

_SEARCHED = ("/usr/lib/postgresql", "/usr/local/pgsql")


def program(name: str) -> str:
    """Where a program of PostgreSQL is: the newest version that is installed. Raises Unavailable."""
    found = shutil.which(name)
    if found and "pg_wrapper" not in str(Path(found).resolve()):
        return found
    for folder in _SEARCHED:
        versions = sorted(Path(folder).glob(f"*/bin/{name}"), key=lambda path: _version(path.parts[-3]), reverse=True)
        if versions:
            return str(versions[0])
    raise Unavailable(
        "program_missing",
        Text(
            f"找不到 {name}：请安装 PostgreSQL 客户端。",
            f"{name} is not installed: install PostgreSQL's client programs.",
        ),
    )


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def dump(url: URL, snapshot: str, target: Path) -> None:
    """Write the database as that exported snapshot shows it, in pg_dump's custom format."""
    _run(
        "pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"
    )


def load(url: URL, source: Path) -> None:
    """Bring a dump into an empty database, all or nothing."""
    _run("pg_restore", url, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(source))


def _run(name: str, url: URL, *arguments: str) -> None:
    given = {
        "--dbname": url.database,
        "--host": url.host or _text(url.query.get("host")),
        "--port": str(url.port) if url.port else None,
        "--username": url.username,
    }
    where = [f"{option}={value}" for option, value in given.items() if value]
    # The password goes by the environment: arguments can be seen by every user of the machine.
    environment = {"LC_ALL": "C", **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [program(name), "--no-password", *where, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if run.returncode:
        raise program_failed(name, run.stderr.strip()[-500:])


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value
