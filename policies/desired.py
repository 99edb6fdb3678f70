"""Desired state: what each phone is to have in force. Phones whose effective policy is equal share one bundle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Row, select, update

from core import clock, live, outbox
from core.bulk import insert_each, texts
from core.db import insert_rows, session
from policies import blobs, bundles, devices, lock, ring_members, rollouts, world
from policies.events import desired_changed
from policies.models import DesiredHistory, DesiredState
from policies.scopes import Place
from policies.world import Ingredients, Mixture, Reached, World

DESIRED_EFFECT, BLOB_EFFECT = "desired", "blob"
# Unix ms of the year 10000: no server made a generation above it, and it leaves room below the wire's 2**53 - 1.
BELIEVED_GENERATION = 253_402_300_800_000


class Made(NamedTuple):
    """A bundle that was made for a mixture: both digests."""

    bundle: str
    mixture: str


class Desired(NamedTuple):
    """The desired state of one phone."""

    device_id: str
    generation: int
    bundle: str
    mixture: str


class Refresh:
    """Brings the desired states of phones up to date with one world; compiles each distinct mixture once.

    `place`: the rollout, and its ring, that gives the phones what is new. A rollout's id alone is its first ring.
    `made`: bundles that committed work before this one has compiled, and that this one adds to.
    """

    def __init__(
        self, current: World, place: Place | str | None = None, made: dict[Ingredients, Made] | None = None
    ) -> None:
        self._world = current
        self._place = Place(place, 0) if isinstance(place, str) else place
        self._made = {} if made is None else made
        self._told: set[str] = set()
        self.changed = 0

    def run(self, device_ids: Collection[str]) -> int:
        """Write what differs and ask for it to be sent; returns how many phones got a new desired state."""
        for phones in devices.living(device_ids):
            self._batch(phones)
        return self.changed

    def _batch(self, phones: Sequence[Reached]) -> None:
        ids = [phone.id for phone in phones]
        entered = ring_members.admit(self._world.ringed, ids) if self._world.ringed else {}
        stored = _stored(ids)
        for inside, some in self._world.split(phones):
            self._part(inside, some, stored, entered)

    def _part(
        self,
        inside: World,
        phones: Sequence[Reached],
        stored: Mapping[str, Row[Any]],
        entered: Mapping[Place, set[str]],
    ) -> None:
        mixtures = inside.mixtures(phones)
        bundle_of = {mixture: self._make(inside, mixture) for mixture in set(mixtures.values())}
        newer: dict[Made, dict[str, int]] = defaultdict(dict)
        renamed: dict[str, list[str]] = defaultdict(list)
        for phone in phones:
            made, last = bundle_of[mixtures[phone.id]], stored.get(phone.id)
            if last is None or last.bundle != made.bundle:
                newer[made][phone.id] = last.generation if last else 0
            elif last.mixture != made.mixture:
                renamed[made.mixture].append(phone.id)
        for made, last_generations in newer.items():
            for generation, given in self._give(made, last_generations).items():
                for place, ids in entered.items():
                    late = [one for one in given if one in ids and self._concerns(place, inside, mixtures[one])]
                    rollouts.target(place, late, generation)
        for mixture, device_ids in renamed.items():
            _rename(mixture, [stored[device_id] for device_id in device_ids])

    def _make(self, inside: World, mixture: Mixture) -> Made:
        key = inside.ingredients(mixture)
        if key not in self._made:
            self._made[key] = Made(bundles.make(inside, mixture), bundles.keep_mixture(mixture))
        return self._made[key]

    def _concerns(self, place: Place, inside: World, mixture: Mixture) -> bool:
        """Whether what a ring brings reaches a phone by its policies."""
        brought = {(one.kind, one.name) for one in self._world.ringed[place]}
        names = {source.policy for source in mixture}
        return any(inside.named_by(name) & brought for name in names)

    def _give(self, made: Made, last_generations: Mapping[str, int]) -> dict[int, list[str]]:
        """Give phones a bundle; the phones by the generation that they get it under."""
        device_ids = list(last_generations)
        given = _next(last_generations)
        for generation, ids in given.items():
            _write(made, generation, ids)
            if self._place:
                rollouts.target(self._place, ids, generation)
        if made.bundle not in self._told:
            self._told.add(made.bundle)
            outbox.enqueue(BLOB_EFFECT, blobs.retain([*bundles.parts_of(made.bundle), made.bundle]))
        send(device_ids)
        live.announce("devices", device_ids)
        desired_changed.send(None, device_ids=device_ids)
        self.changed += len(device_ids)
        return given


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
    """Give phones the same bundle under a generation above one that they have seen: after a restore of the server.

    What no server can have made is not believed: a phone that claims it only harms itself.
    """
    stored = _stored([device_id for device_id, _ in generations])
    now = clock.unix_ms()
    for device_id, seen in generations:
        last = stored.get(device_id)
        if last is not None and seen < BELIEVED_GENERATION:
            _write(Made(last.bundle, last.mixture), _above(max(seen, last.generation), now), [device_id])


def of_devices(device_ids: Collection[str]) -> dict[str, Desired]:
    """Desired states of many phones in one query."""
    return {row[0]: Desired._make(row) for row in _rows(device_ids)}


def _next(last_generations: Mapping[str, int]) -> dict[int, list[str]]:
    """Phones by their next generation: nearly all share one, and none is lifted by what another phone has seen."""
    given: dict[int, list[str]] = defaultdict(list)
    now = clock.unix_ms()
    for device_id, last in last_generations.items():
        given[_above(last, now)].append(device_id)
    return given


def _above(last: int, now: int) -> int:
    # Milliseconds, so that a server restored from an older state outruns what phones have seen.
    return max(last + 1, now)


def _rows(device_ids: Collection[str], *, locked: bool = False) -> Sequence[Row[Any]]:
    columns = DesiredState.__table__.c
    query = select(columns.device_id, columns.generation, columns.bundle, columns.mixture)
    query = query.where(columns.device_id.in_(texts(session(), device_ids))).order_by(columns.device_id)
    return session().execute(query.with_for_update() if locked else query).all()


def _stored(device_ids: Collection[str]) -> dict[str, Row[Any]]:
    return {row.device_id: row for row in _rows(device_ids, locked=True)}


def _write(made: Made, generation: int, device_ids: Sequence[str]) -> None:
    """Give phones a new desired state, all the same."""
    now = clock.now()
    state = {"generation": generation, "bundle": made.bundle, "mixture": made.mixture}
    table: Any = DesiredState.__table__
    insert_each(
        session(), table, "device_id", device_ids, {**state, "since": now}, keys=["device_id"], update=[*state, "since"]
    )
    history: Any = DesiredHistory.__table__
    insert_each(session(), history, "device_id", device_ids, {**state, "at": now})


def _rename(mixture: str, rows: Sequence[Row[Any]]) -> None:
    """The same bundle comes to phones by other policies or assignments: only explanations change."""
    now = clock.now()
    ids = [row.device_id for row in rows]
    query = update(DesiredState).where(DesiredState.device_id.in_(texts(session(), ids)))
    session().execute(query.values(mixture=mixture), execution_options={"synchronize_session": False})
    kept = [
        {"device_id": row.device_id, "generation": row.generation, "bundle": row.bundle, "mixture": mixture, "at": now}
        for row in rows
    ]
    insert_rows(session(), DesiredHistory.__table__, kept)
