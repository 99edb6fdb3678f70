"""What is archived; a call that must be recorded and cannot be is not made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from policies.engine.forms import Wire, words
from policies.engine.registry import Known, register
from policies.engine.situation import Call, Situation
from policies.engine.verdict import Because
from policies.engine.vocabulary import ArchivedChannel, MediaKind


class Media(Wire):
    """Which media are archived, and over which network."""

    kinds: list[MediaKind] | None = None
    wifi_only: bool | None = None
    maximum_mb: int | None = None


class Archive(Wire):
    """Channels, media, recording and retention."""

    channels: list[ArchivedChannel] | None = None
    media: Media | None = None
    recording: Literal["off", "optional", "required"] | None = None
    retention_days: int | None = None


def judge(rule: Archive, situation: Situation, _known: Known) -> Iterator[Because]:
    """No recorder, no dial."""
    if not isinstance(situation, Call) or situation.direction != "out":
        return
    if rule.recording == "required" and not situation.recorder:
        text = words("无法录音，不能拨打。", "The call cannot be recorded, so it is not made.")
        yield Because(rule="archive/recording", action="block", text=text)


register("archive", Archive, judge)
