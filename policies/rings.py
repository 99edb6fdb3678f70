"""Rings of a rollout as their author gives them: whom each holds, and what it takes to go on to the next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import Invalid
from core.text import Text
from policies.language.group_query import read_query
from policies.rules.forms import parse_duration

MAX_RINGS = 20
MAX_SECONDS = 7 * 86_400
DEFAULT_SAMPLE = 10
CLASSES = ("failed", "rejected", "silent")
EVERYONE, PERCENTAGE, GROUP, QUERY = "everyone", "percentage", "group", "query"
SELECTORS = (EVERYONE, PERCENTAGE, GROUP, QUERY)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Gates:
    """What a ring asks before the next begins. Shares in percent, times in seconds.

    `success`: share that must have applied, within `within`. `stop`: for each class of phones the share at which the
    rollout stops, once `sample` phones have answered or are silent: for `silent_after`.
    """

    success: float | None = None
    within: int = 3600
    stop: Mapping[str, float] = field(default_factory=dict)
    sample: int = DEFAULT_SAMPLE
    silent_after: int = 3600
    soak: int = 0
    approval: bool = False

    def plain(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {
            "success": self.success,
            "within": self.within,
            "stop": dict(self.stop),
            "sample": self.sample,
            "silent_after": self.silent_after,
            "soak": self.soak,
            "approval": self.approval,
        }


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring: its name, its selector (one member) and its gates."""

    name: str
    selector: dict[str, Any]
    gates: Gates = field(default_factory=Gates)


ALL = Ring(EVERYONE, {EVERYONE: True})


def read(given: Sequence[Mapping[str, Any]], groups: Collection[str]) -> list[Ring]:
    """Rings from what was sent. Raises Invalid, which names the ring and the member; `groups` are those that exist."""
    if not 1 <= len(given) <= MAX_RINGS:
        raise Invalid(
            "ring_count",
            Text(
                f"发布环必须为 1 到 {MAX_RINGS} 个，收到 {len(given)} 个。",
                f"A rollout has 1 to {MAX_RINGS} rings; these are {len(given)}.",
            ),
            path="rings",
        )
    rings = [_ring(f"rings.{position}", one, groups) for position, one in enumerate(given)]
    _check_order(rings)
    return rings


def share_of(device_id: str) -> float:
    """Where a phone stands between 0 and 100, by a hash of its id: the same in every rollout."""
    return int.from_bytes(hashlib.sha256(device_id.encode()).digest()[:6]) / 2**48 * 100


def _ring(path: str, given: Mapping[str, Any], groups: Collection[str]) -> Ring:
    name = given.get("name") or ""
    if not _NAME.fullmatch(name):
        raise _wrong(f"{path}.name", "环名只能由小写字母、数字和连字符组成。", "Name it with a-z, 0-9 and hyphens.")
    chosen = {word: given[word] for word in SELECTORS if given.get(word) not in (None, False)}
    if len(chosen) != 1:
        zh, en = "everyone、percentage、group、query 必须且只能写一个。", f"Give one of {', '.join(SELECTORS)}."
        raise _wrong(path, zh, en)
    _check_selector(path, chosen, groups)
    success, stop = given.get("success") or {}, given.get("stop") or {}
    gates = Gates(
        success=_percent(f"{path}.success.percent", success["percent"]) if success else None,
        within=_seconds(f"{path}.success.within", success.get("within") or "1h", least=1),
        stop={word: _percent(f"{path}.stop.{word}", stop[word]) for word in CLASSES if stop.get(word) is not None},
        sample=_sample(f"{path}.stop.sample", stop.get("sample")),
        silent_after=_seconds(f"{path}.silent_after", given.get("silent_after") or "1h", least=1),
        soak=_seconds(f"{path}.soak", given.get("soak") or "0s", least=0),
        approval=bool(given.get("approval")),
    )
    return Ring(name, chosen, gates)


def _check_selector(path: str, chosen: Mapping[str, Any], groups: Collection[str]) -> None:
    if PERCENTAGE in chosen:
        _percent(f"{path}.percentage", chosen[PERCENTAGE])
    if GROUP in chosen and chosen[GROUP] not in groups:
        name = chosen[GROUP]
        raise _wrong(f"{path}.group", f"没有名为“{name}”的分组。", f"There is no group named “{name}”.")
    if QUERY in chosen:
        try:
            asked = read_query(chosen[QUERY]).groups
        except ValueError as error:
            context = getattr(error, "context", None) or {}
            raise _wrong(
                f"{path}.query", context.get("zh", "查询无法解析。"), context.get("en", "The query cannot be read.")
            ) from error
        for name in sorted(asked - set(groups)):
            raise _wrong(f"{path}.query", f"没有名为“{name}”的分组。", f"There is no group named “{name}”.")


def _check_order(rings: Sequence[Ring]) -> None:
    names = [ring.name for ring in rings]
    for position, name in enumerate(names):
        if name in names[:position]:
            zh, en = f"环名“{name}”重复。", f"Two rings are named “{name}”."
            raise _wrong(f"rings.{position}.name", zh, en)
    reached = 0.0
    for position, ring in enumerate(rings):
        share = ring.selector.get(PERCENTAGE)
        if share is not None and share <= reached:
            raise _wrong(
                f"rings.{position}.percentage",
                f"百分比是累计的，必须大于前面的 {reached:g}%。",
                f"Percentages are cumulative: this one must be above the {reached:g} % before it.",
            )
        reached = share or reached
        if _is_all(ring) and position < len(rings) - 1:
            zh, en = "“全部设备”只能是最后一环。", "Everyone is the last ring."
            raise _wrong(f"rings.{position}", zh, en)
    if not _is_all(rings[-1]):
        raise _wrong(
            f"rings.{len(rings) - 1}",
            "最后一环必须是全部设备（everyone: true 或 percentage: 100）。",
            "The last ring must be everyone (everyone: true, or percentage: 100).",
        )


def _is_all(ring: Ring) -> bool:
    return EVERYONE in ring.selector or ring.selector.get(PERCENTAGE) == 100


def _percent(path: str, value: float) -> float:
    if not 0 < value <= 100:
        zh, en = (
            f"百分比必须大于 0、不超过 100，收到 {value:g}。",
            f"A share is above 0, up to 100 %, not {value:g}.",
        )
        raise _wrong(path, zh, en)
    return value


def _sample(path: str, value: int | None) -> int:
    if value is not None and not 1 <= value <= 1_000_000:
        raise _wrong(path, "最小样本为 1 到 1000000 台。", "The minimum sample is 1 to 1,000,000 phones.")
    return DEFAULT_SAMPLE if value is None else value


def _seconds(path: str, text: str, *, least: int) -> int:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        context = getattr(error, "context", None) or {}
        raise _wrong(path, str(context["zh"]), str(context["en"])) from error
    if not least <= seconds <= MAX_SECONDS:
        raise _wrong(path, f"时长为 {least} 秒到 7 天。", f"A time is {least} seconds to 7 days.")
    return seconds


def _wrong(path: str, zh: str, en: str) -> Invalid:
    return Invalid("bad_ring", Text(f"{path}：{zh}", f"{path}: {en}"), path=path)
