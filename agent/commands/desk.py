"""The desk of commands: each `jti` at most once, stored before its effect, judged by server time (§8)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from agent.commands.effects import EFFECTS, Deed, Services
from agent.core import Core
from agent.errors import AgentError
from agent.http import Answer
from agent.keydesk import KeyDesk
from mqtt.contract.codec import BadPayload
from mqtt.contract.command import Command, parse_args
from mqtt.contract.limits import COMMAND_LIFE_S
from mqtt.contract.model import Strict
from mqtt.contract.names import RERUN_AFTER_START, CommandType, ResultStatus, Typ, Up
from mqtt.contract.result import ResultBody

log = logging.getLogger("agent.commands")
LAST_WORD_S = 30.0
"""How long an effect that ends the connection waits for the broker to take the result."""


class CommandDesk:
    """Takes commands, carries them out, answers."""

    def __init__(self, core: Core, keys: KeyDesk, integrity: Callable[[str, str], object]) -> None:
        self._core = core
        self._keys = keys
        self._integrity = integrity
        self._held: dict[str, Command] = {}
        self._running: set[str] = set()
        self.services: Services | None = None
        self.finished = 0

    # In

    def on_command(self, payload: bytes | str) -> None:
        """A message on `down/command`, or the command of a device status."""
        self._keys.check(payload, Typ.COMMAND, self._take, lambda why: self._integrity("command", why))

    def _take(self, claims: dict[str, Any]) -> None:
        try:
            command = Command.take(claims)
        except BadPayload as error:
            self._integrity("command", error.reason)
            return
        if not 0 <= command.exp - command.iat <= COMMAND_LIFE_S:
            self._integrity("command", "exp")
            return
        self._core.learn(command.iat)
        known = self._core.store.command(command.jti)
        if known is not None:
            self._say(command.jti, known)
        elif self._core.time_ready:
            self._judge(command)
        else:
            self._held[command.jti] = command

    def time_known(self) -> None:
        """The server's time is known since this start: judge what waited for it."""
        held, self._held = self._held, {}
        for command in held.values():
            if self._core.store.command(command.jti) is None:
                self._judge(command)

    def _judge(self, command: Command) -> None:
        if self._core.clock.server_time() > command.exp:
            self._settle(command.jti, _value(command), ResultStatus.REJECTED, "expired")
            return
        try:
            args = self._able(command)
        except BadPayload as error:
            reason = "unsupported" if error.reason == "unsupported" else "args"
            self._settle(command.jti, _value(command), ResultStatus.REJECTED, reason)
            return
        since = self._core.clock.server_time()
        value = {**_value(command), "since": since, **self._result(command.jti, ResultStatus.RECEIVED)}
        self._core.store.put_command(command.jti, value, done=False, acknowledged=False)
        self._say(command.jti, value)
        self._run(command.jti, value, args)

    def _able(self, command: Command) -> Strict:
        if command.type not in self._core.options.capabilities:
            raise BadPayload("unsupported", command.type[:40])
        return parse_args(command.type, command.args)

    def _run(self, jti: str, value: dict[str, Any], args: Strict) -> None:
        if self.services is None:
            raise RuntimeError("the desk has no services yet")
        self._running.add(jti)

        def finish(
            status: ResultStatus,
            detail: str | None,
            output: dict[str, Any] | None,
            then: Callable[[], object] | None,
        ) -> None:
            if jti in self._running:
                self._running.discard(jti)
                self._settle(jti, value, status, detail, output, then)

        try:
            EFFECTS[CommandType(value["type"])](Deed(jti, value["since"], args, self.services, finish))
        except Exception:
            log.exception("the effect of a command failed")
            finish(ResultStatus.FAILED, "error", None, None)

    def recover(self) -> None:
        """After a start: lock, unlock and wipe run again, everything else unfinished was interrupted."""
        for jti, value, done in self._core.store.open_commands():
            if done:
                continue
            if value["type"] in RERUN_AFTER_START:
                self._run(jti, value, parse_args(value["type"], value["args"]))
            else:
                self._settle(jti, value, ResultStatus.FAILED, "interrupted")

    # Out

    def _settle(
        self,
        jti: str,
        value: dict[str, Any],
        status: ResultStatus,
        detail: str | None,
        output: dict[str, Any] | None = None,
        then: Callable[[], object] | None = None,
    ) -> None:
        self.finished += 1
        final = {**value, **self._result(jti, status, detail, output)}
        self._core.store.put_command(jti, final, done=True, acknowledged=False)
        once = _Once(then)
        if then is not None:
            self._core.loop.call_later(LAST_WORD_S, once)
        self._say(jti, final, once)

    def _result(
        self,
        jti: str,
        status: ResultStatus,
        detail: str | None = None,
        output: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        at = self._core.clock.server_now()
        body = ResultBody(command=jti, status=status, detail=detail, output=output, at=at)
        return {"result": body.wire()}

    def _say(self, jti: str, value: dict[str, Any], then: Callable[[], object] = lambda: None) -> None:
        result = value["result"]

        def taken(code: int) -> None:
            if code < 0x80:
                self._acknowledged(jti, result)
                then()

        try:
            payload = self._core.seal(self._core.sign(Typ.RESULT, result))
        except AgentError:
            return  # without the server's key the result waits for the next connect
        if not self._core.publish(Up.RESULT, payload, taken) and self._core.mqtt_closed:
            self._post(payload, taken)

    def _post(self, payload: bytes, taken: Callable[[int], object]) -> None:
        def answered(got: Answer | Exception) -> None:
            taken(0 if isinstance(got, Answer) and got.status in (200, 202, 204) else 0x80)

        self._core.ask(lambda: self._core.api.post_jose("device/results", payload.decode()), answered)

    def _acknowledged(self, jti: str, result: dict[str, Any]) -> None:
        kept = self._core.store.command(jti)
        if kept is not None and kept["result"] == result and result["status"] != ResultStatus.RECEIVED:
            self._core.store.put_command(jti, kept, done=True, acknowledged=True)

    def say_again(self) -> None:
        """After each connect: every result that nobody has taken yet."""
        for jti, value, done in self._core.store.open_commands():
            if done:
                self._say(jti, value)


class _Once:
    def __init__(self, call: Callable[[], object] | None) -> None:
        self._call = call

    def __call__(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


def _value(command: Command) -> dict[str, Any]:
    return {"type": command.type, "args": command.args}
