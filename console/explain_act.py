"""May this phone do that? A call or message at a minute, judged by the phone's own rules, with the counters it saw."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from flask import render_template, request

from archive import explain
from archive.explain import Act
from console import device_view, errors, forms, language, times
from console.device_view import BAD, OK, WARN, Label
from console.policy_form.values import COMMON, common, word
from core import clock
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.runtime import settings
from core.text import Text
from fleet import devices
from policies.engine.actions import Action, refuses
from policies.engine.vocabulary import Relation
from policies.views import ActView

KINDS = ("call", "message")
DIRECTIONS = ("out", "in")
CHANNELS = ("wechat", "qq", "wecom", "sms")
RELATIONS: tuple[Relation, ...] = get_args(Relation)

pages = Pages("explain_act", __name__)


@pages.get("/devices/<id>/may", Permission.DOCUMENT_READ)
@errors.shows("page_explain_act.judge")
def ask(id: str, problem: ShoujiError | None = None) -> str:
    """The question, empty or with what is wrong with it."""
    return _page(id, None, problem)


@pages.post("/devices/<id>/may", Permission.DOCUMENT_READ)
def judge(id: str) -> str:
    """The verdict; whoever may read the archive has its counters counted, which the audit log keeps."""
    act = Act(
        kind="message" if forms.field("kind", 10) == "message" else "call",
        direction="in" if forms.field("direction", 5) == "in" else "out",
        channel=forms.field("channel", 16) or "call",
        contact=forms.field("contact", 256).strip() or None,
        at=_minute(forms.field("at", 16)),
        text=forms.field("message", 20_000),
        relation=next((one for one in RELATIONS if one == forms.field("relation", 20)), None),
    )
    return _page(id, explain.explain(current_actor(), id, act), None)


def _minute(text: str) -> datetime | None:
    """The end of the asked minute, as far as it has passed; the beginning of one that is yet to come."""
    if not text:
        return None
    at, now = times.minute(text), clock.now()
    return at if at > now else min(now, at.replace(second=59, microsecond=999999))


def chip(action: Action) -> Label:
    """An action in its colour."""
    return Label(common(action), BAD if refuses(action) else WARN)


def counter(name: str) -> Text:
    """A counter's name in words."""
    key, count, window = [*name.split("/"), "", ""][:3]
    seconds, _, zone = window.partition("@")
    span = _span(int(seconds)) if seconds.isdecimal() else Text(f"当天（{zone}）", f"that day ({zone})")
    who, what = word("", key), word("", count)
    return Text(f"{span.zh}，按{who.zh}：{what.zh}", f"{what.en} {span.en}, by {who.en.lower()}")


def _span(seconds: int) -> Text:
    if seconds % times.DAY == 0:
        return Text(f"{seconds // times.DAY} 天内", f"in {seconds // times.DAY} days")
    return Text(f"{seconds // times.MINUTE} 分钟内", f"in {seconds // times.MINUTE} minutes")


def _page(device_id: str, verdict: ActView | None, problem: ShoujiError | None) -> str:
    actor = current_actor()
    device = devices.get(actor, device_id)
    given: dict[str, Any] = {name: request.form.get(name, "") for name in ("kind", "direction", "channel", "contact")}
    return render_template(
        "explain_act.html",
        device=device,
        row=device_view.row(device),
        verdict=verdict,
        error=problem.text if problem else None,
        error_field=None,
        given={**given, "relation": request.form.get("relation", ""), "message": request.form.get("message", "")},
        chosen=request.form.get("at") or times.minute_text(clock.now()),
        zone=settings().timezone,
        choices={
            "kinds": [(one, language.say(text)) for one, text in zip(KINDS, _KINDS, strict=True)],
            "directions": _words(DIRECTIONS),
            "channels": _words(CHANNELS),
            "relations": _words(RELATIONS),
        },
        counted=actor.may(Permission.ARCHIVE_READ),
        allowed=Label(Text("允许", "Allowed"), OK),
        refused=Label(Text("不允许", "Not allowed"), BAD),
        chip=chip,
        counter=counter,
    )


_KINDS = (Text("打电话", "A call"), Text("发消息", "A message"))


def _words(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(code, language.say(COMMON[code])) for code in codes]
