"""The ladder: what follows when a finding stands for so long. A wipe is never a step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from policies.engine.actions import Action
from policies.engine.families import device
from policies.engine.forms import Wire, Words, words
from policies.engine.registry import Known, register
from policies.engine.situation import Posture, Situation
from policies.engine.verdict import Because
from policies.engine.vocabulary import FindingCode, Step

_ACTIONS: dict[Step, Action] = {"notify_holder": "warn", "alert": "alert", "lock": "lock"}
_TEXTS: dict[Step, Words] = {
    "notify_holder": words("请尽快处理手机的合规问题。", "Please bring the phone back in order."),
    "alert": words("手机持续不合规，已通知管理员。", "The phone stays out of order; an administrator is told."),
    "lock": words("手机长时间不合规，工作区已锁定。", "The phone has been out of order for too long; it is locked."),
}


class Rung(Wire):
    """After `after` seconds of one of these findings, do this."""

    when: Literal["any"] | list[FindingCode]
    after: int
    do: Step


def judge(rungs: list[Rung], situation: Situation, known: Known) -> Iterator[Because]:
    """Each rung that a standing finding has reached."""
    if not isinstance(situation, Posture):
        return
    standing = _findings(situation, known)
    for rung in rungs:
        reached = [code for code in standing if rung.when == "any" or code in rung.when]
        if any(_stands(code, situation) >= timedelta(seconds=rung.after) for code in reached):
            yield Because(rule=f"compliance/{rung.do}", action=_ACTIONS[rung.do], text=_TEXTS[rung.do])


def _findings(posture: Posture, known: Known) -> list[str]:
    rule = known.rules.get("device")
    own = [reason.finding for reason in device.judge(rule, posture, known)] if rule else []
    return [code for code in own if code] + list(posture.other_findings)


def _stands(code: str, posture: Posture) -> timedelta:
    since = posture.since.get(code)
    return posture.minute - since if since else timedelta(0)


register("compliance", list[Rung], judge)
