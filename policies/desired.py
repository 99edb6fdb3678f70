"""Desired state: what each phone is to have in force. Phones whose effective policy is equal share one bundle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from core import clock, live, outbox
from core.db import insert_rows, session, upsert
from policies import blobs, bundles, devices, lock, rollouts, world
from policies.models import DesiredHistory, DesiredState
from policies.world import Mixture, Reached, World

DESIRED_EFFECT, BLOB_EFFECT = "desired", "blob"
MAX_GENERATION = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was made for a mixture: both digests."""

    bundle: str
    mixture: str


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired state of one phone."""

    device_id: str
    generation: int
    bundle: str
    mixture: str


class Refresh:
    """Brings the desired states of phones up to date with one world; compiles each mixture once."""

    def __init__(self, current: World, rollout_id: str | None = None) -> None:
        self._world = current
        self._rollout_id = rollout_id
        self._made: dict[Mixture, Made] = {}
        self._told: set[str] = set()
        self.changed = 0

    def run(self, device_ids: Collection[str]) -> int:
        """Write what differs and ask for it to be sent; returns how many phones got a new desired state."""
        for phones in devices.living(device_ids):
            self._batch(phones)
        return self.changed

    def _batch(self, phones: Sequence[Reached]) -> None:
        stored = _stored([phone.id for phone in phones])
        mixtures = self._world.mixtures(phones)
        made = {phone.id: self._make(mixtures[phone.id]) for phone in phones}
        newer = [
            _next(phone.id, made[phone.id], stored.get(phone.id))
            for phone in phones
            if phone.id not in stored or stored[phone.id].bundle != made[phone.id].bundle
        ]
        renamed = [
            Desired(phone.id, stored[phone.id].generation, stored[phone.id].bundle, made[phone.id].mixture)
            for phone in phones
            if phone.id in stored
            and stored[phone.id].bundle == made[phone.id].bundle
            and stored[phone.id].mixture != made[phone.id].mixture
        ]
        _write(newer, renamed)
        self._send(newer)
        self.changed += len(newer)

    def _make(self, mixture: Mixture) -> Made:
        if mixture not in self._made:
            self._made[mixture] = Made(bundles.make(self._world, mixture), bundles.keep_mixture(mixture))
        return self._made[mixture]

    def _send(self, newer: Sequence[Desired]) -> None:
        fresh = sorted({state.bundle for state in newer} - self._told)
        self._told.update(fresh)
        named = [digest for bundle in fresh for digest in (*bundles.parts_of(bundle), bundle)]
        outbox.enqueue(BLOB_EFFECT, blobs.retain(named))
        send(state.device_id for state in newer)
        if self._rollout_id:
            rollouts.target(self._rollout_id, [(state.device_id, state.generation) for state in newer])
        live.announce("devices", [state.device_id for state in newer])


def refresh(device_ids: Collection[str]) -> int:
    """Bring single phones up to date with the policies in force; returns how many got a new desired state."""
    if not device_ids:
        return 0
    lock.together()
    return Refresh(world.current()).run(device_ids)


_POSTPONED = "policies_postponed"


@contextmanager
def postponing() -> Iterator[set[str]]:
    """Collect the phones that changes inside want refreshed, so that the caller refreshes all of them once."""
    info = session().info
    collected: set[str] = set()
    info[_POSTPONED] = collected
    try:
        yield collected
    finally:
        info.pop(_POSTPONED, None)


def postponed(device_ids: Iterable[str]) -> bool:
    """Whether somebody collects; then the phones are noted and the caller leaves them alone."""
    collected: set[str] | None = session().info.get(_POSTPONED)
    if collected is not None:
        collected.update(device_ids)
    return collected is not None


def send(device_ids: Iterable[str]) -> None:
    """Ask for the desired states of phones to be sent as they are."""
    outbox.enqueue(DESIRED_EFFECT, device_ids)


def outrun(generations: Sequence[tuple[str, int]]) -> None:
    """Give phones the same bundle under a generation above one that they have seen: after a restore of the server."""
    stored = _stored([device_id for device_id, _ in generations])
    newer = [
        Desired(
            device_id,
            _above(max(seen, stored[device_id].generation)),
            stored[device_id].bundle,
            stored[device_id].mixture,
        )
        for device_id, seen in generations
        if device_id in stored and seen < MAX_GENERATION
    ]
    _write(newer, [])


def of_devices(device_ids: Collection[str]) -> dict[str, Desired]:
    """Desired states of many phones in one query."""
    return {row.device_id: Desired(row.device_id, row.generation, row.bundle, row.mixture) for row in _rows(device_ids)}


def _next(device_id: str, made: Made, last: Row[Any] | None) -> Desired:
    return Desired(device_id, _above(last.generation if last else 0), made.bundle, made.mixture)


def _above(last: int) -> int:
    # Milliseconds, so that a server restored from an older state outruns what phones have seen.
    return max(last + 1, clock.unix_ms())


def _rows(device_ids: Collection[str], *, locked: bool = False) -> Sequence[Row[Any]]:
    columns = (DesiredState.device_id, DesiredState.generation, DesiredState.bundle, DesiredState.mixture)
    query = select(*columns).where(DesiredState.device_id.in_(device_ids)).order_by(DesiredState.device_id)
    return session().execute(query.with_for_update() if locked else query).all()


def _stored(device_ids: Collection[str]) -> dict[str, Row[Any]]:
    return {row.device_id: row for row in _rows(device_ids, locked=True)}


def _write(newer: Sequence[Desired], renamed: Sequence[Desired]) -> None:
    now = clock.now()
    rows = [_row(state) for state in (*newer, *renamed)]
    table: Any = DesiredState.__table__
    upsert(session(), table, [{**row, "since": now} for row in rows[: len(newer)]], ["device_id"])
    upsert(session(), table, [{**row, "since": now} for row in rows[len(newer) :]], ["device_id"], update=["mixture"])
    insert_rows(session(), DesiredHistory.__table__, [{**row, "at": now} for row in rows])  # type: ignore[arg-type]


def _row(state: Desired) -> dict[str, Any]:
    return {
        "device_id": state.device_id,
        "generation": state.generation,
        "bundle": state.bundle,
        "mixture": state.mixture,
    }
