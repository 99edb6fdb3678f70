"""collect_logs: the agent's log, uploaded over tus; the output is the media id."""

from __future__ import annotations

from agent.commands.effects import Deed, effect
from agent.media import upload
from mqtt.contract.names import CommandType
from mqtt.contract.times import to_wire


@effect(CommandType.COLLECT_LOGS)
def collect_logs(deed: Deed) -> None:
    """Uploads what the phone remembers of its own doing."""
    content = _log(deed)
    core = deed.services.core

    def done(outcome: str | Exception) -> None:
        if isinstance(outcome, Exception):
            deed.fail("upload")
        else:
            deed.succeed({"media": outcome})

    core.ask(lambda: upload(core.api, content, "text/plain", kind="logs"), done)


def _log(deed: Deed) -> bytes:
    services = deed.services
    lines = [
        f"{to_wire(services.core.clock.server_now())} boot {services.core.boot_id}",
        f"uptime {services.handset.uptime} s, reboots {services.handset.reboots}",
        f"policy generation {services.policy.generation}, bundle {services.policy.digest}",
        f"records {services.archive.last_seq}, archived {services.archive.watermark}",
        *(f"{to_wire(shown.at)} shown {shown.kind}" for shown in services.handset.screen),
    ]
    return "\n".join(lines).encode()
