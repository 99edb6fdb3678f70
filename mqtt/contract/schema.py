"""JSON Schema of every message, by name."""

from __future__ import annotations

from typing import Any, Final

from mqtt.contract import (
    archived,
    command,
    contacts,
    desired,
    enrollment,
    event,
    heartbeat,
    hello,
    jwks,
    notice,
    presence,
    records,
    reported,
    result,
    status,
)
from mqtt.contract.model import Message

MODELS: Final[dict[str, type[Message]]] = {
    "hello": hello.Hello,
    "presence": presence.Presence,
    "heartbeat": heartbeat.Heartbeat,
    "reported": reported.Reported,
    "result": result.Result,
    "records": records.Batch,
    "record": records.Record,
    "event": event.Event,
    "desired": desired.Desired,
    "command": command.Command,
    "archived": archived.Archived,
    "contacts": contacts.Contacts,
    "contacts-pointer": contacts.ContactsPointer,
    "bundle": desired.Bundle,
    "notice": notice.Notice,
    "notice-acceptance": notice.NoticeAcceptance,
    "notice-proof": notice.NoticeProof,
    "enrollment-request": enrollment.EnrollmentRequest,
    "enrollment-answer": enrollment.EnrollmentAnswer,
    "certificate-request": enrollment.CertificateRequest,
    "certificate-answer": enrollment.CertificateAnswer,
    "device-claims": enrollment.DeviceClaims,
    "jwks": jwks.Jwks,
    "status": status.Status,
    "dial-ticket-request": contacts.TicketRequest,
    "dial-ticket": contacts.Ticket,
    **{f"command-{kind.value.replace('_', '-')}-args": model for kind, model in command.ARGS.items()},
}


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) of every message, by name."""
    return {name: _schema(name, model) for name, model in MODELS.items()}


def _schema(name: str, model: type[Message]) -> dict[str, Any]:
    body = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"shouji/v1/{name}", **body}
