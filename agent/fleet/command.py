"""`python -m agent fleet`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.attesting import add_attestation, attested_by
from agent.fleet import scenario
from agent.fleet.behaviours import BEHAVIOURS
from agent.fleet.fleet import FLEET_OPTIONS, WORKERS, Fleet, Plan
from agent.fleet.play import perform, summary
from agent.fleet.scenario import Scenario
from agent.identity import Pins
from agent.process import on_signals

REPORT_S = 10.0
SIMULATED = replace(FLEET_OPTIONS, resend_after=5.0, hello_again=10.0, keep_archived_rows=200)
"""In a simulation, what gets lost is asked for again sooner than a phone would: a scenario lasts minutes, not days."""


def add_fleet(parser: argparse.ArgumentParser) -> None:
    """Arguments of `fleet`."""
    parser.add_argument("--server", required=True, help="address of the server")
    parser.add_argument("--code", required=True, help="enrollment token that allows so many uses")
    parser.add_argument("--count", type=int, required=True, help="how many phones")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal phones, texts and choices")
    parser.add_argument("--state", type=Path, help="folder to go on from; else a temporary one")
    parser.add_argument("--scenario", type=Path, help="file of what befalls the fleet (docs/simulator.md)")
    parser.add_argument("--ledger", type=Path, help="file to write what the scenario did, for `check`")
    parser.add_argument("--behaviour", choices=sorted(BEHAVIOURS), default="office")
    parser.add_argument("--pace", type=float, default=12.0, help="acts per phone and hour")
    parser.add_argument("--ramp", type=float, default=0.0, help="new phones per second; 0 is as fast as can be")
    parser.add_argument("--heartbeat-seconds", type=float, help="instead of the policy's interval")
    parser.add_argument("--seconds", type=float, help="end after so long; else at a signal, or with the scenario")
    parser.add_argument("--workers", type=int, default=WORKERS, help="connections and requests at once")
    parser.add_argument("--ca-sha256", help="pin of the fleet CA")
    parser.add_argument("--key-sha256", help="pin of the server's signing key")
    parser.add_argument("--http-ca", help="CA file for the server's HTTPS")
    add_attestation(parser)
    parser.add_argument("--quiet", action="store_true", help="only the summary at the end")
    parser.add_argument("--json", action="store_true", help="summary as JSON")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
    parser.set_defaults(handler=run_fleet)


def run_fleet(options: argparse.Namespace) -> int:
    """Run until a signal, the given time or the scenario's end; exit status 1 when a phone was refused."""
    try:
        played = scenario.read(options.scenario) if options.scenario else None
    except scenario.ScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with ExitStack() as stack:
        state = options.state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        ledger = stack.enter_context(options.ledger.open("w", encoding="utf-8")) if options.ledger else None
        fleet = Fleet(_plan(options, state, played))
        stop = threading.Event()
        on_signals(stop.set)
        fleet.start()
        tell = partial(_tell, options)
        settled = perform(fleet, played, ledger, stop, tell) if played else _watch(fleet, stop, options)
        counts = fleet.counts()
        fleet.stop()
        sys.stdout.write(f"{json.dumps(counts) if options.json else summary(counts)}\n")
        for code, times in sorted(fleet.refused.items()):
            sys.stderr.write(f"refused {times} times: {code}\n")
        return 1 if fleet.refused or not settled else 0


def _plan(options: argparse.Namespace, state: Path, played: Scenario | None) -> Plan:
    base = SIMULATED if played else FLEET_OPTIONS
    heartbeat = options.heartbeat_seconds or (played.heartbeat_s if played else None)
    return Plan(
        server=options.server,
        code=options.code,
        count=options.count,
        state=state,
        seed=options.seed,
        behaviour=played.behaviour if played else options.behaviour,
        pace=played.pace if played else options.pace,
        ramp=options.ramp,
        pins=Pins(options.ca_sha256, options.key_sha256),
        options=replace(base, heartbeat_s=heartbeat, http_ca=options.http_ca),
        attest=attested_by(options),
        workers=options.workers,
    )


def _watch(fleet: Fleet, stop: threading.Event, options: argparse.Namespace) -> bool:
    left = options.seconds if options.seconds is not None else float("inf")
    while left > 0 and not stop.wait(min(REPORT_S, left)):
        left -= REPORT_S
        _tell(options, summary(fleet.counts()))
    return True


def _tell(options: argparse.Namespace, line: str) -> None:
    if not options.quiet:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
