"""ping, message, ring, sync, reboot, locate, reset_passcode."""

from __future__ import annotations

from agent.commands.effects import Deed, effect
from mqtt.contract.names import CommandType


@effect(CommandType.PING)
def ping(deed: Deed) -> None:
    """Answers."""
    deed.succeed()


@effect(CommandType.MESSAGE)
def message(deed: Deed) -> None:
    """Shows a note to the holder."""
    deed.services.handset.show("message", deed.args.title, deed.args.text)
    deed.succeed()


@effect(CommandType.RING)
def ring(deed: Deed) -> None:
    """Rings; the result comes at once, not when the ringing ends."""
    deed.services.handset.ring(deed.args.seconds)
    deed.succeed()


@effect(CommandType.SYNC)
def sync(deed: Deed) -> None:
    """Sends hello, heartbeat and queue."""
    deed.services.connection.sync()
    deed.succeed()


@effect(CommandType.REBOOT)
def reboot(deed: Deed) -> None:
    """Starts the phone again once its result is on the way."""
    services = deed.services

    def restart() -> None:
        services.handset.reboot()
        services.connection.reconnect(new_boot=True)

    deed.succeed(then=restart)


@effect(CommandType.LOCATE)
def locate(deed: Deed) -> None:
    """One position; outside the hours of the policy the reason is shown on the phone."""
    services = deed.services
    if not services.guard.location_allowed():
        services.handset.show("locate", "定位请求", deed.args.reason)
    position = services.handset.locate(services.core.clock.server_now())
    deed.succeed({"location": position.wire()})


@effect(CommandType.RESET_PASSCODE)
def reset_passcode(deed: Deed) -> None:
    """Makes the holder choose a new passcode; no secret travels."""
    body = deed.services.handset.body
    if not body.agent_admin:
        deed.fail("no_token")
        return
    body.passcode_reset_due = True
    deed.services.handset.save()
    deed.services.handset.show("passcode", "请设置新的锁屏密码", "")
    deed.succeed()
