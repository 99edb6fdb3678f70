"""A throw-away PostgreSQL cluster, as a user that is not root."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from operations.postgres import program

_numbers = count(1)


def _as_user(command: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else command


@dataclass(frozen=True)
class PostgresCluster:
    """A running cluster that listens on a unix socket in its own folder alone."""

    folder: Path
    user: str

    @classmethod
    def start(cls, *, durable: bool = False) -> PostgresCluster:
        """Make and start a cluster in a new temporary folder; a durable one keeps what was committed."""
        folder = Path(tempfile.mkdtemp(prefix="shouji-pg-", dir="/tmp"))
        user = "postgres" if os.getuid() == 0 else getpass.getuser()
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        data = folder / "data"
        initdb = [
            program("initdb"),
            "-D",
            str(data),
            "-U",
            user,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        subprocess.run(_as_user(initdb), check=True, capture_output=True, cwd="/")
        options = f"-c listen_addresses='' -k {folder} -c max_connections=200 -c shared_buffers=128MB"
        if not durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        launch = [
            program("pg_ctl"),
            "-D",
            str(data),
            "-w",
            "-l",
            str(folder / "log"),
            "-o",
            options,
            "start",
        ]
        subprocess.run(_as_user(launch), check=True, capture_output=True, cwd="/")
        return cls(folder, user)

    def create_database(self, like: str | None = None) -> str:
        """Create an empty database, or a copy of the one at the address that nobody is connected to; its address."""
        name = f"shouji{next(_numbers)}"
        template = urlsplit(like).path.lstrip("/") if like else "template1"
        with psycopg.connect(host=str(self.folder), user=self.user, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+psycopg://{self.user}@/{name}?host={self.folder}"

    def stop(self) -> None:
        """End the cluster and remove its folder."""
        command = [program("pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop"]
        subprocess.run(_as_user(command), check=False, capture_output=True, cwd="/")
        shutil.rmtree(self.folder, ignore_errors=True)
