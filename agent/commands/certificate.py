"""rotate_certificate."""

from __future__ import annotations

from agent.commands.effects import Deed, effect
from mqtt.contract.names import CommandType


@effect(CommandType.ROTATE_CERTIFICATE)
def rotate_certificate(deed: Deed) -> None:
    """Renews at once, and comes back with the new certificate after the result is on the way."""
    services = deed.services

    def renewed(error: str | None) -> None:
        if error is not None:
            deed.fail(error)
        else:
            deed.succeed(
                {"certificate_expires_at": services.core.identity.certificate_expires_at},
                then=lambda: services.connection.reconnect(new_boot=False),
            )

    services.renew(renewed)
