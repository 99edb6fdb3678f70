"""Notices, channels and preferences over HTTP."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response

from core.http.access import Access
from core.http.answers import PageOut, no_content, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.problems import language
from core.http.routes import Api
from core.permissions import Permission
from notify import channel_kinds, channels, deliveries, in_app, preferences, topics
from notify.channels import ChannelView, Wanted
from notify.deliveries import DeliveryView
from notify.preferences import PreferenceView
from notify.schemas import (
    ChangedRead,
    ChannelBody,
    ChannelChange,
    ChannelCreated,
    ChannelList,
    ChannelRead,
    ChoicesRead,
    DeliveryRead,
    KindRead,
    NoticeQuery,
    NoticeRead,
    PreferenceChange,
    PreferenceRead,
    ReadBody,
    TestRead,
    TopicRead,
)

api = Api("notices", __name__)


@api.get("/notices", Access.SIGNED_IN, {200: PageOut[NoticeRead]})
def list_notices(query: NoticeQuery) -> Response:
    """One's own notices, newest first."""
    page = in_app.find(current_actor(), unread=query.unread, cursor=query.cursor, limit=query.limit)
    return page_reply(page, _notice)


@api.post("/notices/read", Access.SIGNED_IN, {200: ChangedRead})
def read_notices(body: ReadBody) -> Response:
    """Mark one's own notices as read."""
    return reply(ChangedRead(changed=in_app.mark_read(current_actor(), body.ids)))


@api.get("/notification-preferences", Access.SIGNED_IN, {200: PreferenceRead})
def get_preferences() -> Response:
    """How one wants to be told."""
    return _preference(preferences.own(current_actor()))


@api.patch("/notification-preferences", Access.SIGNED_IN, {200: PreferenceRead})
def change_preferences(body: PreferenceChange) -> Response:
    """Change how one wants to be told: language, mail or not, which topics by mail."""
    named = "topics" in body.model_fields_set
    view = preferences.change(
        current_actor(),
        language=body.language,
        mail=body.mail,
        kinds=body.topics,
        all_kinds=named and body.topics is None,
    )
    return _preference(view)


@api.get("/notification-choices", Access.SIGNED_IN, {200: ChoicesRead})
def get_choices() -> Response:
    """The kinds of channels with what each asks for, and the topics."""
    kinds = [
        KindRead(kind=kind.name, title=kind.title.pick(language()), config_schema=kind.fields.model_json_schema())
        for kind in channel_kinds.all_kinds()
    ]
    known = [
        TopicRead.model_validate(
            {"kind": topic.kind, "severity": topic.severity.code, "title": topic.title.pick(language())}
        )
        for topic in topics.all_topics()
    ]
    return reply(ChoicesRead(kinds=kinds, topics=known))


@api.get("/notification-channels", Permission.NOTIFICATION_READ, {200: ChannelList})
def list_channels() -> Response:
    """The channels of one's part of the tree, by name."""
    return reply(ChannelList(items=[_channel(view) for view in channels.find(current_actor())]))


@api.post("/notification-channels", Permission.NOTIFICATION_WRITE, {201: ChannelCreated})
def create_channel(body: ChannelBody) -> Response:
    """Set a channel up; a secret that the server made is told only now."""
    wanted = Wanted(**body.model_dump(exclude={"kind"}))
    view, made = channels.create(current_actor(), body.kind, wanted)
    answer = reply(ChannelCreated(**_channel(view).model_dump(), made=made), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@api.get("/notification-channels/<id>", Permission.NOTIFICATION_READ, {200: ChannelRead})
def get_channel(path: IdPath) -> Response:
    """One channel."""
    return reply(_channel(channels.get(current_actor(), path.id)))


@api.patch("/notification-channels/<id>", Permission.NOTIFICATION_WRITE, {200: ChannelRead})
def change_channel(path: IdPath, body: ChannelChange) -> Response:
    """Change members of a channel."""
    wanted = Wanted(**body.model_dump(exclude={"revision"}))
    return reply(_channel(channels.change(current_actor(), path.id, wanted, body.revision)))


@api.delete("/notification-channels/<id>", Permission.NOTIFICATION_WRITE, {204: None})
def delete_channel(path: IdPath) -> Response:
    """Remove a channel with its log."""
    channels.delete(current_actor(), path.id)
    return no_content()


@api.post("/notification-channels/<id>/test", Permission.NOTIFICATION_WRITE, {202: TestRead})
def test_channel(path: IdPath) -> Response:
    """Send a test message; the delivery log says what became of it."""
    return reply(TestRead(delivery_id=deliveries.send_test(current_actor(), path.id)), 202)


@api.get("/notification-channels/<id>/deliveries", Permission.NOTIFICATION_READ, {200: PageOut[DeliveryRead]})
def list_deliveries(path: IdPath, query: PageQuery) -> Response:
    """A channel's delivery log, newest first."""
    return page_reply(deliveries.of_channel(current_actor(), path.id, query.cursor, query.limit), _delivery)


def _notice(view: in_app.NoticeView) -> NoticeRead:
    return NoticeRead.model_validate(
        {
            "id": view.id,
            "kind": view.kind,
            "severity": topics.topic_of(view.kind).severity.code,
            "text": view.text.pick(language()),
            "about_kind": view.about[0],
            "about_id": view.about[1],
            "at": view.at,
            "read": view.read,
        }
    )


def _channel(view: ChannelView) -> ChannelRead:
    return ChannelRead.model_validate(asdict(view))


def _delivery(view: DeliveryView) -> DeliveryRead:
    values = {name: getattr(view, name) for name in DeliveryRead.model_fields if hasattr(view, name)}
    about_kind, about_id = view.about
    return DeliveryRead.model_validate(
        {**values, "text": view.text.pick(language()), "about_kind": about_kind, "about_id": about_id}
    )


def _preference(view: PreferenceView) -> Response:
    return reply(
        PreferenceRead(
            language=view.language,
            mail=view.mail,
            topics=list(view.kinds) if view.kinds is not None else None,
            address=view.address,
            mail_possible=view.mail_possible,
        )
    )
