"""Messages that no honest phone sends, and the reason for which each is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from core.crypto.packing import pack
from mqtt.contract.limits import PAYLOAD_MAX
from mqtt.contract.names import Typ, Up
from tests.bad_input.attacker import Attacker
from tests.bad_input.tokens import jws, reheaded, tampered, unsigned

DEEP = b"[" * 60 + b"]" * 60
VERY_DEEP = b"[" * 60_000 + b"]" * 60_000
Make = Callable[[Attacker], bytes]


Case = tuple[Up, Make, str]


def _heartbeat(**changes: Any) -> Make:
    return lambda attacker: attacker.heartbeat(**changes)


def _raw(member: str, value: bytes) -> Make:
    """A heartbeat with a member written exactly like this."""

    def make(attacker: Attacker) -> bytes:
        return attacker.heartbeat(**{member: "@@"}).replace(b'"@@"', value)

    return make


def _padded(size: int) -> Make:
    def make(attacker: Attacker) -> bytes:
        plain = attacker.heartbeat(padding="")
        return plain.replace(b'"padding": ""', b'"padding": "' + b"x" * (size - len(plain)) + b'"')

    return make


def _presence(text: bytes) -> Make:
    return lambda _attacker: text


PLAIN: dict[str, Case] = {
    "an empty heartbeat": (Up.HEARTBEAT, lambda _a: b"", "empty"),
    "bytes that are no UTF-8": (Up.HEARTBEAT, lambda _a: b'{"at": "\xff\xfe"}', "not_utf8"),
    "no JSON": (Up.HEARTBEAT, lambda _a: b"hello?", "not_json"),
    "half a JSON text": (Up.HEARTBEAT, lambda a: _heartbeat()(a)[:-5], "not_json"),
    "an array": (Up.HEARTBEAT, lambda _a: b"[1, 2]", "not_object"),
    "a lone surrogate": (Up.HEARTBEAT, _raw("agent_version", b'"\\ud83d"'), "lone_surrogate"),
    "a NUL": (Up.HEARTBEAT, _raw("agent_version", b'"1.0\\u0000"'), "nul"),
    "deep JSON": (Up.HEARTBEAT, _raw("at", DEEP), "too_deep"),
    "deep JSON without end": (Up.PRESENCE, _presence(VERY_DEEP), "too_deep"),
    "not a number": (Up.HEARTBEAT, _raw("battery", b"NaN"), "number"),
    "a number without bound": (Up.HEARTBEAT, _raw("storage_free", b"1e999"), "number"),
    "an integer of 5,000 digits": (Up.HEARTBEAT, _raw("storage_free", b"9" * 5000), "number"),
    "a text for a number": (Up.HEARTBEAT, _heartbeat(battery="0.83"), "form"),
    "a number for a truth value": (Up.HEARTBEAT, _heartbeat(charging=1), "form"),
    "a battery of 200 percent": (Up.HEARTBEAT, _heartbeat(battery=2.0), "form"),
    "a missing member": (Up.HEARTBEAT, _heartbeat(queue=...), "form"),
    "a time of another zone": (Up.HEARTBEAT, _heartbeat(at="2026-11-23T06:50:00+08:00"), "form"),
    "a heartbeat of more than 8 KiB": (Up.HEARTBEAT, _padded(8 * 1024 + 1), "too_large"),
    "200,001 bytes": (Up.HEARTBEAT, _padded(PAYLOAD_MAX + 1), "too_large"),
    "presence without a connection": (Up.PRESENCE, _presence(b'{"online": true}'), "form"),
    "presence that says two things": (
        Up.PRESENCE,
        _presence(b'{"online": true, "online": false, "connection": "0b8f2a04-51a5-4cf0-8d57-3c5a6fd9b2a1"}'),
        "duplicate_member",
    ),
}


def _signed(kind: Up, typ: Typ) -> dict[str, Case]:
    """What can be wrong with a message that is a JWS."""
    return {
        f"{kind}: nothing": (kind, lambda _a: b"", "form"),
        f"{kind}: no token": (kind, lambda a: a.good(typ), "form"),
        f"{kind}: three dots": (kind, lambda _a: b"..", "form"),
        f"{kind}: tampered": (kind, lambda a: tampered(a.token(typ, a.good(typ))), "signature"),
        f"{kind}: alg none": (kind, lambda a: unsigned(a.header(typ, alg="none"), a.good(typ)), "alg"),
        f"{kind}: alg HS256": (kind, lambda a: a.token(typ, a.good(typ), alg="HS256"), "alg"),
        f"{kind}: another typ": (kind, lambda a: a.token(Typ.DEVICE_JWT, a.good(typ)), "typ"),
        f"{kind}: no typ": (kind, lambda a: a.token(typ, a.good(typ), typ=None), "typ"),
        f"{kind}: an unknown kid": (kind, lambda a: a.token(typ, a.good(typ), kid="nobody"), "kid"),
        f"{kind}: by another phone": (kind, lambda a: a.by_other(typ, a.good(typ)), "kid"),
        f"{kind}: by another phone under our kid": (
            kind,
            lambda a: jws(a.other.core.keys.signing, a.header(typ), a.good(typ)),
            "signature",
        ),
        f"{kind}: crit": (kind, lambda a: a.token(typ, a.good(typ), crit=["b64"]), "crit"),
        f"{kind}: for another phone": (kind, lambda a: a.token(typ, a.good(typ, sub=a.other.id)), "sub"),
        f"{kind}: no jti": (kind, lambda a: a.token(typ, a.good(typ, jti=...)), "missing_jti"),
        f"{kind}: iat is a text": (kind, lambda a: a.token(typ, a.good(typ, iat="now")), "iat"),
        f"{kind}: iat is true": (kind, lambda a: a.token(typ, a.good(typ, iat=True)), "iat"),
    }


def _claims(kind: Up, typ: Typ) -> dict[str, Case]:
    """What can be wrong with the claims of a message that is a JWS and nothing more."""
    member = "agent_version" if typ == Typ.HELLO else "detail"
    return {
        f"{kind}: a lone surrogate": (
            kind,
            lambda a: a.token(typ, a.good(typ, **{member: "\ud800"})),
            "lone_surrogate",
        ),
        f"{kind}: a NUL": (kind, lambda a: a.token(typ, a.good(typ, **{member: "a\0b"})), "nul"),
        f"{kind}: wrong types": (kind, lambda a: a.token(typ, a.good(typ, generation="many")), "form"),
        f"{kind}: a negative generation": (kind, lambda a: a.token(typ, a.good(typ, generation=-1)), "form"),
        f"{kind}: claims are deep": (kind, lambda a: a.token(typ, VERY_DEEP), "form"),
        f"{kind}: claims are a list": (kind, lambda a: a.token(typ, b"[]"), "form"),
    }


def _sealed(kind: Up, typ: Typ | None) -> dict[str, Case]:
    """What can be wrong with a message that is a JWE."""

    def inner(attacker: Attacker) -> bytes:
        return attacker.token(typ, attacker.good(typ)) if typ else attacker.batch()

    return {
        f"{kind}: not sealed": (kind, inner, "form"),
        f"{kind}: another algorithm": (kind, lambda a: reheaded(a.seal(inner(a)), alg="dir"), "alg"),
        f"{kind}: zip": (kind, lambda a: reheaded(a.seal(inner(a)), zip="DEF"), "alg"),
        f"{kind}: sealed to an unknown key": (kind, lambda a: reheaded(a.seal(inner(a)), kid="nobody"), "kid"),
        f"{kind}: sealed bytes tampered": (kind, lambda a: _flipped(a.seal(inner(a))), "jwe"),
        f"{kind}: no gzip inside": (kind, lambda a: a.seal_unpacked(inner(a)), "gzip"),
        f"{kind}: a gzip bomb": (kind, lambda a: a.seal_unpacked(pack(bytes(64 << 20))), "too_large"),
        f"{kind}: two gzip members": (kind, lambda a: a.seal_unpacked(pack(inner(a)) + gzip.compress(b"")), "gzip"),
    }


def _flipped(token: bytes) -> bytes:
    parts = token.split(b".")
    parts[3] = (b"A" if parts[3][:1] != b"A" else b"B") + parts[3][1:]
    return b".".join(parts)


def _result(**changes: Any) -> Make:
    return lambda a: a.seal(a.token(Typ.RESULT, a.good(Typ.RESULT, **changes)))


def _event(**changes: Any) -> Make:
    return lambda a: a.seal(a.token(Typ.EVENT, a.good(Typ.EVENT, **changes)))


def _batch(**changes: Any) -> Make:
    return lambda a: a.seal(a.batch(**changes))


INSIDE: dict[str, Case] = {
    "a result by another phone": (Up.RESULT, lambda a: a.seal(a.by_other(Typ.RESULT, a.good(Typ.RESULT))), "kid"),
    "a result for no command": (Up.RESULT, _result(), "unknown_command"),
    "a result with a NUL": (Up.RESULT, _result(detail="a\0b"), "nul"),
    "a result with a lone surrogate": (Up.RESULT, _result(output={"\udc00": 1}), "lone_surrogate"),
    "a deep result": (Up.RESULT, _result(output={"a": json.loads(DEEP)}), "too_deep"),
    "a result of an unknown status": (Up.RESULT, _result(status="perhaps"), "form"),
    "an event with a NUL": (Up.EVENT, _event(excerpt="a\0b"), "nul"),
    "an event with a lone surrogate": (Up.EVENT, _event(excerpt="\ud83d"), "lone_surrogate"),
    "a deep event": (Up.EVENT, _event(detail={"a": json.loads(DEEP)}), "too_deep"),
    "an event of an unknown type": (Up.EVENT, _event(type="weather"), "form"),
    "records that are no JSON": (Up.RECORDS, lambda a: a.seal(b"records!"), "not_json"),
    "records without a first": (Up.RECORDS, _batch(first="1"), "form"),
    "no records": (Up.RECORDS, _batch(records=[]), "form"),
    "201 records": (Up.RECORDS, _batch(records=["{}"] * 201), "form"),
}
CASES = {
    **PLAIN,
    **_signed(Up.HELLO, Typ.HELLO),
    **_claims(Up.HELLO, Typ.HELLO),
    **_signed(Up.REPORTED, Typ.REPORTED),
    **_claims(Up.REPORTED, Typ.REPORTED),
    **_sealed(Up.RESULT, Typ.RESULT),
    **_sealed(Up.EVENT, Typ.EVENT),
    **_sealed(Up.RECORDS, None),
    **INSIDE,
}
