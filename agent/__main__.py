"""Command line: `python -m agent enroll | run | notice | fleet | check`."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from pathlib import Path

from agent.attesting import add_attestation, attested_by
from agent.core import Options
from agent.errors import AgentError, EnrollmentRefused
from agent.fleet.check_command import add_check
from agent.fleet.command import add_fleet
from agent.identity import LANGUAGE, Pins
from agent.phone import Phone
from agent.process import die_with_parent, on_signals
from mqtt.contract.notice import Notice


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m agent", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="log what the phone does")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_enroll(commands.add_parser("enroll", help="enroll a new phone"))
    _add_run(commands.add_parser("run", help="be an enrolled phone until a signal comes"))
    _add_notice(commands.add_parser("notice", help="show the notice that was accepted"))
    add_fleet(commands.add_parser("fleet", help="be many phones in one process"))
    add_check(commands.add_parser("check", help="hold a server against what a simulation did"))
    options = parser.parse_args(arguments)
    level = logging.INFO if options.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if options.with_parent:
        die_with_parent()
    try:
        return int(options.handler(options))
    except EnrollmentRefused as error:
        print(f"refused: {error.status} {error.code} {error.detail}", file=sys.stderr)
    except AgentError as error:
        print(f"failed: {error.code} {error.detail}", file=sys.stderr)
    return 1


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, required=True, help="folder of the phone's sealed state")
    parser.add_argument("--http-ca", help="CA file for the server's HTTPS, beside the system's roots")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process ends")


def _add_enroll(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.add_argument("--server", required=True, help="address of the server, https://…")
    parser.add_argument("--code", required=True, help="enrollment token")
    parser.add_argument("--ca-sha256", help="pin of the fleet CA, hex")
    parser.add_argument("--key-sha256", help="pin of the server's signing key, base64url")
    parser.add_argument("--employee-no", help="claimed holder")
    parser.add_argument("--refuse-notice", action="store_true", help="do not accept the notice")
    add_attestation(parser)
    parser.set_defaults(handler=_enroll)


def _add_notice(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.set_defaults(handler=_notice)


def _add_run(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.add_argument("--heartbeat-seconds", type=float, help="instead of the policy's interval")
    parser.set_defaults(handler=_run)


def _enroll(options: argparse.Namespace) -> int:
    phone = Phone.enroll(
        options.server,
        options.code,
        state=options.state,
        pins=Pins(options.ca_sha256, options.key_sha256),
        employee_no=options.employee_no,
        options=Options(http_ca=options.http_ca),
        accept_notice=not options.refuse_notice,
        show_notice=_show,
        attest=attested_by(options),
    )
    print(f"enrolled {phone.id}, holder {phone.identity.holder}")
    phone.close()
    return 0


def _notice(options: argparse.Namespace) -> int:
    phone = Phone.open(options.state, options=Options(http_ca=options.http_ca))
    accepted = phone.notice.texts
    phone.close()
    if accepted is None:
        print("no notice was accepted on this phone", file=sys.stderr)
        return 1
    print(f"notice {accepted['version']}, accepted {accepted['accepted_at']}\n\n{accepted['texts'][LANGUAGE]}")
    return 0


def _show(notice: Notice) -> None:
    """Put the notice on the screen before it is accepted."""
    print(f"notice {notice.version}:\n\n{notice.texts.get(LANGUAGE, '')}\n", flush=True)


def _run(options: argparse.Namespace) -> int:
    stop = threading.Event()
    on_signals(stop.set)
    phone = Phone.open(options.state, options=Options(http_ca=options.http_ca, heartbeat_s=options.heartbeat_seconds))
    phone.notice.on_shown = _show
    phone.connect()
    print(f"running {phone.id}", flush=True)
    stop.wait()
    phone.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
