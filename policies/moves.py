"""Phones that are put elsewhere: where that makes their effective policy looser it counts as publishing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select

from core import audit
from core.actor import Actor
from core.bulk import texts
from core.db import session
from core.errors import Forbidden
from core.permissions import Permission
from core.text import Text
from fleet.guards import Following
from identity.operations import Doing
from policies import devices, groups, second_person, world
from policies.models import DesiredState
from policies.models import Mixture as StoredMixture
from policies.review import Given, Review, weigh
from policies.world import Mixture, Source, World


def unit_moved(actor: Actor, unit_path: str, doing: Doing) -> None:
    """An org unit stands elsewhere now. Raises Forbidden and Waits as `require`."""
    require(actor, devices.below([unit_path]), ("org_unit", unit_path.rstrip("/").rpartition("/")[2]), doing)


def phones_placed(actor: Actor, device_ids: Collection[str], doing: Doing) -> None:
    """Phones are in another unit or in other groups now. Raises Forbidden and Waits as `require`."""
    require(actor, device_ids, ("device", min(device_ids)), doing)


def phones_followed(actor: Actor, device_ids: Collection[str], following: Following) -> Collection[str]:
    """Phones are in the unit that their holder moved to; returns those that stay until a second person agrees.

    A move of people is never refused: whom HR moved is moved, and only phones wait. Raises Conflict where this is what
    was approved and it would do more by now.
    """
    seen = _review(device_ids)
    if second_person.carrying():
        second_person.require(actor, seen, following(device_ids))
    elif second_person.wanted(seen):
        stay = {phone for one in seen.loosened for phone in one.phones}
        second_person.ask(actor, seen, following(stay))
        return stay
    if seen.looser:
        _audit(actor, seen, ("device", min(device_ids)))
    return ()


def require(actor: Actor, device_ids: Collection[str], about: tuple[str, str], doing: Doing) -> None:
    """Go on where the present places of phones loosen nothing that they have. Raises Forbidden unless the actor may
    publish, Waits until a second person agrees.

    Called in the unit of work of the move, after it was written and before anybody heard of it. Audits what loosens.
    """
    seen = _review(device_ids)
    if seen.looser and not actor.may(Permission.DOCUMENT_PUBLISH):
        paths = seen.said()
        raise Forbidden(
            "loosens_policy",
            Text(
                f"此变更会放宽 {seen.devices} 台设备的策略（{paths}），等同于发布，请由有发布权限的策略管理员执行。",
                f"This loosens the policy of {seen.devices} phones ({paths}), which counts as publishing. "
                "Somebody who may publish policies does it.",
            ),
            permission=str(Permission.DOCUMENT_PUBLISH),
            looser=seen.audited()["looser"],
        )
    second_person.require(actor, seen, doing)
    if seen.looser:
        _audit(actor, seen, about)


def _audit(actor: Actor, seen: Review, about: tuple[str, str]) -> None:
    audit.record(actor, "document.loosen", about, seen.audited())


def _review(device_ids: Collection[str]) -> Review:
    present = world.current().changed(members=groups.found_for(device_ids))
    pairs: dict[tuple[Given, Given], list[str]] = defaultdict(list)
    for phones in devices.living(device_ids):
        for inside, some in present.split(phones):
            had, gets = _had([phone.id for phone in some], inside), inside.mixtures(some)
            for one in some:
                pairs[Given(inside, had.get(one.id, ())), Given(inside, gets[one.id])].append(one.id)
    return weigh(pairs)


def _had(device_ids: Collection[str], present: World) -> Mapping[str, Mixture]:
    """What reached phones before, as far as it is still there."""
    query = select(DesiredState.device_id, DesiredState.mixture)
    rows = session().execute(query.where(DesiredState.device_id.in_(texts(session(), device_ids)))).all()
    wanted = {row.mixture for row in rows}
    stored = select(StoredMixture.digest, StoredMixture.sources).where(StoredMixture.digest.in_(wanted))
    mixtures = {row.digest: _living(row.sources, present) for row in session().execute(stored)}
    return {row.device_id: mixtures.get(row.mixture, ()) for row in rows}


def _living(sources: Collection[Mapping[str, str]], present: World) -> Mixture:
    known = [source for source in sources if ("Policy", source["policy"]) in present.documents]
    return tuple(
        Source(name, present.documents[("Policy", name)].version, source["assignment"])
        for source in known
        if (name := source["policy"])
    )
