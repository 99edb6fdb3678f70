"""Notices, channels and preferences over HTTP."""

from __future__ import annotations

from flask import Response

from core.http.access import Access
from core.http.answers import PageOut, no_content, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.problems import language
from core.http.routes import Api
from core.permissions import Permission
from notify import channel_kinds, channels, deliveries, in_app, preferences, topics
from notify.channels import Wanted
from notify.schemas import (
    ChangedRead,
    ChannelBody,
    ChannelChange,
    ChannelCreated,
    ChannelList,
    ChoicesRead,
    KindRead,
    NoticeQuery,
    PreferenceChange,
    ReadBody,
    TestRead,
    TopicRead,
)
from notify.views import ChannelView, DeliveryView, NoticeView, PreferenceView

api = Api("notices", __name__)


@api.get("/notices", Access.SIGNED_IN, {200: PageOut[NoticeView]})
def list_notices(query: NoticeQuery) -> Response:
    """One's own notices, newest first."""
    page = in_app.find(current_actor(), unread=query.unread, cursor=query.cursor, limit=query.limit)
    return page_reply(page)


@api.post("/notices/read", Access.SIGNED_IN, {200: ChangedRead})
def read_notices(body: ReadBody) -> Response:
    """Mark one's own notices as read."""
    return reply(ChangedRead(changed=in_app.mark_read(current_actor(), body.ids)))


@api.get("/notification-preferences", Access.SIGNED_IN, {200: PreferenceView})
def get_preferences() -> Response:
    """How one wants to be told."""
    return reply(preferences.own(current_actor()))


@api.patch("/notification-preferences", Access.SIGNED_IN, {200: PreferenceView})
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
    return reply(view)


@api.get("/notification-choices", Access.SIGNED_IN, {200: ChoicesRead})
def get_choices() -> Response:
    """The kinds of channels with what each asks for, and the topics."""
    kinds = [
        KindRead(kind=kind.name, title=kind.title.pick(language()), config_schema=kind.fields.model_json_schema())
        for kind in channel_kinds.all_kinds()
    ]
    known = [
        TopicRead(kind=topic.kind, severity=topic.severity.code, title=topic.title.pick(language()))
        for topic in topics.all_topics()
    ]
    return reply(ChoicesRead(kinds=kinds, topics=known))


@api.get("/notification-channels", Permission.NOTIFICATION_READ, {200: ChannelList})
def list_channels() -> Response:
    """The channels of one's part of the tree, by name."""
    return reply(ChannelList(items=channels.find(current_actor())))


@api.post("/notification-channels", Permission.NOTIFICATION_WRITE, {201: ChannelCreated})
def create_channel(body: ChannelBody) -> Response:
    """Set a channel up; a secret that the server made is told only now."""
    wanted = Wanted(**body.model_dump(exclude={"kind"}))
    view, made = channels.create(current_actor(), body.kind, wanted)
    answer = reply(ChannelCreated(**dict(view), made=made), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@api.get("/notification-channels/<id>", Permission.NOTIFICATION_READ, {200: ChannelView})
def get_channel(path: IdPath) -> Response:
    """One channel."""
    return reply(channels.get(current_actor(), path.id))


@api.patch("/notification-channels/<id>", Permission.NOTIFICATION_WRITE, {200: ChannelView})
def change_channel(path: IdPath, body: ChannelChange) -> Response:
    """Change members of a channel."""
    wanted = Wanted(**body.model_dump(exclude={"revision"}))
    return reply(channels.change(current_actor(), path.id, wanted, body.revision))


@api.delete("/notification-channels/<id>", Permission.NOTIFICATION_WRITE, {204: None})
def delete_channel(path: IdPath) -> Response:
    """Remove a channel with its log."""
    channels.delete(current_actor(), path.id)
    return no_content()


@api.post("/notification-channels/<id>/test", Permission.NOTIFICATION_WRITE, {202: TestRead})
def test_channel(path: IdPath) -> Response:
    """Send a test message; the delivery log says what became of it."""
    return reply(TestRead(delivery_id=deliveries.send_test(current_actor(), path.id)), 202)


@api.get("/notification-channels/<id>/deliveries", Permission.NOTIFICATION_READ, {200: PageOut[DeliveryView]})
def list_deliveries(path: IdPath, query: PageQuery) -> Response:
    """A channel's delivery log, newest first."""
    return page_reply(deliveries.of_channel(current_actor(), path.id, query.cursor, query.limit))
