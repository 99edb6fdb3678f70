"""Rules in the shadow: judged here and nowhere else, so that an author sees what they would do before they do it.

They are in no bundle. Who stores what was said asks for their verdicts, and keeps them beside the message.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies import bundles, devices, fold_tables, world
from policies.engine import Bundle, Message, Verdict, decide
from policies.language.compile import keyword_set_document
from policies.world import Mixture, World


def judge(messages: Sequence[tuple[str, Message]]) -> list[Verdict | None]:
    """What the shadow rules of phones (by id) say of messages, in their order; None where a phone has none.

    Each effective policy is compiled once for all of its phones.
    """
    bundles_of = _bundles({device_id for device_id, _ in messages})
    return [
        decide(bundle, message) if (bundle := bundles_of.get(device_id)) is not None else None
        for device_id, message in messages
    ]


def _bundles(device_ids: set[str]) -> dict[str, Bundle]:
    """The bundle of shadow rules of each phone that has any."""
    found: dict[str, Bundle] = {}
    current = world.current()
    for phones in devices.living(device_ids):
        for inside, some in current.split(phones):
            made: dict[Mixture, Bundle | None] = {}
            for device_id, mixture in inside.mixtures(some).items():
                if mixture not in made:
                    made[mixture] = bundle_of(inside, mixture)
                bundle = made[mixture]
                if bundle is not None:
                    found[device_id] = bundle
    return found


def bundle_of(current: World, mixture: Mixture) -> Bundle | None:
    """The shadow rules of a mixture with their keyword sets, as the engine reads them; None without any."""
    shadow = bundles.merged(current, mixture).get("keywords", {}).get("shadow", {})
    sets = {name: spec for name in sorted(shadow) if (spec := current.keyword_set(name)) is not None}
    if not sets:
        return None
    steps = {str(step) for spec in sets.values() for step in spec.match or ()}
    tables = {step: {"table": step, "folds": dict(table)} for step, table in fold_tables.tables(steps).items()}
    return Bundle.read(
        {"keywords": [{"set": name, **shadow[name]} for name in sets]},
        {name: keyword_set_document(name, spec) for name, spec in sets.items()},
        fold_tables=tables,
    )
