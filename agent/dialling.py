"""Dial tickets (§11): one number for one call; it goes to the dialler and is never shown or kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent import crypto
from agent.core import Core
from agent.errors import AgentError
from agent.http import Answer, expected
from mqtt.contract.codec import BadPayload
from mqtt.contract.contacts import Point, Ticket


@dataclass(frozen=True, slots=True)
class DialResult:
    """What became of a dial: the verdict, the ticket, the rules that spoke, the record's seq."""

    verdict: str
    ticket: str | None
    because: tuple[str, ...]
    seq: int


class Dialler:
    """Asks for a ticket; a number that the book holds needs none while the phone is offline."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def ask(self, point_id: str, point: Point, done: Callable[[DialResult], object]) -> None:
        """Reserve a call to a point."""
        body = {"point": point_id, "channel": point.channel}

        def answered(got: Answer | Exception) -> None:
            done(self._result(got, point))

        self._core.ask(lambda: self._core.api.post_json("device/dial-tickets", body), answered)

    def _result(self, got: Answer | Exception, point: Point) -> DialResult:
        try:
            ticket = Ticket.take(expected(got, 200, 201).json())
            number = crypto.decrypt(self._core.keys, ticket.address) if ticket.address else b""
        except (AgentError, BadPayload) as error:
            if isinstance(error, AgentError) and error.code == "no_answer" and point.address is not None:
                return DialResult("allow", None, ("book",), 0)
            return DialResult("block", None, (getattr(error, "code", "bad_answer"),), 0)
        because = tuple(item.rule for item in ticket.because)
        if ticket.verdict in ("allow", "warn") and not (number or point.address):
            return DialResult("block", ticket.ticket, (*because, "no_number"), 0)
        return DialResult(ticket.verdict, ticket.ticket, because, 0)
