"""Health and settings of the installation, to read: what is alive, how old keys and lists are, what jobs did last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import render_template, url_for

from console import frame, setting_words
from console.device_view import BAD, IDLE, OK, WARN, Label
from core import clock, installation, jobs, roles
from core.http.identity import current_actor
from core.http.routes import Pages
from core.jobs import Job, JobRun
from core.permissions import Permission
from core.roles import ProcessReport
from core.runtime import runtime, settings
from core.text import Text
from fleet import certificates
from mqtt.broker.ages import ages

SOON = timedelta(days=14)
LATE = timedelta(minutes=2)
ROLES = {
    "web": Text("网页与接口", "Web"),
    "worker": Text("后台进程", "Worker"),
    "broker": Text("消息代理", "Broker"),
}
GOOD = Label(Text("正常", "Fine"), OK)
AWAY = Label(Text("未运行", "Away"), BAD)
CUT = Label(Text("连接中断", "Not reached"), BAD)
NEVER = Label(Text("尚未运行", "Not yet run"), IDLE)
FAILED = Label(Text("失败", "Failed"), BAD)
OVERDUE = Label(Text("停滞", "Overdue"), WARN)

pages = Pages("system", __name__)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, its newest run, and how it stands."""

    job: Job
    run: JobRun | None
    label: Label


@pages.get("/system", Permission.SYSTEM_READ)
def show() -> str:
    """The health page; for htmx the part that changes."""
    current_actor().require_everything()
    away, machine = roles.away(), installation.facts()
    reports = {one.role: one for one in roles.reports()}
    return render_template(
        "_system.html" if frame.wants_part() else "system.html",
        away=away,
        alive=_roles(away, reports),
        worker=reports.get("worker"),
        machine=machine,
        late=LATE,
        broker=ages(settings(), runtime().ca),
        ca_ends_at=runtime().ca.certificate.not_valid_after_utc,
        expiring=certificates.expiring(clock.now() + SOON),
        soon=clock.now() + SOON,
        now=clock.now(),
        rows=_jobs(machine.runs),
        tabs=tabs("health"),
    )


@pages.get("/system/settings", Permission.SYSTEM_READ)
def show_settings() -> str:
    """The settings in force and where each comes from; they are changed in environment and file alone."""
    current_actor().require_everything()
    return render_template("settings.html", groups=setting_words.groups(settings()), tabs=tabs("settings"))


def tabs(at: str) -> list[tuple[str, Text, bool]]:
    """The pages about the installation."""
    return [
        (url_for("page_system.show"), Text("运行状况", "Health"), at == "health"),
        (url_for("page_system.show_settings"), Text("设置", "Settings"), at == "settings"),
    ]


def _roles(away: list[str], reports: dict[str, ProcessReport]) -> list[tuple[Text, Label, datetime | None]]:
    """Each role, whether it is there, and when it last said so; this page itself shows that the web is."""
    worker = AWAY if "worker" in away else GOOD
    broker = CUT if away == ["broker"] else GOOD if not away else Label(Text("未知", "Unknown"), WARN)
    return [
        (ROLES["web"], GOOD, clock.now()),
        (ROLES["worker"], worker, reports["worker"].at if "worker" in reports else None),
        (ROLES["broker"], broker, reports["broker"].at if "broker" in reports else None),
    ]


def _jobs(runs: dict[str, JobRun]) -> list[JobRow]:
    return [JobRow(job, runs.get(job.name), _standing(job, runs.get(job.name))) for job in jobs.all_jobs()]


def _standing(job: Job, run: JobRun | None) -> Label:
    if run is None:
        return NEVER
    if run.outcome != "done":
        return FAILED
    overdue = job.every and clock.now() - run.finished_at > 3 * job.every + LATE
    return OVERDUE if overdue else GOOD
