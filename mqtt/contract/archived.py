"""`down/archived` (§9): the server's receipt, and its answer to every hello."""

from __future__ import annotations

from mqtt.contract.model import Count, Digest, Label, Message, ServerSigned, Uuid, absent


class Refused(Message):
    """A batch that was refused: its `first` and why."""

    first: Count
    reason: Label


class Archived(ServerSigned):
    """Payload of the JWS `shouji-archived+jws`; records up to `through` are held, `head` is h(through)."""

    through: Count
    head: Digest
    root: Digest | None = None
    refused: Refused | None = absent()
    connection: Uuid | None = absent()
