"""Command line of emulated key attestation."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from agent.crypto_attestation import BOOT_STATES, LEVELS, Emulated, EmulatedRoot
from agent.identity import Attest


def add_attestation(parser: argparse.ArgumentParser) -> None:
    """Arguments of it."""
    parser.add_argument("--attest-root", type=Path, help="attest keys by the test root in this file, made when missing")
    parser.add_argument("--attest-level", choices=LEVELS, default="tee", help="where keys are said to lie")
    parser.add_argument("--attest-boot", choices=BOOT_STATES, default="verified", help="what is said to have booted")


def attested_by(options: argparse.Namespace) -> Attest | None:
    """How keys are attested; None: not at all. Raises AgentError when the file holds no root."""
    if options.attest_root is None:
        return None
    sound = options.attest_boot == "verified"
    said = Emulated(level=options.attest_level, boot_state=options.attest_boot, locked=sound)
    return partial(EmulatedRoot.at(options.attest_root).attest, said=said)
