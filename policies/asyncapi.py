"""The AsyncAPI 3 document of the device protocol, made from the contract: what goes over MQTT."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from mqtt.contract import limits
from mqtt.contract.carriage import CARRIAGES, DEVICE, DIGEST, Carriage
from mqtt.contract.topics import PREFIX
from policies.wire_schemas import DIALECT, wire_schemas

VERSION: Final = "3.0.0"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
_BINDING_VERSION: Final = "0.2.0"
_PARAMETERS: Final = {
    DEVICE: "The device_id of the enrollment answer: a lower-case UUID, also the MQTT client id.",
    DIGEST: "64 lower-case hex characters: the SHA-256 of the blob's bytes.",
}
_DESCRIPTION: Final = (
    "Written from the device's side: it *sends* on `up/` and *receives* on `down/` and `blobs/`. What is inside an "
    "envelope is described here; how JWS and JWE are made, and what a device does with a message, the protocol page "
    "says."
)


@cache
def document() -> dict[str, Any]:
    """The document, AsyncAPI 3.0.0; it says nothing of this installation."""
    return {
        "asyncapi": VERSION,
        "id": "urn:shouji:device-protocol",
        "info": {
            "title": "Shouji device protocol",
            "version": str(limits.PROTOCOL_VERSION),
            "description": _DESCRIPTION,
        },
        "defaultContentType": "application/jose",
        "servers": {"broker": _server()},
        "channels": {channel_name(one): _channel(one.topic) for one in CARRIAGES},
        "operations": {_operation_name(one): _operation(one) for one in CARRIAGES},
        "components": {
            "messages": {one.name: _message(one) for one in CARRIAGES},
            "schemas": {name: _schema(name) for name in sorted({one.schema for one in CARRIAGES} | {"record"})},
            "securitySchemes": {
                "certificate": {
                    "type": "X509",
                    "description": "The certificate of the enrollment answer, over TLS 1.2+.",
                }
            },
        },
    }


def _server() -> dict[str, Any]:
    binding = {
        "cleanSession": False,
        "keepAlive": limits.KEEP_ALIVE_MIN_S,
        "sessionExpiryInterval": limits.SESSION_EXPIRY_S,
        "lastWill": {"topic": _topic("presence"), "qos": 1, "retain": False, "message": '{"online": false, …}'},
        "bindingVersion": _BINDING_VERSION,
    }
    return {
        "host": "{host}:{port}",
        "protocol": "secure-mqtt",
        "protocolVersion": "5.0",
        "description": "`broker` of the enrollment answer.",
        "variables": {
            "host": {"description": "Host name or address, checked against the certificate."},
            "port": {"default": "8883"},
        },
        "security": [{"$ref": "#/components/securitySchemes/certificate"}],
        "bindings": {"mqtt": binding},
    }


def _topic(name: str) -> str:
    return next(one.topic for one in CARRIAGES if one.name == name)


def channel_name(carriage: Carriage) -> str:
    """The topic without what all have in common: `up-hello`, `blobs-digest`."""
    short = carriage.topic.removeprefix(f"{PREFIX}/").removeprefix(f"d/{DEVICE}/")
    return short.replace("/", "-").replace(DIGEST, DIGEST.strip("{}"))


def _channel(topic: str) -> dict[str, Any]:
    here = [one for one in CARRIAGES if one.topic == topic]
    names = [mark for mark in _PARAMETERS if mark in topic]
    return {
        "address": topic,
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in here},
        "parameters": {name.strip("{}"): {"description": _PARAMETERS[name]} for name in names},
    }


def _operation_name(carriage: Carriage) -> str:
    return f"{'send' if carriage.from_device else 'receive'}-{carriage.name}"


def _operation(carriage: Carriage) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": 1, "retain": carriage.retained, "bindingVersion": _BINDING_VERSION}
    operation: dict[str, Any] = {
        "action": "send" if carriage.from_device else "receive",
        "channel": {"$ref": f"#/channels/{channel_name(carriage)}"},
        "summary": carriage.summary,
        "messages": [_message_in_channel(carriage)],
        "bindings": {"mqtt": binding},
    }
    if carriage.answered_by:
        answer = _carriage(carriage.answered_by)
        operation["reply"] = {
            "channel": {"$ref": f"#/channels/{channel_name(answer)}"},
            "messages": [_message_in_channel(answer)],
        }
    return operation


def _carriage(name: str) -> Carriage:
    return next(one for one in CARRIAGES if one.name == name)


def _message_in_channel(carriage: Carriage) -> dict[str, str]:
    return {"$ref": f"#/channels/{channel_name(carriage)}/messages/{carriage.name}"}


def _message(carriage: Carriage) -> dict[str, Any]:
    return {
        "name": carriage.name,
        "title": carriage.name,
        "summary": carriage.summary,
        "contentType": carriage.media_type,
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": {"$ref": f"#/components/schemas/{carriage.schema}/schema"},
        },
        "x-envelope": envelope(carriage),
    }


def envelope(carriage: Carriage) -> str:
    """What is around the JSON, from the outside in, in one phrase."""
    if carriage.schema == "bundle":
        return "AES-256-GCM, gzip"
    layers = (["JWE (gzip)"] if carriage.encrypted else []) + ([f"JWS {carriage.typ}"] if carriage.typ else [])
    return " of ".join(layers) or "none"


def _schema(name: str) -> dict[str, Any]:
    return {"schemaFormat": SCHEMA_FORMAT, "schema": {"$schema": DIALECT, **wire_schemas()[name]}}
