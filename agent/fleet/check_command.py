"""`python -m agent check`."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from agent.fleet.check import Checker


def add_check(parser: argparse.ArgumentParser) -> None:
    """Arguments of `check`."""
    parser.add_argument("--server", required=True, help="address of the server")
    parser.add_argument("--ledger", type=Path, required=True, help="what a simulation wrote")
    parser.add_argument("--username", required=True, help="somebody who may read devices; the password is asked for")
    parser.add_argument("--http-ca", help="CA file for the server's HTTPS")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
    parser.set_defaults(handler=run_check)


def run_check(options: argparse.Namespace) -> int:
    """Hold the server against a ledger; exit status 1 when anything is missing."""
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    checker = Checker(options.server, options.http_ca)
    checker.sign_in(options.username, password)
    missing = checker.check(options.ledger)
    for line in missing:
        sys.stdout.write(f"MISSING {line}\n")
    what = f"{checker.phones} phones, {checker.records} records, {checker.findings} findings"
    outcome = f"{len(missing)} missing" if missing else "all there"
    sys.stdout.write(f"{what} held against the server: {outcome}\n")
    return 1 if missing else 0
