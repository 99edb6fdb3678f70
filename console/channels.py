"""Notification channels: where the organisation is told of things, each with its test message and its delivery log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import choices, errors, forms, lists, words
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from notify import channel_kinds, channels, deliveries
from notify.channels import Wanted
from notify.topics import Severity, all_topics, topic_of

SEVERITIES = {
    Severity.INFO.code: Text("全部（含一般信息）", "Everything"),
    Severity.WARNING.code: Text("警告及以上", "Warnings and worse"),
    Severity.CRITICAL.code: Text("仅严重", "Critical alone"),
}
LANGUAGES = {"zh-CN": Text("中文", "Chinese"), "en": Text("英文", "English")}
FIELDS = {"bad_name": "name", "no_such_unit": "org_unit", "unknown_org_unit": "org_unit"}
MOST_ADDRESSES, MAX_URL, MAX_SECRET = 4000, 2000, 200

pages = Pages("channels", __name__)


@pages.get("/notifications", Permission.NOTIFICATION_READ)
def show_list() -> str:
    """The channels of one's part of the tree."""
    actor = current_actor()
    return render_template(
        "channels.html",
        channels=channels.find(actor),
        kinds=channel_kinds.all_kinds(),
        titles=_titles(),
        states=words.CHANNEL_STATES,
        delivery_error=words.delivery_error,
        may_write=actor.may(Permission.NOTIFICATION_WRITE),
    )


@pages.get("/notifications/new", Permission.NOTIFICATION_WRITE)
@errors.shows("page_channels.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new channel; `kind` in the address says which."""
    kind = channel_kinds.kind_of(request.values.get("kind", "")[:16])
    return _filled("channel_new.html", kind, problem, dict(request.form.items()))


@pages.post("/notifications/new", Permission.NOTIFICATION_WRITE)
def create() -> ResponseReturnValue:
    """Set a channel up; a secret that the server made is shown once."""
    kind = forms.field("kind", 16)
    view, made = channels.create(current_actor(), kind, _wanted(_config(kind)))
    if made:
        return render_template("channel_secret.html", channel=view, made=made)
    return forms.done(url_for("page_channels.show", id=view.id), Text("通道已创建。", "The channel is made."))


@pages.get("/notifications/<id>", Permission.NOTIFICATION_READ)
def show(id: str) -> str:
    """One channel with its delivery log."""
    actor = current_actor()
    page = deliveries.of_channel(actor, id, lists.cursor(), lists.LIMIT)
    return render_template(
        "channel.html",
        channel=channels.get(actor, id),
        log=page.items,
        paging=lists.paging(page, {}),
        titles=_titles(),
        title=lambda kind: topic_of(kind).title,
        severities=SEVERITIES,
        states=words.CHANNEL_STATES,
        delivery_states=words.DELIVERY_STATES,
        delivery_error=words.delivery_error,
        may_write=actor.may(Permission.NOTIFICATION_WRITE),
    )


@pages.post("/notifications/<id>/test", Permission.NOTIFICATION_WRITE)
def test(id: str) -> ResponseReturnValue:
    """Send a test message."""
    deliveries.send_test(current_actor(), id)
    text = Text(
        "测试消息已发出，结果见下方记录。", "A test message is on its way; the log below says what became of it."
    )
    return forms.done(url_for("page_channels.show", id=id), text)


@pages.get("/notifications/<id>/edit", Permission.NOTIFICATION_WRITE)
@errors.shows("page_channels.edit")
def edit_form(id: str, problem: ShoujiError | None = None) -> str:
    """The form of a channel; its address and secrets are not shown, only replaced."""
    view = channels.get(current_actor(), id)
    before = {name: getattr(view, name) for name in ("name", "org_unit", "language", "min_severity")}
    values = dict(request.form.items()) or {**before, "enabled": "yes" if view.enabled else ""}
    topics = forms.values("topic", 40, 100) if request.method == "POST" else list(view.kinds)
    kind = channel_kinds.kind_of(view.kind)
    return _filled("channel_edit.html", kind, problem, values, topics=topics, channel=view)


@pages.post("/notifications/<id>/edit", Permission.NOTIFICATION_WRITE)
def edit(id: str) -> ResponseReturnValue:
    """Change a channel; what is left empty of its config stays."""
    actor = current_actor()
    wanted = _wanted(_config(channels.get(actor, id).kind) or None, enabled=forms.field("enabled", 3) == "yes")
    channels.change(actor, id, wanted)
    return forms.done(url_for("page_channels.show", id=id), Text("已保存。", "Saved."))


@pages.get("/notifications/<id>/delete", Permission.NOTIFICATION_WRITE)
@errors.shows("page_channels.delete")
def ask_delete(id: str, problem: ShoujiError | None = None) -> str:
    """Ask before a channel goes."""
    view = channels.get(current_actor(), id)
    return render_template("channel_delete.html", channel=view, error=problem.text if problem else None)


@pages.post("/notifications/<id>/delete", Permission.NOTIFICATION_WRITE)
def delete(id: str) -> ResponseReturnValue:
    """Remove a channel with its log."""
    actor = current_actor()
    forms.require_typed(channels.get(actor, id).name)
    channels.delete(actor, id)
    return forms.done(url_for("page_channels.show_list"), Text("通道已删除。", "The channel is removed."))


def _wanted(config: Mapping[str, Any] | None, *, enabled: bool | None = None) -> Wanted:
    return Wanted(
        name=forms.field("name", 100),
        org_unit=forms.field("org_unit", MAX_UNIT_PATH) or None,
        language=_one_of("language", LANGUAGES),
        enabled=enabled,
        min_severity=_one_of("min_severity", SEVERITIES),
        kinds=forms.values("topic", 40, 100),
        config=config,
    )


def _one_of(name: str, known: Collection[str]) -> str | None:
    value = forms.field(name, 16)
    return value if value in known else None


def _config(kind_name: str) -> dict[str, Any]:
    """What was typed in for a kind; empty fields are left out."""
    asked = channel_kinds.kind_of(kind_name).fields.model_fields
    typed = {name: forms.field(name, limit) for name, limit in (("url", MAX_URL), ("secret", MAX_SECRET))}
    found: dict[str, Any] = {name: value.strip() for name, value in typed.items() if name in asked and value.strip()}
    lines = forms.field("to", MOST_ADDRESSES).replace(",", "\n").splitlines()
    addresses = [line.strip() for line in lines if line.strip()]
    return {**found, "to": addresses} if "to" in asked and addresses else found


def _filled(
    template: str,
    kind: channel_kinds.ChannelKind[Any],
    problem: ShoujiError | None,
    values: Mapping[str, str],
    **more: Any,
) -> str:
    given = {"topics": forms.values("topic", 40, 100) if request.method == "POST" else [], **more}
    return render_template(
        template,
        kind=kind,
        asked=set(kind.fields.model_fields),
        values={"language": "zh-CN", "min_severity": Severity.WARNING.code, **values},
        known=all_topics(),
        units=choices.units(current_actor()),
        severities=SEVERITIES,
        languages=LANGUAGES,
        error=problem.text if problem else None,
        error_field=_field(problem) if problem else None,
        **given,
    )


def _field(problem: ShoujiError) -> str | None:
    if problem.code == "bad_config":
        return str(problem.members["errors"][0]["path"]).split(".")[1]
    return forms.field_of(problem, FIELDS)


def _titles() -> dict[str, Text]:
    return {kind.name: kind.title for kind in channel_kinds.all_kinds()}
