"""Searching messages: what one may not read is outside of the query from the start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from accounts.models import User
from chat import search, search_index
from chat.models import Attachment, Mention, Message, Pin, Room
from chat.protocol import MessageView
from chat.search import Excerpt, Query
from chat.selectors.messages import message_views
from chat.selectors.rooms import readable_rooms
from realtime.auth import Principal

_LINK = Q(search_text__contains="http://") | Q(search_text__contains="https://")


@dataclass(frozen=True)
class Hit:
    """A message that was found, and the part of it that answers the query."""

    message: MessageView
    excerpt: Excerpt


@dataclass(frozen=True)
class Hits:
    """A page of hits, newest first. `cursor`: where the next page begins; None: no more."""

    hits: list[Hit]
    cursor: int | None


def search_messages(
    principal: Principal, query: Query, *, cursor: int | None = None, limit: int
) -> Hits:
    """The newest `limit` messages that answer `query`, in rooms that this person may read.

    A room or person that does not exist, and one that they may not know of, find nothing alike.
    """
    rows = _matching(principal, query)
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor)
    found = list(rows.order_by("-pk").values_list("pk", flat=True)[: limit + 1])
    more = len(found) > limit
    # Found by ids alone, read then: the database carries no texts about while it looks.
    shown = Message.objects.filter(pk__in=found[:limit], deleted_at=None)
    page = list(shown.select_related("room", "author").order_by("-pk"))
    views = _views(page)
    hits = [Hit(views[row.pk], search.excerpt(row.text, query.words)) for row in page]
    return Hits(hits, found[limit - 1] if more else None)


def _views(messages: Sequence[Message]) -> dict[int, MessageView]:
    """Messages of any rooms as clients see them, by id."""
    rooms = {message.room_id: message.room for message in messages}
    views: dict[int, MessageView] = {}
    for room_id, room in rooms.items():
        mine = [message for message in messages if message.room_id == room_id]
        views.update((view.message_id, view) for view in message_views(mine, room))
    return views


def _matching(principal: Principal, query: Query) -> QuerySet[Message]:
    rooms = readable_rooms(principal)
    if query.rooms:
        rooms = rooms.filter(slug__in=query.rooms)
    if query.not_rooms:
        rooms = rooms.exclude(slug__in=query.not_rooms)
    rows = _kept_in(rooms.order_by()).filter(deleted_at=None)
    for word in query.words:
        rows = rows.filter(_contains(word))
    for word in query.without:
        rows = rows.exclude(_contains(word))
    return _filtered(rows, query, principal)


def _kept_in(rooms: QuerySet[Room]) -> QuerySet[Message]:
    """The messages of these rooms that have not expired."""
    if connection.vendor == "postgresql":
        kept = Message.objects.filter(sequence__gt=F("room__floor_sequence"))
        return kept.filter(room__in=rooms.values("pk"))
    # Asked of each message, so that SQLite goes through the newest first and stops when it has
    # enough, instead of sorting all that is in these rooms.
    home = rooms.filter(pk=OuterRef("room_id"), floor_sequence__lt=OuterRef("sequence"))
    return Message.objects.filter(Exists(home))


def _filtered(rows: QuerySet[Message], query: Query, principal: Principal) -> QuerySet[Message]:
    if query.names:
        rows = rows.filter(author_id__in=_called(query.names))
    if query.not_names:
        rows = rows.exclude(author_id__in=_called(query.not_names))
    if query.since is not None:
        rows = rows.filter(created_at__gte=query.since)
    if query.until is not None:
        rows = rows.filter(created_at__lt=query.until)
    conditions = _conditions(principal)
    for key in (*query.has, *query.is_):
        rows = rows.filter(conditions[key])
    for key in (*query.has_not, *query.is_not):
        rows = rows.exclude(conditions[key])
    return rows


def _conditions(principal: Principal) -> dict[str, Any]:
    def hangs_on(rows: QuerySet[Any]) -> Exists:
        return Exists(rows.filter(message_id=OuterRef("pk")))

    return {
        "file": hangs_on(Attachment.objects.all()),
        "image": hangs_on(Attachment.objects.filter(width__isnull=False)),
        "link": _LINK,
        "mention": hangs_on(Mention.objects.filter(by_name=True)) | Q(mentions_all=True),
        "pinned": hangs_on(Pin.objects.all()),
        "edited": Q(edited_at__isnull=False),
        "reply": Q(reply_to__isnull=False),
        "mine": Q(author_id=principal.user_id),
    }


def _called(names: Sequence[str]) -> list[int]:
    """The ids of the people of these names; none for a name of nobody."""
    wanted = {name.lower() for name in names}
    people = User.objects.annotate(called=Lower("username")).filter(called__in=wanted)
    return list(people.values_list("pk", flat=True))


def _contains(word: str) -> Any:
    """True where the folded `word` is in the text; one or two Latin letters are a whole word."""
    if connection.vendor == "postgresql":
        sql, parameters = search_index.condition(word)
        sql = sql.replace("search_text", '"chat_message"."search_text"')
        return RawSQL(sql, parameters, output_field=BooleanField())
    if search_index.is_short_word(word):
        whole = rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"
        return Q(search_text__contains=word) & Q(search_text__regex=whole)
    return Q(search_text__contains=word)
