"""Who may do what on the broker, by exact topics. Built from the contract, so that the two cannot drift apart."""

from __future__ import annotations

from mqtt.contract import topics
from mqtt.contract.names import Up

CANARY_ID = "00000000-0000-4000-8000-00000000ca11"
REVOKED_CANARY_ID = "00000000-0000-4000-8000-00000000dead"
CANARY_IDS = frozenset({CANARY_ID, REVOKED_CANARY_ID})
"""Reserved device ids of the canaries; no enrollment ever makes them (they are not random UUIDs)."""

_SYSTEM = "topic read $SYS/broker/#"


def for_devices() -> str:
    """The patterns for phones; `%u` is the name in the client certificate."""
    lines = ["# Phones: their own seven topics up, their own topics and blobs down."]
    lines += [f"pattern write {topics.PREFIX}/d/%u/up/{kind.value}" for kind in Up]
    lines += [f"pattern read {topics.PREFIX}/d/%u/down/+", f"pattern read {topics.PREFIX}/blobs/+"]
    return "\n".join(lines) + "\n"


def for_managed_broker() -> str:
    """The ACL of our own Mosquitto: one user of the server for each purpose, and patterns for phones."""
    parts = [
        "# The server's own clients.",
        "user ingest",
        *_reads_all_phones(),
        "",
        "user relay",
        *_writes_to_phones(),
        "",
        "user admin",
        *(f"topic write {topics.down(canary, 'archived')}" for canary in sorted(CANARY_IDS)),
        _SYSTEM,
    ]
    return "\n".join(parts) + "\n\n" + for_devices()


def for_outside_broker(username: str) -> str:
    """The ACL that an outside Mosquitto needs: patterns for phones, and one user for the server."""
    parts = [f"user {username}", *_reads_all_phones(), *_writes_to_phones(), _SYSTEM]
    return "\n".join(parts) + "\n\n" + for_devices()


def _reads_all_phones() -> list[str]:
    # What canaries publish is no phone's word: it never reaches the server's intake.
    denied = [f"topic deny {topics.PREFIX}/d/{canary}/up/#" for canary in sorted(CANARY_IDS)]
    return [*denied, f"topic read {topics.ALL_UP}"]


def _writes_to_phones() -> list[str]:
    # Up too: what a phone left there retained is cleared when it leaves the fleet.
    kinds = ("down", "up")
    return [*(f"topic write {topics.PREFIX}/d/+/{kind}/+" for kind in kinds), f"topic write {topics.PREFIX}/blobs/+"]
