"""What the start page shows: figures with the list behind each of them, bars, things to do, and the first steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from compliance import history as compliance_history
from compliance.views import Point
from console import go, labels, times
from console.device_view import BAD, IDLE, OK, PLAIN, WAIT, WARN
from console.language import say
from core.actor import Actor
from core.db import json_text
from core.permissions import Permission
from core.text import Text
from fleet import enrollment_tokens, unconfirmed
from fleet.commands import freeze, listing
from fleet.commands.listing import CommandFilters
from fleet.commands.states import State
from fleet.states import ACTIVE, LOST, RETIRED, WIPED
from fleet.summary import NONCOMPLIANT, Summary
from identity import agencies, approvals
from mqtt import dead_letters
from policies import calendar_years

POLICY = {
    "current": (Text("已生效", "In force"), OK),
    "behind_hour": (Text("待生效，不到 1 小时", "Waits, less than 1 h"), WAIT),
    "behind_day": (Text("待生效，不到 1 天", "Waits, less than 1 d"), WAIT),
    "behind_week": (Text("待生效，不到 7 天", "Waits, less than 7 d"), WARN),
    "behind_long": (Text("待生效，超过 7 天", "Waits, over 7 d"), BAD),
    "rejected": (Text("手机拒绝", "Rejected"), BAD),
    "failed": (Text("失败，将重试", "Failed, will retry"), WARN),
    "none": (Text("没有策略", "No policy"), IDLE),
}
HISTORY_DAYS, LEAST_POINTS = (30, 7), 2
DATE, TIME = slice(5, 10), slice(5, 16)
"""Parts of a local time that the chart names its points by: `11-23`, `11-23 14:50`."""
STANDING = {"compliant": OK, "noncompliant": BAD, "unknown": IDLE}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, what it counts, and the list behind it; `share` is its part of the whole in percent."""

    text: Text
    number: int
    tone: str
    address: str | None = None
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Chart:
    """What the chart draws, as JSON, and over how many days."""

    days: int
    data: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps: done or not, and where it is taken."""

    text: Text
    hint: Text
    done: bool
    address: str | None = None
    code: str | None = None


def tiles(fleet: Summary) -> list[Figure]:
    """The fleet by state, and how much of it is there."""
    online = Figure(Text("在线", "Online"), fleet.online, OK, _devices(online="true", state=ACTIVE))
    away = fleet.states[ACTIVE] - fleet.online
    offline = Figure(Text("离线", "Offline"), away, PLAIN, _devices(online="false", state=ACTIVE))
    tones = {ACTIVE: PLAIN, LOST: BAD, RETIRED: IDLE, WIPED: IDLE}
    states = [
        Figure(labels.DEVICE_STATES[state], number, tones[state] if number else IDLE, _devices(state=state))
        for state, number in fleet.states.items()
    ]
    return [states[0], online, offline, *states[1:]]


def standing(fleet: Summary) -> list[Figure]:
    """Compliance of the phones in the fleet."""
    return shares(
        [
            Figure(labels.COMPLIANCE[name], number, STANDING[name], _devices(compliance=name))
            for name, number in fleet.compliance.items()
        ]
    )


def policy(counts: Mapping[str, int]) -> list[Figure]:
    """How far phones are behind their policy; what is nowhere the case is left out, except that all is well."""
    return shares([Figure(*_policy(name, number)) for name, number in counts.items() if number or name == "current"])


def findings(fleet: Summary) -> list[Figure]:
    """The most frequent findings."""
    return [
        Figure(labels.finding(code), number, BAD, _devices(finding=code)) for code, number in fleet.findings.items()
    ]


def history(actor: Actor, org_unit: str | None = None) -> Chart | None:
    """Compliance of the last month, or of the last week by the hour while there is less; None without either."""
    if not actor.may(Permission.COMPLIANCE_READ):
        return None
    for days in HISTORY_DAYS:
        points = compliance_history.read(actor, days, org_unit).points
        if len(points) >= LEAST_POINTS:
            return Chart(days, _drawn(points, TIME if days <= compliance_history.HOURLY_DAYS else DATE))
    return None


def _drawn(points: Sequence[Point], shown: slice) -> str:
    series = [
        {"name": say(labels.COMPLIANCE[name]), "tone": tone, "values": [one.states.get(name, 0) for one in points]}
        for name, tone in STANDING.items()
    ]
    return json_text({"at": [times.local(one.at)[shown] for one in points], "series": series})


def needs(actor: Actor, fleet: Summary) -> list[Figure]:
    """What waits for somebody, as far as the viewer may see it; nothing that is zero."""
    found: list[Figure] = []
    if actor.may(Permission.COMMAND_READ):
        found.append(
            Figure(
                Text("待您审批", "Wait for your approval"),
                approvals.waiting_for(actor),
                WARN,
                url_for("page_approvals.show_list"),
            )
        )
        wipes = listing.count(actor, CommandFilters(status=State.UNCONFIRMED))
        address = url_for("page_commands.show_list", status=State.UNCONFIRMED)
        found.append(Figure(Text("未确认的擦除", "Unconfirmed wipes"), wipes, BAD, address))
    waiting = Text("使用人或序列号待确认", "Holder or serial to confirm")
    found.append(Figure(waiting, unconfirmed.count(actor), WARN, go.place_of("unconfirmed", "")))
    wrong = fleet.compliance[NONCOMPLIANT]
    found.append(Figure(Text("不合规设备", "Phones out of order"), wrong, BAD, _devices(compliance=NONCOMPLIANT)))
    lost = Text("丢失的设备", "Lost phones")
    found.append(Figure(lost, fleet.states[LOST], BAD, _devices(state=LOST)))
    if actor.may(Permission.ORG_READ):
        ending = Text(f"{agencies.SOON_DAYS} 天内终止的外包单位", f"Agencies ending within {agencies.SOON_DAYS} days")
        found.append(Figure(ending, agencies.ending_soon(actor), WARN, url_for("page_unit_ends.show_list")))
    if actor.may(Permission.DOCUMENT_PUBLISH):
        lacking = Text("缺少节假日的日历", "Calendars without holidays")
        calendars = {one.calendar for one in calendar_years.missing(actor)}
        found.append(Figure(lacking, len(calendars), WARN, url_for("page_calendars.show_list")))
    if actor.may(Permission.QUARANTINE_READ) and actor.unit_path == "/":
        kept = Text("隔离区消息", "Messages in quarantine")
        found.append(Figure(kept, dead_letters.count_letters(actor), WARN, go.place_of("quarantine", "")))
    held = freeze.banner()
    if held is not None and actor.may(Permission.FREEZE_READ):
        found.append(Figure(Text("紧急冻结中", "The freeze is on"), 1, BAD, url_for("page_freeze.show")))
    return [figure for figure in found if figure.number]


def guide(actor: Actor) -> list[Step] | None:
    """The first steps, from an empty installation to the first phone; None for whoever cannot take them."""
    if not actor.may(Permission.ENROLLMENT_WRITE):
        return None
    has_token = enrollment_tokens.count(actor) > 0
    return [
        Step(
            Text("登录管理员账号", "Sign in as an administrator"),
            Text(
                "已完成。建议随后添加第二位管理员：擦除需要另一人批准。",
                "Done. Add a second one soon: a wipe needs two.",
            ),
            True,
        ),
        Step(
            Text("创建注册令牌", "Make an enrollment token"),
            Text(
                "令牌会给出一个二维码，可限定组织、使用人和次数。",
                "It has a QR code; it may name unit, person and uses.",
            ),
            has_token,
            go.place_of("enrollment", ""),
        ),
        Step(
            Text("用手机扫码注册", "Scan it with the phone"),
            Text(
                "恢复出厂的手机在欢迎页连点六次即可扫码；没有手机时，可运行参考代理试用。",
                "On a factory-fresh phone tap the welcome page six times. Without a phone, run the reference agent.",
            ),
            False,
            code="python -m agent enroll",
        ),
        Step(
            Text("确认使用人", "Confirm its holder"),
            Text(
                "手机会自动出现在这里；确认后才会收到联系人等内容。",
                "It appears here by itself; then confirm who holds it.",
            ),
            False,
        ),
    ]


def _policy(name: str, number: int) -> tuple[Text, int, str]:
    text, tone = POLICY[name]
    return text, number, tone


def shares(figures: Sequence[Figure]) -> list[Figure]:
    """The figures, each with its part of their sum."""
    total = sum(figure.number for figure in figures) or 1
    return [Figure(one.text, one.number, one.tone, one.address, round(100 * one.number / total, 2)) for one in figures]


def _devices(**filters: str) -> str:
    return url_for("page_devices.show_list", **filters)  # type: ignore[arg-type]
